"""Which of the runs that escaped, but are not solved, are as good as their data allow."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from saddlescape.words.outcomes import WITHIN, Outcome, StopReason

Codes = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float64]


class Best(NamedTuple):
    """The smallest final loss of the runs of a point, and whether one is solved."""

    loss: Floats
    solved: npt.NDArray[np.bool_]


def best(outcome: Codes, final_loss: Floats) -> Best:
    """The best of each point, from arrays (points, runs)."""
    losses = np.where(outcome == Outcome.DIVERGED, np.inf, final_loss)
    return Best(losses.min(axis=-1, initial=np.inf), (outcome == Outcome.SOLVED).any(axis=-1))


def decided(outcome: Codes, stop_reason: Codes, final_loss: Floats, of_point: Best) -> Codes:
    """The outcomes (points, runs), of which *fitted* ones are only candidates, or else *trapped*.

    A candidate is fitted if its gradient met the tolerance and no run of its point is solved, or if its loss is within
    one percent of the smallest at its point.
    """
    minimum = (stop_reason == StopReason.GRADIENT) & ~of_point.solved[..., None]
    fitted = minimum | (final_loss <= WITHIN * of_point.loss[..., None])
    return np.where((outcome == Outcome.FITTED) & ~fitted, np.int8(Outcome.TRAPPED), outcome)
