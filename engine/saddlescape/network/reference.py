"""The kernel's twin in plain NumPy: one network, slow and obvious; what the kernel is tested against for ever."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from saddlescape.network import layout, random
from saddlescape.words.optimizers import DECOUPLED

Array = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Network:
    """Shape and functions of a network, and its loss."""

    sizes: tuple[int, ...]
    bias: bool
    activations: tuple[str, ...]
    """Of each layer, outputs included."""

    loss: str


ACTIVATIONS = ("logistic", "tanh", "relu", "leaky_relu", "linear", "softplus", "silu", "gelu", "erf", "sin")
LOSSES = ("half_sse", "mse", "huber", "bce", "bce_logits", "softmax_ce")
STEPPERS = (
    *("gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "rprop"),
    *("sign", "normalized", "multiplicative"),
)
SCHEDULES = ("constant", "exponential", "cosine", "inverse_time")


def _check(what: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise ValueError(f"{what} must be one of {', '.join(known)}; got {name!r}")


_erf = np.vectorize(math.erf, otypes=[float])
_erfc = np.vectorize(math.erfc, otypes=[float])


def activate(name: str, z: Array) -> tuple[Array, Array]:
    """Value and derivative of an activation at `z`; the derivatives do not cancel where a function saturates."""
    _check("activation", name, ACTIVATIONS)
    one = z.dtype.type(1)
    if name == "linear":
        return z, np.ones_like(z)
    if name in ("relu", "leaky_relu"):
        slope = np.where(z > 0, one, z.dtype.type(0.01 if name == "leaky_relu" else 0))
        return z * slope, slope
    if name == "sin":
        return np.sin(z), np.cos(z)
    if name == "erf":
        return _erf(z).astype(z.dtype), 2 / math.sqrt(math.pi) * np.exp(-(z**2))
    if name == "gelu":
        gate = (_erfc(-z / math.sqrt(2)) / 2).astype(z.dtype)
        return z * gate, gate + z * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    e = np.exp(-abs(z) * (2 if name == "tanh" else 1))
    if name == "tanh":
        return np.tanh(z), 4 * e / (one + e) ** 2
    logistic, slope = np.where(z < 0, e, one) / (one + e), e / (one + e) ** 2
    if name == "softplus":
        return np.logaddexp(0, z), logistic
    return (z * logistic, logistic + z * slope) if name == "silu" else (logistic, slope)


def _loss_terms(loss: str, z: Array, y: Array, slope: Array, t: Array) -> tuple[Array, Array, Array]:
    """Terms of the loss (samples, outputs), factors included, their derivatives by z, and the errors."""
    _check("loss", loss, LOSSES)
    error = y - t
    if loss == "half_sse":
        return error**2 / 2, error * slope, error
    if loss == "mse":
        return error**2 / t.size, 2 * error * slope / t.size, error
    if loss == "huber":
        terms = np.where(abs(error) < 1, error**2 / 2, abs(error) - 0.5)
        return terms / t.size, np.clip(error, -1, 1) * slope / t.size, error
    if loss == "softmax_ce":
        logs = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
        return -t * logs / len(t), (np.exp(logs) - t) / len(t), np.exp(logs) - t
    error = activate("logistic", z)[0] - t
    return (np.logaddexp(0, z) - z * t) / t.size, error / t.size, error


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
    if network.loss == "softmax_ce":
        return np.exp(z - np.logaddexp.reduce(z, axis=1, keepdims=True))
    return activate("logistic", z)[0] if network.loss == "bce_logits" else y


def loss_and_gradient(network: Network, theta: Array, X: Array, T: Array) -> tuple[float, Array, float]:
    """(loss, gradient (n_params,), largest error of an output) of one network at `theta` (n_params,)."""
    weights = [theta[rows] for rows in layout.layers(network.sizes, network.bias)]
    inputs, slopes, z, y = _forward(network, theta, X)
    terms, delta, errors = _loss_terms(network.loss, z, y, slopes[-1], T)
    gradients = []
    for number in reversed(range(len(weights))):
        gradients.append((delta.T @ inputs[number]).ravel())
        if number:
            delta = (delta @ weights[number][:, : network.sizes[number]]) * slopes[number - 1]
    return float(terms.sum()), np.concatenate(gradients[::-1]), float(abs(errors).max())


State = dict[str, Array]
"""What a stepper remembers, by name."""

Rates = Mapping[str, "float | Array"]


def step(stepper: str, theta: Array, g: Array, state: State, rates: Rates) -> Array:
    """Parameters after one step of `torch.optim`'s stepper of that name; `state` (empty at the start) is updated."""
    _check("stepper", stepper, STEPPERS)
    rate, zero = rates["learning_rate"], np.zeros_like(theta)
    if stepper == "gd":
        return theta - rate * g
    if stepper in ("momentum", "nesterov"):
        state["v"] = v = rates["momentum"] * state.get("v", zero) + g
        return theta - rate * (g + rates["momentum"] * v if stepper == "nesterov" else v)
    if stepper == "adagrad":
        state["sum"] = state.get("sum", zero) + g**2
        return theta - rate * g / (np.sqrt(state["sum"]) + rates["epsilon"])
    if stepper == "rmsprop":
        state["mean"] = rates["smoothing"] * state.get("mean", zero) + (1 - rates["smoothing"]) * g**2
        return theta - rate * g / (np.sqrt(state["mean"]) + rates["epsilon"])
    if stepper in ("adam", "adamw"):
        return _adam(theta * (1 - rate * rates["weight_decay"]) if stepper == "adamw" else theta, g, state, rates)
    if stepper == "rprop":
        return _rprop(theta, g, state, rates)
    if stepper == "sign":
        return theta - rate * np.sign(g)
    if stepper == "normalized":
        return theta - rate * g / (np.linalg.norm(g) or 1)
    return theta * np.exp(-rate * np.sign(theta) * g)


