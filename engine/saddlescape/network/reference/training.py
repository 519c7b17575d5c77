"""Training of one network in NumPy."""

from collections.abc import Mapping

import numpy as np

from saddlescape.network import layout, random
from saddlescape.network.reference.common import Array
from saddlescape.network.reference.network import Network, loss_and_gradient
from saddlescape.network.reference.optimizers import Hyperparameters, State, schedule, step
from saddlescape.words.optimizers import OPTIMIZERS, Decay


def trajectory(
    network: Network,
    theta: Array,
    X: Array,
    T: Array,
    steps: int,
    optimizer: str,
    hyperparameters: Mapping[str, float],
    schedule_name: str = "constant",
    batch: int = 0,
    layer_rates: bool = False,
    shuffled: bool = False,
    key: tuple[int, int] = (0, 0),
    decay: str = "all",
    sampled: bool = False,
) -> list[tuple[Array, float, Array, float]]:
    """Train one network from the parameters `theta` (n_params,).

    Parameters
    ----------
    X, T : inputs and targets, (samples, inputs) and (samples, outputs).
    hyperparameters : by name, as in the kernels.  The objective is the loss plus `weight_decay` / 2 times the squared
        norm of theta (not with decoupled decay) plus `l1` times the sum of |theta|, for those that are given.  The
        learning rate of biases is multiplied by `bias_rate`, which 0 holds, and in the first `warmup` steps it grows.
    batch : number of samples per step; 0 means all.  They are taken in order or, if `shuffled`, in a new order in each
        epoch; if `sampled`, each step draws them with replacement.
    layer_rates : whether the learning rate of layer k is multiplied by the hyperparameter `layer_rate_k`.
    decay : "all", or "weights": biases are not part of the norms, and have no decoupled decay.
    key : seed and number of the run, which determine the order or the draws, the noise (`noise` times a normal
        number) and the units that are dropped, each with probability `dropout`.

    Returns
    -------
    Theta, loss, gradient of the objective and largest error over all samples, at each of the steps 0 to `steps`.
    """
    states: list[tuple[Array, float, Array, float]] = []
    state, dtype, size = State(), theta.dtype, batch or len(X)
    factors = np.ones(len(theta))
    for number, indices in enumerate(network.layers if layer_rates else ()):
        factors[indices] = hyperparameters[f"layer_rate_{number}"]
    bias = layout.is_bias(network.sizes, network.bias, network.skip)
    factors[bias] *= hyperparameters.get("bias_rate", 1)
    held, own = bias & (hyperparameters.get("bias_rate", 1) == 0), np.where(bias & (decay == "weights"), 0, 1)
    l1, coefficient = (own * hyperparameters.get(name, 0) for name in ("l1", "weight_decay"))
    coupled = coefficient * (OPTIMIZERS[optimizer].decay is not Decay.DECOUPLED)

    def objective(theta: Array, g: Array) -> Array:
        return np.where(held, 0, g + (coupled * theta + l1 * np.sign(theta)).astype(dtype))

    order, epoch = np.arange(len(X)), -(-len(X) // size)
    for t in range(steps + 1):
        loss, g, largest_error = loss_and_gradient(network, theta, X, T)
        states.append((theta, loss, objective(theta, g), largest_error))
        if shuffled and t % epoch == 0:
            order = random.shuffled(order, *key, t // epoch)
        samples = random.below(len(X), *key, t, np.arange(size)) if sampled else order[t % epoch * size :][:size]
        kept = None
        if "dropout" in hyperparameters:
            rate = dtype.type(hyperparameters["dropout"])
            numbers = random.dropout(*key, t, len(samples), sum(network.sizes[1:]), np.finfo(dtype).nmant)
            kept = np.where(numbers >= rate, 1 / (1 - rate), 0).astype(dtype)
        _, g, _ = loss_and_gradient(network, theta, X[samples], T[samples], kept)
        if clip := hyperparameters.get("clip", 0):
            norm = np.linalg.norm(np.where(held, 0, g).astype(np.float64))
            g = (g * np.minimum(1, clip / (norm + 1e-6))).astype(dtype)
        if "noise" in hyperparameters:
            noise = random.normals(*key, t, len(theta), np.finfo(dtype).nmant)
            g = g + (hyperparameters["noise"] * noise).astype(dtype)
        g = objective(theta, g)
        learning_rate = hyperparameters["learning_rate"] * schedule(schedule_name, t, hyperparameters) * factors
        current: Hyperparameters = {
            **hyperparameters, "learning_rate": learning_rate.astype(dtype), "weight_decay": coefficient.astype(dtype)
        }  # fmt: skip
        theta = np.where(held, theta, step(optimizer, theta, g, state, current)).astype(dtype)
    return states
