"""Sources of variables, a result file or a run in progress, and reading any part of a variable."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Pick = int | range | npt.NDArray[np.integer]
"""Indices along one dimension; an int removes the dimension, as in NumPy."""

Region = tuple[slice, ...]
"""A rectangle of a variable: a slice along each dimension, with a start and a stop."""


@dataclass(frozen=True)
class Stored:
    """Description of a stored variable; it is read in cells of shape `tile`, which are smaller at the edges."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    tile: tuple[int, ...]
    attrs: dict[str, Any]

    @property
    def absent(self) -> float | int:
        """The fill value: NaN, -1, or 0 for unsigned integers, which saddlescape does not write."""
        return np.nan if self.dtype.kind == "f" else 0 if self.dtype.kind == "u" else -1


class Source(Protocol):
    """Variables by name; values are read on demand."""

    path: Path

    @property
    def names(self) -> Sequence[str]:
        """Names of variables and coordinates."""

    @property
    def plan(self) -> str:
        """Digest of the plan of the runs."""

    @property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the root: title, conventions, schema version."""

    @property
    def so_far(self) -> tuple[int, int] | None:
        """Number of committed runs and of all runs; None if all are present."""

    def variable(self, name: str) -> Stored:
        """Description of a variable or coordinate."""

    def cell(self, name: str, region: Region) -> npt.NDArray[Any] | None:
        """Values of a rectangle within one cell; None if they are not available yet."""

    @property
    def generation(self) -> int:
        """Generation of the spec (`spec.GENERATION`)."""

    def labels(self, name: str) -> npt.NDArray[np.str_]:
        """All values of a coordinate of labels."""

    def text(self, name: str) -> str:
        """A text of the provenance: spec, resolved, overrides, software or data."""

    def close(self) -> None:
        """Close the file, if one is open."""


def take(source: Source, name: str, picks: Sequence[Pick]) -> npt.NDArray[Any]:
    """The values at the outer product of `picks`, one for each dimension; each cell is read once."""
    stored = source.variable(name)
    if stored.dtype.kind == "O":
        index = tuple(pick if isinstance(pick, int) else np.asarray(pick) for pick in picks)
        return np.asarray(source.labels(name)[index])
    wide = [range(pick, pick + 1) if isinstance(pick, int) else pick for pick in picks]
    out = np.full([len(pick) for pick in wide], stored.absent, stored.dtype)
    for parts in itertools.product(*map(_parts, wide, stored.tile)):
        region, inner, targets = zip(*parts, strict=True) if parts else ((), (), ())
        if (values := source.cell(name, region)) is not None:
            out[_outer(targets)] = values[_outer(inner)]
    return out[tuple(0 if isinstance(pick, int) else slice(None) for pick in picks)]


def strips(shape: Sequence[int], max_size: int) -> Iterator[Region]:
    """Divide an array into rectangles, in C order, each of at most `max_size` consecutive elements."""
    extents: list[int] = []
    for length in reversed(shape):
        extents.insert(0, max(1, min(length, max_size)))
        max_size //= max(1, length)
    return rectangles(shape, extents)


def rectangles(shape: Sequence[int], extents: Sequence[int]) -> Iterator[Region]:
    """Divide an array into rectangles with these extents, in C order; those at the edges are smaller."""
    starts = (range(0, length, extent or 1) for length, extent in zip(shape, extents, strict=True))
    for first in itertools.product(*starts):
        yield tuple(slice(a, min(a + e, n)) for a, e, n in zip(first, extents, shape, strict=True))


def _parts(pick: range | npt.NDArray[np.integer], tile: int) -> Iterator[tuple[slice, Any, Any]]:
    """For each cell along one dimension: the slice to read, and the picked indices in that slice and in the output."""
    if not len(pick):
        return
    if isinstance(pick, range) and pick.step == 1:
        for first in range(pick.start - pick.start % tile, pick.stop, tile):
            a, b = max(first, pick.start), min(first + tile, pick.stop)
            yield slice(a, b), range(b - a), range(a - pick.start, b - pick.start)
        return
    wanted = np.asarray(pick, dtype=np.intp)
    for cell in np.unique(wanted // tile):
        targets = np.flatnonzero(wanted // tile == cell)
        inside = wanted[targets]
        first = int(inside.min())
        yield slice(first, int(inside.max()) + 1), inside - first, targets


def _outer(indices: Sequence[Any]) -> tuple[Any, ...]:
    """The index of an outer product; slices if possible, because they are faster."""
    if all(isinstance(index, range) for index in indices):
        return tuple(slice(index.start, index.stop) for index in indices)
    return np.ix_(*map(np.asarray, indices))
