"""The step at which a run is first in another basin than at its start."""

import numpy as np
import numpy.typing as npt

from saddlescape.runs.from_array import run_starts
from saddlescape.spec import Spec
from saddlescape.system.arguments import ArgumentError

SAME = 1e-2
"""Distance up to which two ends are the same minimum, times its norm if that is above 1."""

REST, PATIENCE = 1e-6, 10**6
"""A point is followed until no component of its gradient is larger, for at most so many steps."""


def basin_steps(
    spec: Spec, theta: npt.ArrayLike, record_step: npt.ArrayLike, threads: int | None = None
) -> npt.NDArray[np.int64]:
    """First recorded step at which each run is in another basin than at its first record; -1 for never.

    Each recorded point is followed without noise, by the optimizer of the spec with full batches, to where it ends: two
    points are in one basin if they end at the same parameters.  So networks that differ by a permutation of units are
    in different basins.  Excursions between two records are not seen, and a run that has only just crossed the boundary
    may return.

    Parameters
    ----------
    spec : the point of the sweep that the runs belong to.
    theta : (runs, records, n_params), recorded parameters (``record.parameters``); rows of NaN are after the stop.
    record_step : (records,), such as ``results["record_step"]``.
    threads : as for `run`.

    Returns
    -------
    int64 (runs,)

    Raises
    ------
    ArgumentError : the shapes do not fit.
    """
    theta, record_step = np.asarray(theta, dtype=np.float64), np.asarray(record_step)
    if theta.ndim != 3 or theta.shape[1:] != (*record_step.shape, spec.n_params) or not theta.size:
        needed = f"(runs, {len(np.atleast_1d(record_step))}, {spec.n_params})"
        raise ArgumentError(f"theta must have the shape {needed}, one record for each step; got {theta.shape}")
    quiet = spec.changed("training", noise=0.0, dropout=0.0, batch="full", steps=PATIENCE, epochs=None)
    quiet = quiet.changed("stop", solved=0.0, gradient=REST).changed("events", accuracy=0.0, loss=0.0)
    there = np.isfinite(theta).all(axis=-1)
    ends = np.full(theta.shape, np.nan)
    ends[there] = run_starts(quiet, theta[there], threads=threads)["final_theta"]
    home = ends[:, :1]
    away = np.linalg.norm(ends - home, axis=-1) > SAME * np.maximum(np.linalg.norm(home, axis=-1), 1)
    first = np.argmax(away, axis=1)
    return np.where(away.any(axis=1), record_step[first], -1).astype(np.int64)
