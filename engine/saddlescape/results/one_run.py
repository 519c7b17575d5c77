"""A single run of results: its recorded trajectory, and its computation again."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from saddlescape.system.arguments import ArgumentError, point_index, run_number

if TYPE_CHECKING:
    from saddlescape.results.results import Results

Arrays = dict[str, npt.NDArray[Any]]


def trajectory(results: "Results", point: Sequence[int] | int, run: int | None) -> Arrays:
    """The recorded trajectory of one run; see `Results.trajectory`."""
    index, number = _point(results, point, "trajectory"), _number(results, run)
    recorded = results.read("trajectory_run", **index) if "trajectory_run" in results else np.empty(0, dtype=np.int64)
    rows = np.flatnonzero(recorded == number)
    if not len(rows):
        raise ArgumentError(f"no trajectory of run {number} was recorded; use replay, or raise record.runs")
    names = [name for name in results if {"trajectory", "record"} <= set(results.stored(name).dims)]
    coordinate = next(name for name in ("record_time", "record_step") if name in results)
    paths = {name: results.read(name, **index, trajectory=int(rows[0])) for name in names}
    return {coordinate: results[coordinate], **paths}


def replay(results: "Results", point: Sequence[int] | int, run: int | None) -> Arrays:
    """Compute one run again; see `Results.replay`."""
    from saddlescape.runs import replay as single  # with the compiler

    number = _number(results, run)
    *index, _ = results.isel(**_point(results, point, "replay")).picks("outcome").values()
    indices = [pick for pick in index if isinstance(pick, int)]
    sweep = results.sweep
    if cell := indices[len(sweep.shape) :]:
        number = int(np.ravel_multi_index(cell, [results.stored(name).shape[0] for name in ("x", "y")]))
    return single.replay(sweep, indices[: len(sweep.shape)], number)


def _point(results: "Results", point: Sequence[int] | int, method: str) -> dict[str, int]:
    """The index of a point along each dimension before `run`."""
    lengths = {name: n for name, n in results.dims.items() if name != "run"}
    return dict(zip(lengths, point_index(point, lengths, method), strict=True))


def _number(results: "Results", run: int | None) -> int:
    """The number of a selected run; by default the first."""
    pick = results.picks("outcome")["run"]
    runs = range(pick, pick + 1) if isinstance(pick, int) else pick
    if run is None and not len(runs):
        raise ArgumentError("run must be selected; the selection is empty")
    return int(runs[0]) if run is None else run_number(run, runs)
