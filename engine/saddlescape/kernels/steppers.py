"""Steppers: pure functions (parameter, velocity, gradient, rates) -> (new parameter, new velocity)."""

from numba import njit
from numba.extending import overload

from saddlescape.kernels.lanes import fma


@njit(error_model="numpy")
def gd(theta, velocity, gradient, learning_rate, momentum):
    """Gradient descent: theta - learning_rate * gradient; no velocity."""
    return fma(-learning_rate, gradient, theta), velocity


@njit(error_model="numpy")
def heavy_ball(theta, velocity, gradient, learning_rate, momentum):
    """Heavy ball: delta = -learning_rate * gradient + momentum * last delta (Polyak 1964; Kolen & Pollack 1990)."""
    delta = fma(-learning_rate, gradient, momentum * velocity)
    return theta + delta, delta


STEPPERS = {"gd": gd, "momentum": heavy_ball}


def step(net, theta, velocity, gradient, learning_rate, momentum):
    """One parameter's update by the variant's stepper."""


@overload(step)
def _step(net, theta, velocity, gradient, learning_rate, momentum):
    function = STEPPERS[net.variant.stepper]

    def impl(net, theta, velocity, gradient, learning_rate, momentum):
        return function(theta, velocity, gradient, learning_rate, momentum)

    return impl
