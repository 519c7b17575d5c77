"""The plateau loss: the loss of the best constant output."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from saddlescape.network.problems import Problem
from saddlescape.system.spacing import log
from saddlescape.words.activations import ACTIVATIONS
from saddlescape.words.losses import LOSSES, divisor

Floats = npt.NDArray[np.float64]
Range = tuple[float, float]


def plateau_loss(problem: Problem, loss: str, output: str, reduction: str | None = None) -> float:
    """Loss of the best constant output in the range of the output activation (for logits, of the best probability)."""
    own, new = (divisor(loss, each, *problem.T.shape) for each in (None, reduction))
    best = float(BEST[loss](problem.T, ACTIVATIONS[output].range))
    return best if own == new else best * own / new


def _squares(targets: Floats, range: Range) -> Floats:
    errors: Floats = targets - np.clip(targets.mean(axis=0), *range)
    return errors**2


def _huber(targets: Floats, range: Range) -> float:
    delta = LOSSES["huber"].linear_beyond or np.inf
    center = np.array([_huber_center(column, delta) for column in targets.T])
    errors = np.abs(targets - np.clip(center, *range))
    return float(np.where(errors < delta, errors**2 / 2, delta * (errors - delta / 2)).mean())


def _huber_center(targets: Floats, delta: float) -> float:
    """The constant with the smallest Huber loss, where its derivative, which is piecewise linear, is zero."""
    corners = np.unique(np.concatenate([targets - delta, targets + delta]))
    slopes = np.clip(corners[:, None] - targets, -delta, delta).sum(axis=1)
    return float(np.interp(0.0, slopes, corners))


def _entropy(target: Floats, output: Floats) -> Floats:
    """-target ln(output), and 0 where the target is 0."""
    return np.where(target > 0, -target * log(np.where(target > 0, output, 1.0)), 0.0)


def _binary(targets: Floats, range: Range) -> float:
    mean = targets.mean(axis=0)
    return float((_entropy(targets, mean) + _entropy(1 - targets, 1 - mean)).mean())


def _categorical(targets: Floats, range: Range) -> float:
    return float(_entropy(targets, targets.mean(axis=0)).sum(axis=1).mean())


BEST: dict[str, Callable[[Floats, Range], float]] = {
    "half_sse": lambda targets, range: float(_squares(targets, range).sum() / 2),
    "mse": lambda targets, range: float(_squares(targets, range).mean()),
    "huber": _huber,
    "bce": _binary,
    "bce_logits": _binary,
    "softmax_ce": _categorical,
}
"""Loss of the best constant output, with the loss's own reduction, from targets (samples, outputs) and the range of
the output activation."""
