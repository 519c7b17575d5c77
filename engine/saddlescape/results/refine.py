"""Refine a map: run only the starts of cells whose corners have different outcomes.

Each level doubles the resolution: a side of n starts becomes a side of 2 (n - 1) + 1.  If the corners of a cell
disagree, all starts in the cell and on its edges are run.  If the new outcomes make the corners of another cell
disagree, its starts are run too, until the corners of every cell either agree or were all run.  Hence:

    The result differs from the full map only in islands of which no start was run: sets of starts, connected
    along sides or diagonals, that lie wholly within a region of another outcome.

Proof: let D be a connected set of starts with a wrong outcome.  None of D was run, so each cell with a corner in D has
corners that agree in the result.  Hence the result has one outcome on D and on all neighbors of D, where it is right.

The work grows with the number of starts run, not with the grid: only cells around the last starts are checked.  No
other cell can disagree for the first time.  Until one of its starts is run, a cell of the finer grid has the outcomes
of corners of the coarse cell around it; if it disagrees, so did the coarse cell, all of whose starts are run.
"""

import json
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.errors import DeviceError, RefusedError
from saddlescape.kernels import devices
from saddlescape.plan import Block, Plan
from saddlescape.results.results import Results
from saddlescape.runs.compute import Data, compute_runs
from saddlescape.runs.cost import check_room, kernels, readable
from saddlescape.runs.device_memory import Batches, check_batches
from saddlescape.runs.dispatch import Turn, in_flight
from saddlescape.runs.runner import Interrupted
from saddlescape.spec import Sweep
from saddlescape.store import Mixture, write_result
from saddlescape.system import resources
from saddlescape.system.arguments import ArgumentError, integer
from saddlescape.system.arithmetic import ieee
from saddlescape.system.shell import quote
from saddlescape.system.software import stamp
from saddlescape.words.outcomes import Outcome

Grid = npt.NDArray[Any]
Indices = npt.NDArray[np.intp]
"""Flat indices, in C order, of starts in their grid, or of cells in theirs."""

Index = tuple[Indices, ...]

LEAST, MOST = 64, 4096
"""Number of starts that a thread trains at once: enough to fill its lanes, few enough to bound memory."""

A_START = 16
"""Bytes of memory for each start of the finer grid, run or not."""

CELLS = 2**20
"""Number of cells that are checked at once, when all cells are."""


@dataclass(frozen=True)
class Refined:
    """The file of a refined map, the number of its starts, and how many of them were run."""

    path: Path
    starts: int
    run: int


def disagree(outcome: Grid, step: Grid, band: float | None) -> npt.NDArray[np.bool_]:
    """Whether the corners of each cell disagree: in their outcomes or, where solved, in their solve steps.

    Parameters
    ----------
    outcome, step : outcomes and solve steps of the corners, shape (n_cells, 4).
    band : relative difference up to which solve steps agree; None ignores them.
    """
    differ = (outcome != outcome[:, :1]).any(axis=1)
    if band is None:
        return np.asarray(differ)
    solved = np.where(outcome == Outcome.SOLVED, step, 0)
    return np.asarray(differ | (solved.max(axis=1) > (1 + band) * np.maximum(solved.min(axis=1), 1)))


def _moved(numbers: Indices, shape: tuple[int, ...], to: tuple[int, ...], by: Indices, factor: int = 1) -> Indices:
    """Flat indices in the grid `to`, `factor` times as fine as `shape`, of points at the offsets `by` (2, n).

    The shape is (len(numbers), n).
    """
    *axes, x, y = (i[:, None] for i in np.unravel_index(numbers, shape))
    return np.ravel_multi_index((*axes, factor * x + by[0], factor * y + by[1]), to, mode="clip")


def _square(side: int) -> Indices:
    """Offsets of the points of a square, shape (2, side**2)."""
    return np.indices((side, side)).reshape(2, -1)


