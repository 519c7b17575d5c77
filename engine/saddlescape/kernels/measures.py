"""Measures of one network's state, in float64 from its parameters; taken at record steps and at the end only."""

import math

import numpy as np
from numba import njit

from saddlescape.kernels.lanes import out_of_line


@njit(error_model="numpy")
def largest(column):
    """Largest magnitude of a component (the maximum norm); NaN if one is NaN."""
    most = 0.0
    for k in range(column.shape[0]):
        value = abs(np.float64(column[k]))
        if not value <= most:
            most = value
    return most


@njit(error_model="numpy")
def norm(column):
    """Euclidean norm, scaled by the largest component: 0 only if every component is, however small."""
    out_of_line()
    most = largest(column)
    if most == 0.0 or not most < math.inf:
        return most
    total = 0.0
    for k in range(column.shape[0]):
        value = np.float64(column[k]) / most
        total += value * value
    return most * math.sqrt(total)


@njit(error_model="numpy")
def fill_unit(theta, sizes, bias, first, layer, unit, out):
    """Copy the unit vector (incoming weights, bias, outgoing weights) into `out`; its length."""
    out_of_line()
    width, after = sizes[layer] + bias, sizes[layer + 1] + bias
    outgoing = first + width * sizes[layer + 1]
    for k in range(width):
        out[k] = theta[first + unit * width + k]
    for k in range(sizes[layer + 2]):
        out[width + k] = theta[outgoing + k * after + unit]
    return width + sizes[layer + 2]


@njit(error_model="numpy")
def relative_distance(a, b, sign, gap):
    """|a - sign b| over the larger of |a| and |b|; 0 if and only if they are equal. `gap` is scratch."""
    out_of_line()
    for k in range(a.shape[0]):
        gap[k] = a[k] - sign * b[k]
    distance = norm(gap)
    if distance == 0.0:
        return 0.0
    return max(distance / max(norm(a), norm(b)), 5e-324)


@njit(error_model="numpy")
def separation(theta, sizes, bias, odd, scratch):
    """Smallest relative distance of two units of one hidden layer; up to sign for odd activations.

    NaN where no layer has two units.  `scratch` is (3, longest unit vector) float64.
    """
    out_of_line()
    closest = math.nan
    first = 0
    for layer in range(sizes.shape[0] - 2):
        for i in range(sizes[layer + 1]):
            n = fill_unit(theta, sizes, bias, first, layer, i, scratch[0])
            for j in range(i):
                fill_unit(theta, sizes, bias, first, layer, j, scratch[1])
                a, b, gap = scratch[0, :n], scratch[1, :n], scratch[2, :n]
                distance = relative_distance(a, b, 1.0, gap)
                if odd:
                    distance = min(distance, relative_distance(a, b, -1.0, gap))
                if not distance >= closest:
                    closest = distance
        first += (sizes[layer] + bias) * sizes[layer + 1]
    return closest
