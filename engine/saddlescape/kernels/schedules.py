"""Learning-rate schedules: the factor of the learning rate at step t, where the first step is 0."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from saddlescape.kernels.elementary import exp, sin_slope
from saddlescape.kernels.lanes import Lanes, fma

Hyperparameters = Mapping[str, Lanes]


def exponential(t: Lanes, hyperparameters: Hyperparameters) -> Lanes:
    """schedule_decay**t; `log_decay` is the logarithm of schedule_decay."""
    return exp(t * hyperparameters["log_decay"])


def inverse_time(t: Lanes, hyperparameters: Hyperparameters) -> Lanes:
    """1 / (1 + schedule_decay t)."""
    return 1.0 / (1.0 + hyperparameters["schedule_decay"] * t)


def cosine(t: Lanes, hyperparameters: Hyperparameters) -> Lanes:
    """(1 + cos(pi t / steps)) / 2 (Loshchilov & Hutter 2017); `half_turn` is 1 / (2 steps)."""
    _, value = sin_slope(2 * math.pi * t * hyperparameters["half_turn"])
    return fma(value, 0.5, 0.5)


class ScheduleRule(NamedTuple):
    """The factor at step t, and the names of its hyperparameters."""

    factor: Callable[[Lanes, Hyperparameters], Lanes]
    hyperparameters: tuple[str, ...]


SCHEDULES = {
    "exponential": ScheduleRule(exponential, ("log_decay",)),
    "cosine": ScheduleRule(cosine, ("half_turn",)),
    "inverse_time": ScheduleRule(inverse_time, ("schedule_decay",)),
}
"""Rules by name; the schedule "constant" needs none."""
