"""Distribution of event times, such as escape times, some of which are censored."""

from typing import NamedTuple
from warnings import catch_warnings

import numpy as np
import numpy.typing as npt

from saddlescape.analysis.escape import upper_tail
from saddlescape.words.outcomes import StopReason

Array = npt.NDArray[np.float64]

NEVER = (StopReason.FIXED_POINT, StopReason.DIVERGED)
"""Reasons for a stop after which the event can never happen."""

ROUNDING = 1e-12
"""A curve is a product of up to as many factors as there are runs, and may miss a fraction by their rounding."""


class SurvivalCurve(NamedTuple):
    """Fraction of runs without the event after each time, as a step function with its interval; float64 (times,)."""

    time: Array
    fraction: Array
    low: Array
    high: Array


class Quantiles(NamedTuple):
    """Times at which given fractions of runs have had the event, with intervals; inf if a fraction is not reached."""

    time: Array
    low: Array
    high: Array


def event_times(
    event: npt.ArrayLike, stop: npt.ArrayLike, stop_reason: npt.ArrayLike
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Time of each run, and whether its event was observed; all arguments and results have the same shape.

    A run that stopped before the event is censored, and its time is the time of the stop.  A run that reached a fixed
    point or diverged can never have the event, and its time is infinite: it always counts as a run without the event.

    Parameters
    ----------
    event : `escape_step`, `solve_step` (-1: never) or `escape_time`, `solve_time` (NaN: never) of a result.
    stop : `stop_step` or `stop_time`.
    stop_reason : codes of the stop reasons (`StopReason`).
    """
    event, stop = np.asarray(event, dtype=np.float64), np.asarray(stop, dtype=np.float64)
    observed = event >= 0
    stop = np.where(np.isin(stop_reason, NEVER), np.inf, stop)
    return np.where(observed, event, stop), observed


def survival_curve(time: npt.ArrayLike, observed: npt.ArrayLike, confidence: float = 0.95) -> SurvivalCurve:
    """Kaplan-Meier estimate of the fraction of runs without the event, at each time of an event.

    The interval is Greenwood's on the scale of log(-log S), so it stays inside (0, 1); it is NaN where S is 0.  In
    simulations of 20 to 200 runs, complete and censored, the 95 % interval contained S in 92 to 98 % of the samples,
    on average over times.  It assumes independent runs: at exact zero all runs are the same, and it is meaningless.

    Parameters
    ----------
    time : (runs,), >= 0; may be infinite if the event was not observed.
    observed : (runs,) bool; whether `time` is the time of the event, and not of censoring.
    confidence : confidence level of the two-sided interval at one time, between 0 and 1.

    Raises
    ------
    ValueError : there are no runs, a time is negative or NaN, an observed time is infinite, or the confidence is not
        between 0 and 1.

    References
    ----------
    E. L. Kaplan & P. Meier (1958), J. Amer. Statist. Assoc. 53, 457-481; interval: J. D. Kalbfleisch & R. L.
    Prentice (1980), The statistical analysis of failure time data, section 1.3.
    """
    from scipy.stats import CensoredData, ecdf  # takes half a second

    time, observed = _checked(time, observed)
    upper_tail(confidence)  # checks its range
    events = np.unique(time[observed])
    if not len(events):
        return SurvivalCurve(events, events, events, events)
    before = np.searchsorted(events, time[~observed], side="right")  # a run is censored at the last event before it
    fraction = ecdf(CensoredData(time[observed], right=events[before[before > 0] - 1])).sf
    with catch_warnings(action="ignore"):  # about the interval where the fraction is 0
        low, high = fraction.confidence_interval(confidence, method="log-log")
    return SurvivalCurve(events, fraction.probabilities, low.probabilities, high.probabilities)


def event_quantiles(
    time: npt.ArrayLike, observed: npt.ArrayLike, q: npt.ArrayLike = (0.25, 0.5, 0.75), confidence: float = 0.95
) -> Quantiles:
    """Kaplan-Meier quantiles: times at which fractions `q` of the runs have had the event; inf if too few have it.

    The interval contains the times at which the interval of the survival curve contains 1 - q.  Before the first event,
    and after all runs have had it, the interval of the curve is Clopper and Pearson's (1934, Biometrika 26, 404-413).
    So with few runs, `low` may be 0 and `high` may be inf.  Nothing is known about times after the last one in `time`,
    so `low` is never larger.  In simulations of 10 to 200 runs, complete and censored, the 95 % interval contained the
    quantile in 92 to 98 % of the samples, on average over quantiles within the observed time.

    Parameters
    ----------
    time, observed : (..., runs), as in `survival_curve`; each row is a sample.
    q : (quantiles,), between 0 and 1.
    confidence : confidence level of the intervals, between 0 and 1.

    Returns
    -------
    time, low, high : float64 (..., quantiles).

    Raises
    ------
    ValueError : as in `survival_curve`, or `q` is not between 0 and 1.

    References
    ----------
    R. Brookmeyer & J. Crowley (1982), A confidence interval for the median survival time, Biometrics 38, 29-41.
    """
    time, observed = np.asarray(time, dtype=np.float64), np.asarray(observed)
    levels = np.atleast_1d(np.asarray(q, dtype=np.float64))
    if not np.all((levels > 0) & (levels < 1)):
        raise ValueError(f"q must be between 0 and 1; got {q!r}")
    rows = [
        _quantiles(row, seen, levels, confidence)
        for row, seen in zip(*(a.reshape(-1, a.shape[-1]) for a in (time, observed)), strict=True)
    ]
    return Quantiles(*np.moveaxis(np.reshape(rows, (*time.shape[:-1], 3, len(levels))), -2, 0))


def _quantiles(time: Array, observed: npt.NDArray[np.bool_], q: Array, confidence: float) -> list[Array]:
    """Time, low and high for one sample; where the curve is 1 or 0, its interval is the exact one of a fraction."""
    curve, left = survival_curve(time, observed, confidence), 1 - q
    at_one, at_zero = (1 - upper_tail(confidence)) ** (1 / np.maximum([len(time), observed.sum()], 1))
    low, high = np.where(curve.fraction > 0, (curve.low, curve.high), [[0.0], [1 - at_zero]])
    first = np.where(at_one <= left, 0.0, np.minimum(_first_below(curve.time, low, left), time.max()))
    return [_first_below(curve.time, curve.fraction, left), first, _first_below(curve.time, high, left)]


def _first_below(time: Array, fraction: Array, level: Array) -> Array:
    below = fraction[:, None] <= level + ROUNDING
    last = np.ones((1, len(level)), dtype=bool)
    return np.asarray(np.append(time, np.inf)[np.vstack([below, last]).argmax(axis=0)])


def _checked(time: npt.ArrayLike, observed: npt.ArrayLike) -> tuple[Array, npt.NDArray[np.bool_]]:
    time, observed = np.asarray(time, dtype=np.float64), np.asarray(observed, dtype=np.bool_)
    if time.ndim != 1 or time.shape != observed.shape or not len(time):
        raise ValueError(f"time and observed must be (runs,), one or more; got {time.shape} and {observed.shape}")
    if not np.all(time >= 0) or np.isinf(time[observed]).any():
        raise ValueError("time must be 0 or more, and finite where observed")
    return time, observed
