"""Losses: each gives one output's term of the sum and its derivative with respect to the pre-activation.

half_sse is half the sum of squares over samples and outputs; mse and bce are means over both.
"""

from numba import njit
from numba.extending import overload

from saddlescape.kernels.elementary import exp_minus_abs, log1p_unit
from saddlescape.kernels.lanes import select


@njit(error_model="numpy")
def squared(z, y, slope, t):
    """((y - t)**2, (y - t) y')."""
    error = y - t
    return error * error, error * slope


@njit(error_model="numpy")
def cross_entropy(z, y, slope, t):
    """-(t ln y + (1 - t) ln(1 - y)) of a logistic output, from z: max(z, 0) - z t + ln(1 + exp(-|z|))."""
    return select(z > 0.0, z, 0.0) - z * t + log1p_unit(exp_minus_abs(z)), y - t


# name: (term, factor of the sum of terms, factor of the derivatives), the factors from the number of terms
LOSSES = {
    "half_sse": (squared, lambda n: 0.5, lambda n: 1.0),
    "mse": (squared, lambda n: 1.0 / n, lambda n: 2.0 / n),
    "bce": (cross_entropy, lambda n: 1.0 / n, lambda n: 1.0 / n),
}


def loss_term(layer, z, y, slope, t):
    """One output's term of the loss and its derivative, both before the loss's factors."""


@overload(loss_term)
def _loss_term(layer, z, y, slope, t):
    function = LOSSES[layer.net.variant.loss][0]
    return lambda layer, z, y, slope, t: function(z, y, slope, t)
