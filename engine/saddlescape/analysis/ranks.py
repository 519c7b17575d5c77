"""Gehan's rank estimator of the slope of a line, for times that may be censored and scatter of any distribution.

Each row of an array is a point of x, each column a run.  The scatter has the same distribution at each x.  Runs are
independent; the times of one run need not be.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from saddlescape.analysis.escape import upper_tail

Array = npt.NDArray[np.float64]
Seen = npt.NDArray[np.bool_]

HALVINGS = 50
"""Number of bisections of the range of slopes, which is twice the largest slope between two points to either side."""

ROUNDING = 1e-9
"""A score smaller than this fraction of the range of x counts as 0, because sums of x are rounded."""

ULPS = 16
"""The interval is extended on each side for an error of this many units in the last place of the largest y: times,
logarithms and residuals are rounded, and if all runs follow a law exactly, the interval would have no width."""

RUNS, EVENTS = 8, 5
"""Minimum number of runs, and of observed events at two points of x.  With fewer, the 95 % interval contained the true
slope in less than 92 % or more than 98 % of simulated samples."""


class RankSlope(NamedTuple):
    """The slope and its interval, which is NaN with too few observations."""

    value: float
    low: float
    high: float


def rank_slope(x: Array, y: Array, seen: Seen, confidence: float = 0.95) -> RankSlope:
    """Slope for which the residuals of y have no trend in x, by Gehan's ranks.

    The score compares each observed residual with all residuals that are as large or larger, observed or censored.  It
    increases with the slope.  The interval contains the slopes for which Student's t-test, with the jackknife variance
    of the score over runs, does not reject a score of 0.

    Parameters
    ----------
    x : (points,), at least two of them different.
    y, seen : (points, runs); y is a lower bound where `seen` is false, and -inf without a time.
    confidence : confidence level of the interval.

    References
    ----------
    A. A. Tsiatis (1990), Estimating regression parameters using linear rank tests for censored data, Ann. Statist. 18,
    354-372; M. Fygenson & Y. Ritov (1994), Monotone estimating equations for censored data, Ann. Statist. 22, 732-746;
    jackknife: J. N. Arvesen (1969), Jackknifing U-statistics, Ann. Math. Statist. 40, 2076-2100.
    """
    finite = np.isfinite(y)
    y, seen, runs = y[:, finite.any(axis=0)], seen[:, finite.any(axis=0)], int(finite.any(axis=0).sum())
    furthest = 2 * float(np.ptp(y[np.isfinite(y)]) / np.diff(np.unique(x[finite.any(axis=1)])).min())

    least = ROUNDING * float(np.ptp(x))

    def score(slope: float) -> float:
        return _score(x, y - slope * x[:, None], seen)[0]

    def tested(slope: float) -> float:
        score, spread = _score(x, y - slope * x[:, None], seen)
        return score / spread if spread else float(np.sign(score)) * np.inf

    low, high = (_first(score, level, -furthest, furthest) for level in (-least, least))
    value, most = (low + high) / 2, float(stdtrit(max(runs - 1, 1), upper_tail(confidence)))
    enough = runs >= RUNS and np.sort(seen.sum(axis=1))[-2] >= EVENTS
    if not enough or tested(-furthest) > -most or tested(furthest) < most:
        return RankSlope(value, np.nan, np.nan)
    rounding = ULPS * float(np.spacing(abs(y[np.isfinite(y)]).max()) / np.diff(np.unique(x)).min())
    low, high = _first(tested, -most, -furthest, value), _first(tested, most, value, furthest)
    return RankSlope(value, low - rounding, high + rounding)


def _first(function: Callable[[float], float], level: float, low: float, high: float) -> float:
    """The argument at which an increasing function crosses a level, by bisection."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if function(middle) > level else (middle, high)
    return (low + high) / 2


def _score(x: Array, residual: Array, seen: Seen) -> tuple[float, float]:
    """Gehan's score, the sum of x_i - x_j over residuals i <= j with i observed, and its standard deviation.

    The score is a sum over pairs of runs, so that the standard deviation follows from the share of each run.
    """
    runs = residual.shape[1]
    pairs = _pairs(x, residual, seen).sum(axis=0)
    before = (residual[:, None] <= residual[None]) & seen[:, None]
    within: Array = np.einsum("ijr,ij->r", before, x[:, None] - x[None], dtype=np.float64)
    if runs < 3:
        return float(pairs.sum() / 2), 0.0
    alone = pairs - 2 * within + within * (runs - 2) / (runs - 1)
    spread = np.sqrt(runs * (runs - 1) * np.sum((alone - alone.mean()) ** 2)) / (runs - 2)
    return float(pairs.sum() / 2), float(spread)


def _pairs(x: Array, residual: Array, seen: Seen) -> Array:
    """Sum of the score's terms that involve each time, with the shape of `residual`; takes a time of order n ln n."""
    flat = residual.ravel()
    order = np.argsort(flat, kind="stable")
    flat, seen_x = flat[order], np.repeat(x, residual.shape[1])[order]
    seen_at = seen.ravel()[order].astype(np.float64)
    less, up_to = np.searchsorted(flat, flat, "left"), np.searchsorted(flat, flat, "right")
    all_x, count, sum_x = (np.append(0.0, np.cumsum(values)) for values in (seen_x, seen_at, seen_at * seen_x))
    as_first = seen_at * ((len(flat) - less) * seen_x - (all_x[-1] - all_x[less]))
    terms = np.empty_like(flat)
    terms[order] = as_first + sum_x[up_to] - count[up_to] * seen_x
    return terms.reshape(residual.shape)
