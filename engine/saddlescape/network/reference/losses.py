"""Loss functions and their derivatives in NumPy."""

from collections.abc import Callable

import numpy as np

from saddlescape.network.reference.activations import activate
from saddlescape.network.reference.common import Array

Terms = tuple[Array, Array, Array]
"""Terms of the loss, their derivatives with respect to z, and the errors; `loss_and_gradient` sums or averages.

Each has shape (samples, outputs)."""


def _half_sse(z: Array, y: Array, slope: Array, t: Array) -> Terms:
    return (y - t) ** 2 / 2, (y - t) * slope, y - t


def _mse(z: Array, y: Array, slope: Array, t: Array) -> Terms:
    return (y - t) ** 2, 2 * (y - t) * slope, y - t


def _huber(z: Array, y: Array, slope: Array, t: Array) -> Terms:
    error = y - t
    terms = np.where(abs(error) < 1, error**2 / 2, abs(error) - 0.5)
    return terms, np.clip(error, -1, 1) * slope, error


def _bce(z: Array, y: Array, slope: Array, t: Array) -> Terms:
    error = activate("logistic", z)[0] - t
    return np.logaddexp(0, z) - z * t, error, error


def _softmax_ce(z: Array, y: Array, slope: Array, t: Array) -> Terms:
    logs = z - np.logaddexp.reduce(z, axis=-1, keepdims=True)
    return -t * logs, np.exp(logs) - t, np.exp(logs) - t


LOSSES: dict[str, Callable[[Array, Array, Array, Array], Terms]] = {
    "half_sse": _half_sse,
    "mse": _mse,
    "huber": _huber,
    "bce": _bce,
    "bce_logits": _bce,
    "softmax_ce": _softmax_ce,
}
"""Functions of the pre-activations z, values y and slopes of the outputs, and the targets t."""

LINKS: dict[str | None, Callable[[Array, Array], Array]] = {
    None: lambda z, y: y,
    "logistic": lambda z, y: activate("logistic", z)[0],
    "softmax": lambda z, y: np.exp(z - np.logaddexp.reduce(z, axis=1, keepdims=True)),
}
"""Functions from pre-activations z and values y of outputs to the values that are compared with targets.

The keys are those of the `link` of a loss."""
