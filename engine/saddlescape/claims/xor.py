"""Claim 1: from zero, the smallest network for XOR never learns."""

import itertools

import numpy as np
import numpy.typing as npt

from saddlescape import plots
from saddlescape.analysis import zero
from saddlescape.claims.claim import Check, Claim, Finding, Picture, hundredths, number, share, span, times
from saddlescape.claims.conditions import QUIET
from saddlescape.results import Results
from saddlescape.spec import Spec
from saddlescape.words.outcomes import Outcome, StopReason

Floats = npt.NDArray[np.float64]
Steps = npt.NDArray[np.int64]

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
    spec, runs = results.sweep.spec, results.dims["run"]
    at_zero, moves, solved = outcome[scale == 0], moves_from_zero(spec), (outcome == Outcome.SOLVED).sum(axis=1)
    frozen, best, small = np.count_nonzero(at_zero == Outcome.FROZEN), np.argmax(solved), scale[scale > 0].min()
    still = np.count_nonzero(fixed[scale == 0])
    checks = (
        Check(f"{share(frozen, at_zero.size)} runs from exact zero are frozen", frozen == at_zero.size > 0),
        Check(
            f"in {share(still, at_zero.size)} a step changes no bit of the state, so no number of steps will",
            still == at_zero.size,
        ),
        Check(f"in exact arithmetic the derivatives at zero move {moves}", moves == zero.Moves.NOTHING),
        Check(
            f"the network can: {share(solved[best], runs)} starts of scale {scale[best]:g} solve XOR",
            solved[best] > LEARNS * runs,
        ),
    )
    budgets = [budget for budget in BUDGETS if budget <= spec.steps]
    words = {
        "runs": number(runs),
        "small": f"{small:g}",
        "near": share(np.count_nonzero(escape[scale == small] >= 0), runs),
        "steps": number(spec.steps),
        "best": f"{scale[best]:g}",
        "best_share": share(solved[best], runs),
        "slower": slower(scale, escape),
        "share": hundredths(STUCK),
        "budgets": ", ".join(
            f"within {number(budget)} steps up to scale {stuck_scale(scale, escape, budget):g}" for budget in budgets
        ),
        "enough": enough(scale, escape, ENOUGH_STEPS),
        "tenfold": tenfold(scale, escape),
    }
    drawn = plots.figure_of(plots.escaped_within(results, budgets))
    pictures = {"within": Picture(drawn, "Fraction of starts escaped against their scale")}
    return Finding(checks, words, pictures, (QUIET,))


def moves_from_zero(spec: Spec) -> zero.Moves:
    """What the derivatives at zero say of a spec with one hidden layer, or none."""
    activation = spec.activations[0] if spec.network.hidden else None
    way = (spec.training.loss, spec.network.output, spec.batch, spec.training.optimizer, spec.training.noise > 0)
    return zero.predicted(spec.loaded.X, spec.loaded.T, activation, *way)


def stuck_scale(scale: Floats, escape: Steps, budget: int) -> float:
    """The largest scale up to which at every scale fewer than `STUCK` of the starts escape within the budget."""
    order = np.argsort(scale)
    escaped = ((escape >= 0) & (escape <= budget)).mean(axis=1)[order]
    return float(scale[order][np.logical_and.accumulate(escaped < STUCK)].max(initial=0.0))


def enough_scale(scale: Floats, escape: Steps, budget: int) -> float:
    """The least scale from which on at every scale all but `STUCK` of the starts escape within the budget."""
    order = np.argsort(-scale)
    escaped = ((escape >= 0) & (escape <= budget)).mean(axis=1)[order]
    return float(scale[order][np.logical_and.accumulate(escaped >= 1 - STUCK)].min(initial=np.inf))


def enough(scale: Floats, escape: Steps, budget: int) -> str:
    """From which scale on, of those that were run, all but `STUCK` of the starts escape within the budget."""
    least, many = enough_scale(scale, escape, budget), f"at least {hundredths(1 - STUCK)} of the starts"
    where = f"Of scales {span(least, scale.max())}" if least <= scale.max() else "Of no range of scales that was run"
    return f"{where} {many} leave XOR's plateau within {number(budget)} steps."


def medians(scale: Floats, escape: Steps) -> tuple[Floats, Floats]:
    """Scales at which most starts escape, ascending, and the median step at which they do."""
    order = np.argsort(scale)
    median = np.median(times(escape[order]), axis=1)
    return scale[order][np.isfinite(median)], median[np.isfinite(median)]


def slower(scale: Floats, escape: Steps) -> str:
    """How the time depends on the scale, where most starts escape; nothing if larger ones are not always quicker."""
    found, median = medians(scale, escape)
    if len(found) < 2 or (np.diff(median) >= 0).any():
        return ""
    return (
        f"The smaller the start, the more steps it takes: {number(median[-1])} in the median at scale {found[-1]:g}, "
        f"{number(median[0])} at scale {found[0]:g}."
    )


def tenfold(scale: Floats, escape: Steps) -> str:
    """How many times as long a start takes that is ten times nearer, measured where both are."""
    found, median = medians(scale, escape)
    pairs = [(i, j) for i, j in itertools.product(range(len(found)), repeat=2) if np.isclose(found[j], 10 * found[i])]
    if not pairs:
        return ""
    (near, far), *_ = pairs
    return (
        f"Of scale {found[near]:g} it takes the median start {number(median[near] / median[far])} times as many as of "
        f"scale {found[far]:g}."
    )


CLAIM = Claim(
    "claims/1-xor",
    "XOR never learns from zero",
    "The 2-2-1 network for XOR is the classical example: from zero it never learns.",
    examine,
)
