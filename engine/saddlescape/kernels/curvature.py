"""Curvature of the objective at many points: the largest eigenvalue of the Hessian, its trace, and that of a step."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from saddlescape.kernels.caching import cached
from saddlescape.kernels.eigenvalues import LANES, bisect, compiled, scale_down, tridiagonalize
from saddlescape.kernels.hessian import in_lanes
from saddlescape.kernels.variant import Trainer
from saddlescape.system.arithmetic import ieee

Floats = npt.NDArray[np.float64]

CHUNK = 2**18
"""Entries of Hessians that are in memory at once, at most, or those of eight."""


@dataclass(frozen=True)
class Curvature:
    """Curvature of the objective; each is (n_points,) float64.

    Attributes
    ----------
    sharpness : largest eigenvalue of the Hessian H.
    trace : of H.
    along_gradient : g^T H g / |g|^2, g the gradient; NaN where it is 0.
    """

    sharpness: Floats
    trace: Floats
    along_gradient: Floats


@compiled
def add_penalties(point, grad, hessian, decay, l1, penalized):
    """Change gradient and Hessian of the loss to those of the objective; l1 has no curvature."""
    n = len(point)
    for k in range(n):
        for lane in range(LANES):
            weight = point[k, lane]
            sign = 0.0 if weight == 0.0 else np.copysign(1.0, weight)
            grad[k, lane] += penalized[k] * (decay[lane] * weight + l1[lane] * sign)
            hessian[k, k, lane] += penalized[k] * decay[lane]


@compiled
def symmetrize(hessian, trace):
    """Average the two values of each mixed derivative into the lower triangle, and sum the diagonal."""
    trace[:] = 0.0
    for i in range(len(hessian)):
        for j in range(i):
            for lane in range(LANES):
                hessian[i, j, lane] = 0.5 * (hessian[i, j, lane] + hessian[j, i, lane])
        for lane in range(LANES):
            trace[lane] += hessian[i, i, lane]


@compiled
def along(grad, hessian, most, values):
    """The second derivative along the gradients, which are divided by their largest components `most` first."""
    n, square, total = len(grad), np.zeros(LANES), np.zeros(LANES)
    most[:] = 0.0
    for k in range(n):
        for lane in range(LANES):
            most[lane] = max(most[lane], abs(grad[k, lane]))
    for k in range(n):
        for lane in range(LANES):
            grad[k, lane] = grad[k, lane] / most[lane]
            square[lane] += grad[k, lane] * grad[k, lane]
    for i in range(n):
        for j in range(i):
            for lane in range(LANES):
                total[lane] += 2.0 * hessian[i, j, lane] * grad[i, lane] * grad[j, lane]
        for lane in range(LANES):
            total[lane] += hessian[i, i, lane] * grad[i, lane] * grad[i, lane]
    for lane in range(LANES):
        values[lane] = total[lane] / square[lane]


@cached(nogil=True)
def fill(theta, gradient, hessian, weight_decay, l1, penalized, out):
    """Fill `out` (n_points, 3) with the numbers of `Curvature`, from arrays of `InLanes`, which are lost."""
    points, n = theta.shape
    diagonal, off, point = np.zeros((3, n, LANES))
    work, (decay, slope, scale, top, trace, step) = np.zeros((3, n, LANES)), np.zeros((6, LANES))
    for group in range(len(gradient)):
        lanes, first = min(LANES, points - group * LANES), group * LANES
        for lane in range(lanes):
            decay[lane], slope[lane] = weight_decay[first + lane], l1[first + lane]
            for k in range(n):
                point[k, lane] = theta[first + lane, k]
        add_penalties(point, gradient[group], hessian[group], decay, slope, penalized)
        symmetrize(hessian[group], trace)
        along(gradient[group], hessian[group], scale, step)
        scale_down(hessian[group], scale)
        tridiagonalize(hessian[group], diagonal, off, work)
        bisect(diagonal, off, n - 1, top)
        for lane in range(lanes):
            out[first + lane, 0] = top[lane] * scale[lane]
            out[first + lane, 1] = trace[lane]
            out[first + lane, 2] = step[lane]


@ieee()
def curvature(
    trainer: Trainer,
    X: Floats,
    T: Floats,
    theta: npt.NDArray[np.floating],
    weight_decay: Floats,
    l1: Floats,
    penalized: Floats,
) -> Curvature:
    """Curvature of the objective over all samples at `theta` (n_points, n_params), in float64.

    The objective has the penalties `weight_decay` and `l1` (n_points,) of the parameters that `penalized`
    (n_params,), zeros and ones, marks; the trainer's are ignored.  Second derivatives are those of `derivatives`, and
    the bits of a point depend on nothing else.  Numbers that are not finite are NaN.  Releases the GIL.
    """
    out = np.empty((len(theta), 3))
    points, decay, l1, penalized = (np.ascontiguousarray(a, np.float64) for a in (theta, weight_decay, l1, penalized))
    size = LANES * max(1, CHUNK // (LANES * points.shape[-1] ** 2))
    for part in (slice(first, first + size) for first in range(0, len(points), size)):
        _, gradient, hessian = in_lanes(trainer, X, T, points[part])
        fill(points[part], gradient, hessian, decay[part], l1[part], penalized, out[part])
    out[~np.isfinite(out)] = np.nan
    return Curvature(*out.T)
