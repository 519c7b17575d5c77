"""Optimizers and schedules of the learning rate in NumPy."""

from collections.abc import Callable, Mapping

import numpy as np

from saddlescape.network.reference.common import Array, function
from saddlescape.words.schedules import ONE_CYCLE

State = dict[str, Array]
"""The arrays of the state of an optimizer, by name."""

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
    a = hyperparameters["smoothing"]
    state["mean"] = a * state.get("mean", np.zeros_like(theta)) + (1 - a) * g**2
    return theta - hyperparameters["learning_rate"] * g / (np.sqrt(state["mean"]) + hyperparameters["epsilon"])


def _adam(theta: Array, g: Array, state: State, hyperparameters: Hyperparameters) -> Array:
    b1, b2, zero = hyperparameters["beta1"], hyperparameters["beta2"], np.zeros_like(theta)
    state["t"] = t = state.get("t", zero) + 1
    state["m"] = m = b1 * state.get("m", zero) + (1 - b1) * g
    state["s"] = s = b2 * state.get("s", zero) + (1 - b2) * g**2
    denominator = np.sqrt(s / (1 - b2**t)) + hyperparameters["epsilon"]
    return theta - hyperparameters["learning_rate"] * (m / (1 - b1**t)) / denominator


def _amsgrad(theta: Array, g: Array, state: State, hyperparameters: Hyperparameters) -> Array:
    b1, b2, zero = hyperparameters["beta1"], hyperparameters["beta2"], np.zeros_like(theta)
    _adam(theta, g, state, hyperparameters)
    state["largest"] = largest = np.maximum(state.get("largest", zero), state["s"])
    denominator = np.sqrt(largest / (1 - b2 ** state["t"])) + hyperparameters["epsilon"]
    return np.asarray(theta - hyperparameters["learning_rate"] * (state["m"] / (1 - b1 ** state["t"])) / denominator)


def _nadam(theta: Array, g: Array, state: State, hyperparameters: Hyperparameters) -> Array:
    b1, b2 = hyperparameters["beta1"], hyperparameters["beta2"]
    _adam(theta, g, state, hyperparameters)
    t = state["t"]
    c, following = (b1 * (1 - 0.96 ** (k * hyperparameters["momentum_decay"]) / 2) for k in (t, t + 1))
    state["product"] = product = state.get("product", np.ones_like(theta)) * c
    direction = (1 - c) / (1 - product) * g + following / (1 - product * following) * state["m"]
    denominator = np.sqrt(state["s"] / (1 - b2**t)) + hyperparameters["epsilon"]
    return np.asarray(theta - hyperparameters["learning_rate"] * direction / denominator)


def _adamax(theta: Array, g: Array, state: State, hyperparameters: Hyperparameters) -> Array:
    b1, b2, zero = hyperparameters["beta1"], hyperparameters["beta2"], np.zeros_like(theta)
    state["t"] = t = state.get("t", zero) + 1
    state["m"] = m = b1 * state.get("m", zero) + (1 - b1) * g
    state["s"] = s = np.maximum(b2 * state.get("s", zero), abs(g) + hyperparameters["epsilon"])
    return np.asarray(theta - hyperparameters["learning_rate"] * (m / (1 - b1**t)) / s)


def _adadelta(theta: Array, g: Array, state: State, hyperparameters: Hyperparameters) -> Array:
    a, epsilon, zero = hyperparameters["smoothing"], hyperparameters["epsilon"], np.zeros_like(theta)
    state["s"] = s = a * state.get("s", zero) + (1 - a) * g**2
    u = state.get("u", zero)
    delta = g * np.sqrt(u + epsilon) / np.sqrt(s + epsilon)
    state["u"] = a * u + (1 - a) * delta**2
    return np.asarray(theta - hyperparameters["learning_rate"] * delta)


def _adamw(theta: Array, g: Array, state: State, hyperparameters: Hyperparameters) -> Array:
    decayed = theta * (1 - hyperparameters["learning_rate"] * hyperparameters["weight_decay"])
    return _adam(decayed, g, state, hyperparameters)


