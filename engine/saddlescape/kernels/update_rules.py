"""Optimizers: pure functions (parameter, state, gradient, hyperparameters) -> (new parameter, new state).

`state` contains the optimizer's numbers for this parameter, which are zero at the start.  `hyperparameters` contains
those of the run by name, and the values that `prepare` computes once per step for all parameters.  An optimizer with
the same name as one of `torch.optim` has its definition; docs/spec.md lists the defaults that differ.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from saddlescape.kernels.dual import with_derivative
from saddlescape.kernels.elementary import exp
from saddlescape.kernels.flow_state import BLOCKS, SCALARS
from saddlescape.kernels.lanes import Lanes, copysign, fma, select, sqrt

State = tuple[Lanes, ...]
Hyperparameters = Mapping[str, Lanes]


def gd(theta: Lanes, state: State, g: Lanes, hyperparameters: Hyperparameters) -> tuple[Lanes, State]:
    """Gradient descent: theta - learning_rate * g."""
    return fma(-hyperparameters["learning_rate"], g, theta), state


def momentum(theta: Lanes, state: State, g: Lanes, hyperparameters: Hyperparameters) -> tuple[Lanes, State]:
    """Heavy ball (Polyak 1964): v = momentum * v + g, then a step of -learning_rate * v.

    With a constant learning rate this is Kolen & Pollack's delta = -learning_rate * g + momentum * last delta.
    """
    v = fma(hyperparameters["momentum"], state[0], g)
    return fma(-hyperparameters["learning_rate"], v, theta), (v,)


def nesterov(theta: Lanes, state: State, g: Lanes, hyperparameters: Hyperparameters) -> tuple[Lanes, State]:
    """Nesterov's momentum as in Sutskever et al. (2013): a step along g + momentum * v."""
    v = fma(hyperparameters["momentum"], state[0], g)
    return fma(-hyperparameters["learning_rate"], fma(hyperparameters["momentum"], v, g), theta), (v,)


def adagrad(theta: Lanes, state: State, g: Lanes, hyperparameters: Hyperparameters) -> tuple[Lanes, State]:
    """Adagrad (Duchi, Hazan & Singer 2011): learning rate divided by the root of the sum of all squares of g."""
    total = fma(g, g, state[0])
    return theta - hyperparameters["learning_rate"] * (g / (sqrt(total) + hyperparameters["epsilon"])), (total,)


def rmsprop(theta: Lanes, state: State, g: Lanes, hyperparameters: Hyperparameters) -> tuple[Lanes, State]:
    """RMSprop (Tieleman & Hinton 2012): learning rate divided by the root of a running mean of squares of g."""
    mean = fma(hyperparameters["smoothing"], state[0], (1.0 - hyperparameters["smoothing"]) * g * g)
    return theta - hyperparameters["learning_rate"] * (g / (sqrt(mean) + hyperparameters["epsilon"])), (mean,)


def adam(theta: Lanes, state: State, g: Lanes, hyperparameters: Hyperparameters) -> tuple[Lanes, State]:
    """Adam (Kingma & Ba 2015): running means of g and of its squares, both corrected for their bias towards zero."""
    first, second = _means(state, g, hyperparameters)
    root = fma(sqrt(second), hyperparameters["scale"], hyperparameters["epsilon"])
    return theta - hyperparameters["learning_rate"] * hyperparameters["correction"] * (first / root), (first, second)


def _means(state: State, g: Lanes, hyperparameters: Hyperparameters) -> State:
    """The running means of g and of its squares."""
    first = fma(1.0 - hyperparameters["beta1"], g - state[0], state[0])
    return first, fma(hyperparameters["beta2"], state[1], (1.0 - hyperparameters["beta2"]) * g * g)


def amsgrad(theta: Lanes, state: State, g: Lanes, hyperparameters: Hyperparameters) -> tuple[Lanes, State]:
    """Adam with the largest mean of squares so far (Reddi, Kale & Kumar 2018)."""
    first, second = _means(state, g, hyperparameters)
    largest = _maximum(state[2], second)
    root = fma(sqrt(largest), hyperparameters["scale"], hyperparameters["epsilon"])
    rate = hyperparameters["learning_rate"] * hyperparameters["correction"]
    return theta - rate * (first / root), (first, second, largest)


def nadam(theta: Lanes, state: State, g: Lanes, hyperparameters: Hyperparameters) -> tuple[Lanes, State]:
    """Adam with Nesterov's momentum (Dozat 2016)."""
    first, second = _means(state, g, hyperparameters)
    root = fma(sqrt(second), hyperparameters["scale"], hyperparameters["epsilon"])
    direction = fma(hyperparameters["of_gradient"], g, hyperparameters["of_mean"] * first)
    return theta - hyperparameters["learning_rate"] * (direction / root), (first, second)


