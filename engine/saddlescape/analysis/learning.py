"""The learning coefficient of a point: from exact volumes of low loss, and from Langevin dynamics."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from saddlescape.runs.evaluation import evaluate, objective
from saddlescape.runs.from_array import starts_of
from saddlescape.spec import Spec
from saddlescape.system.arguments import ArgumentError, integer, thread_count

Floats = npt.NDArray[np.floating]

POPULATIONS, MOVES, COST = 8, 40, 1.5
"""Independent populations of draws, whose scatter is the standard error; moves of each draw at each level; and
evaluations of the loss in a move, at most: every other move may be reflected."""

FITTED = 1 / 4
"""Share of the levels, the largest, that are not fitted."""


@dataclass(frozen=True)
class LearningCoefficient:
    """A learning coefficient and the volumes that it is the exponent of.

    Attributes
    ----------
    value, error : the coefficient, lambda, and its standard error.
    epsilon : (levels,) float64, descending.
    log_volume : (levels,) float64, ln of the share of the box in which the objective exceeds that of the point by less
        than epsilon.
    log_volume_error : (levels,) float64, its standard error.
    """

    value: float
    error: float
    epsilon: Floats
    log_volume: Floats
    log_volume_error: Floats


def learning_coefficient(
    spec: Spec,
    theta: npt.ArrayLike,
    *,
    multiplicity: int = 1,
    half_width: float = 1.0,
    levels: int = 48,
    draws: int = 4 * 10**7,
    seed: int = 0,
    threads: int | None = None,
) -> LearningCoefficient:
    """The real log canonical threshold of a minimum: the exponent of the volume in which the loss is almost as low.

    The volume is that of a box around the point, uniform draws from which have an objective of less than L* + epsilon,
    at epsilon = e0, e0 / 2, e0 / 4, ...  It is proportional to epsilon^lambda (ln 1/epsilon)^(m - 1) as epsilon
    vanishes; lambda is the slope over the last three quarters of the levels.  A volume is found by splitting: of draws
    below one level, the share that is below the next is counted, the others are replaced by copies of them, and
    Metropolis moves that stay below the level make the copies independent.  The product of the shares has the exact
    volume as its expectation, however small that is and however far the draws move.

    Parameters
    ----------
    spec : one point of a sweep, which describes network, problem and objective.
    theta : (n_params,), a point in whose box no objective is lower, such as a solution.
    multiplicity : m, the order of the pole; 1 except at special points.
    half_width : half the width of the box.
    levels : number of halvings of epsilon; the last must be far above the rounding errors of the loss.
    draws : number of evaluations of the loss, about.
    seed : of the random numbers.
    threads : by default one per core.

    Raises
    ------
    ArgumentError
        If an argument is out of range, or a level has no draws: there are too few.  A `ValueError`, too.

    References
    ----------
    S. Watanabe (2009), Algebraic Geometry and Statistical Learning Theory, Cambridge.
    F. Cerou, P. Del Moral, T. Furon & A. Guyader (2012), Sequential Monte Carlo for rare event estimation, Statistics
    and Computing 22, 795-808.
    J. Skilling (2012), Bayesian computation in big spaces: nested sampling and Galilean Monte Carlo, AIP Conference
    Proceedings 1443, 145-156.
    """
    (centre,) = _point(spec, theta)
    for name, number, least in (("multiplicity", multiplicity, 1), ("levels", levels, 4), ("draws", draws, 10_000)):
        if integer(number, name) < least:
            raise ArgumentError(f"{name} must be at least {least}; got {number}")
    if not (np.isfinite(half_width) and half_width > 0):
        raise ArgumentError(f"half_width must be a positive number; got {half_width!r}")
    box = _Box(spec, centre, half_width, max(16, round(draws / (POPULATIONS * (levels - 1) * MOVES * COST))))
    epsilon = box.first_epsilon(seed) * 0.5 ** np.arange(levels)
    if multiplicity > 1 and epsilon[round(levels * FITTED)] > 0.5:
        raise ArgumentError(f"levels must be more: with multiplicity > 1 epsilon must be below 1; got {levels}")
    with ThreadPoolExecutor(thread_count(threads)) as executor:
        log_volumes = np.array([*executor.map(lambda k: box.log_volumes(epsilon, [seed, k]), range(POPULATIONS))])
    value, error = _mean(_slopes(epsilon, log_volumes, multiplicity))
    return LearningCoefficient(float(value), float(error), epsilon, *_mean(log_volumes))


def _point(spec: Spec, theta: npt.ArrayLike) -> Floats:
    """An argument that must be one point, as a row."""
    if np.ndim(theta) != 1:
        raise ArgumentError(f"theta must be one point, with the shape (n_params,); got {np.shape(theta)}")
    return starts_of(spec, np.asarray(theta)[None])


def _slopes(epsilon: Floats, log_volumes: Floats, multiplicity: int) -> Floats:
    """The exponent of each population: least squares of ln V = lambda ln(epsilon) + (m - 1) ln ln(1/epsilon) + c."""
    fitted = np.s_[round(len(epsilon) * FITTED) :]
    x = np.log(epsilon[fitted])
    logarithms = (multiplicity - 1) * np.log(-x) if multiplicity > 1 else 0.0
    return np.asarray(np.polyfit(x, (log_volumes[:, fitted] - logarithms).T, 1)[0])


def _mean(values: Floats) -> tuple[Floats, Floats]:
    """Mean over populations, and its standard error."""
    return np.asarray(values.mean(axis=0)), np.asarray(values.std(axis=0, ddof=1) / len(values) ** 0.5)


@dataclass(frozen=True)
class _Box:
    """A box around a point, and the number of draws of a population."""

    spec: Spec
    centre: Floats
    half_width: float
    size: int

    def excess(self, offsets: Floats) -> Floats:
        """The objective above that of the point, at offsets from it in units of the half width."""
        rows = np.concatenate([np.zeros((1, len(self.centre))), offsets])
        values = objective(self.spec, self.centre + self.half_width * rows)
        return np.asarray(values[1:] - values[0])

    def uniform(self, rng: np.random.Generator) -> Floats:
        return rng.uniform(-1, 1, (self.size, len(self.centre)))

    def first_epsilon(self, seed: int) -> float:
        """A power of two that about half of the draws are below."""
        middle = float(np.median(self.excess(self.uniform(np.random.default_rng([seed, POPULATIONS])))))
        if not middle > 0:
            raise ArgumentError("theta must be a minimum: half of the box around it has a lower objective")
        return float(2.0 ** np.ceil(np.log2(middle)))

    def reflected(self, offsets: Floats, steps: Floats) -> Floats:
        """Steps, reflected by the gradient of the objective at these offsets."""
        gradient = evaluate(self.spec, self.centre + self.half_width * offsets, gradient=True, threads=1).gradient
        assert gradient is not None
        normal = gradient / np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), np.finfo(float).tiny)
        return np.asarray(steps - 2 * (steps * normal).sum(axis=1, keepdims=True) * normal)

    def log_volumes(self, epsilon: Floats, seed: list[int]) -> Floats:
        """Estimates of the logarithms of the volumes below each level, from one population."""
        rng = np.random.Generator(np.random.SFC64(seed))
        offsets = self.uniform(rng)
        excess, total, found = self.excess(offsets), 0.0, []
        for number, level in enumerate(epsilon):
            if number:
                self.move(rng, offsets, excess, epsilon[number - 1])
            below = np.flatnonzero(excess < level)
            if not len(below):
                raise ArgumentError(f"draws must be more: none of {self.size} in a population is below {level:.3g}")
            total += np.log(len(below) / self.size)
            found.append(total)
            copies = below[np.arange(self.size) % len(below)]
            offsets, excess = offsets[copies], excess[copies]
        return np.array(found)

    def move(self, rng: np.random.Generator, offsets: Floats, excess: Floats, level: float) -> None:
        """Move draws within the box and below a level, in place, in steps of any size: all parameters, then one.

        A step of all parameters that ends outside is reflected by the gradient there and taken once more.  This is
        reversible (Skilling 2012), and leads along a thin valley.
        """
        smallest = 0.5 * np.log2(min(level, 1.0)) - 2  # the width of a parabola at this level
        rows, columns = offsets.shape
        for number in range(MOVES):
            size = 2.0 ** (smallest * rng.random((rows, 1)))
            steps = rng.standard_normal(offsets.shape) * size
            if number % 2:
                steps *= rng.integers(0, columns, (rows, 1)) == np.arange(columns)
            new = offsets + steps
            value = self.excess(new)
            inside = (value < level) & (abs(new) <= 1).all(axis=1)
            if number % 2 == 0 and len(out := np.flatnonzero(~inside)):
                new[out] += self.reflected(new[out], steps[out])
                value[out] = self.excess(new[out])
                inside[out] = (value[out] < level) & (abs(new[out]) <= 1).all(axis=1)
            offsets[inside], excess[inside] = new[inside], value[inside]


def langevin_learning_coefficient(
    spec: Spec,
    theta: npt.ArrayLike,
    *,
    n_beta: float,
    step_size: float,
    steps: int = 10_000,
    chains: int = 256,
    localization: float = 1.0,
    seed: int = 0,
    threads: int | None = None,
) -> tuple[float, float]:
    """Local learning coefficient by Langevin dynamics, n beta (mean L - L*), and its standard error.

    Chains start at the point and follow w -= step_size / 2 (n_beta gradient + localization (w - theta)), plus normal
    noise of variance step_size; the mean is over the second half of their steps.  This is SGLD with all samples in a
    batch.  It tends to lambda, with an error of (m - 1) / ln(n beta), if the steps are small and the chains long enough
    to forget their start: ``step_size * n_beta`` times the largest curvature should be below 0.1.

    Parameters
    ----------
    spec, theta, seed, threads : as for `learning_coefficient`.
    n_beta : the inverse temperature, number of samples times beta; Lau et al. have beta = 1 / ln(n).
    step_size, steps, chains : of the dynamics.
    localization : gamma, the strength of the Gaussian around the point.

    Raises
    ------
    ArgumentError
        If an argument is out of range, or the chains diverged: `step_size` is too large.  A `ValueError`, too.

    References
    ----------
    E. Lau, Z. Furman, G. Wang, D. Murfet & S. Wei (2023), The local learning coefficient: a singularity-aware
    complexity measure, arXiv 2308.12108.
    """
    centre = _point(spec, theta)
    for name, value in {"n_beta": n_beta, "step_size": step_size}.items():
        if not (np.isfinite(value) and value > 0):
            raise ArgumentError(f"{name} must be a positive number; got {value!r}")
    if integer(steps, "steps") < 2 or integer(chains, "chains") < 2:
        raise ArgumentError(f"steps and chains must be at least 2; got {steps} and {chains}")
    rng = np.random.Generator(np.random.SFC64(seed))
    points, total = np.repeat(centre, chains, axis=0), np.zeros(chains)
    for step in range(steps):
        at = evaluate(spec, points, gradient=True, threads=threads)
        assert at.gradient is not None
        if step >= steps // 2:
            total += at.objective
        points -= step_size / 2 * (n_beta * at.gradient + localization * (points - centre))
        points += step_size**0.5 * rng.standard_normal(points.shape)
        if not (np.isfinite(points).all() and np.isfinite(at.objective).all()):
            raise ArgumentError(f"step_size must be smaller: chains have diverged; got {step_size!r}")
    excess = total / (steps - steps // 2) - evaluate(spec, centre).objective
    mean, error = _mean(n_beta * excess)
    return float(mean), float(error)
