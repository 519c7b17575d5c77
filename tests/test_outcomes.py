"""Each outcome from what the kernel reports, and which of two that hold comes first."""

import numpy as np
import pytest

from saddlescape.runs.classify import classify
from saddlescape.words.outcomes import Outcome, StopReason

NAN = float("nan")


@pytest.mark.parametrize(
    ("reason", "stop", "escape", "solve", "update", "separation", "outcome"),
    [
        (StopReason.FIXED_POINT, 0, -1, -1, 0.0, 0.0, Outcome.FROZEN),
        (StopReason.FIXED_POINT, 0, -1, -1, 1e-300, 0.0, Outcome.SYMMETRIC),
        (StopReason.FIXED_POINT, 7, -1, -1, 0.0, 0.5, Outcome.PLATEAU),
        (StopReason.BUDGET, 9, 3, -1, 1e-3, 0.0, Outcome.SYMMETRIC),
        (StopReason.BUDGET, 9, -1, -1, 1e-3, 5e-324, Outcome.PLATEAU),
        (StopReason.BUDGET, 9, -1, -1, 1e-3, NAN, Outcome.PLATEAU),
        (StopReason.BUDGET, 9, 3, -1, 1e-3, 0.5, Outcome.TRAPPED),
        (StopReason.SOLVED, 9, 3, 9, 1e-3, 0.0, Outcome.SOLVED),
        (StopReason.SOLVED, 0, -1, 0, 0.0, 0.5, Outcome.SOLVED),
        (StopReason.DIVERGED, 9, 3, -1, NAN, NAN, Outcome.DIVERGED),
    ],
)
def test_what_becomes_of_a_run(reason, stop, escape, solve, update, separation, outcome):
    reported = (np.array([value]) for value in (reason, stop, escape, solve, update, separation))
    assert classify(*reported).tolist() == [outcome]
