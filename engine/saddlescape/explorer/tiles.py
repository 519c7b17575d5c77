"""What is known of the map, by tile, and which starts may wait, as the coarser ones around them agree."""

from collections import OrderedDict
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.explorer.lattice import EVEN, SIDE, Tile, Window, parent
from saddlescape.words.outcomes import Outcome

VALUES = np.dtype([("loss", "f8"), ("clock", "f8"), ("outcome", "i1")])
Values = npt.NDArray[Any]
Numbers = npt.NDArray[Any]

WAITS = -2
"""A start that waits, because all coarser ones around it have the outcome o, has the outcome `WAITS` - o."""

UNKNOWN = -128
"""Outcome of a start of which nothing is known."""

CLOCKS = 2.0
"""Largest quotient of the clocks of solved starts that agree: a fifth of the colors between 5 and 200 steps."""


class Tiles:
    """The tiles that were used last, at most a number of them; each has `VALUES` of (SIDE, SIDE) starts."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._tiles: OrderedDict[Tile, Values] = OrderedDict()

    def __len__(self) -> int:
        """Number of tiles."""
        return len(self._tiles)

    def keep(self, tile: Tile, values: Values) -> None:
        """Keep the values of a tile in place of the tile that was used longest ago."""
        self._tiles[tile] = values
        self._tiles.move_to_end(tile)
        while len(self._tiles) > self._most:
            self._tiles.popitem(last=False)

    def get(self, tile: Tile) -> Values | None:
        """The values of a tile."""
        return self._tiles.get(tile)

    def left(self, level: Window) -> float:
        """About how many starts of a window are to be trained, if those of the coarser level are known."""
        tiles = level.tiles()
        each = (self._tiles.get(tile) for tile in tiles)
        share = sum(0.75 if values is None else np.count_nonzero(lacks(values)) / values.size for values in each)
        return share / len(tiles) * (level.n[1] - level.n[0] + 1) * (level.m[1] - level.m[0] + 1)

    def known(self, tile: Tile) -> Values:
        """A copy of the values of a tile, as far as it or its parent has them."""
        values = self._tiles[tile].copy() if tile in self._tiles else _nothing(SIDE, SIDE)
        coarser, where = parent(tile)
        if coarser in self._tiles:
            even, above = values[EVEN], self._tiles[coarser][where]
            lacking = lacks(even)
            even[lacking] = above[lacking]
        return values

    def agreed(self, level: Window) -> Values:
        """Outcome and clock on which the coarser starts around each start of a window's tiles agree; else `UNKNOWN`.

        Those around a start are at most three starts of its own level away from it along either axis.
        """
        coarse = self._around(level)
        outcome = np.where(lacks(coarse), WAITS - coarse["outcome"].astype(np.int16), coarse["outcome"])
        known = coarse["outcome"] != UNKNOWN
        clock = np.where(outcome == Outcome.SOLVED, np.maximum(1, coarse["clock"]), 1.0)
        ends = [
            _around(least, np.where(known, values, fill))
            for values in (outcome, clock)
            for least, fill in ((np.minimum, np.inf), (np.maximum, -np.inf))
        ]
        agree = (ends[0] == ends[1]) & (ends[0] >= 0) & (ends[3] <= CLOCKS * ends[2])
        values = _nothing(*agree.shape)
        values["outcome"][agree], values["clock"][agree] = ends[0][agree], ends[2][agree]
        return values

    def _around(self, level: Window) -> Values:
        """The next coarser level, from one start below the tiles of a window to two above."""
        sides = [(SIDE * (low // SIDE), SIDE * (high // SIDE + 1)) for low, high in (level.n, level.m)]
        (n, n_end), (m, m_end) = [(low // 2 - 1, high // 2 + 2) for low, high in sides]
        i, j = (range(low // SIDE, (high - 1) // SIDE + 1) for low, high in ((n, n_end), (m, m_end)))
        values = _nothing(len(i) * SIDE, len(j) * SIDE)
        for a in i:
            for b in j:
                if (tile := (level.k + 1, a, b)) in self._tiles:
                    row, column = (a - i[0]) * SIDE, (b - j[0]) * SIDE
                    values[row : row + SIDE, column : column + SIDE] = self._tiles[tile]
        row, column = n - i[0] * SIDE, m - j[0] * SIDE
        return values[row : row + n_end - n, column : column + m_end - m]


def lacks(values: Values) -> npt.NDArray[np.bool_]:
    """Whether starts are yet to be trained."""
    return np.asarray(values["outcome"] <= WAITS)


def inside(level: Window, tiles: list[Tile]) -> npt.NDArray[np.bool_]:
    """Which starts of tiles lie in a window, (len(tiles), SIDE, SIDE)."""
    n, m = (SIDE * np.array([tile[at] for tile in tiles])[:, None] + np.arange(SIDE) for at in (1, 2))
    along, up = ((low <= each) & (each <= high) for each, (low, high) in ((n, level.n), (m, level.m)))
    return np.asarray(along[:, :, None] & up[:, None, :])


def let_wait(values: Values, agreed: Values) -> npt.NDArray[np.bool_]:
    """Make starts of tiles wait if the coarser ones around them agree; return where starts wait, also in parents."""
    waits = lacks(values) & (agreed["outcome"] != UNKNOWN)
    waits[(..., *EVEN)] = False
    values["outcome"][waits], values["clock"][waits] = WAITS - agreed["outcome"][waits], agreed["clock"][waits]
    above = values["outcome"][(..., *EVEN)]
    waits[(..., *EVEN)] = (above <= WAITS) & (above != UNKNOWN)
    return np.asarray(waits)


def cut(values: Values, level: Window, tiles: list[Tile]) -> Values:
    """The parts (len(tiles), SIDE, SIDE) of an array over all tiles of a window."""
    parts = values.reshape(len(values) // SIDE, SIDE, -1, SIDE).swapaxes(1, 2)
    i, j = np.array([tile[1:] for tile in tiles], dtype=np.int64).reshape(-1, 2).T
    return np.asarray(parts[i - level.n[0] // SIDE, j - level.m[0] // SIDE])


def _nothing(*shape: int) -> Values:
    values = np.zeros(shape, dtype=VALUES)
    values["outcome"] = UNKNOWN
    return values


def _around(least: np.ufunc, values: Numbers) -> Numbers:
    """The least of the values at most three finer starts away from each start of the finer level.

    A finer start at a coarser one, the second of the values, has it and its two neighbors around it; the next one,
    halfway to the third, has another one, too.
    """
    for axis in (0, 1):
        v = np.moveaxis(values, axis, 0)
        three = least(least(v[:-3], v[1:-2]), v[2:-1])
        both = np.stack([three, least(three, v[3:])], axis=1).reshape(-1, *v.shape[1:])
        values = np.moveaxis(both, 0, axis)
    return values
