"""Which indices are meant: values of a coordinate looked up, indices into what is already a part."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.errors import SaddlescapeError
from saddlescape.words import suggest

SAME = 1e-9
"""Relative distance of two numbers that are meant to be the same."""


class Lazy(Mapping[str, npt.NDArray[Any]]):
    """Arrays by name, each read when it is asked for."""

    def __init__(self, names: Sequence[str], read: Callable[[str], npt.NDArray[Any]]) -> None:
        self._names, self._read = names, read

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if name not in self._names:
            raise KeyError(name)
        return self._read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def narrow(pick: Any, index: Any, name: str) -> Any:
    """Of the indices `pick` along dimension `name` those at `index`: an int, a slice, several ints, or None for all."""
    if index is None:
        return pick
    if isinstance(index, slice):
        return pick[index]
    wanted = np.asarray(index)
    if wanted.dtype.kind not in "iu":
        raise SaddlescapeError(f"{name}: must have an integer index, a slice or several; got {index!r}")
    if wanted.size and not -len(pick) <= wanted.min() <= wanted.max() < len(pick):
        raise SaddlescapeError(f"{name}: must have an index below {len(pick)}; got {index!r}")
    if not wanted.ndim:
        return int(pick[int(wanted)])
    wanted = np.where(wanted < 0, wanted + len(pick), wanted)
    return pick.start + pick.step * wanted if isinstance(pick, range) else pick[wanted]


def locate(coordinate: npt.NDArray[Any] | range, value: Any, name: str) -> Any:
    """Index or indices in a coordinate of a value, of several, or of all in ``slice(from, to)``, both ends included.

    Raises
    ------
    SaddlescapeError
        If a value is not there.
    """
    if isinstance(value, slice):
        return _between(coordinate, value)
    if np.ndim(value):
        return np.concatenate([np.empty(0, np.intp), *(np.atleast_1d(locate(coordinate, v, name)) for v in value)])
    if isinstance(coordinate, range):
        if value not in coordinate:
            raise SaddlescapeError(f"{name}: must be one of the {len(coordinate)} there are; got {value!r}")
        return coordinate.index(value)
    found = np.flatnonzero(_same(coordinate, value))
    if not len(found):
        shown = ", ".join(map(str, coordinate[:20].tolist())) + ", ..." * (len(coordinate) > 20)
        words = coordinate.tolist() if isinstance(value, str) and coordinate.dtype.kind == "U" else []
        raise SaddlescapeError(f"{name}: must be one of {shown}; got {value!r}{suggest.hint(str(value), words)}")
    return int(found[0]) if len(found) == 1 else found


def _same(coordinate: npt.NDArray[Any], value: Any) -> npt.NDArray[np.bool_]:
    if coordinate.dtype.kind not in "iuf" or isinstance(value, str):
        return np.asarray(coordinate == str(value))
    exact = np.asarray(coordinate == value)
    return exact if exact.any() else np.isclose(coordinate, value, rtol=SAME, atol=0)


def _between(coordinate: npt.NDArray[Any] | range, ends: slice) -> Any:
    low, high = ends.start, ends.stop
    if isinstance(coordinate, range) and coordinate.step == 1:
        first = 0 if low is None else max(0, low - coordinate.start)
        return slice(first, None if high is None else max(0, high - coordinate.start + 1))
    values = np.asarray(coordinate)
    inside = np.ones(len(values), dtype=bool)
    for end, within in ((low, np.greater_equal), (high, np.less_equal)):
        if end is not None:
            inside &= within(values, end) | _same(values, end)
    return np.flatnonzero(inside)
