"""Blocks of runs: a grid of runs cut into tiles, and the shards that share the blocks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Block:
    """Runs that are computed together: from the index `start` to before `stop`; its `number` among all blocks."""

    number: int
    start: tuple[int, ...]
    stop: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of indices along each dimension."""
        return tuple(b - a for a, b in zip(self.start, self.stop, strict=True))


@dataclass(frozen=True)
class Shard:
    """Part `number`, counted from 1, of `of` parts of a plan: every `of`-th block, to balance the cost of points."""

    number: int = 1
    of: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def numbers(self, blocks: int) -> range:
        """Numbers of its blocks, if the plan has `blocks` blocks."""
        return range(self.number - 1, blocks, self.of)


WHOLE = Shard()


@dataclass(frozen=True)
class Tiles:
    """A grid of runs of this shape, cut into tiles; blocks are numbered from 0 in C order of the tiles.

    Attributes
    ----------
    shape : lengths of the dimensions.
    tile : extents of a full block: trailing dimensions whole, one cut, the leading ones 1.
    """

    shape: tuple[int, ...]
    tile: tuple[int, ...]

    @cached_property
    def cells(self) -> tuple[int, ...]:
        """Number of tiles along each dimension."""
        return tuple(-(-length // extent) for length, extent in zip(self.shape, self.tile, strict=True))

    def block(self, number: int) -> Block:
        """Block `number`."""
        cell = np.unravel_index(number, self.cells)
        start = tuple(int(c) * extent for c, extent in zip(cell, self.tile, strict=True))
        ends = zip(start, self.tile, self.shape, strict=True)
        return Block(number, start, tuple(min(a + extent, length) for a, extent, length in ends))

    def number_of(self, index: Sequence[int]) -> int:
        """Number of the block that contains the run at `index`."""
        cell = tuple(i // extent for i, extent in zip(index, self.tile, strict=True))
        return int(np.ravel_multi_index(cell, self.cells))

    def runs_in(self, numbers: range) -> int:
        """Number of runs in these blocks, without a loop over them; only the last tile along the cut is not full."""
        full = math.prod(self.tile)
        cut = max(range(len(self.shape)), key=lambda k: self.shape[k] % self.tile[k])
        length, extent, cells = self.shape[cut], self.tile[cut], self.cells[cut]
        missing = full - full // extent * (length - (cells - 1) * extent)
        return full * len(numbers) - missing * _last_of_each(numbers, cells)


def _last_of_each(numbers: range, every: int) -> int:
    """How many of these numbers n have n % every == every - 1: the solutions of a linear congruence."""
    common, offset = math.gcd(numbers.step, every), every - 1 - numbers.start
    period = every // common
    first = offset // common * pow(numbers.step // common, -1, period) % period
    return 0 if offset % common else len(range(first, len(numbers), period))
