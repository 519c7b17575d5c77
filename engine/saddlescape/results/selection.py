"""From what a user selects to indices: look up values of a coordinate, and narrow an earlier selection."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.system.arguments import ArgumentError
from saddlescape.words import suggest

SAME = 1e-9
"""Relative distance up to which two numbers count as equal."""

INTEGERS, NUMBERS = (int, np.integer), (int, float, np.integer, np.floating)
"""Types that count as such."""

SHOWN = 20
"""Values listed in an error, at most."""


class Lazy(Mapping[str, npt.NDArray[Any]]):
    """Arrays by name, each read on access."""

    def __init__(self, names: Sequence[str], read: Callable[[str], npt.NDArray[Any]]) -> None:
        self._names, self._read = names, read

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if name not in self._names:
            raise KeyError(f"no coordinate {name!r}{suggest.nearest(str(name), self._names)}")
        return self._read(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return repr(dict(self))


def narrow(pick: Any, index: Any, name: str) -> Any:
    """The elements of `pick`, the selected indices along dimension `name`, at `index`.

    Parameters
    ----------
    index : an int, a slice, a list of ints, or None for all.

    Raises
    ------
    ArgumentError
        If it is none of these, or out of range.
    """
    if index is None:
        return pick
    if type(index) is int and -len(pick) <= index < len(pick):  # the usual case, without arrays
        return int(pick[index])
    if isinstance(index, slice):
        return pick[_checked(index, INTEGERS, name)]
    wanted = np.asarray(index)
    if (wanted.dtype.kind not in "iu" and wanted.shape != (0,)) or wanted.ndim > 1:
        raise ArgumentError(f"{name}: must have an integer index, a slice or a list of integers; got {index!r}")
    if wanted.size and not -len(pick) <= wanted.min() <= wanted.max() < len(pick):
        raise ArgumentError(f"{name}: must have an index from {-len(pick)} to {len(pick) - 1}; got {index!r}")
    if not wanted.ndim:
        return int(pick[int(wanted)])
    wanted = np.where(wanted < 0, wanted + len(pick), wanted).astype(np.intp)
    return pick.start + pick.step * wanted if isinstance(pick, range) else pick[wanted]


def locate(coordinate: npt.NDArray[Any] | range, value: Any, name: str) -> Any:
    """Index in a coordinate of a value, or indices of a list of values or of all in ``slice(from, to)``.

    Both ends of a slice are included.

    Raises
    ------
    ArgumentError
        If the coordinate does not contain a value.
    """
    if isinstance(value, slice):
        return _between(coordinate, value, name)
    if np.ndim(value):
        return np.concatenate([np.empty(0, np.intp), *(np.atleast_1d(locate(coordinate, v, name)) for v in value)])
    if isinstance(coordinate, range):
        if isinstance(value, bool) or value not in coordinate:
            raise ArgumentError(f"{name}: must be one of the {len(coordinate)} selected; got {value!r}")
        return coordinate.index(value)
    indices = np.flatnonzero(_same(coordinate, value))
    if not len(indices):
        shown = ", ".join(map(str, coordinate[:SHOWN].tolist())) + ", ..." * (len(coordinate) > SHOWN)
        words = coordinate.tolist() if isinstance(value, str) and coordinate.dtype.kind == "U" else []
        raise ArgumentError(f"{name}: must be one of {shown}; got {value!r}{suggest.hint(str(value), words)}")
    return int(indices[0]) if len(indices) == 1 else indices


def _same(coordinate: npt.NDArray[Any], value: Any) -> npt.NDArray[np.bool_]:
    if coordinate.dtype.kind not in "iuf" or not isinstance(value, int | float | np.number):
        return np.asarray(coordinate == str(value))
    exact = np.asarray(coordinate == value)
    return exact if exact.any() else np.isclose(coordinate, value, rtol=SAME, atol=0)


def _between(coordinate: npt.NDArray[Any] | range, ends: slice, name: str) -> Any:
    numeric = isinstance(coordinate, range) or coordinate.dtype.kind in "iuf"
    _checked(ends, INTEGERS if isinstance(coordinate, range) else NUMBERS if numeric else (str,), name)
    if ends.step is not None:
        raise ArgumentError(f"{name}: must be a slice of values without a step; got {ends!r}; isel takes steps")
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


def _checked(ends: slice, types: tuple[type, ...], name: str) -> slice:
    """The slice, after checking the types of its ends and its step."""
    if not all(end is None or isinstance(end, types) for end in (ends.start, ends.stop, ends.step)):
        kind = "integers" if types == INTEGERS else "numbers" if types == NUMBERS else "strings"
        raise ArgumentError(f"{name}: must be a slice between {kind}; got {ends!r}")
    return ends
