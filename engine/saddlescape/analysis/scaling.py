"""How escape times grow with decreasing scale: power law or logarithm, fitted to times that may be censored.

Each row of `time` is a scale, each column a run.  Run r has the same direction at each scale, so its times are not
independent: intervals and tests treat whole runs, and not single times, as the sample.
"""

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr, ndtr

from saddlescape.analysis.ranks import rank_slope
from saddlescape.analysis.survival import event_quantiles
from saddlescape.words.suggest import hint

Array = npt.NDArray[np.float64]
Law = Literal["power", "logarithm"]
LAWS: tuple[Law, ...] = ("power", "logarithm")

NEWTON_STEPS, CONVERGED = 100, 1e-12
"""Maximum number of Newton steps (about ten are needed), and the gain of log-likelihood per time at convergence."""

ROUNDING = 1e-14
"""Points whose relative squared deviation from a line is at most this lie on the line up to rounding."""


class ScalingFit(NamedTuple):
    """A fitted law; the scatter may have any distribution, which is the same at each scale.

    power: ln T = intercept + slope ln(scale), with scatter in ln T; logarithm: T = intercept + slope ln(1 / scale),
    with scatter in T.
    """

    law: Law
    intercept: float
    """Intercept of the median; NaN if too few escapes were observed."""

    slope: float
    low: float
    """Interval of the slope; NaN with fewer than 8 runs, or without 5 observed escapes at two scales."""

    high: float
    scatter: float
    """Standard deviation of normal scatter, fitted by maximum likelihood to compare the laws."""

    log_likelihood: Array
    """Log-likelihood of the times of each run, (runs,), with normal scatter; comparable between the laws."""

    @property
    def aic(self) -> float:
        """Akaike information criterion, 2 * 3 - 2 ln L; smaller is better."""
        return 6 - 2 * float(self.log_likelihood.sum())

    def time(self, scale: npt.ArrayLike) -> Array:
        """Median escape time at each scale."""
        x = np.log(np.asarray(scale, dtype=np.float64))
        return np.exp(self.intercept + self.slope * x) if self.law == "power" else self.intercept - self.slope * x


class LawComparison(NamedTuple):
    """Comparison of the two laws."""

    better: Law
    """The law with the larger likelihood."""

    aic_difference: float
    """AIC of the logarithm minus that of the power law; positive if the power law is better."""

    z: float
    """Vuong's statistic over runs, positive for a power law; standard normal if both laws fit equally well."""

    p: float
    """Two-sided p-value of z; NaN for a single run."""


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
    """Fit the law of the escape time against the scale; times of runs that stopped before they escaped are censored.

    The estimated slope is the one for which the residuals have no trend in the scale (`rank_slope`).  The scatter may
    have any distribution, but the same at each scale.  In simulations with exponential, normal and heavy tails, with
    and without censoring, the 95 % interval contained the true slope in 92 to 98 % of the samples; in more if the
    scatter of a run is nearly the same at each scale.

    Parameters
    ----------
    scale : (scales,), > 0; omit exact zero.
    time, observed : (scales, runs), as returned by `event_times`.  Infinite times, of runs that never escape, are
        ignored, as are runs that had escaped at time 0.
    law : as of `ScalingFit`.
    resamples : 0 omits the interval.  Other values, and `seed`, have no effect: the interval needs no random numbers.
    confidence : confidence level of the interval of the slope.

    Raises
    ------
    ValueError : shapes or values are wrong, escapes were observed at fewer than two scales, or there is no scatter.
    """
    sample = _Sample(scale, time, observed, law)
    normal = sample.maximum()
    if np.isnan(normal).any():
        raise ValueError("the observed escapes lie exactly on the law: there is no scatter to estimate; add runs")
    slope, low, high = rank_slope(sample.x, sample.y, sample.seen, confidence)
    low, high = (low, high) if resamples else (np.nan, np.nan)
    intercept = _median(sample.y - slope * sample.x[:, None], sample.seen)
    return ScalingFit(law, intercept, slope, low, high, float(1 / normal[2]), sample.log_likelihood(normal))


