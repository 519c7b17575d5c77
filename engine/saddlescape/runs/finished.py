"""Runs that have finished while others of their batch still train."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from saddlescape.kernels import Batch, Trained

Floats = npt.NDArray[np.float64]
Steps = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Finished:
    """Runs that have finished since the last call of `progress`; each array has one value for each of them.

    Attributes
    ----------
    run : the row of the start in `theta`.
    outcome : its code.  A run that may turn out to be *fitted* once all runs have finished is *trapped* here.
    stop_reason : its code.
    escape_step, solve_step, stop_step : -1 for a step that was not reached.
    escape_time, solve_time, stop_time : of the gradient flow; NaN for never, and for other optimizers.
    final_loss : the loss at the stop.
    """

    run: Steps
    outcome: npt.NDArray[np.int8]
    stop_reason: npt.NDArray[np.int8]
    escape_step: Steps
    solve_step: Steps
    stop_step: Steps
    escape_time: Floats
    solve_time: Floats
    stop_time: Floats
    final_loss: Floats

    def __len__(self) -> int:
        return len(self.run)


def finished(run: Steps, outcome: npt.NDArray[np.int8], trained: Trained) -> Finished:
    """The table of runs with these numbers and outcomes."""
    escape, solve, stop = (trained.times if len(trained.times) else np.full((len(run), 3), np.nan)).T
    steps = trained.escape_step, trained.solve_step, trained.stop_step
    return Finished(run, outcome, trained.stop_reason, *steps, escape, solve, stop, trained.loss)


def part(batch: Batch, rows: npt.NDArray[np.intp]) -> Batch:
    """The batch with the starts and the hyperparameters of these runs only."""
    own: Mapping[str, Floats] = {name: values[rows] for name, values in batch.hyperparameters.items()}
    return replace(batch, theta=batch.theta[rows], hyperparameters=own)