class Table:
    """The variables of all starts run, as rows, and for each start of the grid (..., x, y) the index of its row."""

    def __init__(self, data: Data, shape: tuple[int, ...], band: float | None = None) -> None:
        self._parts, self._rows, self._band = [data], len(data["outcome"]), band
        self.row = np.arange(self._rows, dtype=np.int32).reshape(shape)
        self.computed = np.ones(shape, dtype=bool)

    @property
    def _cells(self) -> tuple[int, ...]:
        *axes, nx, ny = self.row.shape
        return (*axes, nx - 1, ny - 1)

    @property
    def names(self) -> list[str]:
        """Names of the variables."""
        return list(self._parts[0])

    def values(self, name: str) -> Grid:
        """A variable of all rows."""
        return np.concatenate([part[name] for part in self._parts])

    def grid(self, name: str) -> Grid:
        """A variable over the grid."""
        return self.values(name)[self.row]

    def split(self, cells: Indices) -> Indices:
        """Double the resolution; until a new start is run, it has the row of its lower neighbor.

        Returns
        -------
        The starts in these cells and on their edges.
        """
        coarse, computed = self._cells, self.computed
        self.row = self.row.repeat(2, axis=-2).repeat(2, axis=-1)[..., :-1, :-1].copy()
        self.computed = np.zeros(self.row.shape, dtype=bool)
        self.computed[..., ::2, ::2] = computed
        return _moved(cells, coarse, self.row.shape, _square(3), 2)

    def missing(self, starts: Indices) -> Indices:
        """The starts that were not run, each once, in the order of the grid."""
        starts = np.unique(starts)
        return starts[~self.computed.take(starts)]

    def add(self, starts: Indices, data: Data) -> None:
        """Add the variables of starts that were not run before."""
        self._parts.append(data)
        self.row.put(starts, np.arange(self._rows, self._rows + len(starts)))
        self.computed.put(starts, True)
        self._rows += len(starts)

    def corners(self, cells: Indices) -> Indices:
        """Starts at the corners of cells, shape (n_cells, 4)."""
        return _moved(cells, self._cells, self.row.shape, _square(2))

    def around(self, starts: Indices) -> Indices:
        """Cells with one of these starts at a corner."""
        return np.unique(_moved(starts, self.row.shape, self._cells, -_square(2)))

    def mixed(self, cells: Indices) -> Indices:
        """The cells whose corners disagree."""
        rows = self.row.take(self.corners(cells))
        outcome = self.values("outcome")[rows]
        step = outcome if self._band is None else self.values("solve_step")[rows]
        return cells[disagree(outcome, step, self._band)]

    def all_mixed(self) -> Indices:
        """All cells whose corners disagree."""
        n = math.prod(self._cells)
        pieces = (np.arange(first, min(first + CELLS, n)) for first in range(0, n, CELLS))
        return np.concatenate([self.mixed(cells) for cells in pieces])


def refine_level(table: Table, cells: Indices, run: Callable[[Index], Data]) -> Indices:
    """Double the resolution of a table.

    Parameters
    ----------
    cells : the cells whose corners disagree.
    run : returns the variables of starts, given by their index along each dimension of the grid.

    Returns
    -------
    The cells of the finer grid whose corners disagree.
    """
    ran, new = [np.empty(0, dtype=np.intp)], table.missing(table.split(cells))
    while len(new):
        table.add(new, run(np.unravel_index(new, table.row.shape)))
        ran.append(new)
        new = table.missing(table.corners(table.mixed(table.around(new))))
    return table.mixed(table.around(np.concatenate(ran)))


def _check(results: Results, sweep: Sweep) -> None:
    if sweep.spec.starts.kind != "slice":
        raise RefusedError(f'{results.path} is not a slice; refine needs starts.kind = "slice"')
    random = any(sweep.numeric(f"training.{key}").any() for key in ("noise", "dropout"))
    if random or any(spec.order != "fixed" for spec in sweep.structures):
        kinds = "noise, dropout, shuffled or sampled batches"
        raise RefusedError(f"training: has {kinds}, so a run depends on more than its start")
    if results.path.is_dir():
        remedy = f"continue with: saddlescape resume {quote(str(results.path))}"
        raise RefusedError(f"{results.path} is not finished; {remedy}")
    if tuple(results.dims.values()) != Plan(sweep).shape:
        raise RefusedError(f"{results!r} is a selection; refine all of {results.path}")
    if "computed" in list(results):
        raise RefusedError(f"{results.path} is refined already; refine the original result by more levels")
    if min(results.dims["x"], results.dims["y"]) < 2:
        raise RefusedError("starts.x, starts.y: must have at least 2 starts each; run the sweep with a larger n")


def _check_arguments(levels: int, band: float | None) -> None:
    if integer(levels, "levels") < 1:
        raise ArgumentError(f"levels must be at least 1; got {levels}")
    if band is not None and not (isinstance(band, int | float) and band >= 0):
        raise ArgumentError(f"band must be a number that is not negative, or None; got {band!r}")


def _check_memory(plan: Plan, levels: int) -> None:
    needed, room = A_START * plan.runs, resources.memory()
    if needed > room.bytes:
        needs = f"{plan.runs} starts need {readable(needed)} of memory, and {readable(room.bytes)} are {room.limit}"
        raise RefusedError(f"levels: {needs}; got {levels}; lower it")


