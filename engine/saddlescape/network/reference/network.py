"""Forward and backward pass of one network in NumPy."""

from dataclasses import dataclass

import numpy as np

from saddlescape.network import layout
from saddlescape.network.reference.activations import activate
from saddlescape.network.reference.common import Array, function
from saddlescape.network.reference.losses import LINKS, LOSSES
from saddlescape.words import losses as words


@dataclass(frozen=True)
class Network:
    """The shape and the functions of a network.

    Attributes
    ----------
    sizes : number of units in each layer: inputs, hidden layers, outputs.
    bias : whether units have biases.
    activations : activation of each layer, including the outputs.
    loss : name of the loss.
    """

    sizes: tuple[int, ...]
    bias: bool
    activations: tuple[str, ...]
    loss: str


def _forward(network: Network, theta: Array, X: Array) -> tuple[list[Array], list[Array], Array, Array]:
    """Forward pass: inputs and slopes of each layer, pre-activations and values of the outputs."""
    bias = np.ones((len(X), int(network.bias)), dtype=theta.dtype)
    inputs, slopes, y = [], [], X
    for indices, activation in zip(layout.layers(network.sizes, network.bias), network.activations, strict=True):
        inputs.append(np.hstack([y, bias]))
        z = inputs[-1] @ theta[indices].T
        y, slope = activate(activation, z)
        slopes.append(slope)
    return inputs, slopes, z, y


def outputs(network: Network, theta: Array, X: Array) -> Array:
    """Outputs of one network, as compared with targets (for logits, probabilities); (samples, outputs)."""
    *_, z, y = _forward(network, theta, X)
    return LINKS[words.LOSSES[network.loss].link](z, y)


def loss_and_gradient(network: Network, theta: Array, X: Array, T: Array) -> tuple[float, Array, float]:
    """Loss, gradient (n_params,) and largest error of an output of one network with parameters `theta` (n_params,)."""
    weights = [theta[indices] for indices in layout.layers(network.sizes, network.bias)]
    inputs, slopes, z, y = _forward(network, theta, X)
    terms, delta, errors = function(LOSSES, "loss", network.loss)(z, y, slopes[-1], T)
    gradients = []
    for number in reversed(range(len(weights))):
        gradients.append((delta.T @ inputs[number]).ravel())
        if number:
            delta = (delta @ weights[number][:, : network.sizes[number]]) * slopes[number - 1]
    return float(terms.sum()), np.concatenate(gradients[::-1]), float(abs(errors).max())
