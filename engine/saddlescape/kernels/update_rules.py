"""Optimizers: pure functions (parameter, its state, gradient, rates) -> (new parameter, new state).

`state` has the optimizer's numbers for this parameter, zero at the start.  `rates` has the run's numbers by name, and
what `prepare` made of them once for all parameters of a step.  Each optimizer is that of `torch.optim` where there is
one of its name, with that one's defaults in the spec.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from saddlescape.kernels.elementary import exp
from saddlescape.kernels.flow_state import BLOCKS, NUMBERS
from saddlescape.kernels.lanes import Lanes, copysign, fma, select, sqrt

State = tuple[Lanes, ...]
Hyperparameters = Mapping[str, Lanes]


def gd(theta: Lanes, state: State, g: Lanes, rates: Hyperparameters) -> tuple[Lanes, State]:
    """Gradient descent: theta - learning_rate * g."""
    return fma(-rates["learning_rate"], g, theta), state


def momentum(theta: Lanes, state: State, g: Lanes, rates: Hyperparameters) -> tuple[Lanes, State]:
    """Heavy ball (Polyak 1964): v = momentum * v + g, then a step of -learning_rate * v.

    At a constant rate that is Kolen & Pollack's delta = -learning_rate * g + momentum * last delta.
    """
    v = fma(rates["momentum"], state[0], g)
    return fma(-rates["learning_rate"], v, theta), (v,)


def nesterov(theta: Lanes, state: State, g: Lanes, rates: Hyperparameters) -> tuple[Lanes, State]:
    """Nesterov's momentum as in Sutskever et al. (2013): a step along g + momentum * v."""
    v = fma(rates["momentum"], state[0], g)
    return fma(-rates["learning_rate"], fma(rates["momentum"], v, g), theta), (v,)


def adagrad(theta: Lanes, state: State, g: Lanes, rates: Hyperparameters) -> tuple[Lanes, State]:
    """Adagrad (Duchi, Hazan & Singer 2011): the rate over the root of the sum of squares so far."""
    total = fma(g, g, state[0])
    return theta - rates["learning_rate"] * (g / (sqrt(total) + rates["epsilon"])), (total,)


def rmsprop(theta: Lanes, state: State, g: Lanes, rates: Hyperparameters) -> tuple[Lanes, State]:
    """RMSprop (Tieleman & Hinton 2012): the rate over the root of a running mean of squares."""
    mean = fma(rates["smoothing"], state[0], (1.0 - rates["smoothing"]) * g * g)
    return theta - rates["learning_rate"] * (g / (sqrt(mean) + rates["epsilon"])), (mean,)


def adam(theta: Lanes, state: State, g: Lanes, rates: Hyperparameters) -> tuple[Lanes, State]:
    """Adam (Kingma & Ba 2015): running means of g and of its squares, both corrected for their start at zero."""
    first = fma(1.0 - rates["beta1"], g - state[0], state[0])
    second = fma(rates["beta2"], state[1], (1.0 - rates["beta2"]) * g * g)
    root = fma(sqrt(second), rates["scale"], rates["epsilon"])
    return theta - rates["learning_rate"] * rates["correction"] * (first / root), (first, second)


def adamw(theta: Lanes, state: State, g: Lanes, rates: Hyperparameters) -> tuple[Lanes, State]:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""
    return adam(fma(-rates["learning_rate"] * rates["weight_decay"], theta, theta), state, g, rates)


def lion(theta: Lanes, state: State, g: Lanes, rates: Hyperparameters) -> tuple[Lanes, State]:
    """Lion (Chen et al. 2023): steps of one length against the sign of a mean of g, and decoupled weight decay."""
    last = state[0]
    between, mean = (fma(1.0 - rates[beta], g - last, last) for beta in ("beta1", "beta2"))
    decayed = fma(-rates["learning_rate"] * rates["weight_decay"], theta, theta)
    return fma(-rates["learning_rate"], _sign(between), decayed), (mean,)


