"""Training of one network in NumPy."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from saddlescape.network import classes, layout, random
from saddlescape.network.reference.common import Array
from saddlescape.network.reference.network import Network, loss_and_gradient, outputs
from saddlescape.network.reference.optimizers import Hyperparameters, State, schedule, step
from saddlescape.words.losses import divisor
from saddlescape.words.optimizers import OPTIMIZERS, Decay

Path = list[tuple[Array, float, Array, float]]
"""Theta, loss, gradient of the objective and largest error over all samples, at each step from 0."""


def batches(
    n: int, size: int, shuffled: bool = False, sampled: bool = False, key: tuple[int, int] = (0, 0)
) -> Iterator[npt.NDArray[np.integer]]:
    """The `size` samples, of `n`, of each step from 0; `shuffled`, `sampled` and `key` are as of `trajectory`."""
    order, epoch = np.arange(n), -(-n // size)
    for t in itertools.count():
        if shuffled and t % epoch == 0:
            order = random.shuffled(order, *key, t // epoch)
        yield random.below(n, *key, t, np.arange(size)) if sampled else order[t % epoch * size :][:size]


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
) -> Path:
    """Train one network from the parameters `theta` (n_params,).

    Parameters
    ----------
    X, T : inputs and targets, (samples, inputs) and (samples, outputs).
    steps : number of steps.
    optimizer, schedule_name : as of `step` and `schedule`.
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
    states: Path = []
    state, dtype = State(), theta.dtype
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

    for t, samples in zip(range(steps + 1), batches(len(X), batch or len(X), shuffled, sampled, key), strict=False):
        loss, g, largest_error = loss_and_gradient(network, theta, X, T)
        states.append((theta, loss, objective(theta, g), largest_error))
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


@dataclass(frozen=True)
class Limits:
    """When a run has escaped: below the loss `escape`; and when it is solved; 0 stands for never.

    It is solved below the largest error `solved`, from the share `accuracy` of right samples on, or down from `loss`.
    """

    escape: float = 0.0
    solved: float = 0.0
    accuracy: float = 0.0
    loss: float = 0.0

    def met(self, loss: float, error: float, share: float) -> tuple[bool, bool]:
        """Whether a run with this `loss`, largest `error` and `share` of right samples has escaped, and is solved."""
        by_loss = self.loss > 0 and loss <= self.loss
        return loss < self.escape, error < self.solved or 0 < self.accuracy <= share or by_loss


def events(
    network: Network,
    path: Path,
    X: Array,
    T: Array,
    limits: Limits,
    steps: Sequence[npt.NDArray[np.integer]] = (),
    epoch: int = 1,
    exact: bool = True,
) -> tuple[int, int]:
    """First steps of a trajectory at which the run has escaped, and at which it is solved; -1 for never.

    `path` is what `trajectory` returns.  Only ends of epochs of `epoch` steps that meet the `limits` count.  If not
    `exact`, events are looked for only at the start, at the end, and after an epoch that met a limit as its samples,
    those of `steps`, went by, each before the step for it.
    """
    coding = classes.coding(T)

    def measured(t: int, samples: npt.NDArray[np.integer]) -> tuple[float, float, float]:
        """Loss and share of right samples, as parts of those of all samples, and largest error at step `t`."""
        x, target = X[samples], T[samples]
        loss, _, error = loss_and_gradient(network, path[t][0], x, target)
        part, whole = (divisor(network.loss, network.reduction, len(rows), T.shape[1]) for rows in (x, X))
        right = classes.right(outputs(network, path[t][0], x), target, coding) if coding else np.zeros(0)
        return loss * part / whole, error, np.count_nonzero(right) / len(X)

    def passed(t: int) -> tuple[bool, bool]:
        """Which limits the epoch before step `t` met."""
        own = range(t - epoch, t)
        losses, errors, shares = zip(*(measured(k, steps[k]) for k in own), strict=True)
        drawn = sum(len(steps[k]) for k in own)
        return limits.met(sum(losses) * len(X) / drawn, max(errors), sum(shares))

    found, last = [-1, -1], len(path) - 1
    for t in range(0, last + 1, epoch):
        unseen = [step < 0 for step in found]
        if exact or t in (0, last) or any(np.logical_and(passed(t), unseen)):
            met = limits.met(*measured(t, np.arange(len(X))))
            found = [t if now and step < 0 else step for now, step in zip(met, found, strict=True)]
    return found[0], found[1]
