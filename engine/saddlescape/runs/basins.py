"""Whether runs have left the basin of their start: points are followed without noise to where they end."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.kernels import Trained, train
from saddlescape.runs.prepare import Prepared

Floats = npt.NDArray[np.floating]

SAME = 1e-2
"""Largest difference of parameters up to which two ends are the same, times the largest of the start's if above 1."""

REST, PATIENCE = 1e-6, 10**6
"""A point is followed until no component of its gradient is larger, for at most so many steps."""

QUIET: dict[str, Any] = {
    **dict.fromkeys(("noise", "dropout", "shuffled", "sampled", "warmup", "loss_limit"), False),
    **{"batch": 0, "schedule": "constant", "classes": ""},
}
"""The variant without anything random, or that changes from step to step."""


def left_basin(
    ready: Prepared, trained: Trained, rows: npt.NDArray[np.intp], after_slice: Callable[[int], None] | None = None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """1 where a run is in another basin than its start, 0 where it is not, NaN after its stop.

    The first array has the records of the trajectories, those of the runs `rows`, the second the ends of all runs.
    """
    runs, along = np.arange(len(trained.theta)), trained.theta_path
    home = _ends(ready, ready.batch.theta, runs, after_slice)
    paths = _ends(ready, along.reshape(-1, along.shape[-1]), np.repeat(rows, along.shape[1]), after_slice)
    last = _ends(ready, trained.theta, runs, after_slice)
    return _away(paths.reshape(along.shape), home[rows, None]), _away(last, home)


def _ends(
    ready: Prepared, theta: Floats, runs: npt.NDArray[np.intp], after_slice: Callable[[int], None] | None
) -> Floats:
    """Where points (n, n_params) of these runs (n,) end; NaN for points that are not finite."""
    there, batch = np.isfinite(theta).all(axis=1), ready.batch
    own, ends = runs[there], np.full(theta.shape, np.nan)
    n = len(own)
    points = replace(
        batch, theta=np.ascontiguousarray(theta[there], batch.theta.dtype),
        hyperparameters={name: values[own] for name, values in batch.hyperparameters.items()},
        escape_loss=np.full(n, -1.0), solved=np.zeros(n), diverged=batch.diverged[own], gradient=np.full(n, REST),
        steps=np.full(n, PATIENCE), recorded=np.full(n, -1), record_at=np.zeros(1, np.int64), record_theta=False,
        fields=(), keys=None,
    )  # fmt: skip
    problem, trainer = ready.spec.loaded, replace(ready.trainer, **QUIET)
    if n:
        tell = None if after_slice is None else lambda steps: after_slice(0)
        ends[there] = train(trainer, problem.X, problem.T, points, after_slice=tell).theta
    return ends


def _away(ends: Floats, home: Floats) -> npt.NDArray[np.float64]:
    """Whether ends (..., n_params) are not those of the starts, as numbers; NaN if there is no end."""
    far = abs(ends - home).max(axis=-1) > SAME * np.maximum(abs(home).max(axis=-1), 1)
    return np.where(np.isnan(ends).any(axis=-1), np.nan, far.astype(np.float64))
