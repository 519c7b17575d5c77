"""Claim 1: from zero, the smallest network for XOR never learns."""

import numpy as np
import numpy.typing as npt

from saddlescape import plots
from saddlescape.analysis import zero
from saddlescape.claims.claim import Check, Claim, Finding, Picture, number, percent, share
from saddlescape.outcomes import Outcome, StopReason
from saddlescape.results import Results
from saddlescape.spec import Spec

BUDGETS = (100, 1000, 10_000, 100_000)
STUCK = 0.05
"""A scale is stuck within a budget of steps when fewer starts than this escape."""

ENOUGH_STEPS = 1000
"""A scale is enough if nearly all starts escape within so many steps."""

LEARNS = 0.5
"""Zero is to blame, not the network, when more starts than this are solved at another scale."""


def examine(results: Results) -> Finding:
    """From the fate of starts of all scales, zero included."""
    scale, outcome, escape = results.coords["scale"], results["outcome"], results["escape_step"]
    fixed = (results["stop_reason"] == StopReason.FIXED_POINT) & (results["stop_step"] == 0)
    spec = results.sweep.spec
    at_zero, moves, solved = outcome[scale == 0], moves_from_zero(spec), (outcome == Outcome.SOLVED).mean(axis=1)
    frozen, best, small = np.count_nonzero(at_zero == Outcome.FROZEN), np.argmax(solved), scale[scale > 0].min()
    checks = (
        Check(f"{share(frozen, at_zero.size)} runs from exact zero are frozen", frozen == at_zero.size > 0),
        Check("a step there changes no bit of the state, so no number of steps will", bool(fixed[scale == 0].all())),
        Check(f"in exact arithmetic the derivatives at zero move {moves}", moves == zero.Moves.NOTHING),
        Check(f"{percent(solved[best])} of the starts of scale {scale[best]:g} solve XOR", solved[best] > LEARNS),
    )
    budgets = [budget for budget in BUDGETS if budget <= spec.steps]
    words = {
        "budget": number(ENOUGH_STEPS),
        "enough": f"{enough_scale(scale, escape, ENOUGH_STEPS):g}",
        "enough_share": percent(1 - STUCK),
        "runs": number(results.dims["run"]),
        "small": f"{small:g}",
        "near": share(np.count_nonzero(escape[scale == small] >= 0), results.dims["run"]),
        "steps": number(spec.steps),
        "share": percent(STUCK),
        "budgets": ", ".join(
            f"within {number(budget)} steps up to scale {stuck_scale(scale, escape, budget):g}" for budget in budgets
        ),
    }
    drawn = plots.figure_of(plots.escaped_within(results, budgets))
    return Finding(checks, words, {"within": Picture(drawn, "Fraction of starts escaped against their scale")})


def moves_from_zero(spec: Spec) -> zero.Moves:
    """What the derivatives at zero say of a spec with one hidden layer, or none."""
    activation = spec.activations[0] if spec.network.hidden else None
    way = (spec.training.loss, spec.network.output, spec.batch, spec.training.stepper, spec.training.noise > 0)
    return zero.predicted(spec.loaded.X, spec.loaded.T, activation, *way)


def stuck_scale(scale: npt.NDArray[np.float64], escape: npt.NDArray[np.int64], budget: int) -> float:
    """The largest scale up to which at every scale fewer than `STUCK` of the starts escape within the budget."""
    order = np.argsort(scale)
    escaped = ((escape >= 0) & (escape <= budget)).mean(axis=1)[order]
    return float(scale[order][np.logical_and.accumulate(escaped < STUCK)].max(initial=0.0))


def enough_scale(scale: npt.NDArray[np.float64], escape: npt.NDArray[np.int64], budget: int) -> float:
    """The least scale from which on at every scale all but `STUCK` of the starts escape within the budget."""
    order = np.argsort(-scale)
    escaped = ((escape >= 0) & (escape <= budget)).mean(axis=1)[order]
    return float(scale[order][np.logical_and.accumulate(escaped >= 1 - STUCK)].min(initial=np.inf))


CLAIM = Claim(
    "claims/1-xor",
    "XOR never learns from zero",
    "The 2-2-1 network for XOR is the classical example: from zero it never learns.",
    examine,
)
