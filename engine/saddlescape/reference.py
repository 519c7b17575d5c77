"""The kernel's twin in plain NumPy: one network, slow and obvious; what the kernel is tested against for ever."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from saddlescape import layout

Array = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Network:
    """Shape and functions of a network, and its loss."""

    sizes: tuple[int, ...]
    bias: bool
    activation: str
    output: str
    loss: str


def activate(name: str, z: Array) -> tuple[Array, Array]:
    """Value and derivative of an activation at `z`; the derivatives do not cancel where a function saturates."""
    one = z.dtype.type(1)
    if name == "linear":
        return z, np.ones_like(z)
    if name == "relu":
        return np.maximum(z, 0), (z > 0).astype(z.dtype)
    e = np.exp(-abs(z) * (2 if name == "tanh" else 1))
    if name == "tanh":
        return np.tanh(z), 4 * e / (one + e) ** 2
    return np.where(z < 0, e, one) / (one + e), e / (one + e) ** 2


def _loss_terms(loss: str, z: Array, y: Array, slope: Array, t: Array) -> tuple[Array, Array]:
    """Terms of the loss (samples, outputs), factors included, and their derivatives by z."""
    if loss == "half_sse":
        return (y - t) ** 2 / 2, (y - t) * slope
    if loss == "mse":
        return (y - t) ** 2 / t.size, 2 * (y - t) * slope / t.size
    return (np.logaddexp(0, z) - z * t) / t.size, (y - t) / t.size


def loss_and_gradient(network: Network, theta: Array, X: Array, T: Array) -> tuple[float, Array, float]:
    """(loss, gradient (n_params,), largest error of an output) of one network at `theta` (n_params,)."""
    weights = [theta[rows] for rows in layout.layers(network.sizes, network.bias)]
    bias = np.ones((len(X), int(network.bias)), dtype=theta.dtype)
    inputs, slopes, y = [], [], X
    for number, w in enumerate(weights, start=1):
        inputs.append(np.hstack([y, bias]))
        z = inputs[-1] @ w.T
        y, slope = activate(network.output if number == len(weights) else network.activation, z)
        slopes.append(slope)
    terms, delta = _loss_terms(network.loss, z, y, slopes[-1], T)
    gradients = []
    for number in reversed(range(len(weights))):
        gradients.append((delta.T @ inputs[number]).ravel())
        if number:
            delta = (delta @ weights[number][:, : network.sizes[number]]) * slopes[number - 1]
    return float(terms.sum()), np.concatenate(gradients[::-1]), float(abs(y - T).max())


def trajectory(
    network: Network,
    theta: Array,
    X: Array,
    T: Array,
    steps: int,
    learning_rate: float,
    momentum: float | None,
) -> list[tuple[Array, float, Array, float]]:
    """(theta, loss, gradient, largest error) at steps 0 to `steps`; gradient descent where momentum is None.

    Heavy ball: delta_t = -learning_rate * gradient + momentum * delta_{t-1}.
    """
    states, delta = [], np.zeros_like(theta)
    for _ in range(steps + 1):
        loss, gradient, error = loss_and_gradient(network, theta, X, T)
        states.append((theta, loss, gradient, error))
        delta = -theta.dtype.type(learning_rate) * gradient + theta.dtype.type(momentum or 0) * delta
        theta = theta + delta
    return states


def separation(sizes: Sequence[int], bias: bool, theta: Array, odd: bool) -> float:
    """Smallest distance of two unit vectors of one hidden layer over the larger of their norms; NaN without pairs."""
    distances = [
        _relative_distance(a, sign * b)
        for layer in range(len(sizes) - 2)
        for a, b in itertools.combinations(theta.astype(np.float64)[layout.unit_vectors(sizes, bias, layer)], 2)
        for sign in ((1, -1) if odd else (1,))
    ]
    return min(distances, default=np.nan)


def _relative_distance(a: Array, b: Array) -> float:
    distance = _norm(a - b)
    return max(distance / max(_norm(a), _norm(b)), 5e-324) if distance else 0.0


def _norm(vector: Array) -> float:
    """Euclidean norm that neither under- nor overflows."""
    largest = float(abs(vector).max())
    return largest * float(np.sqrt(((vector / largest) ** 2).sum())) if largest else 0.0
