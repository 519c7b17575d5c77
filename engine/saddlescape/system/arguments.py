"""Check the arguments of public functions before anything is computed."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from saddlescape.errors import SaddlescapeError
from saddlescape.system.resources import cores

SHOWN = 20
"""Runs listed in an error, at most."""


class ArgumentError(SaddlescapeError, ValueError):
    """An argument has the wrong type or is out of range."""

    exit_code = 2


def integer(value: object, name: str) -> int:
    """An argument as an int.

    Raises
    ------
    ArgumentError
        If it is not an integer.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ArgumentError(f"{name} must be an integer; got {value!r}")
    return int(value)


def thread_count(threads: int | None) -> int:
    """The number of threads: by default one per core.

    Raises
    ------
    ArgumentError
        If it is less than 1.
    """
    if threads is None:
        return cores()
    if integer(threads, "threads") < 1:
        raise ArgumentError(f"threads must be at least 1; got {threads}")
    return int(threads)


def device_name(name: object) -> str:
    """The name of a device: "cpu", "cuda" or "cuda:N".

    Raises
    ------
    ArgumentError
        If it is no such name.
    """
    if not isinstance(name, str) or not re.fullmatch(r"cpu|cuda(:[0-9]{1,4})?", name):
        raise ArgumentError(f"device must be cpu, cuda or cuda:N, such as cuda:0; got {name!r}")
    return name


def point_index(point: Sequence[int] | int, lengths: Mapping[str, int], method: str = "") -> list[int]:
    """The index of a point along each dimension, from 0.

    Parameters
    ----------
    point : may count from the end by negative numbers, as in NumPy.
    lengths : of the dimensions.
    method : the name of the caller, if it also takes a run.

    Raises
    ------
    ArgumentError
        If `point` does not have one index for each dimension, or an index is out of range.
    """
    index = np.atleast_1d(point).tolist()
    if len(index) != len(lengths):
        if lengths:
            raise ArgumentError(f"point must have one index for each of {', '.join(lengths)}; got {point}")
        if not method:
            raise ArgumentError(f"point must be (): there are no axes; got {point}")
        run = index[0] if len(index) == 1 else 0
        raise ArgumentError(f"point must be left out: there are no axes; give the run alone: {method}(run={run})")
    for i, (name, n) in zip(index, lengths.items(), strict=True):
        if not -n <= integer(i, "each index of point") < n:
            raise ArgumentError(f"point must have an index from {-n} to {n - 1} along {name}; got {i}")
    return [i % n for i, n in zip(index, lengths.values(), strict=True)]


def run_number(run: int, runs: range | npt.NDArray[np.integer]) -> int:
    """The number of a run, one of `runs`.

    Raises
    ------
    ArgumentError
        If it is not one of them.
    """
    if integer(run, "run") not in runs:
        raise ArgumentError(f"run must be {_listed(runs)}; got {run}")
    return int(run)


def _listed(runs: range | npt.NDArray[np.integer]) -> str:
    if len(runs) > 1 and isinstance(runs, range) and runs.step == 1:
        return f"from {runs[0]} to {runs[-1]}"
    listed = ", ".join(map(str, runs[:SHOWN])) + ", ..." * (len(runs) > SHOWN)
    return listed if len(runs) == 1 else f"one of the selected runs ({listed})"
