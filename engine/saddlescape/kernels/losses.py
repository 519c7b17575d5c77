"""Losses, defined as in PyTorch.

For one output, each returns the term of the sum, its derivative with respect to the pre-activation, and the absolute
error |output - target|, in which the output is a probability if the loss takes logits.  `factors` reduces the terms.
"""

from collections.abc import Callable
from typing import NamedTuple

from saddlescape.kernels.elementary import log1p_of_unit, logistic_tail
from saddlescape.kernels.lanes import Lanes, copysign, select
from saddlescape.words.losses import divisor

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
    """The term of a loss, and the constant factors of the sum of terms and of its derivatives."""

    term: Callable[[Lanes, Lanes, Lanes, Lanes], Term] | None
    """None for the softmax, which needs all outputs of a sample at once."""

    factor: float = 1.0
    slope_factor: float = 1.0


LOSSES = {
    "half_sse": LossRule(squared, factor=0.5),
    "mse": LossRule(squared, slope_factor=2.0),
    "huber": LossRule(huber),
    "bce": LossRule(cross_entropy),
    "bce_logits": LossRule(cross_entropy),
    "softmax_ce": LossRule(None),
}


def factors(loss: str, reduction: str | None, samples: int, outputs: int) -> tuple[float, float]:
    """Factors of the sum of terms and of its derivatives."""
    rule, n = LOSSES[loss], divisor(loss, reduction, samples, outputs)
    return rule.factor / n, rule.slope_factor / n
