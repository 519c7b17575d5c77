"""The kinds of starts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StartKind:
    """A kind of start.

    Attributes
    ----------
    draws : the start before it is multiplied by `starts.scale`.
    keys : keys of ``starts`` that only this kind has, and needs.
    optional : further keys that only this kind has.
    seeded : whether it depends on `starts.seed`, unless an optional key replaces the draw.
    single : whether all runs of a point have the same start.
    scaled : whether it is multiplied by `starts.scale`.
    unit : whether the draw is normalized to length 1.
    biases : whether biases are drawn; otherwise they are zero.
    shapes : whether it determines the dimensions of the result, so that it cannot be a value of an axis.
    aliases : other names, which are accepted.
    similar : names that other software uses for it or for something like it; they are errors that suggest it.
    """

    draws: str
    keys: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    seeded: bool = True
    single: bool = False
    scaled: bool = True
    unit: bool = False
    biases: bool = True
    shapes: bool = False
    aliases: tuple[str, ...] = ()
    similar: tuple[str, ...] = ()


STARTS = {
    "zero": StartKind("every parameter is 0", seeded=False, single=True, scaled=False, similar=("zeros",)),
    "constant": StartKind("every parameter is 1", seeded=False, single=True, similar=("ones", "const")),
    "normal": StartKind("standard normal", similar=("gaussian", "random_normal", "randn", "gauss")),
    "uniform": StartKind("uniform from -1 to 1", similar=("random_uniform", "rand")),
    "sphere": StartKind("the normal draw, normalized to length 1", unit=True),
    "tied": StartKind("the normal draw of one unit in all hidden units of a layer"),
    "mirrored": StartKind("like tied, with the opposite sign in every other unit"),
    "ray": StartKind(
        "`direction`, or the normal draw of run 0, normalized to length 1",
        optional=("direction",),
        single=True,
        unit=True,
    ),
    "truncated_normal": StartKind(
        "standard normal without numbers beyond -2 and 2", aliases=("trunc_normal",), similar=("truncated", "truncnorm")
    ),
    "glorot_uniform": StartKind(
        "uniform from -a to a, a = sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010)",
        biases=False,
        aliases=("xavier_uniform",),
        similar=("glorot", "xavier", "normalized_initialization"),
    ),
    "glorot_normal": StartKind(
        "normal, variance 2 / (fan_in + fan_out) (`torch.nn.init.xavier_normal_`)",
        biases=False,
        aliases=("xavier_normal",),
        similar=("glorot", "xavier"),
    ),
    "he_uniform": StartKind(
        "uniform from -a to a, a = sqrt(6 / fan_in) (`torch.nn.init.kaiming_uniform_`, Keras)",
        biases=False,
        aliases=("kaiming_uniform",),
        similar=("he", "kaiming"),
    ),
    "he_normal": StartKind(
        "normal, variance 2 / fan_in (He et al. 2015)",
        biases=False,
        aliases=("kaiming_normal",),
        similar=("he", "kaiming", "msra"),
    ),
    "lecun_uniform": StartKind(
        "uniform from -a to a, a = sqrt(3 / fan_in) (LeCun et al. 1998)", biases=False, similar=("lecun",)
    ),
    "lecun_normal": StartKind("normal, variance 1 / fan_in (LeCun et al. 1998)", biases=False, similar=("lecun",)),
    "orthogonal": StartKind(
        "orthonormal rows, or columns if there are fewer: Q of a standard normal matrix (Saxe et al. 2013)",
        biases=False,
        similar=("orthonormal", "unitary"),
    ),
    "sparse": StartKind(
        "normal, standard deviation 0.01; some weights from each input zero (`torch.nn.init.sparse_`, Martens 2010)",
        optional=("sparsity",),
        biases=False,
    ),
    "torch": StartKind(
        "weights and biases uniform from -a to a, a = 1 / sqrt(fan_in) (`torch.nn.Linear`)",
        similar=("pytorch", "linear", "default"),
    ),
    "nguyen_widrow": StartKind(
        "hidden weights in random directions of length 0.7 H^(1/N), biases uniform up to it (Nguyen and Widrow 1990)",
        aliases=("initnw",),
    ),
    "slice": StartKind("a grid over two parameters", keys=("base", "x", "y"), seeded=False, scaled=False, shapes=True),
    "file": StartKind("rows of an array", keys=("file",), seeded=False, scaled=False, shapes=True),
}


def owner(key: str) -> str | None:
    """The kind of start that has a key of ``starts``; None if all kinds have it."""
    return next((name for name, kind in STARTS.items() if key in (*kind.keys, *kind.optional)), None)
