"""Forward and backward pass of one network in NumPy."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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
    skip : "none", "residual" (the values of each hidden layer that is as wide as the layer below include those of that
        layer), or "input" (the outputs have weights from the inputs, after those from the last hidden layer).
    reduction : "sum" or "mean"; None is the loss's own.
    """

    sizes: tuple[int, ...]
    bias: bool
    activations: tuple[str, ...]
    loss: str
    skip: str = "none"
    reduction: str | None = None

    @property
    def layers(self) -> list[npt.NDArray[np.intp]]:
        """Indices of the parameters of each layer (`layout.layers`)."""
        return layout.layers(self.sizes, self.bias, self.skip)

    @property
    def residual(self) -> list[bool]:
        """Whether the values of the layer below are added to those of each layer."""
        return [*layout.residual(self.sizes, self.skip), False]


def _forward(
    network: Network, theta: Array, X: Array, kept: Array | None = None
) -> tuple[list[Array], list[Array], Array, Array]:
    """Forward pass: inputs and slopes of each layer, pre-activations and values of the outputs."""
    bias = np.ones((len(X), int(network.bias)), dtype=theta.dtype)
    inputs, slopes, y, direct = [], [], X, X[:, : layout.direct(network.sizes, network.skip)]
    for number, (indices, activation) in enumerate(zip(network.layers, network.activations, strict=True)):
        is_output = number == len(network.activations) - 1
        inputs.append(np.hstack([y, direct, bias] if is_output else [y, bias]))
        z = inputs[-1] @ theta[indices].T
        value, slope = activate(activation, z)
        if kept is not None and not is_output:
            first = sum(network.sizes[1 : number + 1])
            own = kept[:, first : first + network.sizes[number + 1]]
            value, slope = value * own, slope * own
        y = value + y if network.residual[number] else value
        slopes.append(slope)
    return inputs, slopes, z, y


def outputs(network: Network, theta: Array, X: Array) -> Array:
    """Outputs of one network, as compared with targets (for logits, probabilities); (samples, outputs)."""
    *_, z, y = _forward(network, theta, X)
    return LINKS[words.LOSSES[network.loss].link](z, y)


def loss_and_gradient(
    network: Network, theta: Array, X: Array, T: Array, kept: Array | None = None
) -> tuple[float, Array, float]:
    """Loss, gradient (n_params,) and largest error of an output of one network with parameters `theta` (n_params,).

    `kept` (samples, units) are the factors of the activations of the hidden units with dropout.
    """
    weights = [theta[indices] for indices in network.layers]
    inputs, slopes, z, y = _forward(network, theta, X, kept)
    terms, delta, errors = function(LOSSES, "loss", network.loss)(z, y, slopes[-1], T)
    n = T.dtype.type(words.divisor(network.loss, network.reduction, *T.shape))
    terms, delta = terms / n, delta / n
    gradients, above = [], np.zeros(())
    for number in reversed(range(len(weights))):
        gradients.append((delta.T @ inputs[number]).ravel())
        if number:
            below = delta @ weights[number][:, : network.sizes[number]]
            above = below + above if network.residual[number] else below
            delta = above * slopes[number - 1]
    return float(terms.sum()), np.concatenate(gradients[::-1]), float(abs(errors).max())
