"""Schedules of the learning rate."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """What the learning rate is multiplied by at step t, the first being 0; `decays` if by `schedule_decay` d."""

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
