"""Activation functions: each maps a pre-activation z to (value, derivative), both relatively accurate.

A derivative formed from the value alone, such as 1 - tanh**2, rounds to zero long before it is zero and freezes
saturated networks for a reason that is not in the mathematics.
"""

from numba import njit
from numba.extending import overload

from saddlescape.kernels.elementary import logistic_slope, tanh_slope
from saddlescape.kernels.lanes import full, select


@njit(error_model="numpy")
def relu(z):
    """(max(z, 0), 1 where z > 0); the derivative at 0 is 0, as in PyTorch."""
    return select(z > 0.0, z, 0.0), select(z > 0.0, full(z, 1.0), 0.0)


@njit(error_model="numpy")
def linear(z):
    """(z, 1)."""
    return z, full(z, 1.0)


tanh = njit(error_model="numpy")(tanh_slope)
logistic = njit(error_model="numpy")(logistic_slope)

ACTIVATIONS = {"logistic": logistic, "tanh": tanh, "relu": relu, "linear": linear}


def activation(layer, z):
    """Value and derivative of the activation of `layer` at `z`."""


@overload(activation)
def _activation(layer, z):
    variant = layer.net.variant
    function = ACTIVATIONS[variant.output if layer.is_output else variant.activation]
    return lambda layer, z: function(z)