@ieee()
def refine(
    results: Results,
    out: str | Path,
    levels: int = 1,
    *,
    band: float | None = None,
    device: str = "cpu",
    threads: int | None = None,
    accept_versions: bool = False,
    should_stop: Callable[[], bool] | None = None,
) -> Refined:
    """Refine the map of a slice, at each point of the axes, and write it to a new file.

    Starts that were run have the same bits as in a full run; every other start has the values of a nearby start.  The
    variable `computed` is 1 for starts that were run, else 0.

    Parameters
    ----------
    results : a result with ``starts.kind = "slice"``.
    out : the file.
    levels : how many times to double the resolution.
    band : relative difference of solve steps above which solved corners disagree, too; by default they never do.
    device : "cpu", "cuda" or "cuda:N", as for `run`.
    threads : as for `run`.
    accept_versions : also refine a result that was computed by other versions of the software.
    should_stop : called after each slice of work; when it returns true, the refinement stops, and nothing is written.

    Raises
    ------
    RefusedError
        If the result is not a complete slice, is refined already, has runs that depend on more than their starts, was
        computed by other versions of the software, or is too large; or if `out` exists.
    DeviceError
        If a device fails, or computes other bits than the processor; nothing is written.
    Interrupted
        If `should_stop()` returned true.
    """
    sweep, out, used = results.sweep, Path(out), devices(device)
    threads, turn = in_flight(threads, used), Turn(used)
    _check(results, sweep)
    _check_arguments(levels, band)
    software = _software(results, accept_versions)
    plan = Plan(sweep.finer(levels), refined=True)
    _check_memory(plan, levels)
    check_room(plan, out.parent, threads)
    check_batches(Batches(kernels(plan.sweep), MOST), used, threads)
    table = _table(results, band)

    def look(steps: int) -> None:
        if should_stop is not None and should_stop():
            raise Interrupted(out, f"stopped; {out} was not written")

    try:
        write_result(plan, _blocks(plan, table, levels, threads, turn, look), out, software)
    except DeviceError as error:
        raise DeviceError(f"{error}; {out} was not written; use device cpu") from error
    return Refined(out, table.computed.size, int(table.computed.sum()))


def _software(results: Results, accept_versions: bool) -> Mixture:
    """The software that computed the result, and the software of this process."""
    mixture = Mixture(Plan(results.sweep), accept_versions)
    mixture.add_result([json.dumps(versions) if versions else "" for versions in results.software], results.path)
    mixture.add(stamp())
    return mixture


def _table(results: Results, band: float | None) -> Table:
    dims, shape = tuple(results.dims), tuple(results.dims.values())
    names = [name for name in results if results.stored(name).dims[: len(dims)] == dims]
    data = {name: results[name] for name in names}
    rows = {name: values.reshape(-1, *values.shape[len(dims) :]) for name, values in data.items()}
    return Table(rows, shape[:-1], band)


def _blocks(
    plan: Plan, table: Table, levels: int, threads: int, turn: Turn, look: Callable[[int], None]
) -> Iterator[tuple[Block, Data]]:
    """Refine the table, then yield the blocks of the plan."""
    cells = table.all_mixed()
    for level in reversed(range(levels)):
        cells = refine_level(table, cells, partial(_run, plan, 2**level, threads, turn, look))
    data = {name: table.values(name) for name in table.names}
    for block in plan:
        look(0)
        position = tuple(slice(a, b) for a, b in zip(block.start[:-1], block.stop[:-1], strict=True))
        row, computed = table.row[position][..., None], table.computed[position][..., None]
        variables = {name: values[row] for name, values in data.items()}
        yield block, {**variables, "computed": computed, "distinct_starts": np.ones(row.shape[:-1], dtype=np.int64)}


def _run(
    plan: Plan, stride: int, threads: int, turn: Turn, look: Callable[[int], None], index: Index
) -> Data:
    """The variables of starts, given by their index in the grid of every `stride`-th start of the plan."""
    *axes, x, y = index
    whole = (*axes, stride * x, stride * y, np.zeros_like(x))
    size = min(MOST, max(LEAST, -(-len(x) // threads)))
    pieces = [[i[first : first + size] for i in whole] for first in range(0, len(x), size)]
    with ThreadPoolExecutor(threads) as pool:
        apply = pool.map if len(pieces) > 1 else map  # a thread takes long to start
        done = list(apply(lambda piece: compute_runs(plan, piece, look, turn.next()), pieces))
    return {name: np.concatenate([data[name] for data in done]) for name in done[0]}