def rprop(theta: Lanes, state: State, g: Lanes, rates: Hyperparameters) -> tuple[Lanes, State]:
    """Rprop (Riedmiller & Braun 1993): a step size for each parameter, from the signs of g alone.

    A step size of 0 stands for the first one, the learning rate.  Every size, the first one too, is held between the
    bounds, as in `torch.optim.Rprop`.
    """
    last, size = state[0], select(state[1] > 0.0, state[1], rates["learning_rate"])
    same, turned = last * g > 0.0, last * g < 0.0
    factor = select(same, rates["eta_plus"], select(turned, rates["eta_minus"], 1.0))
    size = _least(_most(size * factor, rates["step_min"]), rates["step_max"])
    g = select(turned, g.like(0.0), g)
    return theta - _sign(g) * size, (g, size)


def sign(theta: Lanes, state: State, g: Lanes, rates: Hyperparameters) -> tuple[Lanes, State]:
    """Steps of one length against the sign of each component (signSGD, Bernstein et al. 2018); none where it is 0."""
    return fma(-rates["learning_rate"], _sign(g), theta), state


def normalized(theta: Lanes, state: State, g: Lanes, rates: Hyperparameters) -> tuple[Lanes, State]:
    """Steps of length learning_rate along the unit gradient; none where it is 0."""
    return fma(-rates["learning_rate"], g / rates["grad_norm"], theta), state


def multiplicative(theta: Lanes, state: State, g: Lanes, rates: Hyperparameters) -> tuple[Lanes, State]:
    """w * exp(-learning_rate * sign(w) * g): signs never change, and zero is for ever (Kivinen & Warmuth 1997)."""
    return theta * exp(-rates["learning_rate"] * _sign(theta) * g), state


def _sign(x: Lanes) -> Lanes:
    return select(abs(x) > 0.0, copysign(x.like(1.0), x), x)


def _least(a: Lanes, b: Lanes) -> Lanes:
    return select(a < b, a, b)


def _most(a: Lanes, b: Lanes) -> Lanes:
    return select(a > b, a, b)


def correct_bias(rates: dict[str, Lanes], state: State, grad_norm: Callable[[], Lanes]) -> State:
    """Adam's corrections; `state` holds 1 - beta**step of both means."""
    first, second = (
        fma(rates[beta], old, 1.0 - rates[beta]) for beta, old in zip(("beta1", "beta2"), state, strict=True)
    )
    rates["correction"], rates["scale"] = 1.0 / first, 1.0 / sqrt(second)
    return first, second


def take_norm(rates: dict[str, Lanes], state: State, grad_norm: Callable[[], Lanes]) -> State:
    """The gradient's norm; 1 where it is 0, so that nothing moves."""
    norm = grad_norm()
    rates["grad_norm"] = select(norm > 0.0, norm, 1.0)
    return state


class UpdateRule(NamedTuple):
    """The update of one parameter; how many numbers of state it keeps for each, and for the step as a whole.

    ``prepare(rates, state, grad_norm)`` adds to the numbers of a step before it.
    """

    update: Callable[[Lanes, State, Lanes, Hyperparameters], tuple[Lanes, State]] | None
    """None: the flow, which takes several gradients a step (flow.py)."""

    states: int = 0
    prepare: Callable[[dict[str, Lanes], State, Callable[[], Lanes]], State] | None = None
    step_states: int = 0


RULES = {
    "gd": UpdateRule(gd),
    "momentum": UpdateRule(momentum, 1),
    "nesterov": UpdateRule(nesterov, 1),
    "adagrad": UpdateRule(adagrad, 1),
    "rmsprop": UpdateRule(rmsprop, 1),
    "adam": UpdateRule(adam, 2, correct_bias, 2),
    "adamw": UpdateRule(adamw, 2, correct_bias, 2),
    "lion": UpdateRule(lion, 1),
    "rprop": UpdateRule(rprop, 2),
    "sign": UpdateRule(sign),
    "normalized": UpdateRule(normalized, 0, take_norm),
    "multiplicative": UpdateRule(multiplicative),
    "flow": UpdateRule(None, BLOCKS, None, NUMBERS),
}
"""By the words of `words.optimizers`."""
