"""The same training in JAX: `vmap` of autodiff, and two hand-written forms with the networks on the last axis."""

from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)


def unpack(theta, sizes):
    """Return the weights (units, fan_in + 1, ...) of each layer; the last column is the biases."""
    layers, first = [], 0
    for before, after in pairwise(sizes):
        size = after * (before + 1)
        layers.append(theta[first : first + size].reshape(after, before + 1, *theta.shape[1:]))
        first += size
    return layers


def outputs(theta, sizes, X, activation=jnp.tanh):
    """Return the outputs (samples, outputs) of one network."""
    y = X
    for weights in unpack(theta, sizes):
        y = activation(y @ weights[:, :-1].T + weights[:, -1])
    return y


def loss(theta, sizes, X, T, activation=jnp.tanh):
    """Half the sum of squares of one network."""
    return 0.5 * jnp.sum((outputs(theta, sizes, X, activation) - T) ** 2)


def by_autodiff(sizes, X, T, activation=jnp.tanh):
    """Return the gradient of the losses of all networks by `vmap` of `grad`."""
    slope = jax.grad(partial(loss, sizes=sizes, X=X, T=T, activation=activation))
    return jax.vmap(slope)


SLOPES = {jnp.tanh: lambda y: 1 - y * y, jax.nn.sigmoid: lambda y: y * (1 - y)}


def by_arrays(sizes, X, T, activation=jnp.tanh):
    """Return the hand-written gradient with arrays (samples, units, networks)."""

    def gradient(theta):
        layers = unpack(theta, sizes)
        units = [jnp.broadcast_to(X[:, :, None], (*X.shape, theta.shape[1]))]
        for weights in layers:
            units.append(activation(jnp.sum(weights[None, :, :-1] * units[-1][:, None], axis=2) + weights[:, -1]))
        delta, slopes = (units[-1] - T[:, :, None]) * SLOPES[activation](units[-1]), []
        for number in reversed(range(len(layers))):
            inner = jnp.sum(delta[:, :, None] * units[number][:, None], axis=0)
            slopes.append(jnp.concatenate([inner, delta.sum(axis=0)[:, None]], axis=1).reshape(-1, theta.shape[1]))
            if number:
                back = jnp.sum(delta[:, :, None] * layers[number][None, :, :-1], axis=1)
                delta = back * SLOPES[activation](units[number])
        return jnp.concatenate(slopes[::-1])

    return gradient


def by_rows(sizes, X, T, activation=jnp.tanh):
    """Return the hand-written, unrolled gradient: one row (networks,) for each unit and sample."""
    X, T = np.asarray(X), np.asarray(T)

    def gradient(theta):
        layers, total = unpack(theta, sizes), None
        for x, target in zip(X, T, strict=True):
            units = unrolled(layers, x, activation)
            slope = _rows_back(layers, units, target, SLOPES[activation])
            total = slope if total is None else [a + b for a, b in zip(total, slope, strict=True)]
        return jnp.stack(total)

    return gradient


def unrolled(layers, x, activation):
    """Return the outputs of each layer for one sample, inputs first, as rows (networks,)."""
    units = [list(x)]
    for weights in layers:
        units.append([activation(sum((w * v for w, v in zip(row[:-1], units[-1], strict=True)), row[-1]))
                      for row in weights])  # fmt: skip
    return units


def _rows_back(layers, units, target, slope):
    """Return the gradient of one sample as a list of rows, in the order of the parameters."""
    delta, gradient = [(y - t) * slope(y) for y, t in zip(units[-1], target, strict=True)], []
    for number in reversed(range(len(layers))):
        gradient = [row for d in delta for row in (*(d * v for v in units[number]), d)] + gradient
        if number:
            pairs = list(zip(delta, layers[number], strict=True))
            delta = [sum(d * weights[i] for d, weights in pairs) * slope(y) for i, y in enumerate(units[number])]
    return gradient


FORMS = {"JAX vmap(scan)": (by_autodiff, 0), "JAX arrays": (by_arrays, 1), "JAX rows": (by_rows, 1)}
"""Forms of the gradient, and the axis of the networks."""


def peer(form, sizes, X, T, rate):
    """Return ``run(theta, steps)``, which returns the parameters (networks, n_params) after gradient descent."""
    gradient, axis = FORMS[form]

    @partial(jax.jit, static_argnums=1, donate_argnums=0)
    def descend(theta, steps):
        slope = gradient(sizes, X.astype(theta.dtype), T.astype(theta.dtype))
        rates = theta.dtype.type(rate)
        return jax.lax.scan(lambda w, _: (w - rates * slope(w), None), theta, length=steps)[0]

    def run(theta, steps):
        start = jnp.array(theta.T if axis else theta)
        ended = np.asarray(descend(start, steps).block_until_ready())
        return ended.T if axis else ended

    return run
