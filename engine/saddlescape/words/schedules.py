"""The schedules of the learning rate."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """A schedule of the learning rate.

    Attributes
    ----------
    factor : the factor of the learning rate at step t, counted from 0.
    decays : whether the factor depends on d, which is `schedule_decay`.
    aliases : other names, which are accepted.
    similar : names that other software uses for it or for something like it; they are errors that suggest it.
    """

    factor: str
    decays: bool = False
    aliases: tuple[str, ...] = ()
    similar: tuple[str, ...] = ()


ONE_CYCLE = (1 / 25, 1 / 25 / 1e4)
"""First and last factor of the schedule "one_cycle", the defaults of `torch.optim.lr_scheduler.OneCycleLR`."""

PEAK = 0.3
"""Fraction of the steps at whose end this schedule has its largest factor."""

SCHEDULES = {
    "constant": Schedule("1"),
    "exponential": Schedule("d^t", decays=True, similar=("exp", "exponential_lr")),
    "cosine": Schedule("(1 + cos(pi t / steps)) / 2", similar=("cosine_annealing", "cosine_decay")),
    "inverse_time": Schedule("1 / (1 + d t)", decays=True, similar=("inverse", "1/t")),
    "step": Schedule(
        "d^floor(t / n), n = `training.schedule_steps`",
        decays=True,
        similar=("step_lr", "steplr", "piecewise", "staircase"),
    ),
    "one_cycle": Schedule(
        "with p = 0.3 steps - 1 and e = steps - 1: half a cosine from 1/25 to 1 while t <= p, then one from 1 at p to"
        " 1/250000 at e",
        similar=("onecycle", "one_cycle_lr", "super_convergence"),
    ),
}
