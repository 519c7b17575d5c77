"""Losses, defined as in PyTorch.

For one output, each returns the term of the sum, its derivative with respect to the pre-activation, and the absolute
error |output - target|, in which the output is a probability if the loss takes logits.  half_sse is half the sum of
squares over samples and outputs; softmax_ce is a mean over samples; all others are means over samples and outputs.
"""

from collections.abc import Callable
from typing import NamedTuple

from saddlescape.kernels.elementary import log1p_of_unit, logistic_tail
from saddlescape.kernels.lanes import Lanes, copysign, select

Term = tuple[Lanes, Lanes, Lanes]


def squared(z: Lanes, y: Lanes, slope: Lanes, t: Lanes) -> Term:
    """((y - t)**2, (y - t) y', |y - t|)."""
    error = y - t
    return error * error, error * slope, abs(error)


def huber(z: Lanes, y: Lanes, slope: Lanes, t: Lanes) -> Term:
    """error**2 / 2 where |error| < 1, else |error| - 1/2 (Huber 1964, delta = 1)."""
    error = y - t
    size = abs(error)
    term = select(size < 1.0, 0.5 * error * error, size - 0.5)
    return term, select(size < 1.0, error, copysign(error.like(1.0), error)) * slope, size


def cross_entropy(z: Lanes, y: Lanes, slope: Lanes, t: Lanes) -> Term:
    """-(t ln p + (1 - t) ln(1 - p)) with p = logistic(z), computed as max(z, 0) - z t + ln(1 + exp(-|z|)).

    p - t is computed from the smaller tail, so it does not round to zero where the target is 0 or 1.
    """
    e, tail = logistic_tail(z)
    delta = select(z < 0.0, tail - t, (1.0 - t) - tail)
    return select(z < 0.0, z.like(0.0), z) - z * t + log1p_of_unit(e), delta, abs(delta)


class LossRule(NamedTuple):
    """The term of a loss, and the factors of the sum of terms and of its derivatives for (samples, outputs)."""

    term: Callable[[Lanes, Lanes, Lanes, Lanes], Term] | None
    """None for the softmax, which needs all outputs of a sample at once."""

    factor: Callable[[int, int], float]
    slope_factor: Callable[[int, int], float]


def _mean(samples: int, outputs: int) -> float:
    return 1.0 / (samples * outputs)


LOSSES = {
    "half_sse": LossRule(squared, lambda samples, outputs: 0.5, lambda samples, outputs: 1.0),
    "mse": LossRule(squared, _mean, lambda samples, outputs: 2.0 / (samples * outputs)),
    "huber": LossRule(huber, _mean, _mean),
    "bce": LossRule(cross_entropy, _mean, _mean),
    "bce_logits": LossRule(cross_entropy, _mean, _mean),
    "softmax_ce": LossRule(None, lambda samples, outputs: 1.0 / samples, lambda samples, outputs: 1.0 / samples),
}
