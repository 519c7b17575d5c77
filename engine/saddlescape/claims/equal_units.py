"""Claim 4: units that start equal stay equal and act as one unit."""

import numpy as np

from saddlescape import plots
from saddlescape.claims.claim import Check, Claim, Finding, Picture, number, point, share, span
from saddlescape.claims.conditions import QUIET
from saddlescape.results import Results
from saddlescape.words.outcomes import Outcome

ONE_UNIT = 1 / 3
"""Infimum of the loss of equal units on XOR: 0, 2/3, 2/3, 2/3 is the best monotone fit to 0, 1, 1, 0."""

NEAR = 0.01
"""A run has come near a loss if its own is less than this above it."""


def examine(results: Results) -> Finding:
    """Compare starts with equal units and starts with different units."""
    tied, normal = (list(results.coords["kind"]).index(kind) for kind in ("tied", "normal"))
    separation, loss, solved = results["final_separation"], results["final_loss"], results["outcome"] == Outcome.SOLVED
    equal, reached, scale = separation[tied] == 0, loss[tied] <= ONE_UNIT, results.coords["scale"]
    scales, widths = span(scale.min(), scale.max()), " or ".join(map(str, results.coords["hidden"]))
    above = f"{loss[tied].min() - ONE_UNIT:.0e}"
    checks = (
        Check(
            f"in {share(equal.sum(), equal.size)} runs with equal units ({widths} of them, {scales}) the units are "
            f"still equal to the last bit after up to {number(results['stop_step'].max())} steps",
            bool(equal.all()),
        ),
        Check(
            f"{share(reached.sum(), reached.size)} reach a loss of 1/3"
            + ("" if reached.any() else f": the closest stays {above} above it"),
            not bool(reached.any()),
        ),
        Check(
            f"{share(solved[normal].sum(), solved[normal].size)} runs with different units solve XOR, with equal "
            f"units {share(solved[tied].sum(), solved[tied].size)}",
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
        f"{width} units, {name}": point(results, kind=kind, hidden=width, scale=1)
        for kind, name in (("tied", "equal"), ("normal", "different"))
        for width in results.coords["hidden"]
    }
    drawn = plots.trajectories(results, panels, {"1/3": ONE_UNIT}, columns=2)
    pictures = {"paths": Picture(drawn, "Loss of equal and of different units against steps")}
    return Finding(checks, words, pictures, (QUIET,))


def nearest(reached: bool, above: str) -> str:
    """Say how close equal units came to the infimum of the loss of one unit."""
    if reached:
        return "At least one run with equal units reached it nevertheless."
    return f"The closest run with equal units stays {above} above it."


CLAIM = Claim(
    "claims/4-equal-units",
    "Equal units stay equal",
    "With equal weights, zero or not, all units follow the same gradient and stay equal forever.",
    examine,
)
