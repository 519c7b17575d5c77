"""When starts escape: the distribution of event times, some of which are censored."""

from typing import NamedTuple
from warnings import catch_warnings

import numpy as np
import numpy.typing as npt

from saddlescape.analysis.escape import upper_tail
from saddlescape.words.outcomes import StopReason

Array = npt.NDArray[np.float64]

NEVER = (StopReason.FIXED_POINT, StopReason.DIVERGED)
"""Stops after which nothing can happen: the event never comes, however long one waits."""

ROUNDING = 1e-12
"""A curve that reaches a fraction may miss it by the rounding of as many products as there are runs."""


class SurvivalCurve(NamedTuple):
    """Fraction of runs without the event after each time, a step function, with its interval; float64 (times,)."""

    time: Array
    fraction: Array
    low: Array
    high: Array


class Quantiles(NamedTuple):
    """Times by which given fractions of runs have had the event, with their intervals; inf where not reached."""

    time: Array
    low: Array
    high: Array


def event_times(
    event: npt.ArrayLike, stop: npt.ArrayLike, stop_reason: npt.ArrayLike
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Time of each run, and whether its event was observed; arguments and results have one shape.

    A run that stopped before the event is censored: its time is that of the stop.  A run at a fixed point, or one that
    diverged, never has the event: its time is infinite, so that it always counts as a run without the event.

    Parameters
    ----------
    event : `escape_step`, `solve_step` (-1: never) or `escape_time`, `solve_time` (NaN: never) of a result.
    stop : `stop_step` or `stop_time`.
    stop_reason : codes of the stop reasons.
    """
    event, stop = np.asarray(event, dtype=np.float64), np.asarray(stop, dtype=np.float64)
    observed = event >= 0
    stop = np.where(np.isin(stop_reason, NEVER), np.inf, stop)
    return np.where(observed, event, stop), observed


def survival_curve(time: npt.ArrayLike, observed: npt.ArrayLike, confidence: float = 0.95) -> SurvivalCurve:
    """Kaplan-Meier estimate of the fraction of runs without the event, at each time of an event.

    The interval is Greenwood's on the scale of log(-log S), so it stays inside (0, 1); NaN where S is 0.  In
    simulations of 20 to 200 runs, complete and censored, that of 95 % held S in 92 to 98 % of the samples, on average
    over times.
    Runs with identical starts (a point at exact zero) are one run, for which the interval means nothing.

    Parameters
    ----------
    time : (runs,), >= 0; may be infinite if the event was not observed.
    observed : (runs,) bool; whether `time` is that of the event, not that of censoring.
    confidence : of the two-sided interval at one time, between 0 and 1.

    Raises
    ------
    ValueError : there are no runs, a time is negative or NaN, one that was observed is infinite, or the confidence
        is not between 0 and 1.

    References
    ----------
    E. L. Kaplan & P. Meier (1958), J. Amer. Statist. Assoc. 53, 457-481; interval: J. D. Kalbfleisch & R. L.
    Prentice (1980), The statistical analysis of failure time data, section 1.3.
    """
    from scipy.stats import CensoredData, ecdf  # half a second

    time, observed = _checked(time, observed)
    upper_tail(confidence)  # refuses what is none
    at = np.unique(time[observed])
    if not len(at):
        return SurvivalCurve(at, at, at, at)
    before = np.searchsorted(at, time[~observed], side="right")  # events; a stop counts from the last of them on
    fraction = ecdf(CensoredData(time[observed], right=at[before[before > 0] - 1])).sf
    with catch_warnings(action="ignore"):  # of the interval where none is left
        low, high = fraction.confidence_interval(confidence, method="log-log")
    return SurvivalCurve(at, fraction.probabilities, low.probabilities, high.probabilities)


def event_quantiles(
    time: npt.ArrayLike, observed: npt.ArrayLike, q: npt.ArrayLike = (0.25, 0.5, 0.75), confidence: float = 0.95
) -> Quantiles:
    """Kaplan-Meier quantiles: times by which fractions `q` of the runs have had the event; inf if too few ever have it.

    A time of the interval is one at which the interval of the curve includes the quantile.  Before the first event, and
    when the last run has had it, that is Clopper and Pearson's (1934, Biometrika 26, 404-413): so few runs may have
    missed an earlier quantile, and `low` is 0, or a later one, and `high` is inf.  Nothing is known of what comes after
    the last time that was looked at, so `low` is no later.  In simulations of 10 to 200 runs, complete and censored,
    the interval of 95 % held the quantile in 92 to 98 % of the samples, on average over quantiles within that time.

    Parameters
    ----------
    time, observed : (..., runs), as `survival_curve` has them; each row is a sample.
    q : (quantiles,), between 0 and 1.

    Returns
    -------
    time, low, high : float64 (..., quantiles).

    Raises
    ------
    ValueError : as `survival_curve`, or if a fraction is not between 0 and 1.

    References
    ----------
    R. Brookmeyer & J. Crowley (1982), A confidence interval for the median survival time, Biometrics 38, 29-41.
    """
    time, observed = np.asarray(time, dtype=np.float64), np.asarray(observed)
    wanted = np.atleast_1d(np.asarray(q, dtype=np.float64))
    if not np.all((wanted > 0) & (wanted < 1)):
        raise ValueError(f"q must be between 0 and 1; got {q!r}")
    rows = [
        _quantiles(row, seen, wanted, confidence)
        for row, seen in zip(*(a.reshape(-1, a.shape[-1]) for a in (time, observed)), strict=True)
    ]
    return Quantiles(*np.moveaxis(np.reshape(rows, (*time.shape[:-1], 3, len(wanted))), -2, 0))


def _quantiles(time: Array, observed: npt.NDArray[np.bool_], wanted: Array, confidence: float) -> list[Array]:
    """Time, low and high of one sample; the ends of the curve, 1 and 0, have the exact interval of a fraction."""
    curve, left = survival_curve(time, observed, confidence), 1 - wanted
    none, all_of = (1 - upper_tail(confidence)) ** (1 / np.maximum([len(time), observed.sum()], 1))
    low, high = np.where(curve.fraction > 0, (curve.low, curve.high), [[0.0], [1 - all_of]])
    first = np.where(none <= left, 0.0, np.minimum(_first_below(curve.time, low, left), time.max()))
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
