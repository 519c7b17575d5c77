"""Claim 1: the smallest network for XOR never learns from zero."""

import itertools

import numpy as np
import numpy.typing as npt

from saddlescape import plots
from saddlescape.analysis import zero
from saddlescape.claims.claim import Check, Claim, Finding, Picture, hundredths, number, share, span, times
from saddlescape.claims.conditions import QUIET, together
from saddlescape.results import Results
from saddlescape.spec import Spec
from saddlescape.words.outcomes import Outcome, StopReason

Floats = npt.NDArray[np.float64]
Steps = npt.NDArray[np.int64]

BUDGETS = (100, 1000, 10_000, 100_000)
STUCK = 0.05
"""A scale is too small for a number of steps if less than this fraction of its starts escape."""

ENOUGH_STEPS = 1000
"""A scale is large enough if nearly all of its starts escape within this many steps."""

LEARNS = 0.5
"""The network is able to solve XOR if more than this fraction of the starts of some scale do."""


def examine(results: Results) -> Finding:
    """Compare starts of all scales, zero included."""
    scale, outcome, escape = results.coords["scale"], results["outcome"], results["escape_step"]
    fixed = (results["stop_reason"] == StopReason.FIXED_POINT) & (results["stop_step"] == 0)
    spec, runs = results.sweep.spec, results.dims["run"]
    at_zero, moves, solved = outcome[scale == 0], moves_from_zero(spec), (outcome == Outcome.SOLVED).sum(axis=1)
    frozen, best, small = np.count_nonzero(at_zero == Outcome.FROZEN), np.argmax(solved), scale[scale > 0].min()
    still = np.count_nonzero(fixed[scale == 0])
    checks = (
        Check(f"{share(frozen, at_zero.size)} runs from exact zero are frozen", frozen == at_zero.size > 0),
        Check(
            f"in {share(still, at_zero.size)} the first step changes no bit of the state, so no later step will",
            still == at_zero.size,
        ),
        Check(f"in exact arithmetic, the derivatives at zero predict that {moves} moves", moves == zero.Moves.NOTHING),
        Check(
            f"the network is able to learn: {share(solved[best], runs)} starts of scale {scale[best]:g} solve XOR",
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
    """Predict which parameters move from zero, for a spec with at most one hidden layer."""
    activation = spec.activations[0] if spec.network.hidden else None
    keys, output = spec.training, spec.network.output
    training = (keys.loss, output, together(spec), keys.optimizer)
    random = (keys.noise > 0, keys.dropout > 0)
    return zero.predicted(spec.loaded.X, spec.loaded.T, activation, *training, *random, keys.bias_rate == 0)


def stuck_scale(scale: Floats, escape: Steps, budget: int) -> float:
    """Return the largest scale up to which fewer than `STUCK` of the starts of every scale escape within the budget."""
    order = np.argsort(scale)
    escaped = ((escape >= 0) & (escape <= budget)).mean(axis=1)[order]
    return float(scale[order][np.logical_and.accumulate(escaped < STUCK)].max(initial=0.0))


def enough_scale(scale: Floats, escape: Steps, budget: int) -> float:
    """Return the least scale from which on all but `STUCK` of the starts escape within the budget, or inf."""
    order = np.argsort(-scale)
    escaped = ((escape >= 0) & (escape <= budget)).mean(axis=1)[order]
    return float(scale[order][np.logical_and.accumulate(escaped >= 1 - STUCK)].min(initial=np.inf))


def enough(scale: Floats, escape: Steps, budget: int) -> str:
    """Say at which scales all but `STUCK` of the starts escape within the budget."""
    least, largest, most = enough_scale(scale, escape, budget), scale.max(), hundredths(1 - STUCK)
    escaped = f"{most} of the starts leave XOR's plateau within {number(budget)} steps."
    if least <= largest:
        return f"At {span(least, largest)}, at least {escaped}"
    return f"At scale {largest:g}, the largest that was run, fewer than {escaped}"


def medians(scale: Floats, escape: Steps) -> tuple[Floats, Floats]:
    """Return the scales at which most starts escape, ascending, and the median steps at which they do."""
    order = np.argsort(scale)
    median = np.median(times(escape[order]), axis=1)
    return scale[order][np.isfinite(median)], median[np.isfinite(median)]


def slower(scale: Floats, escape: Steps) -> str:
    """Say how the escape time depends on the scale; "" unless it always falls with the scale."""
    scales, median = medians(scale, escape)
    if len(scales) < 2 or (np.diff(median) >= 0).any():
        return ""
    return (
        f"The smaller the scale, the longer the escape: a median of {number(median[-1])} steps at scale "
        f"{scales[-1]:g}, {number(median[0])} at scale {scales[0]:g}."
    )


def tenfold(scale: Floats, escape: Steps) -> str:
    """Say how many times as long starts of a tenth of the scale take; "" if no such pair of scales was run."""
    scales, median = medians(scale, escape)
    indices = range(len(scales))
    pairs = [(i, j) for i, j in itertools.product(indices, repeat=2) if np.isclose(scales[j], 10 * scales[i])]
    if not pairs:
        return ""
    (near, far), *_ = pairs
    return (
        f"At scale {scales[near]:g} the median start takes {number(median[near] / median[far])} times as many steps as "
        f"at scale {scales[far]:g}."
    )


CLAIM = Claim(
    "claims/1-xor",
    "XOR never learns from zero",
    "The 2-2-1 network for XOR is the classical example: it never learns from zero.",
    examine,
)
