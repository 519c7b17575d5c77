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
"""Names of the problems whose inputs, and targets or weights, are drawn."""


def owners(key: str) -> tuple[str, ...]:
    """Names of the problems that have a key of ``problem``."""
    return tuple(name for name, its in PROBLEMS.items() if key in (*its.keys, *its.optional))
