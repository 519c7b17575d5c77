"""The runs of a finished sweep that a bigger sweep keeps, because it would compute them to the same bits.

A run is kept if the bigger sweep trains it from the same start, with the same spec and numbers, by the same variant of
the kernel, and if the old result has all that the bigger one stores of it.  All other runs are trained.
"""

import json
import threading
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from saddlescape.kernels import Trainer
from saddlescape.network.classes import coding
from saddlescape.plan import Block, Plan
from saddlescape.runs.compute import Data, Group, filled, groups_of, index_of
from saddlescape.runs.sides import NEW, Side, sides, unset
from saddlescape.spec import NUMERIC, Spec
from saddlescape.spec.keys import BY_LAYER
from saddlescape.store import Source, sizes, take, variables
from saddlescape.words.measures import AFTER
from saddlescape.words.outcomes import Outcome
from saddlescape.words.problems import TABLES

Indices = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


class Rows(NamedTuple):
    """Kept runs of a block, by their flat indices, and those of them that have a trajectory; their variables."""

    where: Indices
    runs: Data
    recorded: Indices
    paths: Data


def _rest(spec: Spec) -> str:
    """All of a spec except for the number of starts and the numbers that are compared run by run."""
    empty = [key.split(".") for key in BY_LAYER]
    lists = [getattr(getattr(spec, section), name) is None for section, name in empty]
    for key, value in unset(spec).items():
        section, name = key.split(".")
        if getattr(getattr(spec, section), name) is None:
            spec = spec.changed(section, **{name: value})
    for section, name in empty:
        spec = spec.changed(section, **{name: None})
    for key in NUMERIC:
        spec = spec.replaced(key, 0.0)
    return json.dumps([spec.changed("starts", count=1).resolved(), lists])


def _same_numbers(one: Group, other: Group, these: Indices, those: Indices) -> Flags:
    """Whether runs of two groups, whose specs have the same rest, have the same numbers, to the bit."""
    layers = range(len(one.spec.sizes) - 1)
    keys = {*one.numbers, *other.numbers, *(f"{key}.{layer}" for key in BY_LAYER for layer in layers)}
    same = np.ones(len(these), dtype=bool)
    for key in keys:
        mine, its = (
            group.numbers[key][rows] if key in group.numbers else np.full(len(rows), group.spec.number(key))
            for group, rows in ((one, these), (other, those))
        )
        same &= mine.view(np.int64) == its.view(np.int64)
    return same


