"""Eigenvalues of symmetric matrices, eight at once: Householder's reduction, then bisection with Sturm counts.

LAPACK's bits depend on the machine.  Here, each matrix has a lane, all lanes take the same steps, and every sum has a
fixed order, so a value depends only on its matrix.  Arrays end with the dimension of the lanes.
Golub and Van Loan 2013 (Matrix Computations, sections 8.3.1 and 8.4.1).
"""

import math

import numpy as np

from saddlescape.kernels.caching import cached

LANES = 8

BISECTIONS = 64
"""Enough to separate two neighboring numbers of the size of the matrix."""

SMALLEST_PIVOT = 1e-300
"""Replaces pivots at 0, in units of the largest entry."""

compiled = cached(nogil=True)


@compiled
def scale_down(a, scale):
    """Divide each matrix (n, n, LANES) by its largest entry, so that no square overflows; NaN if one is NaN."""
    n = a.shape[0]
    scale[:] = 0.0
    for i in range(n):
        for j in range(i + 1):
            for lane in range(LANES):
                size = abs(a[i, j, lane])
                scale[lane] = scale[lane] if size <= scale[lane] else size
    for i in range(n):
        for j in range(i + 1):
            for lane in range(LANES):
                a[i, j, lane] = a[i, j, lane] / scale[lane] if scale[lane] > 0.0 else 0.0


@compiled
def reflector(a, k, v, beta, off):
    """Householder vector `v` and factor `beta` that clear column `k` below the subdiagonal, which becomes `off`."""
    n, total = a.shape[0], np.zeros(LANES)
    for i in range(k + 2, n):
        for lane in range(LANES):
            v[i, lane] = a[i, k, lane]
            total[lane] += v[i, lane] * v[i, lane]
    for lane in range(LANES):
        x = a[k + 1, k, lane]
        length = math.sqrt(x * x + total[lane])
        clear = total[lane] > 0.0
        off[lane] = -math.copysign(length, x) if clear else x
        v[k + 1, lane] = x - off[lane]
        beta[lane] = 1.0 / (length * (length + abs(x))) if clear else 0.0


@compiled
def reflect(a, k, v, beta, p):
    """Apply the reflector to both sides of the rows and columns after `k`: a - v w^T - w v^T."""
    n, half = a.shape[0], np.zeros(LANES)
    p[k + 1 :] = 0.0
    for i in range(k + 1, n):
        for j in range(k + 1, i):
            for lane in range(LANES):
                p[i, lane] += a[i, j, lane] * v[j, lane]
                p[j, lane] += a[i, j, lane] * v[i, lane]
        for lane in range(LANES):
            p[i, lane] += a[i, i, lane] * v[i, lane]
    for i in range(k + 1, n):
        for lane in range(LANES):
            p[i, lane] *= beta[lane]
            half[lane] += 0.5 * beta[lane] * p[i, lane] * v[i, lane]
    for i in range(k + 1, n):
        for lane in range(LANES):
            p[i, lane] -= half[lane] * v[i, lane]
        for j in range(k + 1, i + 1):
            for lane in range(LANES):
                a[i, j, lane] -= v[i, lane] * p[j, lane] + p[i, lane] * v[j, lane]


@compiled
def tridiagonalize(a, diagonal, off, work):
    """Reduce matrices (n, n, LANES), of which only the lower triangle is used, and which are lost.

    `diagonal` and `off` (n, LANES) become the diagonals of tridiagonal matrices with the same eigenvalues, `off` from
    index 1 on; `work` is (3, n, LANES).
    """
    n, v, p, beta = a.shape[0], work[0], work[1], work[2, 0]
    off[0] = 0.0
    for k in range(n - 2):
        reflector(a, k, v, beta, off[k + 1])
        reflect(a, k, v, beta, p)
    if n > 1:
        off[n - 1] = a[n - 1, n - 2]
    for k in range(n):
        diagonal[k] = a[k, k]


@compiled
def bisect(diagonal, off, number, values):
    """The eigenvalues of index `number`, from 0 for the smallest, of tridiagonal matrices with entries up to 1."""
    n, low, high = diagonal.shape[0], np.zeros(LANES), np.zeros(LANES)
    middle, pivot, below = np.zeros(LANES), np.zeros(LANES), np.zeros(LANES)
    for k in range(n):
        for lane in range(LANES):
            reach = abs(off[k, lane]) + (abs(off[k + 1, lane]) if k + 1 < n else 0.0)
            low[lane] = min(low[lane], diagonal[k, lane] - reach)
            high[lane] = max(high[lane], diagonal[k, lane] + reach)
    for _ in range(BISECTIONS):
        for lane in range(LANES):
            middle[lane] = 0.5 * (low[lane] + high[lane])
            pivot[lane], below[lane] = 1.0, 0.0
        for k in range(n):
            for lane in range(LANES):
                next_pivot = diagonal[k, lane] - middle[lane] - off[k, lane] * off[k, lane] / pivot[lane]
                pivot[lane] = next_pivot if abs(next_pivot) > SMALLEST_PIVOT else -SMALLEST_PIVOT
                below[lane] += 1.0 if pivot[lane] < 0.0 else 0.0
        for lane in range(LANES):
            above = below[lane] > number
            high[lane] = middle[lane] if above else high[lane]
            low[lane] = low[lane] if above else middle[lane]
    for lane in range(LANES):
        values[lane] = 0.5 * (low[lane] + high[lane])
