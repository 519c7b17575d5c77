"""Points of weight space: loss, gradient and Hessian, and the kind of stationary point."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.linalg import norm

from saddlescape.kernels import Derivatives
from saddlescape.kernels import derivatives as of_network
from saddlescape.runs.prepare import plain_trainer
from saddlescape.spec import Spec
from saddlescape.words.optimizers import OPTIMIZERS, Decay

Floats = npt.NDArray[np.floating]


@np.errstate(invalid="ignore", over="ignore")
def derivatives(spec: Spec, theta: npt.ArrayLike) -> Derivatives:
    """Value, gradient and Hessian of the objective of a spec, at points (points, n_params), in float64.

    The objective is the loss over all samples plus, for optimizers that add the decay to the gradient,
    weight_decay / 2 times the squared norm of the parameters (docs/spec.md).  Derivatives are exact up to rounding;
    the Hessian is symmetric to the last bit.  For relu, leaky_relu and huber, second derivatives are those of the
    piece that contains the point.

    Raises
    ------
    ValueError : the shape of `theta` is not (points, n_params).

    References
    ----------
    B. A. Pearlmutter (1994), Fast exact multiplication by the Hessian, Neural Computation 6, 147-160.
    """
    theta = np.asarray(theta, dtype=np.float64)
    if theta.ndim != 2 or theta.shape[1] != spec.n_params:
        raise ValueError(f"theta must have shape (points, {spec.n_params}); got {theta.shape}")
    found = of_network(plain_trainer(spec), spec.loaded.X, spec.loaded.T, theta)
    decay = spec.training.weight_decay if _coercive(spec) else 0.0
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

NOISE = 1e-13
"""Curvatures below this share of the largest are rounding, and no step follows them."""

BARE = NEAR / STILL
"""Where the gradient is `NEAR`, curvature up to this cannot tell whether a stationary point is near."""

CHANGE = 2
"""Eigenvalues count as zero where Newton's step, the distance that is left, changes the Hessian by half as much."""

RADIUS, PATIENCE, STUCK = 1.0, 1000, 1e12
"""Longest step; how many at most; the damping at which none has helped."""


class Kind(IntEnum):
    """Kind of a point of weight space."""

    MINIMUM = 0
    SADDLE = 1
    FLAT = 2
    AT_INFINITY = 3
    UNSETTLED = 4
    SATURATED = 5
    NOT_FINITE = 6


@dataclass(frozen=True)
class Report:
    """Kinds of points, and the stationary points near them.

    Attributes
    ----------
    kind : (points,) int8. MINIMUM: every eigenvalue is positive.  SADDLE: at least one is negative.  FLAT: none is, and
        at least one is zero, so that higher derivatives decide.  AT_INFINITY: the gradient vanished only as the norm
        grew.  SATURATED: the gradient, and the curvature in its direction, are almost zero because units are
        saturated, so that a stationary point can be neither found nor excluded.  NOT_FINITE: a parameter, the loss or
        a derivative is NaN or infinite; the point is not changed, its spectrum is NaN.  UNSETTLED: no stationary point
        was found.
    index, degeneracy : (points,) int64, eigenvalues below zero, and equal to zero; meaningful only for the first three
        kinds.
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


def signature(
    spectrum: Floats, flat: float = FLAT, unsure: npt.ArrayLike = 0.0
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(index, degeneracy) of spectra (points, n): eigenvalues below zero, and zero up to `flat` of the largest.

    Zero are those, too, that are not above `unsure` (points,).
    """
    least = np.maximum(flat * abs(spectrum).max(axis=1), unsure)[:, None]
    return (spectrum < -least).sum(axis=1), (abs(spectrum) <= least).sum(axis=1)


def _newton(found: Derivatives, damping: Floats) -> Floats:
    """Steps that go down the norm of the gradient (Levenberg 1944, Marquardt 1963), whatever the index."""
    values, vectors = np.linalg.eigh(found.hessian)
    largest = abs(values).max(axis=1)
    unit = np.ldexp(1.0, np.minimum(-np.frexp(largest)[1], 1000))[:, None]  # squares of the smallest would vanish
    slope, values = np.einsum("pij,pi->pj", vectors, found.gradient) * unit, values * unit
    bend = damping * (slope**2).sum(axis=1) + np.where(largest > 0, NOISE * largest * unit[:, 0], 1.0) ** 2
    step = -np.einsum("pij,pj->pi", vectors, slope * values / (values**2 + bend[:, None]))
    shortened: Floats = step * (RADIUS / np.maximum(norm(step, axis=1), RADIUS))[:, None]
    return shortened


