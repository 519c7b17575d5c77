"""The built-in problems."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BuiltIn:
    """A problem.

    Attributes
    ----------
    keys : keys of ``problem`` that it needs and that are its own.
    optional : keys that are its own and may be left out.
    draws, targets : of one that is drawn, what is drawn in this order, and the targets.
    aliases : other names of it, which are taken for it.
    similar : what others call it, or may mean by it; it is suggested.
    """

    keys: tuple[str, ...] = ()
    optional: tuple[str, ...] = ("coding",)
    draws: str = ""
    targets: str = ""
    aliases: tuple[str, ...] = ()
    similar: tuple[str, ...] = ()


_SIZES, _DRAW = ("samples", "inputs", "outputs"), ("seed", "input_scale", "target_scale")

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
}

DRAWN = tuple(name for name, problem in PROBLEMS.items() if problem.draws)
"""Those whose inputs, and whose targets or teacher, are drawn."""


def owners(key: str) -> tuple[str, ...]:
    """The problems that a key of ``problem`` belongs to."""
    return tuple(name for name, its in PROBLEMS.items() if key in (*its.keys, *its.optional))
