"""How escape times grow as starts shrink: a power of the scale or its logarithm, from times that may be censored.

A row of `time` is a point of the axis of scales, a column a run.  Run r has the same direction at each scale, so its
times are not independent: intervals and tests take whole runs, and never single times, as the sample.
"""

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr, ndtr

from saddlescape.analysis.escape import upper_tail

Array = npt.NDArray[np.float64]
Law = Literal["power", "logarithm"]
LAWS: tuple[Law, ...] = ("power", "logarithm")

NEWTON_STEPS, CONVERGED = 100, 1e-12
"""Newton's method ends with the step that would raise the log-likelihood of a time by less than this; it takes ten."""

ROUNDING = 1e-14
"""Of sums of squares: nearer to a line than this the scatter is that of the arithmetic."""


class ScalingFit(NamedTuple):
    """A law with normal scatter, fitted by maximum likelihood.

    power: ln T = intercept + slope ln(scale), the scatter in ln T; logarithm: T = intercept + slope ln(1 / scale),
    the scatter in T.
    """

    law: Law
    intercept: float
    slope: float
    low: float
    """Ends of the bootstrap interval of the slope; NaN for a single run, or where it hangs on one."""

    high: float
    scatter: float
    log_likelihood: Array
    """Of each run's times, (runs,): comparable between the laws."""

    @property
    def aic(self) -> float:
        """Akaike's criterion, 2 * 3 - 2 ln L: the smaller, the better."""
        return 6 - 2 * float(self.log_likelihood.sum())

    def time(self, scale: npt.ArrayLike) -> Array:
        """Median escape time at each scale."""
        x = np.log(np.asarray(scale, dtype=np.float64))
        return np.exp(self.intercept + self.slope * x) if self.law == "power" else self.intercept - self.slope * x


class LawComparison(NamedTuple):
    """Which of the two laws is likelier."""

    better: Law
    aic_difference: float
    """Of the logarithm minus that of the power law: positive for a power law."""

    z: float
    """Vuong's statistic over runs, standard normal if neither is nearer to the truth; positive for a power law."""

    p: float
    """Two-sided; NaN for a single run."""