def _finite(found: Derivatives) -> npt.NDArray[np.bool_]:
    slopes = np.isfinite(found.gradient).all(axis=1) & np.isfinite(found.hessian).all(axis=(1, 2))
    return np.asarray(np.isfinite(found.loss) & slopes)


def _of(found: Derivatives, points: npt.NDArray[Any]) -> Derivatives:
    return Derivatives(found.loss[points], found.gradient[points], found.hessian[points])


def polish(spec: Spec, theta: npt.ArrayLike) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Stationary points, of any index, near given ones, and whether each is one: (points, n_params), (points,).

    Newton steps damped so that the norm of the gradient falls, none longer than `RADIUS`, until it is at most `NEAR`.
    """
    theta = np.array(theta, dtype=np.float64)
    found = derivatives(spec, theta)
    going = np.flatnonzero(_finite(found))
    damping, settled = np.ones(len(theta)), np.zeros(len(theta), dtype=bool)
    for _ in range(PATIENCE if going.size else 0):
        here = _of(found, going)
        step, size = _newton(here, damping[going]), norm(here.gradient, axis=1)
        settled[going] |= (size <= NEAR) & (norm(step, axis=1) <= STILL) & (here.hessian.any(axis=(1, 2)) | (size == 0))
        there = derivatives(spec, theta[going] + step)
        better = (norm(there.gradient, axis=1) < size) & _finite(there)
        theta[going[better]] += step[better]
        for name in ("loss", "gradient", "hessian"):
            getattr(found, name)[going[better]] = getattr(there, name)[better]
        damping[going] *= np.where(better, 0.1, 10.0)
        going = going[(size > NEAR) & (damping[going] < STUCK)]
    return theta, settled


def _coercive(spec: Spec) -> bool:
    """Whether the loss grows without bound with the weights, so that nothing is to be had at infinity."""
    return spec.training.weight_decay > 0 and OPTIMIZERS[spec.training.optimizer].decay is Decay.COUPLED


def _saturated(spec: Spec, theta: Floats, spectrum: Floats) -> npt.NDArray[np.bool_]:
    """Whether curvature is hidden: hardly any is left, and there is some in the same direction at norm 1."""
    bare = abs(spectrum).max(axis=1) <= BARE
    near = derivatives(spec, theta / np.maximum(norm(theta, axis=1), 1.0)[:, None])
    return np.asarray(bare & (abs(near.hessian).max(axis=(1, 2)) > BARE))


def _outward(found: Derivatives, theta: Floats, step: Floats) -> npt.NDArray[np.bool_]:
    """Whether a step goes away from zero and down."""
    away, slope = (np.einsum("pi,pi->p", of, step) for of in (theta, found.gradient))
    return np.asarray((away > 0) & (slope < 0) & (norm(step, axis=1) > STILL))


@np.errstate(invalid="ignore", over="ignore")
def report(spec: Spec, theta: npt.ArrayLike) -> Report:
    """Polish points (points, n_params), such as those where runs stopped, and classify them."""
    given = np.asarray(theta, dtype=np.float64)
    end, settled = polish(spec, given)
    found = derivatives(spec, end)
    finite = _finite(found)
    spectrum, step, change = np.full(end.shape, np.nan), np.zeros(end.shape), np.zeros(len(end))
    spectrum[finite] = np.linalg.eigvalsh(found.hessian[finite])
    step[finite] = _newton(_of(found, finite), change[finite])
    hidden = finite.copy()
    hidden[finite] = _saturated(spec, end[finite], spectrum[finite])
    beyond = derivatives(spec, end[finite] + step[finite])
    change[finite] = CHANGE * norm(beyond.hessian - found.hessian[finite], axis=(1, 2))
    index, degeneracy = signature(spectrum, unsure=np.where(settled, change, 0.0))
    moved, size = norm(end - given, axis=1), norm(found.gradient, axis=1)
    followed = norm(derivatives(spec, given).gradient, axis=1) > NEAR
    outward = np.where(followed, norm(end, axis=1) - norm(given, axis=1) > STILL, _outward(found, end, step))
    kinds = [
        (~finite, Kind.NOT_FINITE),
        (~settled & (size <= NEAR) & outward & (not _coercive(spec)), Kind.AT_INFINITY),
        ((hidden | ~settled) & (size <= NEAR), Kind.SATURATED),
        (~settled, Kind.UNSETTLED),
        (index > 0, Kind.SADDLE),
        (degeneracy > 0, Kind.FLAT),
    ]
    kind = np.select([c for c, _ in kinds], [np.int8(k) for _, k in kinds], np.int8(Kind.MINIMUM))
    return Report(kind, index, degeneracy, end, found.loss, size, spectrum, moved)
