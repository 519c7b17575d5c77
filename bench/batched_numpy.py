"""The same training in batched NumPy, with the networks on the first axis."""

from itertools import pairwise

import numpy as np


def unpack(theta, sizes):
    """Return views of the weights (networks, units, fan_in + 1) of each layer; the last column is the biases."""
    layers, first = [], 0
    for before, after in pairwise(sizes):
        size = after * (before + 1)
        layers.append(theta[:, first : first + size].reshape(-1, after, before + 1))
        first += size
    return layers


def gradients(layers, X, T, out):
    """Write the gradient of half the sum of squares of tanh networks into `out`, and return the losses (networks,)."""
    units = [np.broadcast_to(X, (len(layers[0]), *X.shape))]
    for weights in layers:
        units.append(np.tanh(units[-1] @ weights[..., :-1].swapaxes(1, 2) + weights[:, None, :, -1]))
    error = units[-1] - T
    delta = error * (1 - units[-1] ** 2)
    for number in reversed(range(len(layers))):
        np.matmul(delta.swapaxes(1, 2), units[number], out=out[number][..., :-1])
        np.sum(delta, axis=1, out=out[number][..., -1])
        if number:
            delta = (delta @ layers[number][..., :-1]) * (1 - units[number] ** 2)
    return 0.5 * np.einsum("nso,nso->n", error, error)


def train(theta, sizes, X, T, learning_rate, steps):
    """Full-batch gradient descent; return the parameters and the losses before the last step."""
    theta, slope = theta.copy(), np.empty_like(theta)
    layers, out = unpack(theta, sizes), unpack(slope, sizes)
    X, T = X.astype(theta.dtype), T.astype(theta.dtype)
    loss = np.full(len(theta), np.nan)
    for _ in range(steps):
        loss = gradients(layers, X, T, out)
        theta -= theta.dtype.type(learning_rate) * slope
    return theta, loss