def fit_scaling(
    scale: npt.ArrayLike,
    time: npt.ArrayLike,
    observed: npt.ArrayLike,
    law: Law = "power",
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> ScalingFit:
    """Fit escape time against scale; a run that was stopped before it escaped counts as one that takes longer.

    Parameters
    ----------
    scale : (scales,), > 0; leave exact zero out.
    time, observed : (scales, runs), as `event_times` makes them.  Infinite times, of runs that never escape, are no
        escape times and are left out, as are runs that had escaped at time 0.
    resamples, confidence, seed : of the percentile bootstrap of the slope, which draws whole runs; 0 does without.

    Raises
    ------
    ValueError : shapes or values are wrong, escapes were seen at fewer than two scales, or there is no scatter at all.

    References
    ----------
    Censored regression: J. Tobin (1958), Econometrica 26, 24-36, in the parameters in which R. J. Olsen (1978),
    Econometrica 46, 1211-1215, showed that it has one maximum.  Bootstrap: B. Efron (1981), Censored data and the
    bootstrap, J. Amer. Statist. Assoc. 76, 312-319.
    """
    sample = _Sample(scale, time, observed, law)
    best = sample.maximum(np.ones(sample.runs))
    if np.isnan(best).any():
        raise ValueError("the escapes that were seen lie exactly on the law: there is no scatter to estimate; add runs")
    rng, even = np.random.default_rng(seed), np.full(sample.runs, 1 / sample.runs)
    counts = rng.multinomial(sample.runs, even, resamples if sample.runs > 1 else 0)
    slopes = [theta[1] / theta[2] for theta in (sample.maximum(drawn, best) for drawn in counts)] or [np.nan]
    low, high = np.quantile(slopes, [1 - upper_tail(confidence), upper_tail(confidence)])
    intercept, slope, scatter = (float(value) for value in (best[0] / best[2], best[1] / best[2], 1 / best[2]))
    return ScalingFit(law, intercept, slope, float(low), float(high), scatter, sample.log_likelihood(best))


def compare_laws(scale: npt.ArrayLike, time: npt.ArrayLike, observed: npt.ArrayLike) -> LawComparison:
    """Power law against logarithm, each with three parameters, by the likelihood of the same times.

    Parameters and errors are those of `fit_scaling`.

    References
    ----------
    H. Akaike (1974), IEEE Trans. Autom. Control 19, 716-723; Q. H. Vuong (1989), Likelihood ratio tests for model
    selection and non-nested hypotheses, Econometrica 57, 307-333.
    """
    power, logarithm = (fit_scaling(scale, time, observed, law, resamples=0) for law in LAWS)
    ratio = power.log_likelihood - logarithm.log_likelihood
    z = np.sqrt(len(ratio)) * ratio.mean() / ratio.std(ddof=1) if len(ratio) > 1 else np.nan
    better: Law = "power" if ratio.sum() > 0 else "logarithm"
    return LawComparison(better, logarithm.aic - power.aic, float(z), float(2 * ndtr(-abs(z))))


class _Sample:
    """Times as a regression: with theta = (intercept, slope, 1) / scatter, residuals are theta @ (-1, -x, y)."""

    def __init__(self, scale: npt.ArrayLike, time: npt.ArrayLike, observed: npt.ArrayLike, law: Law) -> None:
        if law not in LAWS:
            raise ValueError(f"law must be one of {', '.join(LAWS)}; got {law!r}")
        scale, time, observed = _checked(scale, time, observed)
        used = np.isfinite(time) & (time > 0)
        row, self._run = np.nonzero(used)
        self.runs, self._seen, t, x = time.shape[1], observed[used], time[used], np.log(scale)[row]
        x, y = (x, np.log(t)) if law == "power" else (-x, t)
        self._rows = np.stack([-np.ones_like(x), -x, y])
        self._density = -np.log(t) if law == "power" else np.zeros_like(t)  # of T, not of ln T

    def maximum(self, weight: Array, theta: Array | None = None) -> Array:
        """The likeliest theta by Newton's method, runs weighted; NaN where all escapes that were seen lie on a line.

        Sums are NumPy's own: those of a matrix product depend on the number of threads.
        """
        weight = weight[self._run]
        if _on_a_line(*self._rows[1:, self._seen & (weight > 0)]):
            return np.full(3, np.nan)
        theta = self._least_squares() if theta is None else theta
        for _ in range(NEWTON_STEPS):
            slope, curvature = self._derivatives(theta, weight)
            step = np.linalg.solve(curvature, -slope)
            if slope @ step < CONVERGED * weight.sum():
                break
            here = np.sum(weight * self._log_density(theta))
            while theta[2] + step[2] <= 0 or np.sum(weight * self._log_density(theta + step)) < here:
                step = step / 2
            theta = theta + step
        return theta + step

    def log_likelihood(self, theta: Array) -> Array:
        """Of each run, (runs,)."""
        each = self._log_density(theta) + np.where(self._seen, self._density - np.log(2 * np.pi) / 2, 0)
        return np.asarray(np.bincount(self._run, each, self.runs), dtype=np.float64)

    def _log_density(self, theta: Array) -> Array:
        z = theta @ self._rows
        density: Array = np.log(theta[2]) - z**2 / 2
        density[~self._seen] = log_ndtr(-z[~self._seen])
        return density

    def _derivatives(self, theta: Array, weight: Array) -> tuple[Array, Array]:
        z = theta @ self._rows
        late = z[~self._seen]
        hazard = np.exp(-(late**2) / 2 - log_ndtr(-late)) / np.sqrt(2 * np.pi)
        first, second = -z, np.full_like(z, -1)
        first[~self._seen], second[~self._seen] = -hazard, hazard * (late - hazard)
        slope = np.sum(self._rows * (weight * first), axis=1)
        curvature = np.einsum("in,n,jn->ij", self._rows, weight * second, self._rows)
        seen = weight[self._seen].sum()
        slope[2], curvature[2, 2] = slope[2] + seen / theta[2], curvature[2, 2] - seen / theta[2] ** 2
        return slope, curvature

    def _least_squares(self) -> Array:
        """As if every time were seen."""
        design, y = -self._rows[:2].T, self._rows[2]
        line = np.linalg.lstsq(design, y)[0]
        scatter = np.std(y - design @ line)
        return np.asarray([*line / scatter, 1 / scatter])


def _on_a_line(x: Array, y: Array) -> bool:
    if len(x) < 3:
        return True
    x, y = x - x.mean(), y - y.mean()
    xx, xy, yy = (float(np.sum(product)) for product in (x * x, x * y, y * y))
    return xx * yy - xy**2 <= ROUNDING * xx * yy


def _checked(
    scale: npt.ArrayLike, time: npt.ArrayLike, observed: npt.ArrayLike
) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
    scale, time = np.asarray(scale, dtype=np.float64), np.asarray(time, dtype=np.float64)
    observed = np.asarray(observed)
    if time.ndim != 2 or time.shape != observed.shape or scale.shape != time.shape[:1]:
        shapes = f"{scale.shape}, {time.shape} and {observed.shape}"
        raise ValueError(f"scale must be (scales,), time and observed (scales, runs); got {shapes}")
    if not np.all((scale > 0) & np.isfinite(scale)):
        raise ValueError("scale must be positive and finite; leave the point of exact zero out")
    if not np.all(time >= 0):
        raise ValueError("time must be numbers, and not negative")
    seen = observed.astype(np.bool_) & (time > 0)
    if len(np.unique(scale[seen.any(axis=1)])) < 2:
        raise ValueError("escapes must be seen at two scales or more; train for longer, or from larger scales")
    return scale, time, seen
