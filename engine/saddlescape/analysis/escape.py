"""Counts of outcomes, and fractions of starts with intervals."""

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from saddlescape.system.arguments import ArgumentError
from saddlescape.words.outcomes import Outcome


class Fraction(NamedTuple):
    """Fraction of runs at each point, and its interval; float64 (points,)."""

    value: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]


def outcome_counts(outcome: npt.ArrayLike, axis: int | None = 0) -> npt.NDArray[np.int64]:
    """Count the runs with each outcome at each point of one axis; other axes are pooled.

    Parameters
    ----------
    outcome : codes of the outcomes, any shape.
    axis : the axis to keep; None pools all axes.

    Returns
    -------
    int64 (points, number of outcomes), one point if `axis` is None; column `o` counts the runs with ``Outcome(o)``.

    Raises
    ------
    ArgumentError : `outcome` is no array of integers.
    """
    outcome = np.asarray(outcome)
    if outcome.dtype.kind not in "iu":
        raise ArgumentError(f"outcome must be codes of outcomes, such as r.outcome; got {outcome.dtype} values")
    rows = outcome.reshape(1, -1) if axis is None else np.moveaxis(outcome, axis, 0)
    rows = rows.reshape(len(rows), -1)
    return np.stack([np.count_nonzero(rows == o, axis=1) for o in Outcome], axis=1)


def upper_tail(confidence: float) -> float:
    """Probability (1 + confidence) / 2 up to the upper end of a two-sided interval.

    Raises
    ------
    ValueError : the confidence is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1; got {confidence}")
    return (1 + confidence) / 2


def wilson_interval(
    k: npt.ArrayLike, n: npt.ArrayLike, confidence: float = 0.95
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Lower and upper end of Wilson's score interval of a fraction, for `k` successes in `n` independent trials.

    The interval has a positive width and stays in [0, 1], also for k = 0 and k = n; there is no continuity correction.
    Counts are discrete, so the 95 % interval covers the fraction in 95 % of samples only on average over fractions (in
    92 to 98 % for 5 trials or more); near 0 or 1, it does so in at least 83 %.

    Parameters
    ----------
    k, n : array_like, broadcast against each other; 0 <= k <= n, n > 0.
    confidence : confidence level of the two-sided interval, between 0 and 1.

    Raises
    ------
    ValueError : a count or the confidence is outside its range.

    References
    ----------
    E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference, J. Amer.
    Statist. Assoc. 22, 209-212; in this form equation (4) of Brown, Cai & DasGupta (2001), Statist. Sci. 16,
    101-133.
    """
    k, n = np.broadcast_arrays(np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64))
    if not (np.all(k >= 0) and np.all(k <= n) and np.all(n > 0)):
        raise ValueError("k and n must satisfy 0 <= k <= n and n > 0")
    z = NormalDist().inv_cdf(upper_tail(confidence))
    center = (k + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(k * (n - k) / n + z**2 / 4)
    return np.where(k == 0, 0.0, center - half), np.where(k == n, 1.0, center + half)


def event_fraction(event: npt.ArrayLike, axis: int | None = 0, confidence: float = 0.95) -> Fraction:
    """Fraction of runs that had an event, at each point of one axis, with Wilson's interval; other axes are pooled.

    Runs of the same number share their random numbers at all points, so the interval counts each number once.  It is
    meaningless if all starts are the same, as at exact zero.

    Parameters
    ----------
    event : (..., runs), `escape_step`, `solve_step` (-1: never) or `escape_time`, `solve_time` (NaN: never).
    axis : the axis to keep; None pools all axes.
    confidence : confidence level of the interval.

    Returns
    -------
    Fraction with arrays (points,); one point for None.

    Raises
    ------
    ValueError : there are no runs, or the confidence is outside its range.
    """
    event = np.asarray(event)
    rows = event.reshape(1, -1) if axis is None else np.moveaxis(event, axis, 0)
    seen = rows.reshape(len(rows), -1) >= 0
    k, n = seen.sum(axis=1), seen.shape[1]
    starts = 1 if axis in (-1, event.ndim - 1) else event.shape[-1]
    low, high = wilson_interval(k * starts / n, starts, confidence)
    return Fraction(k / n, low, high)
