"""Activation functions and their derivatives in NumPy."""

import math
from collections.abc import Callable

import numpy as np

from saddlescape.network.reference.common import Array, function
from saddlescape.words.activations import LEAK

_erf = np.vectorize(math.erf, otypes=[float])
_erfc = np.vectorize(math.erfc, otypes=[float])


def _logistic(z: Array) -> tuple[Array, Array]:
    one = z.dtype.type(1)
    e = np.exp(-abs(z))
    return np.where(z < 0, e, one) / (one + e), e / (one + e) ** 2


def _tanh(z: Array) -> tuple[Array, Array]:
    e = np.exp(-abs(z) * 2)
    return np.tanh(z), 4 * e / (z.dtype.type(1) + e) ** 2


def _kinked(z: Array, below: float) -> tuple[Array, Array]:
    slope = np.where(z > 0, z.dtype.type(1), z.dtype.type(below))
    return z * slope, slope


def _silu(z: Array) -> tuple[Array, Array]:
    logistic, slope = _logistic(z)
    return z * logistic, logistic + z * slope


def _gelu(z: Array) -> tuple[Array, Array]:
    gate = (_erfc(-z / math.sqrt(2)) / 2).astype(z.dtype)
    return z * gate, gate + z * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


def _mish(z: Array) -> tuple[Array, Array]:
    logistic, softplus = _logistic(z)[0], np.logaddexp(0, z)
    gate, slope = _tanh(softplus)
    return z * gate, gate + z * slope * logistic


ACTIVATIONS: dict[str, Callable[[Array], tuple[Array, Array]]] = {
    "logistic": _logistic,
    "tanh": _tanh,
    "relu": lambda z: _kinked(z, 0),
    "leaky_relu": lambda z: _kinked(z, LEAK),
    "linear": lambda z: (z, np.ones_like(z)),
    "softplus": lambda z: (np.logaddexp(0, z), _logistic(z)[0]),
    "silu": _silu,
    "mish": _mish,
    "gelu": _gelu,
    "erf": lambda z: (_erf(z).astype(z.dtype), 2 / math.sqrt(math.pi) * np.exp(-(z**2))),
    "sin": lambda z: (np.sin(z), np.cos(z)),
}
"""Value and derivative at z; the formulas of the derivatives do not cancel where a function saturates."""


def activate(name: str, z: Array) -> tuple[Array, Array]:
    """Value and derivative of the activation `name` at `z`.  Raises ValueError if the name is unknown."""
    return function(ACTIVATIONS, "activation", name)(z)