class Kept:
    """The runs of an old result that the blocks of a bigger plan keep; values are read when a block needs them.

    Raises
    ------
    RefusedError
        If the grid of the bigger plan does not contain the old one.
    """

    def __init__(self, old: Plan, source: Source, new: Plan) -> None:
        self._old, self._source, self._new = old, source, new
        self._sides = sides(old.sweep, new.sweep)
        for length in new.shape[len(new.sweep.shape) : -1]:  # the sides of a slice
            number = len([side for side in self._sides if side.old is not None])
            self._sides.append(Side(number, np.arange(length)))
        self._reading = threading.Lock()
        self._rests: dict[int, tuple[Spec, str]] = {}
        self._trainers: dict[int, dict[int, Trainer]] = {}

    @cached_property
    def _names(self) -> tuple[list[str], list[str]]:
        """Variables of runs, and those along their trajectories."""
        own = variables(self._new)
        paths = [v.name for v in own if "trajectory" in v.dims and v.name != "trajectory_run"]
        return [v.name for v in own if "run" in v.dims], paths

    @cached_property
    def _same_records(self) -> bool:
        return np.array_equal(self._old.record_at, self._new.record_at)

    @cached_property
    def _usable(self) -> bool:
        """Whether the old result has all variables, and its runs do not depend on when the others are recorded."""
        depends = self._new.flows or not {*AFTER}.isdisjoint(self._new.fields)
        has = {*self._names[0], *self._names[1]} <= {*self._source.names}
        return has and (self._same_records or not depends)

    def of(self, block: Block, groups: Sequence[Group], recorded: Flags) -> Rows:
        """The kept runs of a block; `groups` are its runs, `recorded` those that need a trajectory."""
        where, picks, index = self._common(block)
        if not len(where) or not self._usable:
            return Rows(where[:0], {}, where[:0], {})
        whole = self._read(self._names[0], picks)
        path = self._paths_of(block, picks, len(where))
        fine = np.ones(len(where), dtype=bool)
        if not self._new.per_outcome:
            fine &= ~recorded[where] | (path >= 0)
        self._compare(where, index, groups, whole, fine)
        has = fine & (path >= 0) & recorded[where]
        along = self._read(self._names[1], self._trajectories(block, picks)) if self._same_records else self._empty
        paths = {name: self._converted(name, values[path[has]]) for name, values in along.items()}
        runs = {name: self._converted(name, values[fine]) for name, values in whole.items()}
        return Rows(where[fine], runs, where[has], paths)

    def _common(self, block: Block) -> tuple[Indices, dict[str, range | Indices], list[Indices]]:
        """The runs of a block that are old ones: flat indices; old indices along each dimension; those of each run."""
        bounds = list(zip(block.start, block.stop, strict=True))
        inside, olds = [], []
        for side, (a, b) in zip(self._sides, bounds, strict=False):
            place = np.flatnonzero(side.points[a:b] != NEW)
            inside.append(place)
            olds.append((side.old, side.points[a:b][place]))
        first, last = bounds[-1]
        runs = np.arange(first, max(first, min(last, self._old.count)))
        where = np.ravel_multi_index(np.ix_(*inside, runs - first), block.shape).ravel()
        every = np.broadcast_arrays(*np.ix_(*(own for _, own in olds), runs))
        kept = [(own, all_.ravel()) for (number, own), all_ in zip(olds, every, strict=False) if number is not None]
        names = [dimension.name for dimension in self._old.dimensions]
        picks = dict(zip(names, [*(_simple(own) for own, _ in kept), range(first, first + len(runs))], strict=True))
        return where, picks, [*(own for _, own in kept), every[-1].ravel()]

    def _read(self, names: Sequence[str], picks: dict[str, range | Indices]) -> Data:
        """Variables of the old result as rows: in C order of the dimensions in `picks`, which others follow."""
        found: Data = {}
        for name in names:
            stored = self._source.variable(name)
            own = [picks.get(dim, range(n)) for dim, n in zip(stored.dims, stored.shape, strict=True)]
            with self._reading:
                values = take(self._source, name, own)
            outer = sum(dim in picks for dim in stored.dims)
            found[name] = values.reshape(-1, *values.shape[outer:])
        return found

    def _trajectories(self, block: Block, picks: dict[str, range | Indices]) -> dict[str, range | Indices]:
        """The points of the block, and the trajectories that may be those of its runs."""
        points = {dim: pick for dim, pick in picks.items() if dim != "run"}
        numbers = self._old.trajectory_run
        first, last = np.searchsorted(numbers, (block.start[-1], block.stop[-1])).tolist()
        every = range(self._old.trajectories) if self._old.per_outcome else range(first, last)
        return {**points, "trajectory": every}

    @property
    def _empty(self) -> Data:
        """Variables along no trajectory."""
        own, lengths = [v for v in variables(self._new) if v.name in self._names[1]], sizes(self._new)
        return {v.name: np.empty((0, *(lengths[d] for d in v.dims[v.dims.index("trajectory") + 1 :]))) for v in own}

    def _paths_of(self, block: Block, picks: dict[str, range | Indices], n: int) -> Indices:
        """The row of each of `n` runs along `_trajectories`; -1 for a run without one."""
        row = np.full(n, NEW, dtype=np.intp)
        if not (self._names[1] and self._same_records):
            return row
        which = self._trajectories(block, picks)
        runs = range(block.start[-1], block.start[-1] + len(picks["run"]))
        points = n // len(runs)
        if self._old.per_outcome:
            numbers = self._read(["trajectory_run"], which)["trajectory_run"].reshape(points, -1)
        else:
            every = self._old.trajectory_run[np.asarray(which["trajectory"], dtype=np.intp)]
            numbers = np.broadcast_to(every, (points, len(every)))
        point, column = np.nonzero((numbers >= runs.start) & (numbers < runs.stop))
        row[point * len(runs) + numbers[point, column] - runs.start] = point * numbers.shape[1] + column
        return row

    def _compare(self, where: Indices, index: list[Indices], groups: Sequence[Group], whole: Data, fine: Flags) -> None:
        """Clear `fine` where a run is not the same in both sweeps; set the outcomes that a block stores."""
        cells = [i // n for i, n in zip(index, self._old.tile, strict=True)]
        blocks = np.ravel_multi_index(cells, self._old.tiles.cells)
        which = np.empty(sum(len(group.where) for group in groups), dtype=np.intp)
        for number, group in enumerate(groups):
            which[group.where] = number
        for old in groups_of(self._old, index):
            for number in np.unique(which[where[old.where]]):
                own = np.flatnonzero(which[where[old.where]] == number)
                self._compare_groups(old, groups[number], own, where, blocks, whole["outcome"], fine)

    def _compare_groups(
        self,
        old: Group,
        new: Group,
        own: Indices,
        where: Indices,
        blocks: Indices,
        outcome: npt.NDArray[np.int8],
        fine: Flags,
    ) -> None:
        """The same for the runs `own` of an old group, which are also in a new one."""
        rows = old.where[own]
        same = self._rest(old.spec) == self._rest(new.spec)
        fine[rows] &= same and _same_numbers(old, new, own, np.searchsorted(new.where, where[rows]))
        for number in np.unique(blocks[rows]):
            if self._trainer(int(number), old.spec) != new.trainer:
                fine[rows[blocks[rows] == number]] = False
        fine[rows] &= self._outcomes(new.spec, outcome, rows)

    def _rest(self, spec: Spec) -> str:
        if id(spec) not in self._rests:
            self._rests[id(spec)] = spec, _rest(spec)
        return self._rests[id(spec)][1]

    def _trainer(self, number: int, spec: Spec) -> Trainer:
        """The variant that trained the runs of this spec in an old block."""
        if number not in self._trainers:
            groups = groups_of(self._old, index_of(self._old.block(number)))
            self._trainers[number] = {id(group.spec): group.trainer for group in groups}
        return self._trainers[number][id(spec)]

    def _outcomes(self, spec: Spec, outcome: npt.NDArray[np.int8], rows: Indices) -> Flags:
        """Whether outcomes are still known; *trapped* becomes *fitted* where a block stores candidates for it."""
        codes = outcome[rows]
        known = np.ones(len(rows), dtype=bool)
        if self._new.can_collapse and not self._old.can_collapse:
            known = (codes == Outcome.SOLVED) | (codes == Outcome.DIVERGED)
        if self._new.can_fit and spec.problem.name not in TABLES:
            trapped = codes == Outcome.TRAPPED
            if not coding(spec.loaded.T):
                outcome[rows[trapped]] = Outcome.FITTED
            elif self._new.parts_points or not self._old.can_fit:  # else no more runs are fitted when others join
                known &= ~trapped
        return known

    def _converted(self, name: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Values in the shape of the new result: padded to its layers, and with parameters at their places."""
        if name in ("start_theta", "final_theta", "theta"):
            if self._old.places == self._new.places:
                return values
            placed = np.full((*values.shape[:-1], self._new.n_params), np.nan, dtype=values.dtype)
            had = {*self._old.places}
            placed[..., [place in had for place in self._new.places]] = values
            return placed
        return filled(self._new, name.removeprefix("final_"), values)


def _simple(index: Indices) -> range | Indices:
    """Consecutive indices as a range, of which whole chunks are read at once."""
    consecutive = len(index) > 0 and bool((np.diff(index) == 1).all())
    return range(int(index[0]), int(index[-1]) + 1) if consecutive else index
