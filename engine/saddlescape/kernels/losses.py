"""Losses: each gives one output's term of the sum and its derivative with respect to the pre-activation.

half_sse is half the sum of squares over samples and outputs; mse and bce are means over both.
"""

from collections.abc import Callable
from typing import NamedTuple

from saddlescape.kernels.elementary import log1p, logistic_tail
from saddlescape.kernels.lanes import Lanes, select


def squared(z: Lanes, y: Lanes, slope: Lanes, t: Lanes) -> tuple[Lanes, Lanes]:
    """((y - t)**2, (y - t) y')."""
    error = y - t
    return error * error, error * slope


def cross_entropy(z: Lanes, y: Lanes, slope: Lanes, t: Lanes) -> tuple[Lanes, Lanes]:
    """-(t ln y + (1 - t) ln(1 - y)) of a logistic output, from z: max(z, 0) - z t + ln(1 + exp(-|z|))."""
    e, _ = logistic_tail(z)
    return select(z > 0.0, z, 0.0) - z * t + log1p(e), y - t


class Loss(NamedTuple):
    """A term, and the factors of the sum of terms and of their derivatives, from the number of terms."""

    term: Callable[[Lanes, Lanes, Lanes, Lanes], tuple[Lanes, Lanes]]
    factor: Callable[[int], float]
    slope_factor: Callable[[int], float]


LOSSES = {
    "half_sse": Loss(squared, lambda n: 0.5, lambda n: 1.0),
    "mse": Loss(squared, lambda n: 1.0 / n, lambda n: 2.0 / n),
    "bce": Loss(cross_entropy, lambda n: 1.0 / n, lambda n: 1.0 / n),
}
