"""The built-in problems."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BuiltIn:
    """A built-in problem.

    Attributes
    ----------
    keys : keys of ``problem`` that it needs; other problems do not have them unless they list them too.
    optional : further keys of ``problem`` that it has.
    draws, targets : for a drawn problem, the arrays that are drawn, in this order, and the targets.
    aliases : other names, which are accepted.
    similar : names that other software uses for it or for something like it; they are errors that suggest it.
    classes : for classes that are drawn with noise, their number by default.
    noise : the standard deviation of the noise by default.
    """

    keys: tuple[str, ...] = ()
    optional: tuple[str, ...] = ("coding", "input_coding", "target_coding")
    draws: str = ""
    targets: str = ""
    aliases: tuple[str, ...] = ()
    similar: tuple[str, ...] = ()
    classes: int | None = None
    noise: float = 0.0


_SIZES, _DRAW = ("samples", "inputs", "outputs"), ("seed", "input_scale", "target_scale")
_CLASSES = ("seed", "input_scale", "coding", "target_coding", "noise", "label_noise", "balance")
_CLASS_DRAWS = "u, v, w (samples), noise (samples, 2)"

PROBLEMS = {
    **{name: BuiltIn() for name in ("xor", "and", "or", "nand", "nor", "xnor")},
    "parity": BuiltIn(("bits",)),
    "encoder": BuiltIn(("size",), ()),
    "random": BuiltIn(_SIZES, _DRAW, "X (samples, inputs), T (samples, outputs)", "T"),
    "linear": BuiltIn(_SIZES, _DRAW, "X, W (inputs, outputs)", "X W / sqrt(inputs)"),
    "teacher": BuiltIn(
        (*_SIZES, "hidden"),
        _DRAW,
        "X, W (inputs, hidden), V (hidden, outputs)",
        "tanh(X W / sqrt(inputs)) V / sqrt(hidden)",
    ),
    "moons": BuiltIn(
        ("samples",),
        _CLASSES,
        _CLASS_DRAWS,
        "0: (cos a, sin a), 1: (1 - cos a, 1/2 - sin a), a evenly spaced from 0 to pi",
        similar=("make_moons", "two_moons", "half_moons"),
        classes=2,
    ),
    "circles": BuiltIn(
        ("samples",),
        (*_CLASSES, "factor"),
        _CLASS_DRAWS,
        "0: (cos a, sin a), 1: factor times that, a evenly spaced from 0 to 2 pi, without the end",
        similar=("make_circles", "rings", "annuli"),
        classes=2,
    ),
    "spirals": BuiltIn(
        ("samples",),
        (*_CLASSES, "classes", "turns"),
        _CLASS_DRAWS,
        "k: (r cos a, r sin a), r evenly spaced from 0 to 1, a = 2 pi (k / classes + turns r)",
        similar=("two_spirals", "spiral"),
        classes=2,
    ),
    "blobs": BuiltIn(
        ("samples",),
        (*_CLASSES, "classes", "inputs"),
        "centers (classes, inputs), u, v, w (samples), noise (samples, inputs)",
        "k: center k, uniform from -10 to 10 in each input",
        similar=("make_blobs", "gaussians", "clusters"),
        classes=3,
        noise=1.0,
    ),
    "sine": BuiltIn(
        ("samples",),
        (*_DRAW, "noise", "frequency"),
        "x (samples, 1), uniform from -1 to 1, noise (samples, 1)",
        "sin(pi frequency x) + noise",
        similar=("sinus", "make_sine"),
    ),
}

DRAWN = tuple(name for name, problem in PROBLEMS.items() if problem.draws)
"""Names of the problems whose inputs, and targets or weights, are drawn."""

SHAPES = tuple(name for name, problem in PROBLEMS.items() if problem.draws and problem.keys == ("samples",))
"""Names of the drawn problems with noise: classes, and a sine."""


TABLES = tuple(name for name, problem in PROBLEMS.items() if not problem.draws)
"""Names of the problems that are truth tables."""


def owners(key: str) -> tuple[str, ...]:
    """Names of the problems that have a key of ``problem``."""
    return tuple(name for name, its in PROBLEMS.items() if key in (*its.keys, *its.optional))
