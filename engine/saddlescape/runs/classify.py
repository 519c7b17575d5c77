"""Classify runs: their outcomes, from where and why they stopped."""

import numpy as np
import numpy.typing as npt

from saddlescape.words.outcomes import Outcome, StopReason


def classify(
    stop_reason: npt.NDArray[np.int8],
    stop_step: npt.NDArray[np.int64],
    escape_step: npt.NDArray[np.int64],
    solve_step: npt.NDArray[np.int64],
    largest_update: npt.NDArray[np.float64],
    separation: npt.NDArray[np.float64],
    collapsed: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.int8]:
    """Outcome of each run, from what the kernel reports; all arrays have the same shape.

    Parameters
    ----------
    largest_update : learning rate times the largest absolute component of the gradient at the last step.
    separation : separation at the last step; NaN if no hidden layer has two units.
    collapsed : whether the parameters at the last step are much smaller than those at the start; None if none are.

    Returns
    -------
    Codes of outcomes, int8.
    """
    frozen = (stop_reason == StopReason.FIXED_POINT) & (stop_step == 0) & (largest_update == 0)
    cases = [
        (escape_step >= 0, Outcome.TRAPPED),
        (separation == 0, Outcome.SYMMETRIC),
        (frozen, Outcome.FROZEN),
        (collapsed, Outcome.COLLAPSED),
        (solve_step >= 0, Outcome.SOLVED),
        (stop_reason == StopReason.DIVERGED, Outcome.DIVERGED),
    ]
    codes = np.full(np.shape(stop_reason), Outcome.PLATEAU, dtype=np.int8)
    for holds, outcome in cases:  # the last one that holds counts
        if holds is not None:
            np.putmask(codes, holds, int(outcome))  # in less time than codes[holds] = outcome
    return codes
