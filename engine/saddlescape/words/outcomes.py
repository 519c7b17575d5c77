"""What becomes of a run: outcomes and stop reasons, each a code with a sentence.  Codes are append-only."""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

ESCAPE_DROP = 0.05
"""A run has escaped when its loss is below ``(1 - ESCAPE_DROP) * plateau loss``."""


class _Described(IntEnum):
    sentence: str

    def __new__(cls, code: int, sentence: str) -> "_Described":
        member = int.__new__(cls, code)
        member._value_ = code
        member.sentence = sentence
        return member

    @property
    def label(self) -> str:
        return self.name.lower()


class Outcome(_Described):
    """What a run has come to when it stops."""

    FROZEN = 0, "The first update is exactly zero: the start never moves."
    SYMMETRIC = 1, "It moved, but two hidden units of one layer still coincide to the last bit."
    PLATEAU = 2, "Its units are distinct, but it never escaped the loss of a constant output."
    TRAPPED = 3, "It escaped the plateau, but the problem is not solved."
    SOLVED = 4, "Every output came within the tolerance of its target."
    DIVERGED = 5, "The loss exceeded the limit or is not finite."


class StopReason(_Described):
    """Why a run was not continued."""

    BUDGET = 0, "All steps were taken, or in the gradient flow all of the time has passed."
    SOLVED = 1, "Every output is within the tolerance of its target."
    FIXED_POINT = 2, "The next step changes no bit of the state: nothing can happen any more."
    GRADIENT = 3, "The largest gradient component is at or below the tolerance."
    DIVERGED = 4, "The loss exceeded the limit or is not finite."
    STIFF = 5, "The steps were used up before the time of the gradient flow had passed: its path is too stiff."


def classify(
    stop_reason: npt.NDArray[np.int8],
    stop_step: npt.NDArray[np.int64],
    escape_step: npt.NDArray[np.int64],
    solve_step: npt.NDArray[np.int64],
    largest_update: npt.NDArray[np.float64],
    separation: npt.NDArray[np.float64],
) -> npt.NDArray[np.int8]:
    """Outcome of each run (int8) from what the kernel reports; arrays of one shape.

    Parameters
    ----------
    largest_update : learning rate times largest gradient component where the run stopped.
    separation : separation where the run stopped; NaN where no layer has two units.
    """
    frozen = (stop_reason == StopReason.FIXED_POINT) & (stop_step == 0) & (largest_update == 0)
    cases = [
        (stop_reason == StopReason.DIVERGED, Outcome.DIVERGED),
        (solve_step >= 0, Outcome.SOLVED),
        (frozen, Outcome.FROZEN),
        (separation == 0, Outcome.SYMMETRIC),
        (escape_step >= 0, Outcome.TRAPPED),
    ]
    return np.select([c for c, _ in cases], [np.int8(o) for _, o in cases], np.int8(Outcome.PLATEAU))
