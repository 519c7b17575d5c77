"""Steppers: pure functions (parameter, its state, gradient, rates) -> (new parameter, new state).

`state` has the stepper's numbers for this parameter, zero at the start; `rates` its numbers for the run.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from saddlescape.kernels.lanes import Lanes, fma

State = tuple[Lanes, ...]


def gd(theta: Lanes, state: State, gradient: Lanes, rates: Sequence[Lanes]) -> tuple[Lanes, State]:
    """Gradient descent: theta - learning_rate * gradient."""
    (learning_rate,) = rates
    return fma(-learning_rate, gradient, theta), state


def heavy_ball(theta: Lanes, state: State, gradient: Lanes, rates: Sequence[Lanes]) -> tuple[Lanes, State]:
    """Heavy ball: delta = -learning_rate * gradient + momentum * last delta (Polyak 1964; Kolen & Pollack 1990)."""
    (last,), (learning_rate, momentum) = state, rates
    delta = fma(-learning_rate, gradient, momentum * last)
    return theta + delta, (delta,)


class Stepper(NamedTuple):
    """The update of one parameter, how many numbers of state it keeps, and the names of its rates."""

    update: Callable[[Lanes, State, Lanes, Sequence[Lanes]], tuple[Lanes, State]]
    states: int
    rates: tuple[str, ...]


STEPPERS = {
    "gd": Stepper(gd, 0, ("learning_rate",)),
    "momentum": Stepper(heavy_ball, 1, ("learning_rate", "momentum")),
}