def _lion(theta: Array, g: Array, state: State, hyperparameters: Hyperparameters) -> Array:
    learning_rate, m = hyperparameters["learning_rate"], state.get("m", np.zeros_like(theta))
    b1, b2 = hyperparameters["beta1"], hyperparameters["beta2"]
    state["m"] = b2 * m + (1 - b2) * g
    decayed = theta * (1 - learning_rate * hyperparameters["weight_decay"])
    return decayed - learning_rate * np.sign(b1 * m + (1 - b1) * g)


def _quickprop(theta: Array, g: Array, state: State, hyperparameters: Hyperparameters) -> Array:
    growth, zero = hyperparameters["growth_max"], np.zeros_like(theta)
    last, d = state.get("last", zero), state.get("step", zero)
    grows = np.sign(d) * g <= growth / (1 + growth) * np.sign(d) * last
    parabola = d * g / np.where(grows, 1, last - g)
    linear = np.where((np.sign(d) * g < 0) | (d == 0), hyperparameters["learning_rate"] * g, 0)
    state["last"], state["step"] = g, np.where(grows, growth * d, parabola) - linear
    return np.asarray(theta + state["step"])


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
    "amsgrad": _amsgrad,
    "nadam": _nadam,
    "adamax": _adamax,
    "adadelta": _adadelta,
    "adamw": _adamw,
    "lion": _lion,
    "quickprop": _quickprop,
    "rprop": _rprop,
    "sign": lambda theta, g, state, hyperparameters: theta - hyperparameters["learning_rate"] * np.sign(g),
    "normalized": lambda theta, g, state, hyperparameters: (
        theta - hyperparameters["learning_rate"] * g / (np.linalg.norm(g) or 1)
    ),
    "multiplicative": _multiplicative,
}
"""Parameters after a step.  The flow, which has no steps of its own, is compared with a solver of SciPy instead."""


def step(optimizer: str, theta: Array, g: Array, state: State, hyperparameters: Hyperparameters) -> Array:
    """Parameters after one step, defined as in `torch.optim`; `state`, which is empty at the start, is updated.

    `optimizer` is a name, `g` (n_params,) the gradient; `hyperparameters` are by name, as in the kernels.
    """
    return function(RULES, "optimizer", optimizer)(theta, g, state, hyperparameters)


SCHEDULES: dict[str, Callable[[int, Mapping[str, float]], float]] = {
    "constant": lambda t, hyperparameters: 1.0,
    "exponential": lambda t, hyperparameters: float(np.exp(hyperparameters["log_decay"] * t)),
    "cosine": lambda t, hyperparameters: float(1 + np.cos(2 * np.pi * hyperparameters["half_turn"] * t)) / 2,
    "inverse_time": lambda t, hyperparameters: 1 / (1 + hyperparameters["schedule_decay"] * t),
    "step": lambda t, values: float(np.exp(values["log_decay"] * (t // values["schedule_steps"]))),
    "one_cycle": lambda t, hyperparameters: _one_cycle(t, hyperparameters["cycle_peak"], hyperparameters["cycle_end"]),
}


def _one_cycle(t: int, peak: float, end: float) -> float:
    turn, (first, last) = (t / peak, (ONE_CYCLE[0], 1)) if t <= peak else ((t - peak) / (end - peak), (1, ONE_CYCLE[1]))
    return float(last + (first - last) * (1 + np.cos(np.pi * turn)) / 2)


def schedule(name: str, t: int, hyperparameters: Mapping[str, float]) -> float:
    """Factor of the learning rate at step `t`, counted from 0, with that of the warm-up.

    `name` is that of the schedule; `hyperparameters` are by name, as in the kernels.
    """
    warm = min(1.0, (t + 1) / (hyperparameters.get("warmup", 0) or 1))
    return warm * function(SCHEDULES, "schedule", name)(t, hyperparameters)
