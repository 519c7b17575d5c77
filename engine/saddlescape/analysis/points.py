"""Loss, gradient and Hessian at points of weight space, and the classification of stationary points."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.linalg import norm

from saddlescape.kernels import Derivatives
from saddlescape.kernels import derivatives as of_network
from saddlescape.runs.evaluation import held, penalties
from saddlescape.runs.prepare import plain_trainer
from saddlescape.spec import Spec

Floats = npt.NDArray[np.floating]


@np.errstate(invalid="ignore", over="ignore")
def derivatives(spec: Spec, theta: npt.ArrayLike) -> Derivatives:
    """Value, gradient and Hessian of the objective of a spec, at points (points, n_params), in float64.

    The objective is the loss over all samples plus the penalties of the parameters: l1 times the sum of their absolute
    values and, for optimizers that add the decay to the gradient, weight_decay / 2 times the sum of their squares
    (docs/spec.md).  Derivatives are exact up to rounding; the Hessian is symmetric to the last bit.  For relu,
    leaky_relu, huber and l1, derivatives are those of the linear or quadratic piece that contains the point, and the
    slope of l1 is 0 where the parameter is.  Derivatives with respect to biases that are held (bias_rate = 0) are 0.

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
    of_loss = of_network(plain_trainer(spec), spec.loaded.X, spec.loaded.T, theta)
    free, (decay, l1) = ~held(spec), penalties(spec)
    return replace(
        of_loss,
        loss=of_loss.loss + (decay / 2 * theta**2).sum(axis=1) + (l1 * abs(theta)).sum(axis=1),
        gradient=np.where(free, of_loss.gradient + decay * theta + l1 * np.sign(theta), 0.0),
        hessian=np.where(np.outer(free, free), of_loss.hessian + np.diag(decay), 0.0),
    )


NEAR = 1e-10
"""Gradient norm at which a point counts as stationary."""

FLAT = NEAR**0.5
"""Eigenvalues smaller than this fraction of the largest count as zero.

Hessians are exact to 1e-15 of the largest eigenvalue.  But if the gradient grows like the square of the distance from a
degenerate point, it is `NEAR` at a distance of ``NEAR**0.5``, and the curvature there is of the same order."""

STILL = 1e-2
"""A Newton step from a gradient of `NEAR` is shorter than this near a stationary point.  If the loss decays like
exp(-x w) towards a point at infinity, the step is about 1 / x at any distance."""

NOISE = 1e-13
"""Curvatures smaller than this fraction of the largest are rounding errors, and steps ignore them."""

BARE = NEAR / STILL
"""With a gradient of `NEAR`, curvature up to this does not show whether a stationary point is near."""

CHANGE = 2
"""Eigenvalues up to this multiple of the change of the Hessian along the Newton step, which is the remaining distance
to the stationary point, count as zero."""

RADIUS, PATIENCE, STUCK = 1.0, 1000, 1e12
"""Maximum length of a step, maximum number of steps, and the damping above which a point is given up."""


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
    kind : (points,) int8. MINIMUM: every eigenvalue is positive.  SADDLE: at least one is negative.  FLAT: none is
        negative and at least one is zero, so that higher derivatives decide.  AT_INFINITY: the gradient vanished only
        as the norm grew.  SATURATED: the gradient, and the curvature in its direction, are almost zero because units
        are saturated, so that a stationary point can be neither found nor excluded.  NOT_FINITE: a parameter, the loss
        or a derivative is NaN or infinite; the point is not changed, and its spectrum is NaN.  UNSETTLED: no stationary
        point was found.
    index, degeneracy : (points,) int64, number of negative and of zero eigenvalues, without those of biases that are
        held; meaningful only for the first three kinds.
    theta : (points, n_params) float64, the stationary point; for AT_INFINITY, the last point.
    loss, grad_norm : (points,) float64, loss and norm of the gradient at `theta`.
    spectrum : (points, n_params) float64, eigenvalues of the Hessian at `theta`, ascending.
    moved : (points,) float64, distance between the given point and `theta`.
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
    """Numbers of negative and of zero eigenvalues (index, degeneracy) of spectra (points, n).

    Eigenvalues count as zero up to the larger of the fraction `flat` of the largest one and `unsure` (points,).
    """
    tolerance = np.maximum(flat * abs(spectrum).max(axis=1), unsure)[:, None]
    return (spectrum < -tolerance).sum(axis=1), (abs(spectrum) <= tolerance).sum(axis=1)


def _newton(at: Derivatives, damping: Floats) -> Floats:
    """Damped Newton steps that decrease the norm of the gradient (Levenberg 1944, Marquardt 1963), for any index."""
    values, vectors = np.linalg.eigh(at.hessian)
    largest = abs(values).max(axis=1)
    unit = np.ldexp(1.0, np.minimum(-np.frexp(largest)[1], 1000))[:, None]  # small squares would underflow
    slope, values = np.einsum("pij,pi->pj", vectors, at.gradient) * unit, values * unit
    bend = damping * (slope**2).sum(axis=1) + np.where(largest > 0, NOISE * largest * unit[:, 0], 1.0) ** 2
    step = -np.einsum("pij,pj->pi", vectors, slope * values / (values**2 + bend[:, None]))
    shortened: Floats = step * (RADIUS / np.maximum(norm(step, axis=1), RADIUS))[:, None]
    return shortened


