"""Claim 4: units that start equal stay equal, and are worth no more than one."""

import numpy as np

from saddlescape import plots
from saddlescape.claims.claim import Check, Claim, Finding, Picture, number, point, share, span
from saddlescape.claims.conditions import QUIET
from saddlescape.results import Results
from saddlescape.words.outcomes import Outcome

ONE_UNIT = 1 / 3
"""Least loss of equal units on XOR, never reached: outputs 0, 2/3, 2/3, 2/3, the best fit to 0, 1, 1, 0 that rises."""

NEAR = 0.01
"""A run has come down to a loss when it is less than so much above it."""


def examine(results: Results) -> Finding:
    """From starts with equal units beside starts with different ones."""
    tied, normal = (list(results.coords["kind"]).index(kind) for kind in ("tied", "normal"))
    apart, loss, solved = results["final_separation"], results["final_loss"], results["outcome"] == Outcome.SOLVED
    equal, reached, scale = apart[tied] == 0, loss[tied] <= ONE_UNIT, results.coords["scale"]
    scales, widths = span(scale.min(), scale.max()), " or ".join(map(str, results.coords["hidden"]))
    above = f"{loss[tied].min() - ONE_UNIT:.0e}"
    checks = (
        Check(
            f"{share(equal.sum(), equal.size)} runs with equal units ({widths} of them, scales {scales}) still have "
            f"units equal to the last bit after up to {number(results['stop_step'].max())} steps",
            bool(equal.all()),
        ),
        Check(
            f"{share(reached.sum(), reached.size)} get to a loss of 1/3"
            + ("" if reached.any() else f": the nearest stays {above} above it"),
            not bool(reached.any()),
        ),
        Check(
            f"{share(solved[normal].sum(), solved[normal].size)} runs with different units solve XOR, of those with "
            f"equal ones {share(solved[tied].sum(), solved[tied].size)}",
            bool(solved[normal].any() and not solved[tied].any()),
        ),
    )
    shown = loss[tied][:, scale == 1] - ONE_UNIT
    words = {
        "nearest": nearest(bool(reached.any()), above),
        "down": share(np.count_nonzero(shown < NEAR), shown.size),
        "near": f"{NEAR:g}",
        "below": share(np.count_nonzero(shown < 0), shown.size),
    }
    panels = {
        f"{width} units, {what}": point(results, kind=kind, hidden=width, scale=1)
        for kind, what in (("tied", "equal"), ("normal", "different"))
        for width in results.coords["hidden"]
    }
    drawn = plots.trajectories(results, panels, {"1/3": ONE_UNIT}, columns=2)
    pictures = {"paths": Picture(drawn, "Loss of equal and of different units against steps")}
    return Finding(checks, words, pictures, (QUIET,))


def nearest(reached: bool, above: str) -> str:
    """How near to the loss of one unit equal units came."""
    if reached:
        return "Some run with equal units came there all the same."
    return f"The nearest that any run with equal units came is {above} above it."


CLAIM = Claim(
    "claims/4-equal-units",
    "Equal units stay equal",
    "With equal weights, zero or not, all units follow the same gradient and end up doing the same thing, for ever.",
    examine,
)
