"""Measures that compare a run with its start, computed after the run: Lyapunov exponents, and its basin."""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.kernels import Trained, log_growth, logarithm
from saddlescape.runs.basins import left_basin
from saddlescape.runs.prepare import Prepared
from saddlescape.words.measures import FROM_STARTS
from saddlescape.words.outcomes import StopReason

Floats = npt.NDArray[np.float64]

TRANSVERSE = {"lyapunov_zero": "param_norm", "lyapunov_units": "separation"}
"""Measures whose mean growth is a transverse exponent: they are 0 at zero, and where two units are equal."""


def growth(
    fields: Collection[str], ready: Prepared, trained: Trained, after_slice: Callable[[int], None] | None = None
) -> dict[str, tuple[Floats, Floats]]:
    """The measures of `FROM_STARTS` among the fields by name: along trajectories, and at the end of each run.

    Their shapes are (n_trajectories, n_records) and (n_runs,).  A run at a fixed point is followed up to its budget, as
    its records are.  NaN at step 0, after the stop, and for the gradient flow.  `after_slice` is called with 0 between
    groups of runs; it may raise an exception to stop.
    """
    names, batch = [name for name in FROM_STARTS if name in fields], ready.batch
    if ready.spec.flows:
        return dict.fromkeys(names, (np.full(trained.measures.shape[:2], np.nan), np.full(len(batch.steps), np.nan)))
    data = ready.trainer, ready.spec.loaded.X, ready.spec.loaded.T, batch
    last = np.where(trained.stop_reason == StopReason.FIXED_POINT, batch.steps, trained.stop_step)
    rows = np.flatnonzero(batch.recorded >= 0)
    rows = rows[np.argsort(batch.recorded[rows])]  # the run of each trajectory
    found = {}
    for name in names:
        if name == "left_basin":
            found[name] = left_basin(ready, trained, rows, after_slice)
            continue
        if name == "lyapunov":
            along, ends, _ = log_growth(*data, last, after_slice)
        else:
            first, ends, along = (
                logarithm(TRANSVERSE[name], *data, theta) for theta in (batch.theta, trained.theta, trained.theta_path)
            )
            along, ends = along - first[rows, None], ends - first
        found[name] = _per_step(along, batch.record_at), _per_step(ends, last)
    return found


def _per_step(total: Floats, steps: npt.NDArray[Any]) -> Floats:
    """`total` divided by the steps; NaN at step 0."""
    return np.asarray(np.divide(total, steps, out=np.full_like(total, np.nan), where=steps > 0))
