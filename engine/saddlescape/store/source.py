"""What variables are read from, a file or a run in progress, and how any part of one is put together."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Pick = int | range | npt.NDArray[np.integer]
"""Indices along one dimension; an int takes the dimension away."""

Place = tuple[slice, ...]
"""A rectangle of a variable."""


@dataclass(frozen=True)
class Stored:
    """A variable as it is stored: in cells of the extents `tile`, those at an edge cut."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    tile: tuple[int, ...]
    attrs: dict[str, Any]

    @property
    def absent(self) -> float | int:
        """What stands for values that are not there yet."""
        return np.nan if self.dtype.kind == "f" else 0 if self.dtype.kind == "u" else -1  # unsigned ones are of others


class Source(Protocol):
    """Variables by name, read where they are asked for."""

    path: Path

    @property
    def names(self) -> Sequence[str]:
        """Variables and coordinates."""

    @property
    def plan(self) -> str:
        """Digest of the plan that the runs are of."""

    @property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the whole: title, conventions, schema version."""

    @property
    def so_far(self) -> tuple[int, int] | None:
        """Runs that are there, and runs in all; None where all are."""

    def variable(self, name: str) -> Stored: ...

    def cell(self, name: str, place: Place) -> npt.NDArray[Any] | None:
        """Values of a rectangle within one cell; None where they are not there yet."""

    def labels(self, name: str) -> npt.NDArray[np.str_]:
        """All values of a coordinate of words."""

    def text(self, name: str) -> str:
        """A text of the provenance: spec, resolved, overrides or software."""

    def close(self) -> None: ...


def take(source: Source, name: str, picks: Sequence[Pick]) -> npt.NDArray[Any]:
    """The values at the outer product of `picks`, one for each dimension; each cell is read once."""
    stored = source.variable(name)
    if stored.dtype.kind == "O":
        where = tuple(pick if isinstance(pick, int) else np.asarray(pick) for pick in picks)
        return np.asarray(source.labels(name)[where])
    wide = [range(pick, pick + 1) if isinstance(pick, int) else pick for pick in picks]
    out = np.full([len(pick) for pick in wide], stored.absent, stored.dtype)
    for parts in itertools.product(*map(_parts, wide, stored.tile)):
        places, inner, targets = zip(*parts, strict=True) if parts else ((), (), ())
        if (values := source.cell(name, places)) is not None:
            out[_outer(targets)] = values[_outer(inner)]
    return out[tuple(0 if isinstance(pick, int) else slice(None) for pick in picks)]


def strips(shape: Sequence[int], most: int) -> Iterator[Place]:
    """Rectangles that make up an array in C order, each of consecutive elements and at most `most` of them."""
    extents: list[int] = []
    for length in reversed(shape):
        extents.insert(0, max(1, min(length, most)))
        most //= max(1, length)
    starts = (range(0, length, extent) for length, extent in zip(shape, extents, strict=True))
    for first in itertools.product(*starts):
        yield tuple(slice(a, min(a + e, n)) for a, e, n in zip(first, extents, shape, strict=True))


def _parts(pick: range | npt.NDArray[np.integer], tile: int) -> Iterator[tuple[slice, Any, Any]]:
    """For each cell that a pick touches: the part of it to read, where in that the picked are, and where they go."""
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
    """The index of an outer product; slices where that will do, as they are quicker."""
    if all(isinstance(index, range) for index in indices):
        return tuple(slice(index.start, index.stop) for index in indices)
    return np.ix_(*map(np.asarray, indices))
