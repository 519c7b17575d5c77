"""The kinds of starts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StartKind:
    """A kind of start.

    Attributes
    ----------
    draws : what it is, before `starts.scale` multiplies it.
    keys : keys of ``starts`` that it needs and that are its own.
    optional : keys that are its own and may be left out.
    seeded : whether `starts.seed` matters; not where an optional key stands in place of the draw.
    single : whether all runs of a point have one start.
    scaled : whether `starts.scale` multiplies it.
    unit : whether its draw has length 1.
    shapes : whether it shapes the result as a whole, so that it cannot be a value of an axis.
    aliases : other names of it, which are taken for it.
    similar : what others call it, or may mean by it; it is suggested.
    """

    draws: str
    keys: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    seeded: bool = True
    single: bool = False
    scaled: bool = True
    unit: bool = False
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
    "mirrored": StartKind("like tied, with opposite sign in every other unit"),
    "ray": StartKind(
        "`direction`, or the normal draw of run 0, normalized to length 1",
        optional=("direction",),
        single=True,
        unit=True,
    ),
    "slice": StartKind("a grid over two parameters", keys=("base", "x", "y"), seeded=False, scaled=False, shapes=True),
    "file": StartKind("rows of an array", keys=("file",), seeded=False, scaled=False, shapes=True),
}


def owner(key: str) -> str | None:
    """The kind that a key of ``starts`` belongs to; None for those of all kinds."""
    return next((name for name, kind in STARTS.items() if key in (*kind.keys, *kind.optional)), None)
