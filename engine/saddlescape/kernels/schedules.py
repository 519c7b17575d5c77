"""Learning-rate schedules: the factor of the learning rate at step t, where the first step is 0."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from saddlescape.kernels.elementary import exp, sin_slope
from saddlescape.kernels.lanes import MAGIC, Lanes, fma, select
from saddlescape.words.schedules import ONE_CYCLE

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


def step(t: Lanes, hyperparameters: Hyperparameters) -> Lanes:
    """schedule_decay**floor(t / schedule_steps)."""
    quotient, magic = t / hyperparameters["schedule_steps"], MAGIC[t.dtype]
    nearest = (quotient + magic) - magic
    return exp(select(nearest > quotient, nearest - 1.0, nearest) * hyperparameters["log_decay"])


def one_cycle(t: Lanes, hyperparameters: Hyperparameters) -> Lanes:
    """Half a cosine from ONE_CYCLE[0] up to 1 at the step `cycle_peak`, another down to ONE_CYCLE[1] at `cycle_end`."""
    peak, end = hyperparameters["cycle_peak"], hyperparameters["cycle_end"]
    up = t <= peak
    turn = select(up, t / peak, (t - peak) / (end - peak))
    _, value = sin_slope(math.pi * turn)
    falling = fma(value, 0.5, 0.5)
    return select(up, fma(falling, ONE_CYCLE[0] - 1.0, 1.0), fma(falling, 1.0 - ONE_CYCLE[1], ONE_CYCLE[1]))


def warmup(t: Lanes, hyperparameters: Hyperparameters) -> Lanes:
    """(t + 1) / warmup, at most 1; 1 without warm-up steps."""
    taken, steps = t + 1.0, hyperparameters["warmup"]
    return select(taken < steps, taken / steps, 1.0)


class ScheduleRule(NamedTuple):
    """The factor at step t, the names of its hyperparameters, and the step up to which it grows, if it does."""

    factor: Callable[[Lanes, Hyperparameters], Lanes]
    hyperparameters: tuple[str, ...]
    peak: Callable[[Hyperparameters], Lanes] | None = None


SCHEDULES = {
    "exponential": ScheduleRule(exponential, ("log_decay",)),
    "cosine": ScheduleRule(cosine, ("half_turn",)),
    "inverse_time": ScheduleRule(inverse_time, ("schedule_decay",)),
    "step": ScheduleRule(step, ("log_decay", "schedule_steps")),
    "one_cycle": ScheduleRule(one_cycle, ("cycle_peak", "cycle_end"), lambda values: values["cycle_peak"]),
}
"""Rules by name; the schedule "constant" needs none."""

WARMUP = ScheduleRule(warmup, ("warmup",), lambda values: values["warmup"] - 1.0)
"""The factor of ``training.warmup``, besides that of the schedule."""
