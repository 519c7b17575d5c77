"""Points of weight space that a plane goes through."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.errors import RefusedError, Stopped
from saddlescape.explorer.train import Asked, Stale
from saddlescape.plan import starts
from saddlescape.runs.from_array import run_starts
from saddlescape.spec import Spec
from saddlescape.spec.checks import LARGEST
from saddlescape.words.outcomes import Outcome

Array = npt.NDArray[np.float64]

Point = str | int | tuple[float, ...]
"""The base of the slice of the spec, "slice"; the start of zeros, "zero"; the start of the run with a number, 12; the
end of that run, "end:12"; the end of the first run that is solved, "solution"; or the values of all parameters."""

END = "end:"

FIRST_BATCH, LARGEST_BATCH = 64, 4096
"""Numbers of runs among which the first solution is searched at once."""


@dataclass(frozen=True)
class Starting:
    """Runs of a plane: their starts (n, n_params), numbers of the spec (n,) by key, and which of them there are."""

    theta: Array
    numbers: dict[str, Array]
    there: npt.NDArray[np.bool_]


def never() -> bool:
    """No: the result is waited for."""
    return False


def is_trained(point: Point) -> bool:
    """Whether runs must be trained to find the point."""
    return isinstance(point, str) and (point.startswith(END) or point == "solution")


def run_of(point: Point) -> int | None:
    """The number of the run that starts or ends at a point; None for other points."""
    if isinstance(point, str):
        return int(point.removeprefix(END)) if point.startswith(END) else None
    return point if isinstance(point, int) else None


def base_of(spec: Spec, point: Point, runs: int, stale: Asked) -> Array:
    """The parameters at a point, of a spec with so many runs.

    Raises
    ------
    RefusedError
        If there is no such point.
    Stale
        If `stale()` is true while runs are trained.
    """
    run = run_of(point)
    if run is not None and not 0 <= run < runs:
        raise RefusedError(f"point: must be a run from 0 to {runs - 1}; got {run}")
    if isinstance(point, tuple):
        return _given(spec, point)
    if isinstance(point, int):
        return np.asarray(starts.draw(spec, np.array([point], dtype=np.int64))[0])
    if run is not None:
        return _bounded(spec, _trained(spec, run, run + 1, stale)["final_theta"][0], run)
    if point == "solution":
        return _solution(spec, runs, stale)
    if point == "slice" and spec.starts.base is None:
        raise RefusedError('point: must be "zero" or a run, as the spec has no slice; got "slice"')
    return np.array(spec.starts.base if point == "slice" else np.zeros(spec.n_params), dtype=np.float64)


def _given(spec: Spec, values: tuple[float, ...]) -> Array:
    if len(values) != spec.n_params:
        raise RefusedError(f"point: must have a value for each of the {spec.n_params} parameters; got {len(values)}")
    theta = np.array(values, dtype=np.float64)
    if not _is_bounded(spec, theta):
        raise RefusedError(f"point: must be at most {LARGEST[spec.network.dtype] / 8:g} in size; choose another point")
    return theta


def _solution(spec: Spec, runs: int, stale: Asked) -> Array:
    """The end of the first run that is solved."""
    first, size = 0, FIRST_BATCH
    while first < runs:
        data = _trained(spec, first, min(first + size, runs), stale)
        solved = np.flatnonzero(data["outcome"] == Outcome.SOLVED)
        if len(solved):
            return _bounded(spec, data["final_theta"][solved[0]], first + int(solved[0]))
        first, size = first + size, min(4 * size, LARGEST_BATCH)
    raise RefusedError(f"point: there is no solution; none of the {runs} runs is solved; choose another point")


def _trained(spec: Spec, first: int, last: int, stale: Asked) -> dict[str, npt.NDArray[Any]]:
    try:
        theta = starts.draw(spec, np.arange(first, last, dtype=np.int64))
        return run_starts(spec, theta, first=first, should_stop=stale)
    except Stopped:
        raise Stale from None


def _bounded(spec: Spec, theta: npt.NDArray[Any], run: int) -> Array:
    """The end of a run, around which a plane must fit into the numbers that a spec can have."""
    if not _is_bounded(spec, theta):
        raise RefusedError(f"point: run {run} diverges, and its end is too large; choose another point")
    return theta.astype(np.float64)


def _is_bounded(spec: Spec, theta: npt.NDArray[Any]) -> bool:
    return bool((abs(theta) <= LARGEST[spec.network.dtype] / 8).all())
