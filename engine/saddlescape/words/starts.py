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
    "slice": StartKind("a grid over two parameters", keys=("base", "x", "y"), seeded=False, scaled=False, shapes=True),
    "file": StartKind("rows of an array", keys=("file",), seeded=False, scaled=False, shapes=True),
}


def owner(key: str) -> str | None:
    """The kind of start that has a key of ``starts``; None if all kinds have it."""
    return next((name for name, kind in STARTS.items() if key in (*kind.keys, *kind.optional)), None)
