"""Schedules: what the learning rate is multiplied by at step t, the first step being 0."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from saddlescape.kernels.elementary import exp, sin_slope
from saddlescape.kernels.lanes import Lanes, fma

Hyperparameters = Mapping[str, Lanes]


def exponential(t: Lanes, rates: Hyperparameters) -> Lanes:
    """schedule_decay**t; `log_decay` is its logarithm."""
    return exp(t * rates["log_decay"])


def inverse_time(t: Lanes, rates: Hyperparameters) -> Lanes:
    """1 / (1 + schedule_decay t)."""
    return 1.0 / (1.0 + rates["schedule_decay"] * t)


def cosine(t: Lanes, rates: Hyperparameters) -> Lanes:
    """(1 + cos(pi t / steps)) / 2 (Loshchilov & Hutter 2017); `half_turn` is 1 / (2 steps)."""
    _, value = sin_slope(2 * math.pi * t * rates["half_turn"])
    return fma(value, 0.5, 0.5)


class ScheduleRule(NamedTuple):
    """The factor at step t, and the names of its numbers."""

    factor: Callable[[Lanes, Hyperparameters], Lanes]
    hyperparameters: tuple[str, ...]


SCHEDULES = {
    "exponential": ScheduleRule(exponential, ("log_decay",)),
    "cosine": ScheduleRule(cosine, ("half_turn",)),
    "inverse_time": ScheduleRule(inverse_time, ("schedule_decay",)),
}
"""By name; "constant" needs none."""
