"""Levenberg-Marquardt steps that decrease the norm of the gradient, of many networks at once, in float64.

Each step d minimises |g + H d|^2 + m |d|^2, where g and H are gradient and Hessian of the objective, so that it leads
to stationary points of any index: (H^2 + m) d = -H g, by Cholesky's method in all lanes at once.  A step is taken
if the norm of the gradient falls; m is `damping` |g|^2, and damping is divided by 10 after such a step, otherwise
multiplied.  A lane that has finished a start takes the next one; no lane changes the bits of another.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from saddlescape.kernels.caching import cached
from saddlescape.kernels.hessian import LANES, full_batch, hessian_product
from saddlescape.kernels.tick import add_offset, pointer
from saddlescape.kernels.variant import Trainer
from saddlescape.system.arithmetic import ieee

Floats = npt.NDArray[np.float64]
RADIUS = 1.0
"""Length of a step at most."""

FLOOR = 1e-14
"""m is at least this fraction of the largest diagonal element of H^2, so that Cholesky's factors exist."""

STUCK = 1e12
"""Damping at which a start is given up."""


@njit(error_model="numpy")
def derivatives_at(net, X, T, point, penalties, direction, losses, grad, hessian):
    """Gradient (n, lanes) and Hessian (n, n, lanes) of the objective; penalties: rows decay, l1 and free (0 or 1)."""
    n = len(point)
    decay, l1, free = penalties
    for j in range(n):
        direction[j] = 1.0
        column = add_offset(pointer(hessian), j * n * LANES)
        hessian_product(
            net, pointer(point), pointer(direction), pointer(grad), column, pointer(losses), pointer(X), pointer(T)
        )
        direction[j] = 0.0
    for j in range(n):
        for lane in range(LANES):
            grad[j, lane] = free[j] * (grad[j, lane] + decay[j] * point[j, lane] + l1[j] * np.sign(point[j, lane]))
            hessian[j, j, lane] += decay[j]
        for k in range(n):
            for lane in range(LANES):
                hessian[j, k, lane] *= free[j] * free[k]


@njit(error_model="numpy")
def norms(vectors, result):
    """Euclidean norms (lanes,) of vectors (n, lanes)."""
    result[:] = 0.0
    for j in range(len(vectors)):
        for lane in range(LANES):
            result[lane] += vectors[j, lane] * vectors[j, lane]
    for lane in range(LANES):
        result[lane] = np.sqrt(result[lane])


@njit(error_model="numpy")
def step_of(grad, hessian, m, square, step):
    """Steps d of all lanes: (H^2 + m) d = -H g, where m is `damping` |g|^2; at most `RADIUS` long."""
    n = len(grad)
    largest = np.zeros(LANES)
    for i in range(n):
        for j in range(i + 1):
            for lane in range(LANES):
                square[i, j, lane] = 0.0
            for k in range(n):
                for lane in range(LANES):
                    square[i, j, lane] += hessian[i, k, lane] * hessian[j, k, lane]
        for lane in range(LANES):
            largest[lane] = max(largest[lane], square[i, i, lane])
            step[i, lane] = 0.0
        for k in range(n):
            for lane in range(LANES):
                step[i, lane] -= hessian[i, k, lane] * grad[k, lane]
    for lane in range(LANES):
        added = max(m[lane], FLOOR * largest[lane])
        for i in range(n):
            square[i, i, lane] += added if added > 0.0 else 1.0
    solve(square, step)
    norms(step, largest)
    for j in range(n):
        for lane in range(LANES):
            step[j, lane] *= RADIUS / max(RADIUS, largest[lane])


@njit(error_model="numpy")
def solve(matrix, vector):
    """Solve for all lanes, in place; only the lower triangle of the positive definite matrix is read."""
    n = len(vector)
    for i in range(n):
        for j in range(i + 1):
            for k in range(j):
                for lane in range(LANES):
                    matrix[i, j, lane] -= matrix[i, k, lane] * matrix[j, k, lane]
            for lane in range(LANES):
                pivot = matrix[j, j, lane]
                matrix[i, j, lane] = np.sqrt(pivot) if i == j else matrix[i, j, lane] / pivot
        for k in range(i):
            for lane in range(LANES):
                vector[i, lane] -= matrix[i, k, lane] * vector[k, lane]
        for lane in range(LANES):
            vector[i, lane] /= matrix[i, i, lane]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            for lane in range(LANES):
                vector[i, lane] -= matrix[k, i, lane] * vector[k, lane]
        for lane in range(LANES):
            vector[i, lane] /= matrix[i, i, lane]


@cached(nogil=True)
def descend(net, X, T, theta, penalties, near, far, steps, size):
    """Replace each start `theta` (starts, n_params) by the point that it reaches; `size` (starts,) is |gradient|."""
    starts, n = theta.shape
    point, trial, grad, new, step, direction = np.zeros((6, n, LANES))
    hessian, there, square = np.zeros((3, n, n, LANES))
    losses, (old, now, m) = np.zeros((1, LANES)), np.zeros((3, LANES))
    damping, used, start = np.ones(LANES), np.zeros(LANES, np.int64), np.full(LANES, -1)
    following = 0
    while True:
        active = False
        for lane in range(LANES):
            finished = old[lane] <= near or used[lane] > steps or damping[lane] >= STUCK
            if start[lane] < 0 or finished or not np.isfinite(old[lane]):
                if start[lane] >= 0:
                    size[start[lane]] = old[lane]
                    for k in range(n):
                        theta[start[lane], k] = point[k, lane]
                start[lane] = following if following < starts else -1
                following += following < starts
                damping[lane], used[lane], old[lane] = 1.0, 0, 1.0
                for k in range(n):
                    point[k, lane] = theta[start[lane], k] if start[lane] >= 0 else 0.0
                    step[k, lane] = 0.0
            active |= start[lane] >= 0
            for k in range(n):
                trial[k, lane] = point[k, lane] + step[k, lane]
        if not active:
            break
        derivatives_at(net, X, T, trial, penalties, direction, losses, new, there)
        norms(new, now)
        norms(trial, m)
        for lane in range(LANES):
            better = used[lane] == 0 or now[lane] < old[lane]
            if better:
                old[lane] = now[lane]
                for j in range(n):
                    point[j, lane], grad[j, lane] = trial[j, lane], new[j, lane]
                    for k in range(n):
                        hessian[j, k, lane] = there[j, k, lane]
            if used[lane] > 0:
                damping[lane] *= 0.1 if better else 10.0
            used[lane] += 1 + steps * (better and m[lane] > far)
            m[lane] = damping[lane] * old[lane] * old[lane]
        step_of(grad, hessian, m, square, step)


@ieee()
def approach(
    trainer: Trainer, X: Floats, T: Floats, theta: Floats, penalties: Floats, near: float, far: float, steps: int
) -> tuple[Floats, Floats]:
    """Points (starts, n_params) that starts `theta` reach while the norm of the gradient falls, and these norms.

    A start ends when the norm is at most `near`, when the point is farther than `far` from zero, after `steps` steps,
    or when no step decreases the norm.  `penalties` (3, n_params) are weight decay and l1 of each parameter, and
    whether it is free, 1, or held, 0.  Releases the GIL.
    """
    x, t, penalties = (np.ascontiguousarray(a, dtype=np.float64) for a in (X, T, penalties))
    points = np.array(theta, dtype=np.float64, order="C")
    size = np.zeros(len(points))
    descend(full_batch(trainer, len(x)), x, t, points, penalties, near, far, steps, size)
    return points, size
