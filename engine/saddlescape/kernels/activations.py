"""Activation functions: each maps a pre-activation z to (value, derivative), both relatively accurate.

A derivative formed from the value alone, such as 1 - tanh**2, rounds to zero long before it is zero and freezes
saturated networks for a reason that is not in the mathematics.
"""

from collections.abc import Callable

from saddlescape.kernels.elementary import logistic_slope, tanh_slope
from saddlescape.kernels.lanes import Lanes, select


def relu(z: Lanes) -> tuple[Lanes, Lanes]:
    """(max(z, 0), 1 where z > 0); the derivative at 0 is 0, as in PyTorch."""
    return select(z > 0.0, z, 0.0), select(z > 0.0, z.like(1.0), 0.0)


def linear(z: Lanes) -> tuple[Lanes, Lanes]:
    """(z, 1)."""
    return z, z.like(1.0)


ACTIVATIONS: dict[str, Callable[[Lanes], tuple[Lanes, Lanes]]] = {
    "logistic": logistic_slope,
    "tanh": tanh_slope,
    "relu": relu,
    "linear": linear,
}
