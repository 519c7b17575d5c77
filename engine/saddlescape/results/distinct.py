"""Count the distinct starts of many points, some of which share starts."""

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from saddlescape.errors import SaddlescapeError
from saddlescape.plan.starts import origins
from saddlescape.spec import Axis, Sweep, only_numbers

if TYPE_CHECKING:
    from saddlescape.results.results import Results

Counts = npt.NDArray[np.int64]

ELSEWHERE = ("training.", "stop.")
"""First parts of keys on which no start depends."""


def distinct_starts(results: "Results") -> Counts:
    """Number of distinct starts at each value of the first axis; without axes, of all runs.

    Starts that several points share count once.  Of a selection, the selected points count, each with all of its runs.
    """
    lengths = [length for name, length in results.dims.items() if name not in ("x", "y", "run")]
    counts = np.maximum(results["distinct_starts"], 0).reshape(math.prod(lengths), -1).sum(axis=1)  # -1: not finished
    rows = lengths[0] if lengths else 1
    if len(lengths) < 2:
        return np.asarray(counts)
    try:
        groups = _selected(results, _groups(results.sweep))
    except SaddlescapeError:  # a data file is missing
        groups = _by_keys([results.along[name] for name in list(results.dims)[: len(lengths)]], results.labels, lengths)
    row = np.arange(counts.size) // (counts.size // rows)
    shared, which = np.unique(row * (groups.max() + 1) + groups.ravel(), return_inverse=True)
    most, total = np.zeros(len(shared), dtype=np.int64), np.zeros(rows, dtype=np.int64)
    np.maximum.at(most, which, counts)
    np.add.at(total, shared // (groups.max() + 1), most)
    return total


def _groups(sweep: Sweep) -> Counts:
    """A number for each point of a sweep, equal at points with the same starts."""
    lengths = [len(side[0].values) if _matters(side) else 1 for side in sweep.grid]
    kinds = [n if not only_numbers(side) else 1 for n, side in zip(lengths, sweep.grid, strict=True)]
    numbering: dict[object, int] = {}
    groups = np.empty(lengths, dtype=np.int64)
    for index in itertools.product(*map(range, kinds)):
        where = tuple(slice(i, i + 1) if n > 1 else slice(None) for i, n in zip(index, kinds, strict=True))
        places = [axis.ravel() for axis in np.indices(lengths)[:, *where]]
        keys, which = origins(sweep.structure(index), sweep.numbers(places, len(places[0]) if places else 1))
        numbers = np.array([numbering.setdefault(key, len(numbering)) for key in keys])
        groups[where] = np.broadcast_to(numbers[which], groups[where].size).reshape(groups[where].shape)
    return np.broadcast_to(groups, sweep.shape)


def _matters(side: Sequence[Axis]) -> bool:
    """Whether starts may differ along a dimension of the grid."""
    return not only_numbers(side) or any(axis.key.startswith("starts.") for axis in side)


def _selected(results: "Results", groups: Counts) -> Counts:
    """The groups of the selected points."""
    for dimension, pick in enumerate(list(results.picks("outcome").values())[: groups.ndim]):
        groups = np.take(groups, np.atleast_1d(pick), axis=dimension)
    return groups


def _by_keys(sides: list[tuple[str, ...]], keys: dict[str, str], lengths: list[int]) -> Counts:
    """The groups as far as they follow from the keys of the axes; `sides` are the names along each dimension."""
    shared = [all(keys[name].startswith(ELSEWHERE) for name in names) for names in sides]
    alone = [1 if same else n for same, n in zip(shared, lengths, strict=True)]
    return np.broadcast_to(np.arange(math.prod(alone)).reshape(alone), lengths)