def _finite(at: Derivatives) -> npt.NDArray[np.bool_]:
    slopes = np.isfinite(at.gradient).all(axis=1) & np.isfinite(at.hessian).all(axis=(1, 2))
    return np.asarray(np.isfinite(at.loss) & slopes)


def _select(at: Derivatives, points: npt.NDArray[Any]) -> Derivatives:
    return Derivatives(at.loss[points], at.gradient[points], at.hessian[points])


def polish(spec: Spec, theta: npt.ArrayLike) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Stationary points (points, n_params) of any index near given points, and whether each was found (points,).

    Takes damped Newton steps of at most `RADIUS` that decrease the norm of the gradient, until it is at most `NEAR`.
    """
    theta = np.array(theta, dtype=np.float64)
    current = derivatives(spec, theta)
    active = np.flatnonzero(_finite(current))
    damping, settled = np.ones(len(theta)), np.zeros(len(theta), dtype=bool)
    for _ in range(PATIENCE if active.size else 0):
        old = _select(current, active)
        step, size = _newton(old, damping[active]), norm(old.gradient, axis=1)
        settled[active] |= (size <= NEAR) & (norm(step, axis=1) <= STILL) & (old.hessian.any(axis=(1, 2)) | (size == 0))
        new = derivatives(spec, theta[active] + step)
        better = (norm(new.gradient, axis=1) < size) & _finite(new)
        theta[active[better]] += step[better]
        for name in ("loss", "gradient", "hessian"):
            getattr(current, name)[active[better]] = getattr(new, name)[better]
        damping[active] *= np.where(better, 0.1, 10.0)
        active = active[(size > NEAR) & (damping[active] < STUCK)]
    return theta, settled


def _coercive(spec: Spec) -> bool:
    """Whether the objective grows without bound with every free parameter: no stationary point is at infinity."""
    decay, l1 = penalties(spec)
    return bool((decay + l1 > 0)[~held(spec)].all())


def _saturated(spec: Spec, theta: Floats, spectrum: Floats) -> npt.NDArray[np.bool_]:
    """Whether almost no curvature is left at a point, although there is some in the same direction at norm 1."""
    bare = abs(spectrum).max(axis=1) <= BARE
    near = derivatives(spec, theta / np.maximum(norm(theta, axis=1), 1.0)[:, None])
    return np.asarray(bare & (abs(near.hessian).max(axis=(1, 2)) > BARE))


def _outward(at: Derivatives, theta: Floats, step: Floats) -> npt.NDArray[np.bool_]:
    """Whether a step leads away from zero and downhill."""
    away, slope = (np.einsum("pi,pi->p", vector, step) for vector in (theta, at.gradient))
    return np.asarray((away > 0) & (slope < 0) & (norm(step, axis=1) > STILL))


@np.errstate(invalid="ignore", over="ignore")
def report(spec: Spec, theta: npt.ArrayLike) -> Report:
    """Polish points (points, n_params), such as the final points of runs, and classify them."""
    start = np.asarray(theta, dtype=np.float64)
    end, settled = polish(spec, start)
    final = derivatives(spec, end)
    finite = _finite(final)
    spectrum, step, change = np.full(end.shape, np.nan), np.zeros(end.shape), np.zeros(len(end))
    spectrum[finite] = np.linalg.eigvalsh(final.hessian[finite])
    step[finite] = _newton(_select(final, finite), change[finite])
    saturated = finite.copy()
    saturated[finite] = _saturated(spec, end[finite], spectrum[finite])
    beyond = derivatives(spec, end[finite] + step[finite])
    change[finite] = CHANGE * norm(beyond.hessian - final.hessian[finite], axis=(1, 2))
    index, degeneracy = signature(spectrum, unsure=np.where(settled, change, 0.0))
    degeneracy -= held(spec).sum()  # their curvature is 0
    moved, size = norm(end - start, axis=1), norm(final.gradient, axis=1)
    followed = norm(derivatives(spec, start).gradient, axis=1) > NEAR
    outward = np.where(followed, norm(end, axis=1) - norm(start, axis=1) > STILL, _outward(final, end, step))
    kinds = [
        (~finite, Kind.NOT_FINITE),
        (~settled & (size <= NEAR) & outward & (not _coercive(spec)), Kind.AT_INFINITY),
        ((saturated | ~settled) & (size <= NEAR), Kind.SATURATED),
        (~settled, Kind.UNSETTLED),
        (index > 0, Kind.SADDLE),
        (degeneracy > 0, Kind.FLAT),
    ]
    kind = np.select([c for c, _ in kinds], [np.int8(k) for _, k in kinds], np.int8(Kind.MINIMUM))
    return Report(kind, index, degeneracy, end, final.loss, size, spectrum, moved)
