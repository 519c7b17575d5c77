"""The kernel's twin in plain NumPy: one network, slow and obvious; what the kernel is tested against for ever."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from saddlescape.network import layout, random
from saddlescape.words import losses
from saddlescape.words.activations import LEAK
from saddlescape.words.optimizers import OPTIMIZERS, Decay

Array = npt.NDArray[np.floating]
Function = TypeVar("Function")


@dataclass(frozen=True)
class Network:
    """Shape and functions of a network, and its loss."""

    sizes: tuple[int, ...]
    bias: bool
    activations: tuple[str, ...]
    """Of each layer, outputs included."""

    loss: str


def _known(table: Mapping[str, Function], what: str, name: str) -> Function:
    if name not in table:
        raise ValueError(f"{what} must be one of {', '.join(table)}; got {name!r}")
    return table[name]


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
"""Value and derivative at z; the derivatives do not cancel where a function saturates."""


def activate(name: str, z: Array) -> tuple[Array, Array]:
    """Value and derivative of an activation at `z`.  Raises ValueError if there is none of the name."""
    return _known(ACTIVATIONS, "activation", name)(z)


Terms = tuple[Array, Array, Array]
"""Terms of the loss (samples, outputs), factors included, their derivatives by z, and the errors."""


def _half_sse(z: Array, y: Array, slope: Array, t: Array) -> Terms:
    return (y - t) ** 2 / 2, (y - t) * slope, y - t


def _mse(z: Array, y: Array, slope: Array, t: Array) -> Terms:
    return (y - t) ** 2 / t.size, 2 * (y - t) * slope / t.size, y - t


def _huber(z: Array, y: Array, slope: Array, t: Array) -> Terms:
    error = y - t
    terms = np.where(abs(error) < 1, error**2 / 2, abs(error) - 0.5)
    return terms / t.size, np.clip(error, -1, 1) * slope / t.size, error


def _bce(z: Array, y: Array, slope: Array, t: Array) -> Terms:
    error = activate("logistic", z)[0] - t
    return (np.logaddexp(0, z) - z * t) / t.size, error / t.size, error


def _softmax_ce(z: Array, y: Array, slope: Array, t: Array) -> Terms:
    logs = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
    return -t * logs / len(t), (np.exp(logs) - t) / len(t), np.exp(logs) - t


LOSSES: dict[str, Callable[[Array, Array, Array, Array], Terms]] = {
    "half_sse": _half_sse,
    "mse": _mse,
    "huber": _huber,
    "bce": _bce,
    "bce_logits": _bce,
    "softmax_ce": _softmax_ce,
}
"""From outputs z, their values y and slopes, and targets t."""

LINKS: dict[str | None, Callable[[Array, Array], Array]] = {
    None: lambda z, y: y,
    "logistic": lambda z, y: activate("logistic", z)[0],
    "softmax": lambda z, y: np.exp(z - np.logaddexp.reduce(z, axis=1, keepdims=True)),
}
"""What is compared with targets, from outputs z and their values y, by the `link` of the loss."""


def _forward(network: Network, theta: Array, X: Array) -> tuple[list[Array], list[Array], Array, Array]:
    """(what each layer hears, its slopes, the outputs' pre-activations, their values)."""
    bias = np.ones((len(X), int(network.bias)), dtype=theta.dtype)
    inputs, slopes, y = [], [], X
    for rows, activation in zip(layout.layers(network.sizes, network.bias), network.activations, strict=True):
        inputs.append(np.hstack([y, bias]))
        z = inputs[-1] @ theta[rows].T
        y, slope = activate(activation, z)
        slopes.append(slope)
    return inputs, slopes, z, y


def outputs(network: Network, theta: Array, X: Array) -> Array:
    """What one network says (samples, outputs), as it is compared with targets: of logits, probabilities."""
    *_, z, y = _forward(network, theta, X)
    return LINKS[losses.LOSSES[network.loss].link](z, y)


def loss_and_gradient(network: Network, theta: Array, X: Array, T: Array) -> tuple[float, Array, float]:
    """(loss, gradient (n_params,), largest error of an output) of one network at `theta` (n_params,)."""
    weights = [theta[rows] for rows in layout.layers(network.sizes, network.bias)]
    inputs, slopes, z, y = _forward(network, theta, X)
    terms, delta, errors = _known(LOSSES, "loss", network.loss)(z, y, slopes[-1], T)
    gradients = []
    for number in reversed(range(len(weights))):
        gradients.append((delta.T @ inputs[number]).ravel())
        if number:
            delta = (delta @ weights[number][:, : network.sizes[number]]) * slopes[number - 1]
    return float(terms.sum()), np.concatenate(gradients[::-1]), float(abs(errors).max())


State = dict[str, Array]
"""What an optimizer remembers, by name."""

Hyperparameters = Mapping[str, "float | Array"]


def _gd(theta: Array, g: Array, state: State, hyperparameters: Hyperparameters) -> Array:
    return theta - hyperparameters["learning_rate"] * g


def _velocity(theta: Array, g: Array, state: State, hyperparameters: Hyperparameters) -> Array:
    state["v"] = hyperparameters["momentum"] * state.get("v", np.zeros_like(theta)) + g
    return state["v"]


def _momentum(theta: Array, g: Array, state: State, hyperparameters: Hyperparameters) -> Array:
    return theta - hyperparameters["learning_rate"] * _velocity(theta, g, state, hyperparameters)


def _nesterov(theta: Array, g: Array, state: State, hyperparameters: Hyperparameters) -> Array:
    v = _velocity(theta, g, state, hyperparameters)
    return theta - hyperparameters["learning_rate"] * (g + hyperparameters["momentum"] * v)


def _adagrad(theta: Array, g: Array, state: State, hyperparameters: Hyperparameters) -> Array:
    state["sum"] = state.get("sum", np.zeros_like(theta)) + g**2
    return theta - hyperparameters["learning_rate"] * g / (np.sqrt(state["sum"]) + hyperparameters["epsilon"])


def _rmsprop(theta: Array, g: Array, state: State, hyperparameters: Hyperparameters) -> Array:
    share = hyperparameters["smoothing"]
    state["mean"] = share * state.get("mean", np.zeros_like(theta)) + (1 - share) * g**2
    return theta - hyperparameters["learning_rate"] * g / (np.sqrt(state["mean"]) + hyperparameters["epsilon"])


def _adam(theta: Array, g: Array, state: State, hyperparameters: Hyperparameters) -> Array:
    b1, b2, zero = hyperparameters["beta1"], hyperparameters["beta2"], np.zeros_like(theta)
    state["t"] = t = state.get("t", zero) + 1
    state["m"] = m = b1 * state.get("m", zero) + (1 - b1) * g
    state["s"] = s = b2 * state.get("s", zero) + (1 - b2) * g**2
    denominator = np.sqrt(s / (1 - b2**t)) + hyperparameters["epsilon"]
    return theta - hyperparameters["learning_rate"] * (m / (1 - b1**t)) / denominator


def _adamw(theta: Array, g: Array, state: State, hyperparameters: Hyperparameters) -> Array:
    decayed = theta * (1 - hyperparameters["learning_rate"] * hyperparameters["weight_decay"])
    return _adam(decayed, g, state, hyperparameters)


def _lion(theta: Array, g: Array, state: State, hyperparameters: Hyperparameters) -> Array:
    learning_rate, m = hyperparameters["learning_rate"], state.get("m", np.zeros_like(theta))
    b1, b2 = hyperparameters["beta1"], hyperparameters["beta2"]
    state["m"] = b2 * m + (1 - b2) * g
    decayed = theta * (1 - learning_rate * hyperparameters["weight_decay"])
    return decayed - learning_rate * np.sign(b1 * m + (1 - b1) * g)


def _rprop(theta: Array, g: Array, state: State, hyperparameters: Hyperparameters) -> Array:
    turn = np.sign(g * state.get("last", np.zeros_like(theta)))
    size = state.get("size", np.full_like(theta, hyperparameters["learning_rate"]))
    size = size * np.where(turn > 0, hyperparameters["eta_plus"], np.where(turn < 0, hyperparameters["eta_minus"], 1))
    state["size"] = size = np.clip(size, hyperparameters["step_min"], hyperparameters["step_max"])
    state["last"] = g = np.where(turn < 0, 0, g)
    return theta - np.sign(g) * size


def _multiplicative(theta: Array, g: Array, state: State, hyperparameters: Hyperparameters) -> Array:
    return theta * np.exp(-hyperparameters["learning_rate"] * np.sign(theta) * g)


RULES: dict[str, Callable[[Array, Array, State, Hyperparameters], Array]] = {
    "gd": _gd,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "adagrad": _adagrad,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adamw,
    "lion": _lion,
    "rprop": _rprop,
    "sign": lambda theta, g, state, hyperparameters: theta - hyperparameters["learning_rate"] * np.sign(g),
    "normalized": lambda theta, g, state, hyperparameters: (
        theta - hyperparameters["learning_rate"] * g / (np.linalg.norm(g) or 1)
    ),
    "multiplicative": _multiplicative,
}
"""Parameters after a step; the flow, which is no sequence of steps, is compared with SciPy's solver in place of one."""


def step(optimizer: str, theta: Array, g: Array, state: State, hyperparameters: Hyperparameters) -> Array:
    """Parameters after one step of `torch.optim`'s optimizer of that name; `state` (empty at the start) is updated."""
    return _known(RULES, "optimizer", optimizer)(theta, g, state, hyperparameters)


SCHEDULES: dict[str, Callable[[int, Mapping[str, float]], float]] = {
    "constant": lambda t, hyperparameters: 1.0,
    "exponential": lambda t, hyperparameters: float(np.exp(hyperparameters["log_decay"] * t)),
    "cosine": lambda t, hyperparameters: float(1 + np.cos(2 * np.pi * hyperparameters["half_turn"] * t)) / 2,
    "inverse_time": lambda t, hyperparameters: 1 / (1 + hyperparameters["schedule_decay"] * t),
}


def schedule(name: str, t: int, hyperparameters: Mapping[str, float]) -> float:
    """What the learning rate is multiplied by at step `t`, the first being 0."""
    return _known(SCHEDULES, "schedule", name)(t, hyperparameters)


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
) -> list[tuple[Array, float, Array, float]]:
    """(theta, loss, gradient of the objective, largest error) over all samples at steps 0 to `steps`.

    Parameters
    ----------
    hyperparameters : by name, as in the kernels.  The objective is the loss plus `weight_decay` / 2 times the square of
        theta if that hyperparameter is given; with decoupled decay it is the loss.
    batch : samples per step, in order or, if `shuffled`, in a new order each epoch; 0 for all.
    key : seed and number of the run, which determine the shuffles and the noise (`noise` times a normal number).
    layer_rates : whether layer k steps at `layer_rate_k` times the learning rate.
    """
    states: list[tuple[Array, float, Array, float]] = []
    state, dtype, size = State(), theta.dtype, batch or len(X)
    shares = np.ones(len(theta))
    for number, rows in enumerate(layout.layers(network.sizes, network.bias) if layer_rates else ()):
        shares[rows] = hyperparameters[f"layer_rate_{number}"]
    decay = dtype.type(0 if OPTIMIZERS[optimizer].decay is Decay.DECOUPLED else hyperparameters.get("weight_decay", 0))
    order, epoch = np.arange(len(X)), -(-len(X) // size)
    for t in range(steps + 1):
        loss, g, worst = loss_and_gradient(network, theta, X, T)
        states.append((theta, loss, g + decay * theta, worst))
        if shuffled and t % epoch == 0:
            order = random.shuffled(order, *key, t // epoch)
        here = order[t % epoch * size :][:size]
        _, g, _ = loss_and_gradient(network, theta, X[here], T[here])
        if "noise" in hyperparameters:
            noise = random.normals(*key, t, len(theta), np.finfo(dtype).nmant)
            g = g + (hyperparameters["noise"] * noise).astype(dtype)
        g = g + decay * theta
        learning_rate = hyperparameters["learning_rate"] * schedule(schedule_name, t, hyperparameters) * shares
        now: Hyperparameters = {**hyperparameters, "learning_rate": learning_rate.astype(dtype)}
        theta = step(optimizer, theta, g, state, now).astype(dtype)
    return states


def separation(sizes: Sequence[int], bias: bool, theta: Array, odd: Sequence[bool]) -> float:
    """Smallest distance of two unit vectors of one hidden layer over the larger of their norms; NaN without pairs.

    Up to sign in the layers that are `odd`.
    """
    gaps = [_distances(sizes, bias, theta, layer, odd[layer]) for layer in range(len(sizes) - 2)]
    found = [gap[i, j] for gap in gaps for i, j in _pairs(len(gap)) if gap[i, j] < np.inf]
    return min(found, default=np.nan)


def effective_width(
    sizes: Sequence[int], bias: bool, theta: Array, odd: Sequence[bool], tolerance: float
) -> list[int]:
    """Groups of units of each hidden layer: those nearer than `tolerance`, or at 0, are of one group."""
    return [
        _groups((gap == 0) | (gap < tolerance))
        for gap in (_distances(sizes, bias, theta, layer, odd[layer]) for layer in range(len(sizes) - 2))
    ]


def layer_norm(sizes: Sequence[int], bias: bool, theta: Array) -> list[float]:
    """Euclidean norm of the parameters of each layer, weights and biases."""
    return [norm(theta[rows].ravel()) for rows in layout.layers(sizes, bias)]


def imbalance(sizes: Sequence[int], bias: bool, theta: Array) -> list[float]:
    """Squares of each hidden layer's incoming weights and biases, minus those of its outgoing weights."""
    squares, layers = theta.astype(np.float64) ** 2, layout.layers(sizes, bias)
    return [
        _sum(squares[into].ravel()) - _sum(squares[out[:, : len(into)]].ravel())
        for into, out in itertools.pairwise(layers)
    ]


def cosine(sizes: Sequence[int], bias: bool, theta: Array) -> list[float]:
    """Mean |cosine| of the incoming weights and biases of two units of each hidden layer; NaN without a pair."""
    return [_mean_cosine(theta[rows].astype(np.float64)) for rows in layout.layers(sizes, bias)[:-1]]


def norm(vector: Array) -> float:
    """Euclidean norm that neither under- nor overflows."""
    vector = vector.astype(np.float64)
    largest = float(abs(vector).max(initial=0))
    return largest * math.sqrt(_sum((vector / largest) ** 2)) if largest else 0.0


def _sum(values: Array) -> float:
    """From left to right, as the kernel's loops go; `sum` and `numpy.sum` have orders of their own."""
    total = 0.0
    for value in values:
        total += float(value)
    return total


def _pairs(units: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(units) for j in range(i)]


def _distances(sizes: Sequence[int], bias: bool, theta: Array, layer: int, odd: bool) -> Array:
    """(units, units) distances of a hidden layer's unit vectors over the larger norm; infinite to themselves."""
    units = theta.astype(np.float64)[layout.unit_vectors(sizes, bias, layer)]
    found = np.full((len(units), len(units)), np.inf)
    for i, j in _pairs(len(units)):
        found[i, j] = found[j, i] = min(_distance(units[i], sign * units[j]) for sign in ((1, -1) if odd else (1,)))
    return found


def _distance(a: Array, b: Array) -> float:
    distance = norm(a - b)
    return max(distance / max(norm(a), norm(b)), 5e-324) if distance else 0.0


def _groups(near: npt.NDArray[np.bool_]) -> int:
    """Connected components of a graph."""
    left, groups = set(range(len(near))), 0
    while left:
        queue, groups = [left.pop()], groups + 1
        while queue:
            reached = {j for j in left if near[queue[-1], j]}
            queue, left = [*queue[:-1], *reached], left - reached
    return groups


def _mean_cosine(units: Array) -> float:
    shares = [unit / abs(unit).max() if unit.any() else None for unit in units]
    aims = [None if share is None else share / math.sqrt(_sum(share**2)) for share in shares]
    pairs = [(aims[i], aims[j]) for i, j in _pairs(len(units))]
    found = [min(abs(_sum(a * b)), 1.0) for a, b in pairs if a is not None and b is not None]
    return _sum(np.array(found)) / len(found) if found else math.nan
