"""Measures of one network's state, in float64; taken at record steps and at the end only.

Functions take pointers, not arrays: Numba counts references to an array whenever it is passed on or sliced.
"""

import math

import numpy as np
from numba import njit


@njit(error_model="numpy")
def largest(values, first, stride, n):
    """Largest magnitude of `n` numbers from `first` on, `stride` apart (the maximum norm); NaN if one is NaN."""
    most = 0.0
    for k in range(n):
        value = abs(np.float64(values[first + k * stride]))
        if not value <= most:
            most = value
    return most


@njit(error_model="numpy")
def norm(values, first, stride, n):
    """Euclidean norm, scaled by the largest component: 0 only if every component is, however small."""
    most = largest(values, first, stride, n)
    if most == 0.0 or not most < math.inf:
        return most
    total = 0.0
    for k in range(n):
        value = np.float64(values[first + k * stride]) / most
        total += value * value
    return most * math.sqrt(total)


@njit(error_model="numpy")
def copy_unit(shape, theta, first, stride, layer, unit, out):
    """Copy a unit vector (incoming weights, bias, outgoing weights) into the scratch from `out` on.

    The network's parameters are `theta[k * stride + lane]`; those of the layer begin at `first`.
    """
    width, units = shape.sizes[layer] + shape.bias, shape.sizes[layer + 1]
    for k in range(width):
        shape.scratch[out + k] = theta[first + (unit * width + k) * stride]
    for k in range(shape.sizes[layer + 2]):
        shape.scratch[out + width + k] = theta[first + (width * units + k * (units + shape.bias) + unit) * stride]


@njit(error_model="numpy")
def distance(scratch, a, b, n, sign, scale, closest):
    """|a - sign b| / scale, 0 if and only if they are equal; `closest` if it is no less; NaN if it is none."""
    most = 0.0
    for k in range(n):
        gap = abs(scratch[a + k] - sign * scratch[b + k])
        if not gap <= most:
            most = gap
    if most == 0.0:
        return 0.0
    if most / scale >= closest:
        return closest
    total = 0.0
    for k in range(n):
        gap = (scratch[a + k] - sign * scratch[b + k]) / most
        total += gap * gap
    return max(most * math.sqrt(total) / scale, 5e-324)


@njit(error_model="numpy")
def separation(shape, theta, lane, stride):
    """Smallest distance of two unit vectors of one hidden layer over the larger norm; up to sign in odd layers.

    NaN where no layer has two units.  `shape.scratch` has room for all unit vectors of a layer, each behind its norm.
    """
    closest, found, first = math.inf, False, lane
    for layer in range(shape.layers - 1):
        units, n = shape.sizes[layer + 1], shape.sizes[layer] + shape.bias + shape.sizes[layer + 2]
        for i in range(units):
            a = i * (n + 1) + 1
            copy_unit(shape, theta, first, stride, layer, i, a)
            shape.scratch[a - 1] = norm(shape.scratch, a, 1, n)
            for j in range(i):
                b = j * (n + 1) + 1
                scale = max(shape.scratch[a - 1], shape.scratch[b - 1])
                for s in range(1 + shape.odd[layer]):
                    apart = distance(shape.scratch, a, b, n, 1.0 - 2.0 * s, scale, closest)
                    if not apart >= closest:
                        closest = apart
                found = True
        first += (shape.sizes[layer] + shape.bias) * units * stride
    return closest if found else math.nan