def _adam(theta: Array, g: Array, state: State, rates: Rates) -> Array:
    b1, b2, zero = rates["beta1"], rates["beta2"], np.zeros_like(theta)
    state["t"] = t = state.get("t", zero) + 1
    state["m"] = m = b1 * state.get("m", zero) + (1 - b1) * g
    state["s"] = s = b2 * state.get("s", zero) + (1 - b2) * g**2
    return theta - rates["learning_rate"] * (m / (1 - b1**t)) / (np.sqrt(s / (1 - b2**t)) + rates["epsilon"])


def _rprop(theta: Array, g: Array, state: State, rates: Rates) -> Array:
    turn = np.sign(g * state.get("last", np.zeros_like(theta)))
    size = state.get("size", np.full_like(theta, rates["learning_rate"]))
    size = size * np.where(turn > 0, rates["eta_plus"], np.where(turn < 0, rates["eta_minus"], 1))
    state["size"] = size = np.clip(size, rates["step_min"], rates["step_max"])
    state["last"] = g = np.where(turn < 0, 0, g)
    return theta - np.sign(g) * size


def schedule(name: str, t: int, rates: Mapping[str, float]) -> float:
    """What the learning rate is multiplied by at step `t`, the first being 0."""
    _check("schedule", name, SCHEDULES)
    if name == "exponential":
        return float(np.exp(rates["log_decay"] * t))
    if name == "cosine":
        return float(1 + np.cos(2 * np.pi * rates["half_turn"] * t)) / 2
    return 1 / (1 + rates["schedule_decay"] * t) if name == "inverse_time" else 1.0


def trajectory(
    network: Network,
    theta: Array,
    X: Array,
    T: Array,
    steps: int,
    stepper: str,
    rates: Mapping[str, float],
    schedule_name: str = "constant",
    batch: int = 0,
    layer_rates: bool = False,
    shuffled: bool = False,
    key: tuple[int, int] = (0, 0),
) -> list[tuple[Array, float, Array, float]]:
    """(theta, loss, gradient of the objective, largest error) over all samples at steps 0 to `steps`.

    Parameters
    ----------
    rates : by the kernel's names.  The objective is the loss plus `weight_decay` / 2 times the square of theta, if
        there is that rate; for the steppers of `DECOUPLED` it is the loss.
    batch : samples of a step, taken in order or, if `shuffled`, in a fresh order each epoch; 0 for all.
    key : seed and number of the run, for the shuffles and for noise (`rates["noise"]` times a standard normal number).
    layer_rates : whether layer k steps at `layer_rate_k` times the learning rate.
    """
    states: list[tuple[Array, float, Array, float]] = []
    state, dtype, size = State(), theta.dtype, batch or len(X)
    shares = np.ones(len(theta))
    for number, rows in enumerate(layout.layers(network.sizes, network.bias) if layer_rates else ()):
        shares[rows] = rates[f"layer_rate_{number}"]
    decay = dtype.type(0 if stepper in DECOUPLED else rates.get("weight_decay", 0))
    order, epoch = np.arange(len(X)), -(-len(X) // size)
    for t in range(steps + 1):
        loss, g, worst = loss_and_gradient(network, theta, X, T)
        states.append((theta, loss, g + decay * theta, worst))
        if shuffled and t % epoch == 0:
            order = random.shuffled(order, *key, t // epoch)
        here = order[t % epoch * size :][:size]
        _, g, _ = loss_and_gradient(network, theta, X[here], T[here])
        if "noise" in rates:
            noise = random.normals(*key, t, len(theta), np.finfo(dtype).nmant)
            g = g + (rates["noise"] * noise).astype(dtype)
        g = g + decay * theta
        rate = rates["learning_rate"] * schedule(schedule_name, t, rates) * shares
        now: Rates = {**rates, "learning_rate": rate.astype(dtype)}
        theta = step(stepper, theta, g, state, now).astype(dtype)
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
