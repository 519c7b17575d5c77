"""Points of weight space: the loss, its slope and its curvature there."""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt
from numpy.linalg import norm

from saddlescape.compute import plain_trainer
from saddlescape.kernels import Derivatives
from saddlescape.kernels import derivatives as of_network
from saddlescape.spec import DECOUPLED, Spec

Floats = npt.NDArray[np.floating]


def derivatives(spec: Spec, theta: npt.ArrayLike) -> Derivatives:
    """Loss, gradient and Hessian of what the steps of a spec go down, at points (points, n_params), in float64.

    That is the loss over all samples plus, for steppers that add it to the gradient, weight_decay / 2 times the
    square of the parameters.  Exact but for rounding; symmetric to the last bit.  Of relu, leaky_relu and huber, second
    derivatives are those of the straight piece that a point is on.

    Raises
    ------
    ValueError : `theta` has not the shape (points, n_params).

    References
    ----------
    B. A. Pearlmutter (1994), Fast exact multiplication by the Hessian, Neural Computation 6, 147-160.
    """
    theta = np.asarray(theta, dtype=np.float64)
    if theta.ndim != 2 or theta.shape[1] != spec.n_params:
        raise ValueError(f"theta must have shape (points, {spec.n_params}); got {theta.shape}")
    found = of_network(plain_trainer(spec), spec.loaded.X, spec.loaded.T, theta)
    decay = spec.training.weight_decay if spec.training.stepper not in DECOUPLED else 0.0
    return replace(
        found,
        loss=found.loss + decay / 2 * (theta**2).sum(axis=1),
        gradient=found.gradient + decay * theta,
        hessian=found.hessian + decay * np.eye(spec.n_params),
    )


NEAR = 1e-10
"""Gradient norm at which a point counts as stationary."""

FLAT = NEAR**0.5
"""Eigenvalues below this share of the largest count as zero.

Hessians are exact to 1e-15 of it, but where a gradient grows like the square of the distance from a degenerate point, a
gradient of `NEAR` is the root of that away, and the curvature there is of the same size."""

STILL = 1e-2
"""A Newton step from a gradient of `NEAR` is shorter than this where a stationary point is near.  Where the loss decays
like exp(-x w) towards a point at infinity, the step is about 1 / x, however far one goes."""

NOISE, TINY = 1e-13, 1e-150
"""Curvatures below this share of the largest are rounding, and no step follows them; where all are zero, none does."""

RADIUS, PATIENCE, STUCK = 1.0, 1000, 1e12
"""Longest step; how many at most; the damping at which none has helped."""


class Kind(IntEnum):
    """What a point of weight space is."""

    MINIMUM = 0
    SADDLE = 1
    FLAT = 2
    AT_INFINITY = 3
    UNSETTLED = 4


@dataclass(frozen=True)
class Report:
    """What points are.

    Attributes
    ----------
    kind : (points,) int8. MINIMUM: every eigenvalue is positive.  SADDLE: at least one is negative.  FLAT: none is, and
        at least one is zero, so that higher derivatives decide.  AT_INFINITY: the gradient vanishes only as the norm
        grows.  UNSETTLED: no stationary point was found.
    index, degeneracy : (points,) int64, eigenvalues below zero, and zero; of no meaning at infinity.
    theta : (points, n_params) float64, the stationary point; at infinity, how far it was followed.
    loss, grad_norm : (points,) float64, there.
    spectrum : (points, n_params) float64, eigenvalues of the Hessian there, ascending.
    moved : (points,) float64, distance from the given point.
    """

    kind: npt.NDArray[np.int8]
    index: npt.NDArray[np.int64]
    degeneracy: npt.NDArray[np.int64]
    theta: Floats
    loss: Floats
    grad_norm: Floats
    spectrum: Floats
    moved: Floats


def signature(spectrum: Floats, flat: float = FLAT) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(index, degeneracy) of spectra (points, n): eigenvalues below zero, and zero up to `flat` of the largest."""
    least = flat * abs(spectrum).max(axis=1, keepdims=True)
    return (spectrum < -least).sum(axis=1), (abs(spectrum) <= least).sum(axis=1)


def _newton(found: Derivatives, damping: Floats) -> Floats:
    """Steps that go down the norm of the gradient (Levenberg 1944, Marquardt 1963), whatever the index."""
    values, vectors = np.linalg.eigh(found.hessian)
    slope = np.einsum("pij,pi->pj", vectors, found.gradient)
    noise = np.maximum(NOISE * abs(values).max(axis=1), TINY)
    bend = damping * (slope**2).sum(axis=1) + noise**2
    step = -np.einsum("pij,pj->pi", vectors, slope * values / (values**2 + bend[:, None]))
    shortened: Floats = step * (RADIUS / np.maximum(norm(step, axis=1), RADIUS))[:, None]
    return shortened


def polish(spec: Spec, theta: npt.ArrayLike) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Stationary points, of any index, near given ones, and whether each is one: (points, n_params), (points,).

    Newton steps damped so that the norm of the gradient falls, none longer than `RADIUS`, until it is at most `NEAR`.
    """
    theta = np.array(theta, dtype=np.float64)
    found, going = derivatives(spec, theta), np.arange(len(theta))
    damping, settled = np.ones(len(theta)), np.zeros(len(theta), dtype=bool)
    for _ in range(PATIENCE):
        here = Derivatives(found.loss[going], found.gradient[going], found.hessian[going])
        step, size = _newton(here, damping[going]), norm(here.gradient, axis=1)
        settled[going] |= (size <= NEAR) & (norm(step, axis=1) <= STILL)
        there = derivatives(spec, theta[going] + step)
        better = norm(there.gradient, axis=1) < size
        theta[going[better]] += step[better]
        for name in ("loss", "gradient", "hessian"):
            getattr(found, name)[going[better]] = getattr(there, name)[better]
        damping[going] *= np.where(better, 0.1, 10.0)
        going = going[(size > NEAR) & (damping[going] < STUCK)]
    return theta, settled


def report(spec: Spec, theta: npt.ArrayLike) -> Report:
    """What the points (points, n_params) are, such as those where runs stopped: each is polished, then looked at."""
    given = np.asarray(theta, dtype=np.float64)
    end, settled = polish(spec, given)
    found = derivatives(spec, end)
    spectrum = np.linalg.eigvalsh(found.hessian)
    index, degeneracy = signature(spectrum)
    moved, size = norm(end - given, axis=1), norm(found.gradient, axis=1)
    away = norm(end, axis=1) - norm(given, axis=1)
    kinds = [
        (~settled & ((size <= NEAR) | (away > STILL)), Kind.AT_INFINITY),
        (~settled, Kind.UNSETTLED),
        (index > 0, Kind.SADDLE),
        (degeneracy > 0, Kind.FLAT),
    ]
    kind = np.select([c for c, _ in kinds], [np.int8(k) for _, k in kinds], np.int8(Kind.MINIMUM))
    return Report(kind, index, degeneracy, end, found.loss, size, spectrum, moved)
