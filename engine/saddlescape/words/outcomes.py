"""Outcomes of runs and reasons why they stop, each with a code and a sentence.  Codes are only added, never changed."""

from enum import IntEnum

ESCAPE_DROP = 0.05
"""A run has escaped when its loss is below ``(1 - ESCAPE_DROP) * plateau loss``."""


class _Described(IntEnum):
    """A code with a sentence that a result contains."""

    sentence: str

    def __new__(cls, code: int, sentence: str) -> "_Described":
        member = int.__new__(cls, code)
        member._value_ = code
        member.sentence = sentence
        return member

    @property
    def label(self) -> str:
        """The name in lower case."""
        return self.name.lower()


class Outcome(_Described):
    """The outcome of a run, determined when it stops."""

    FROZEN = 0, "The first update is exactly zero: the start never moves."
    SYMMETRIC = 1, "It moved, but two hidden units of one layer still coincide to the last bit."
    PLATEAU = 2, "Its units are distinct, but it never escaped the loss of a constant output."
    TRAPPED = 3, "It escaped the plateau, but the problem is not solved."
    SOLVED = 4, "Every output came within the tolerance of its target."
    DIVERGED = 5, "The loss exceeded the limit or is not finite."
    FITTED = 6, "It is not solved, but as good as its data allow: no other run of its point is better by 1 %."
    COLLAPSED = 7, "Its parameters shrank to less than a thousandth of those at the start: it ended at zero."


FIRST = 6
"""Number of the outcomes of the first generation of specs, and of sweeps whose runs cannot be fitted or collapse."""

SHRUNK = 1e-3
"""The largest parameter of a collapsed run is smaller than this times that of its start."""

SHRINKING = ("weight_decay", "l1", "noise", "dropout")
"""Keys of `training` that can make a run collapse, besides minibatches; the last was added in the third generation."""

WITHIN = 1.01
"""The loss of a fitted run is at most this times the smallest loss of the runs of its point."""


class StopReason(_Described):
    """The reason why a run stopped."""

    BUDGET = 0, "All steps were taken, or in the gradient flow all of the time has passed."
    SOLVED = 1, "Every output is within the tolerance of its target."
    FIXED_POINT = 2, "The next step changes no bit of the state: nothing can happen any more."
    GRADIENT = 3, "The largest gradient component is at or below the tolerance."
    DIVERGED = 4, "The loss exceeded the limit or is not finite."
    STIFF = 5, "The steps were used up before the time of the gradient flow had passed: its path is too stiff."


CODED: dict[str, type[Outcome] | type[StopReason]] = {"outcome": Outcome, "stop_reason": StopReason}
"""The variables of a result that contain codes."""
