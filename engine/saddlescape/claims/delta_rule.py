"""Claim 2: without a hidden layer zero is as good a start as any, because the delta rule adds."""

import numpy as np
import numpy.typing as npt

from saddlescape import plots
from saddlescape.claims.claim import Check, Claim, Finding, Picture, number, point, share
from saddlescape.results import Results
from saddlescape.words.outcomes import Outcome

AS_SOON = 2
"""Zero is as good as elsewhere when it takes at most so many times the median of the slowest other scale."""

SIGNS = (1, 1, -1)
"""Of the weights and the bias of every network without a hidden layer that solves AND, or OR."""


def examine(results: Results) -> Finding:
    """From the steps that AND and OR take, by an update that adds and one that multiplies."""
    scale, outcome = results.coords["scale"], results["outcome"]
    adds, multiplies = (list(results.coords["stepper"]).index(way) for way in ("gd", "multiplicative"))
    solved, frozen = outcome == Outcome.SOLVED, outcome[:, multiplies, scale == 0] == Outcome.FROZEN
    from_zero, elsewhere = solved[:, adds, scale == 0], solved[:, adds, scale > 0]
    soon = results["solve_step"][:, adds, scale == 0].max()
    medians = np.median(results["solve_step"][:, adds, scale > 0], axis=-1)
    checks = (
        Check(
            f"the delta rule learns in {share(from_zero.sum(), from_zero.size)} runs from zero and in "
            f"{share(elsewhere.sum(), elsewhere.size)} from other scales",
            bool(from_zero.all() and elsewhere.all()),
        ),
        Check(
            f"from zero it takes at most {number(soon)} steps, from other scales {number(medians.min())} to "
            f"{number(medians.max())} in the median",
            bool(soon <= AS_SOON * medians.max()),
        ),
        Check(f"multiplied, {share(frozen.sum(), frozen.size)} runs from zero are frozen", bool(frozen.all())),
    )
    through = solved[:, multiplies, scale > 0]
    right = (np.sign(results["start_theta"][:, multiplies, scale > 0, :, :3]) == SIGNS).all(axis=-1)
    words = {"scale": f"{scale.max():g}", "through": come_through(through, right)}
    panels = {
        f"{way}, from {'random weights' if where else 'exact zero'}": point(
            results, name="and", stepper=stepper, scale=where
        )
        for stepper, way in (("gd", "adding"), ("multiplicative", "multiplying"))
        for where in (0, scale.max())
    }
    drawn = plots.trajectories(results, panels, columns=2)
    return Finding(checks, words, {"paths": Picture(drawn, "Loss of runs against steps")})


def come_through(through: npt.NDArray[np.bool_], right: npt.NDArray[np.bool_]) -> str:
    """How many random starts a rule that turns no sign solves, and whether those of wrong signs are among them."""
    wrong, told = np.count_nonzero(through & ~right), share(through.sum(), through.size)
    if wrong:
        return f"{told} starts come through, {number(wrong)} of them with signs that are not those of a solution."
    return f"only those starts come through whose signs happen to be right: {told}."


CLAIM = Claim(
    "claims/2-delta-rule",
    "Without a hidden layer zero is harmless",
    "In the delta rule the weight does not appear on the right-hand side: it adds, it does not multiply. So a network "
    "without a hidden layer learns AND and OR from zero just as from anywhere; a multiplicative update would not.",
    examine,
)