def compare_laws(scale: npt.ArrayLike, time: npt.ArrayLike, observed: npt.ArrayLike) -> LawComparison:
    """Compare power law and logarithm, each with three parameters, by the likelihood of the same times.

    `scale`, `time`, `observed` and errors are as in `fit_scaling`.

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
    """Data of the regression of y on x, where y is -inf without a time, and its likelihood with normal scatter.

    With theta = (intercept, slope, 1) / scatter, the residuals in units of the scatter are theta @ (-1, -x, y).
    """

    def __init__(self, scale: npt.ArrayLike, time: npt.ArrayLike, observed: npt.ArrayLike, law: Law) -> None:
        if law not in LAWS:
            raise ValueError(f"law must be one of {', '.join(LAWS)}; got {law!r}{hint(str(law), LAWS)}")
        scale, time, self.seen = _checked(scale, time, observed)
        used = np.isfinite(time) & (time > 0)
        row, self._run = np.nonzero(used)
        self._runs, self._seen, t = time.shape[1], self.seen[used], time[used]
        self.x, y = (np.log(scale), np.log(t)) if law == "power" else (-np.log(scale), t)
        self.y = np.full(time.shape, -np.inf)
        self.y[used] = y
        self._rows = np.stack([-np.ones_like(y), -self.x[row], y])
        self._density = -np.log(t) if law == "power" else np.zeros_like(t)  # density of T, not of ln T

    def maximum(self) -> Array:
        """The theta of maximum likelihood, by Newton's method; NaN if all observed escapes lie on a line.

        It uses `np.sum`, because the sums of a matrix product depend on the number of threads.
        """
        if _on_a_line(*self._rows[1:, self._seen]):
            return np.full(3, np.nan)
        theta = self._least_squares()
        for _ in range(NEWTON_STEPS):
            slope, curvature = self._derivatives(theta)
            step = np.linalg.solve(curvature, -slope)
            if slope @ step < CONVERGED * len(self._seen):
                break
            current = np.sum(self._log_density(theta))
            while theta[2] + step[2] <= 0 or np.sum(self._log_density(theta + step)) < current:
                step = step / 2
            theta = theta + step
        return theta + step

    def log_likelihood(self, theta: Array) -> Array:
        """Log-likelihood of each run, (runs,)."""
        each = self._log_density(theta) + np.where(self._seen, self._density - np.log(2 * np.pi) / 2, 0)
        return np.asarray(np.bincount(self._run, each, self._runs), dtype=np.float64)

    def _log_density(self, theta: Array) -> Array:
        z = theta @ self._rows
        density: Array = np.log(theta[2]) - z**2 / 2
        density[~self._seen] = log_ndtr(-z[~self._seen])
        return density

    def _derivatives(self, theta: Array) -> tuple[Array, Array]:
        z = theta @ self._rows
        late = z[~self._seen]
        hazard = np.exp(-(late**2) / 2 - log_ndtr(-late)) / np.sqrt(2 * np.pi)
        first, second = -z, np.full_like(z, -1)
        first[~self._seen], second[~self._seen] = -hazard, hazard * (late - hazard)
        slope = np.sum(self._rows * first, axis=1)
        curvature = np.einsum("in,n,jn->ij", self._rows, second, self._rows)
        seen = np.count_nonzero(self._seen)
        slope[2], curvature[2, 2] = slope[2] + seen / theta[2], curvature[2, 2] - seen / theta[2] ** 2
        return slope, curvature

    def _least_squares(self) -> Array:
        """Initial theta: the least-squares fit, with censored times as if they were observed."""
        design, y = -self._rows[:2].T, self._rows[2]
        line = np.linalg.lstsq(design, y, rcond=None)[0]
        scatter = np.std(y - design @ line)
        return np.asarray([*line / scatter, 1 / scatter])


def _median(residual: Array, seen: npt.NDArray[np.bool_]) -> float:
    """Kaplan-Meier median of the residuals that are not -inf; NaN if too few were observed."""
    used = np.isfinite(residual)
    least = residual[used].min()
    median = float(event_quantiles(residual[used] - least, seen[used], 0.5).time[0])
    return median + float(least) if np.isfinite(median) else np.nan


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
        raise ValueError("scale must be positive and finite; omit the point at exact zero")
    if not np.all(time >= 0):
        raise ValueError("time must be 0 or more, and not NaN")
    seen = observed.astype(np.bool_) & (time > 0)
    if len(np.unique(scale[seen.any(axis=1)])) < 2:
        raise ValueError("escapes must be observed at two scales or more; train longer, or from larger scales")
    return scale, time, seen
