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


SCHEDULES = {
    "constant": Schedule("1"),
    "exponential": Schedule("d^t", decays=True, similar=("exp", "exponential_lr")),
    "cosine": Schedule("(1 + cos(pi t / steps)) / 2", similar=("cosine_annealing", "cosine_decay")),
    "inverse_time": Schedule("1 / (1 + d t)", decays=True, similar=("inverse", "1/t")),
}