def adamax(theta: Lanes, state: State, g: Lanes, hyperparameters: Hyperparameters) -> tuple[Lanes, State]:
    """Adam with the maximum norm in place of the mean of squares (Kingma & Ba 2015).

    The stored maximum is 0, not epsilon, until a gradient is not 0, so that a run without gradient is frozen.
    """
    first = fma(1.0 - hyperparameters["beta1"], g - state[0], state[0])
    largest = _maximum(hyperparameters["beta2"] * state[1], abs(g) + hyperparameters["epsilon"])
    rate = hyperparameters["learning_rate"] * hyperparameters["correction"]
    begun = (abs(g) > 0.0) | (state[1] > 0.0)
    return theta - rate * (first / largest), (first, select(begun, largest, state[1]))


def adadelta(theta: Lanes, state: State, g: Lanes, hyperparameters: Hyperparameters) -> tuple[Lanes, State]:
    """Adadelta (Zeiler 2012): steps in proportion to the root of a running mean of squares of the steps."""
    smoothing, epsilon = hyperparameters["smoothing"], hyperparameters["epsilon"]
    mean = fma(smoothing, state[0], (1.0 - smoothing) * g * g)
    delta = sqrt(state[1] + epsilon) / sqrt(mean + epsilon) * g
    of_steps = fma(smoothing, state[1], (1.0 - smoothing) * delta * delta)
    return fma(-hyperparameters["learning_rate"], delta, theta), (mean, of_steps)


def adamw(theta: Lanes, state: State, g: Lanes, hyperparameters: Hyperparameters) -> tuple[Lanes, State]:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""
    return adam(decay(theta, hyperparameters), state, g, hyperparameters)


def decay(theta: Lanes, hyperparameters: Hyperparameters) -> Lanes:
    """Decoupled weight decay: theta * (1 - learning_rate * weight_decay); biases may have none."""
    if "weight_decay" not in hyperparameters:
        return theta
    return fma(-hyperparameters["learning_rate"] * hyperparameters["weight_decay"], theta, theta)


def lion(theta: Lanes, state: State, g: Lanes, hyperparameters: Hyperparameters) -> tuple[Lanes, State]:
    """Lion (Chen et al. 2023): -learning_rate * sign(a mean of g), and decoupled weight decay."""
    last = state[0]
    direction, mean = (fma(1.0 - hyperparameters[beta], g - last, last) for beta in ("beta1", "beta2"))
    decayed = decay(theta, hyperparameters)
    return fma(-hyperparameters["learning_rate"], _sign(direction), decayed), (mean,)


def quickprop(theta: Lanes, state: State, g: Lanes, hyperparameters: Hyperparameters) -> tuple[Lanes, State]:
    """Quickprop (Fahlman 1988): a step to the minimum of the parabola through the last two slopes, for each parameter.

    As in Fahlman's program: the step grows at most by `growth_max`, and the slope times the learning rate is added as
    long as the slope has the direction of the last step, or if there was none.
    """
    (last, step), growth = state, hyperparameters["growth_max"]
    slope, before = (select(step < 0.0, s, -s) for s in (g, last))  # positive where descent goes on as before
    grows, moved = growth / (1.0 + growth) * before <= slope, abs(step) > 0.0
    next_step = select(moved, select(grows, growth, g / (last - g)) * step, 0.0)
    next_step = select(~moved | (slope > 0.0), fma(-hyperparameters["learning_rate"], g, next_step), next_step)
    return theta + next_step, (g + 0.0, next_step)  # the sum makes a zero positive, like that of the first state


def rprop(theta: Lanes, state: State, g: Lanes, hyperparameters: Hyperparameters) -> tuple[Lanes, State]:
    """Rprop (Riedmiller & Braun 1993): a step size for each parameter, which depends only on the signs of g.

    Every step size, including the first, is clamped to the bounds, as in `torch.optim.Rprop`.
    """
    last, size = state
    same, turned = last * g > 0.0, last * g < 0.0
    factor = select(same, hyperparameters["eta_plus"], select(turned, hyperparameters["eta_minus"], 1.0))
    size = _clamped(size * factor, hyperparameters)
    g = select(turned, g.like(0.0), g)
    return theta - _sign(g) * size, (g, size)


def begin_rprop(state: State, hyperparameters: Hyperparameters) -> State:
    """A stored step size of 0 means the initial one, the learning rate."""
    last, size = state
    return last, select(size > 0.0, size, _clamped(hyperparameters["learning_rate"], hyperparameters))


def _clamped(size: Lanes, hyperparameters: Hyperparameters) -> Lanes:
    return _minimum(_maximum(size, hyperparameters["step_min"]), hyperparameters["step_max"])


def sign(theta: Lanes, state: State, g: Lanes, hyperparameters: Hyperparameters) -> tuple[Lanes, State]:
    """signSGD (Bernstein et al. 2018): theta - learning_rate * sign(g), where sign(0) is 0."""
    return fma(-hyperparameters["learning_rate"], _sign(g), theta), state


def normalized(theta: Lanes, state: State, g: Lanes, hyperparameters: Hyperparameters) -> tuple[Lanes, State]:
    """Steps of length learning_rate along -g / |g|; no step where the gradient is zero."""
    return fma(-hyperparameters["learning_rate"], g / hyperparameters["grad_norm"], theta), state


