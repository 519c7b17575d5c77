"""The lattice of starts that the explorer trains, in tiles.

A start of level k has the coordinates n 2^k and m 2^(k + skew), with integers n and m, on two axes.  So the starts of a
level are among those of the next finer one, every coordinate is exact, and `numpy.linspace` between two of them has
exactly those in between: a window is a slice, whose runs have the same bits.  On an axis that is a number of the spec,
a coordinate stands for a number that depends on nothing else, so finer levels have the same numbers, too.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from saddlescape.explorer.numbers import Number

SIDE = 8
"""Starts along each side of a tile: the fewest that are trained at once."""

HALF = SIDE // 2

Tile = tuple[int, int, int]
"""Level k, and i and j: the tile has the starts n = SIDE i ... SIDE i + SIDE - 1, and likewise m and j."""

Array = npt.NDArray[np.float64]


Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Plane:
    """Two axes `x` and `y`, each the index of a parameter or a number of the spec, and the values of all parameters.

    The spacing of the coordinates along y is 2**skew times that along x.
    """

    base: tuple[float, ...]
    x: int | Number
    y: int | Number
    skew: int = 0

    @property
    def numbers(self) -> list[Number]:
        """The axes that are numbers of the spec."""
        return [axis for axis in (self.x, self.y) if isinstance(axis, Number)]

    def starts(self, k: int, n: Integers, m: Integers) -> Array:
        """Starts of level k, float64 (len(n), n_params)."""
        theta = np.tile(np.array(self.base, dtype=np.float64), (len(n), 1))
        for axis, coordinates in zip((self.x, self.y), self._coordinates(k, n, m), strict=True):
            if not isinstance(axis, Number):
                theta[:, axis] = coordinates
        return theta

    def has(self, theta: Array) -> bool:
        """Whether a start lies on the plane."""
        others = [index for index in range(len(self.base)) if index not in (self.x, self.y)]
        return not self.numbers and bool((theta[others] == np.array(self.base)[others]).all())

    def values(self, k: int, n: Integers, m: Integers) -> dict[str, Array]:
        """The numbers of the starts of level k that are axes, by their keys, float64 (len(n),)."""
        sides = zip((self.x, self.y), self._coordinates(k, n, m), strict=True)
        return {axis.key: axis.values(along) for axis, along in sides if isinstance(axis, Number)}

    def _coordinates(self, k: int, n: Integers, m: Integers) -> tuple[Array, Array]:
        return np.ldexp(n.astype(float), k), np.ldexp(m.astype(float), k + self.skew)


@dataclass(frozen=True)
class Window:
    """The starts of level k from n[0] to n[1] and from m[0] to m[1], all included."""

    k: int
    n: tuple[int, int]
    m: tuple[int, int]

    def coarser(self, levels: int) -> "Window":
        """The starts of a coarser level that lie in this window, and their neighbors around it."""
        n, m = ((low >> levels, -(-high >> levels)) for low, high in (self.n, self.m))
        return Window(self.k + levels, n, m)

    def tiles(self) -> list[Tile]:
        """The tiles with starts of the window, the one in the middle first."""
        i, j = ((low // SIDE, high // SIDE) for low, high in (self.n, self.m))
        tiles = [(self.k, a, b) for a in range(i[0], i[1] + 1) for b in range(j[0], j[1] + 1)]
        return sorted(tiles, key=lambda tile: math.hypot(2 * tile[1] - sum(i), 2 * tile[2] - sum(j)))

    def sides(self, plane: Plane) -> list[tuple[float, float, int]]:
        """First and last value and number of the starts along x and y, as of `Sweep.window`."""
        spans = ((self.n, self.k), (self.m, self.k + plane.skew))
        return [(math.ldexp(low, k), math.ldexp(high, k), high - low + 1) for (low, high), k in spans]


def points(tile: Tile) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """n and m of the starts of a tile, int64 (SIDE * SIDE,), m varying fastest."""
    _, i, j = tile
    n, m = np.indices((SIDE, SIDE)).reshape(2, -1)
    return n + SIDE * i, m + SIDE * j


def parent(tile: Tile) -> tuple[Tile, tuple[slice, slice]]:
    """The tile of the next coarser level that has the starts with even n and m, and where in it they are."""
    k, i, j = tile
    a, b = HALF * (i % 2), HALF * (j % 2)
    return (k + 1, i // 2, j // 2), (slice(a, a + HALF), slice(b, b + HALF))


EVEN = (slice(None, None, 2), slice(None, None, 2))
"""Where a tile has the starts that its parent has."""
