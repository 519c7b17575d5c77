"""A map at a finer resolution, of which only the cells are run whose corners disagree.

A grid of n starts along a side gets 2 (n - 1) + 1 at each level.  Where the corners of a cell disagree, all starts in
it and on its edges are run; and wherever what came out makes the corners of another cell disagree, those too, until the
corners of every cell either agree or were all run.  So a border is followed wherever it leads, and this holds:

    The result differs from that of all starts only in islands of which no start was run: sets of starts, connected
    along sides or diagonals, that lie wholly within a region of another outcome.

For let D be a connected set of starts with a wrong outcome.  None of D was run, so each cell with a corner in D has
corners that agree in the result.  Hence the result has one outcome on D and on all neighbours of D, where it is right.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.compute import Data, compute_runs
from saddlescape.cost import check_room
from saddlescape.errors import RefusedError
from saddlescape.outcomes import Outcome
from saddlescape.plan import Block, Plan
from saddlescape.results import Results
from saddlescape.runner import Interrupted, cores
from saddlescape.spec import Sweep, parse
from saddlescape.store import write_result

Grid = npt.NDArray[Any]
PIECE = 4096
"""Starts that a thread runs at once."""


@dataclass(frozen=True)
class Refined:
    """The file of a refined map, how many starts it has, and how many of them were run."""

    path: Path
    starts: int
    run: int


def disagree(outcome: Grid, step: Grid, band: float | None) -> npt.NDArray[np.bool_]:
    """Cells (nx - 1, ny - 1) whose corners have different outcomes or, solved, steps more than `band` apart."""
    solved = outcome == Outcome.SOLVED
    differ = _spread(outcome, np.maximum) != _spread(outcome, np.minimum)
    if band is None:
        return np.asarray(differ)
    latest = _spread(np.where(solved, step, 0), np.maximum)
    earliest = _spread(np.where(solved, step, 0), np.minimum)
    return np.asarray(differ | (latest > (1 + band) * np.maximum(earliest, 1)))


def _spread(values: Grid, of: np.ufunc) -> Grid:
    """An extremum over the corners of each cell."""
    along = of(values[1:], values[:-1])
    return np.asarray(of(along[:, 1:], along[:, :-1]))


def corners(cells: npt.NDArray[np.bool_], size: int = 1) -> npt.NDArray[np.bool_]:
    """Starts of a grid `size` times as fine that lie in or on the edges of these cells."""
    nx, ny = (size * n for n in cells.shape)
    grid = np.zeros((nx + 1, ny + 1), dtype=bool)
    for i, j in np.ndindex(size + 1, size + 1):
        grid[i : i + nx : size, j : j + ny : size][: len(cells), : cells.shape[1]] |= cells
    return grid


class Table:
    """What came of the starts run so far, and for each start of the grid the row that it has."""

    def __init__(self, data: Data, shape: tuple[int, int]) -> None:
        self.data, self.row = data, np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape)
        self.computed = np.ones(shape, dtype=bool)

    def grid(self, name: str) -> Grid:
        """A variable over the grid."""
        return self.data[name][self.row]

    def split(self) -> None:
        """Double the resolution: a new start has the row of the one before it, until it is run."""
        self.row = self.row.repeat(2, axis=0).repeat(2, axis=1)[:-1, :-1]
        coarse, self.computed = self.computed, np.zeros(self.row.shape, dtype=bool)
        self.computed[::2, ::2] = coarse

    def add(self, where: npt.NDArray[np.bool_], data: Data) -> None:
        """What came of the starts in `where`, in the order of the grid."""
        first = len(self.data["outcome"])
        self.data = {name: np.concatenate([old, data[name]]) for name, old in self.data.items()}
        self.row[where] = np.arange(first, len(self.data["outcome"]))
        self.computed |= where


def refine_level(table: Table, band: float | None, run: Callable[[npt.NDArray[np.bool_]], Data]) -> None:
    """Double the resolution of the table; ``run(where)`` gives what comes of the starts where it is true."""

    def cells() -> npt.NDArray[np.bool_]:
        return disagree(table.grid("outcome"), table.grid("solve_step"), band)

    wanted = corners(cells(), 2)
    table.split()
    while (where := wanted & ~table.computed).any():
        table.add(where, run(where))
        wanted = corners(cells())


def finer(sweep: Sweep, levels: int) -> Sweep:
    """The sweep of a slice with 2**levels as many intervals along each side; its starts are among the new ones."""
    starts = sweep.spec.starts
    sides = {"x": starts.x, "y": starts.y}
    changes = [
        f"starts.{name}={{ index = {side.index}, from = {side.from_!r}, to = {side.to!r}, "
        f"n = {(side.n - 1) * 2**levels + 1} }}"
        for name, side in sides.items()
        if side is not None
    ]
    changes.append("record.runs=0")
    changed = [text.split("=")[0] for text in changes]
    kept = [text for text in sweep.overrides if text.split("=")[0].strip() not in changed]
    return parse(sweep.text, sweep.folder, (*kept, *changes))


def _check(results: Results, sweep: Sweep) -> None:
    spec = sweep.spec
    if spec.starts.kind != "slice" or sweep.axes or len(results.dims) != 3:
        raise RefusedError(f'{results.path} is no slice without further axes; refine needs starts.kind = "slice"')
    if spec.training.noise or spec.shuffled:
        raise RefusedError("training: has noise or shuffled batches, so a run depends on more than its start")
    if "computed" in results:
        raise RefusedError(f"{results.path} is refined already; refine the result that it was made from by more levels")
    if any(n < 2 for n in list(results.dims.values())[:2]):
        raise RefusedError("starts.x, starts.y: need at least 2 starts each to have cells; run it with a larger n")


def refine(
    results: Results,
    out: str | Path,
    levels: int = 1,
    *,
    band: float | None = None,
    threads: int | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Refined:
    """Refine the map of a slice `levels` times, and write it to `out` as a result of its own.

    Starts that were run are as a run of all of them would make them, to the bit; any other start has everything from a
    start nearby.  The variable `computed` tells which are which.

    Parameters
    ----------
    band : corners that are solved disagree, too, where their steps are more than this share apart; None: never.

    Raises
    ------
    RefusedError
        If the result is no slice, its runs depend on more than their starts, there is no room, or `out` exists.
    Interrupted
        When `should_stop()` became true; nothing is written.
    """
    sweep, out, threads = results.sweep, Path(out), threads or cores()
    _check(results, sweep)
    plan = Plan(finer(sweep, levels), refined=True)
    check_room(plan, out.parent, threads)
    shape = (results.dims["x"], results.dims["y"])
    names = [name for name in results if results.stored(name).dims[:3] == ("x", "y", "run")]
    old = {name: results[name] for name in names}
    table = Table({name: a.reshape(-1, *a.shape[3:]) for name, a in old.items()}, shape)

    def look(steps: int) -> None:
        if should_stop is not None and should_stop():
            raise Interrupted(out, f"stopped; {out} was not made")

    with ThreadPoolExecutor(threads) as pool:
        for level in range(levels):
            stride = 2 ** (levels - 1 - level)

            def run(where: npt.NDArray[np.bool_], stride: int = stride) -> Data:
                x, y = (stride * i for i in np.nonzero(where))
                pieces = [slice(k, k + PIECE) for k in range(0, len(x), PIECE)]
                index = [[x[piece], y[piece], np.zeros_like(x[piece])] for piece in pieces]
                done = list(pool.map(lambda one: compute_runs(plan, one, look), index))
                return {name: np.concatenate([part[name] for part in done]) for name in done[0]}

            refine_level(table, band, run)
    write_result(plan, _blocks(plan, table), out)
    return Refined(out, table.computed.size, int(table.computed.sum()))


def _blocks(plan: Plan, table: Table) -> Iterator[tuple[Block, Data]]:
    for block in map(plan.block, range(plan.blocks)):
        x, y, _ = (slice(a, b) for a, b in zip(block.start, block.stop, strict=True))
        rows = table.row[x, y, None]
        data = {name: values[rows] for name, values in table.data.items()}
        data["computed"] = table.computed[x, y, None].astype(np.int8)
        yield block, {**data, "distinct_starts": np.ones(block.shape[:2], dtype=np.int64)}