def multiplicative(theta: Lanes, state: State, g: Lanes, hyperparameters: Hyperparameters) -> tuple[Lanes, State]:
    """w * exp(-learning_rate * sign(w) * g): signs never change, and zero stays zero (Kivinen & Warmuth 1997)."""
    return theta * exp(-hyperparameters["learning_rate"] * _sign(theta) * g), state


@with_derivative(lambda x, y: x.like(0.0))
def _sign(x: Lanes) -> Lanes:
    return select(abs(x) > 0.0, copysign(x.like(1.0), x), x)


def _minimum(a: Lanes, b: Lanes) -> Lanes:
    return select(a < b, a, b)


def _maximum(a: Lanes, b: Lanes) -> Lanes:
    return select(a > b, a, b)


def correct_bias(hyperparameters: dict[str, Lanes], state: State, grad_norm: Callable[[], Lanes]) -> State:
    """Compute the bias corrections of Adam; `state` contains 1 - beta**step for both means."""
    betas = (hyperparameters["beta1"], hyperparameters["beta2"])
    first, second = (fma(beta, old, 1.0 - beta) for beta, old in zip(betas, state, strict=True))
    hyperparameters["correction"], hyperparameters["scale"] = 1.0 / first, 1.0 / sqrt(second)
    return first, second


def correct_mean(hyperparameters: dict[str, Lanes], state: State, grad_norm: Callable[[], Lanes]) -> State:
    """Compute the bias correction of the mean of the gradients; `state` contains 1 - beta1**step."""
    first = fma(hyperparameters["beta1"], state[0], 1.0 - hyperparameters["beta1"])
    hyperparameters["correction"] = 1.0 / first
    return (first,)


def correct_nadam(hyperparameters: dict[str, Lanes], state: State, grad_norm: Callable[[], Lanes]) -> State:
    """Compute Nadam's factors of the gradient and of its mean.

    `state` contains 1 - the product of the factors so far, 1 - beta2**step, and the step.
    """
    beta1, beta2 = hyperparameters["beta1"], hyperparameters["beta2"]
    step, second = state[2] + 1.0, fma(beta2, state[1], 1.0 - beta2)
    rate = math.log(0.96) * hyperparameters["momentum_decay"]
    now, following = (beta1 * (1.0 - 0.5 * exp(t * rate)) for t in (step, step + 1.0))
    product = fma(now, state[0], 1.0 - now)
    hyperparameters["of_gradient"] = (1.0 - now) / product
    hyperparameters["of_mean"] = following / fma(following, product, 1.0 - following)
    hyperparameters["scale"] = 1.0 / sqrt(second)
    return product, second, step


def compute_norm(hyperparameters: dict[str, Lanes], state: State, grad_norm: Callable[[], Lanes]) -> State:
    """Compute the norm of the gradient; 1 where the gradient is zero, so that the step is zero."""
    norm = grad_norm()
    hyperparameters["grad_norm"] = select(norm > 0.0, norm, 1.0)
    return state


class UpdateRule(NamedTuple):
    """An optimizer: its update of one parameter, and its numbers of state for each parameter and for the whole step.

    ``prepare(hyperparameters, state, grad_norm)`` runs once before each step: it adds values to `hyperparameters` and
    returns the new state of the step.
    """

    update: Callable[[Lanes, State, Lanes, Hyperparameters], tuple[Lanes, State]] | None
    """None for the gradient flow, which evaluates several gradients per step (flow.py)."""

    states: int = 0
    prepare: Callable[[dict[str, Lanes], State, Callable[[], Lanes]], State] | None = None
    step_states: int = 0
    begin: Callable[[State, Hyperparameters], State] | None = None
    """The state that a stored state stands for, if it can differ: a run whose state is that one has not changed."""


RULES = {
    "gd": UpdateRule(gd),
    "momentum": UpdateRule(momentum, 1),
    "nesterov": UpdateRule(nesterov, 1),
    "adagrad": UpdateRule(adagrad, 1),
    "rmsprop": UpdateRule(rmsprop, 1),
    "adam": UpdateRule(adam, 2, correct_bias, 2),
    "adamw": UpdateRule(adamw, 2, correct_bias, 2),
    "amsgrad": UpdateRule(amsgrad, 3, correct_bias, 2),
    "nadam": UpdateRule(nadam, 2, correct_nadam, 3),
    "adamax": UpdateRule(adamax, 2, correct_mean, 1),
    "adadelta": UpdateRule(adadelta, 2),
    "lion": UpdateRule(lion, 1),
    "quickprop": UpdateRule(quickprop, 2),
    "rprop": UpdateRule(rprop, 2, begin=begin_rprop),
    "sign": UpdateRule(sign),
    "normalized": UpdateRule(normalized, 0, compute_norm),
    "multiplicative": UpdateRule(multiplicative),
    "flow": UpdateRule(None, BLOCKS, None, SCALARS),
}
"""By the names of `words.optimizers`."""
