"""The same training as a plain compiled loop over networks, with scalars and tanh of the C library.

Layer sizes are constants of the closures, so the compiler may unroll loops.
"""

import math
from functools import cache
from itertools import pairwise

import numpy as np
from numba import njit


def error_of(last, n_out):
    """Return a function that sets the deltas of the outputs, `n_out` units from `last` on, to the errors."""

    @njit(error_model="numpy")
    def through(theta, grad, units, deltas, target):
        for j in range(n_out):
            deltas[last + j] = units[last + j] - target[j]

    return through


def layer(fan_in, fan_out, first, start, above):
    """Return a function for the forward and backward pass of one sample from this layer on; it adds to the gradient.

    Its parameters begin at `first`, its inputs at unit `start`; deltas are the loss's derivatives by the units.
    """
    after, width = start + fan_in, fan_in + 1

    @njit(error_model="numpy")
    def through(theta, grad, units, deltas, target):
        for j in range(fan_out):
            z = theta[first + j * width + fan_in]
            for i in range(fan_in):
                z += theta[first + j * width + i] * units[start + i]
            units[after + j] = math.tanh(z)
        above(theta, grad, units, deltas, target)
        for i in range(fan_in):
            deltas[start + i] = 0
        for j in range(fan_out):
            y = units[after + j]
            delta = deltas[after + j] * (1 - y * y)
            for i in range(fan_in):
                grad[first + j * width + i] += delta * units[start + i]
                deltas[start + i] += delta * theta[first + j * width + i]
            grad[first + j * width + fan_in] += delta

    return through


@cache
def descent(sizes):
    """Return compiled full-batch gradient descent of many networks, in place: descend(thetas, X, T, rate, steps)."""
    n_units, n_in = sum(sizes), sizes[0]
    start, first = n_units - sizes[-1], sum((a + 1) * b for a, b in pairwise(sizes))
    through = error_of(start, sizes[-1])
    for fan_in, fan_out in reversed(list(pairwise(sizes))):
        start, first = start - fan_in, first - (fan_in + 1) * fan_out
        through = layer(fan_in, fan_out, first, start, through)

    @njit(error_model="numpy", nogil=True)
    def descend(thetas, X, T, rate, steps):
        units, deltas = np.empty(n_units, thetas.dtype), np.empty(n_units, thetas.dtype)
        grad = np.empty(thetas.shape[1], thetas.dtype)
        for n in range(len(thetas)):
            theta = thetas[n]
            for _ in range(steps):
                grad[:] = 0
                for s in range(len(X)):
                    for i in range(n_in):
                        units[i] = X[s, i]
                    through(theta, grad, units, deltas, T[s])
                for k in range(len(theta)):
                    theta[k] -= rate * grad[k]

    return descend


def peer(sizes, X, T, rate):
    """Return ``run(theta, steps)``, which returns the parameters (networks, n_params) after gradient descent."""

    def run(theta, steps):
        ended, dtype = theta.copy(), theta.dtype
        descent(tuple(sizes))(ended, X.astype(dtype), T.astype(dtype), dtype.type(rate), steps)
        return ended

    return run
