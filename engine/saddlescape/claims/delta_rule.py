"""Claim 2: without a hidden layer, zero is as good a start as any, because the delta rule adds."""

import numpy as np
import numpy.typing as npt

from saddlescape import plots
from saddlescape.claims.claim import Check, Claim, Finding, Picture, number, point, share
from saddlescape.results import Results
from saddlescape.words.outcomes import Outcome

AS_SOON = 2
"""Zero is as good as other scales if it takes at most this many times the median steps of the slowest of them."""

SIGNS = (1, 1, -1)
"""Signs of the weights and the bias of every network without a hidden layer that solves AND or OR."""


def examine(results: Results) -> Finding:
    """Compare the steps that AND and OR take with an additive and with a multiplicative update."""
    scale, outcome = results.coords["scale"], results["outcome"]
    adds, multiplies = (list(results.coords["stepper"]).index(name) for name in ("gd", "multiplicative"))
    solved, frozen = outcome == Outcome.SOLVED, outcome[:, multiplies, scale == 0] == Outcome.FROZEN
    from_zero, elsewhere = solved[:, adds, scale == 0], solved[:, adds, scale > 0]
    soon = results["solve_step"][:, adds, scale == 0].max()
    medians = np.median(results["solve_step"][:, adds, scale > 0], axis=-1)
    checks = (
        Check(
            f"the delta rule solves the problem in {share(from_zero.sum(), from_zero.size)} runs from zero and in "
            f"{share(elsewhere.sum(), elsewhere.size)} from other scales",
            bool(from_zero.all() and elsewhere.all()),
        ),
        Check(
            f"from zero it takes at most {number(soon)} steps; from other scales the median is {number(medians.min())} "
            f"to {number(medians.max())} steps",
            bool(soon <= AS_SOON * medians.max()),
        ),
        Check(
            f"with the multiplicative rule, {share(frozen.sum(), frozen.size)} runs from zero are frozen",
            bool(frozen.all()),
        ),
    )
    through = solved[:, multiplies, scale > 0]
    right = (np.sign(results["start_theta"][:, multiplies, scale > 0, :, :3]) == SIGNS).all(axis=-1)
    words = {"scale": f"{scale.max():g}", "through": solved_by_multiplying(through, right)}
    panels = {
        f"{rule}, from {'random weights' if start else 'exact zero'}": point(
            results, name="and", stepper=stepper, scale=start
        )
        for stepper, rule in (("gd", "delta rule"), ("multiplicative", "multiplicative rule"))
        for start in (0, scale.max())
    }
    drawn = plots.trajectories(results, panels, columns=2)
    return Finding(checks, words, {"paths": Picture(drawn, "Loss of runs against steps")})


def solved_by_multiplying(solved: npt.NDArray[np.bool_], right: npt.NDArray[np.bool_]) -> str:
    """Say how many random starts a rule that changes no sign solves, and how many of them have a wrong sign."""
    wrong, count = np.count_nonzero(solved & ~right), share(solved.sum(), solved.size)
    if wrong:
        return f"{count} starts are solved, {number(wrong)} of them with a wrong sign."
    return f"only starts whose signs happen to be right are solved: {count}."


CLAIM = Claim(
    "claims/2-delta-rule",
    "Without a hidden layer, zero is harmless",
    "In the delta rule the weight does not appear on the right-hand side: the rule adds, it does not multiply. So a "
    "network without a hidden layer learns AND and OR from zero as well as from any other start; with a multiplicative "
    "update it would not.",
    examine,
)
