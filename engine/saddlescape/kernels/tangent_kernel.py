"""The neural tangent kernel K = J J^T of many networks: its change along runs, and its condition number."""

import math

import numpy as np
import numpy.typing as npt

from saddlescape.kernels.caching import cached
from saddlescape.kernels.eigenvalues import LANES, bisect, compiled, scale_down, tridiagonalize
from saddlescape.system.arithmetic import ieee

Floats = npt.NDArray[np.float64]
EPSILON = 2.0**-52


@compiled
def entry(jacobian, i, j):
    """Entry (i, j) of K for a Jacobian (rows, n_params)."""
    total = 0.0
    for k in range(jacobian.shape[1]):
        total += jacobian[i, k] * jacobian[j, k]
    return total


@cached(nogil=True)
def fill_change(start, jacobian, out):
    """Fill `out` (n_points,) with |K - K(0)| / |K(0)| for Jacobians (n_points, rows, n_params) of one run."""
    rows = start.shape[0]
    first, total = np.zeros((rows, rows)), 0.0
    for i in range(rows):
        for j in range(i + 1):
            first[i, j] = entry(start, i, j)
            total += (1.0 if i == j else 2.0) * first[i, j] * first[i, j]
    for point in range(len(out)):
        change = 0.0
        for i in range(rows):
            for j in range(i + 1):
                gap = entry(jacobian[point], i, j) - first[i, j]
                change += (1.0 if i == j else 2.0) * gap * gap
        out[point] = math.sqrt(change) / math.sqrt(total)


@cached(nogil=True)
def fill_condition(jacobian, out):
    """Fill `out` (n_points,) with condition numbers for Jacobians (n_points, rows, n_params)."""
    points, rows = jacobian.shape[:2]
    kernel, work = np.zeros((rows, rows, LANES)), np.zeros((3, rows, LANES))
    diagonal, off = np.zeros((2, rows, LANES))
    scale, low, high = np.zeros((3, LANES))
    for first in range(0, points, LANES):
        lanes = min(LANES, points - first)
        for lane in range(lanes):
            for i in range(rows):
                for j in range(i + 1):
                    kernel[i, j, lane] = entry(jacobian[first + lane], i, j)
        scale_down(kernel, scale)
        tridiagonalize(kernel, diagonal, off, work)
        bisect(diagonal, off, 0, low)
        bisect(diagonal, off, rows - 1, high)
        for lane in range(lanes):
            regular = low[lane] > rows * EPSILON * high[lane]
            value = high[lane] / low[lane] if regular else math.inf
            out[first + lane] = value if scale[lane] > 0.0 else math.nan


@ieee()
def kernel_change(start: Floats, jacobian: Floats) -> Floats:
    """|K - K(0)| / |K(0)| (Frobenius) along runs: (runs, n_points), NaN where K(0) is 0.

    `start` (runs, rows, n_params) and `jacobian` (runs, n_points, rows, n_params) are derivatives of outputs, a row
    for each sample and output.  Sums are added in a fixed order.  Releases the GIL.
    """
    out = np.empty(jacobian.shape[:2])
    for own, path, values in zip(np.ascontiguousarray(start), np.ascontiguousarray(jacobian), out, strict=True):
        fill_change(own, path, values)
    out[np.isnan(out)] = np.nan
    return out


@ieee()
def kernel_condition(jacobian: Floats) -> Floats:
    """Largest over smallest eigenvalue of K (n_points,), for `jacobian` (n_points, rows, n_params).

    It is infinite if the smallest is at most the largest times rows 2^-52, the size of rounding errors, and NaN if
    K is 0.  The bits of a point depend on nothing else.  Releases the GIL.
    """
    out = np.empty(len(jacobian))
    fill_condition(np.ascontiguousarray(jacobian), out)
    return out
