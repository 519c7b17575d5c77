"""From a sweep to numbered runs: the dimensions of the result, its blocks and what is recorded.

A plan follows from the spec alone, so every machine, thread count and resumed run cuts the same blocks.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from saddlescape.network import layout
from saddlescape.plan import starts
from saddlescape.spec import Axis, Spec, Sweep
from saddlescape.spec.sections import PerOutcome
from saddlescape.system.spacing import geomspace
from saddlescape.words.outcomes import Outcome
from saddlescape.words.variables import RESERVED

FORMAT = 1
"""Version of the blocks and the result file; part of every plan's digest."""

BLOCK_WORK = 2**30
"""Most parameter updates times samples in one block: about a second of one core."""

BLOCK_RUNS = 2**14
"""Most runs in one block: some ten megabytes while it is computed."""

@dataclass(frozen=True)
class Dimension:
    """One dimension of the result: its name, what it is (for an axis its key; "" for `run`) and its coordinate."""

    name: str
    meaning: str
    values: npt.NDArray[np.generic] | range


@dataclass(frozen=True)
class Coordinate:
    """Values of a key that is zipped with others, along the dimension `along`."""

    name: str
    along: str
    key: str
    values: npt.NDArray[np.generic]


@dataclass(frozen=True)
class Block:
    """A hyper-rectangle of runs, contiguous in C order."""

    number: int
    start: tuple[int, ...]
    stop: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(b - a for a, b in zip(self.start, self.stop, strict=True))


@dataclass(frozen=True)
class Shard:
    """One of `of` parts of a plan, counted from 1: every `of`-th block, so that costly points are shared out."""

    number: int = 1
    of: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def numbers(self, blocks: int) -> range:
        """Numbers of its blocks, of so many in all."""
        return range(self.number - 1, blocks, self.of)


WHOLE = Shard()


@dataclass(frozen=True)
class Plan:
    """A sweep cut into blocks.

    The result's dimensions are the axes of the sweep, then `x` and `y` for slices, then `run`.  Of a refined one not
    all starts are run.
    """

    sweep: Sweep
    refined: bool = False

    @property
    def structures(self) -> list[Spec]:
        """One spec for each combination of the axes that change more than a number."""
        return self.sweep.structures

    @cached_property
    def _names(self) -> dict[str, str]:
        """Names in the result of the axes' keys, and of those they are zipped under."""
        keys = [axis.name for axis in self.sweep.axes]
        names = {axis.key: _name(axis.name, keys) for axis in self.sweep.axes}
        for zipped in dict.fromkeys(axis.zip for axis in self.sweep.axes if axis.zip):
            name = zipped
            while name in {*RESERVED, "x", "y", *names.values()}:
                name = f"zip_{name}"
            names[f"zip {zipped}"] = name
        return names

    @cached_property
    def dimensions(self) -> tuple[Dimension, ...]:
        axes = [self._dimension(side) for side in self.sweep.grid]
        return (*axes, *self._cells, Dimension("run", "", range(self.count)))

    def _dimension(self, side: tuple[Axis, ...]) -> Dimension:
        first = side[0]
        if not first.zip:
            return Dimension(self._names[first.key], first.name, _coordinate(first.values))
        meaning = " with ".join(axis.name for axis in side)
        return Dimension(self._names[f"zip {first.zip}"], meaning, range(len(first.values)))

    @cached_property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """What zipped axes have in place of a dimension each."""
        return tuple(
            Coordinate(self._names[axis.key], self._names[f"zip {axis.zip}"], axis.name, _coordinate(axis.values))
            for axis in self.sweep.axes
            if axis.zip
        )

    @property
    def _cells(self) -> tuple[Dimension, ...]:
        spec = self.sweep.spec
        if spec.starts.kind != "slice":
            return ()
        sides = (("x", spec.starts.x), ("y", spec.starts.y))
        places = layout.places(spec.sizes, spec.network.bias)
        return tuple(
            Dimension(
                name, f"parameter {layout.name(places[side.index])}", np.linspace(side.from_, side.to, side.n)
            )
            for name, side in sides
            if side is not None
        )

    @cached_property
    def count(self) -> int:
        """Starts at each point of the result."""
        return 1 if self.sweep.spec.starts.kind == "slice" else starts.count(self.sweep.spec)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Lengths of `dimensions`, known without laying out a coordinate of a billion runs."""
        return (*self.sweep.shape, *(len(cell.values) for cell in self._cells), self.count)

    @property
    def runs(self) -> int:
        return math.prod(self.shape)

    @cached_property
    def places(self) -> list[tuple[int, int, int, int]]:
        """Places (`layout.places`) of the parameters of all networks of the sweep, in flat order."""
        networks = {(spec.sizes, spec.network.bias) for spec in self.structures}
        return sorted({place for sizes, bias in networks for place in layout.places(sizes, bias)})

    @property
    def n_params(self) -> int:
        return len(self.places)

    @property
    def dtype(self) -> str:
        """Of stored parameters: float64 as soon as one network is."""
        return max(spec.network.dtype for spec in self.structures)

    @cached_property
    def steps(self) -> int:
        return max(spec.steps for spec in self.structures)

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(self.sweep.spec.record.fields)

    @cached_property
    def inner(self) -> dict[str, int]:
        """Lengths of the dimensions that measures add to those of the runs: of the largest network, and at least 1."""
        layers = max(len(spec.sizes) for spec in self.structures) - 1
        samples = max(spec.samples for spec in self.structures)
        outputs = max(spec.sizes[-1] for spec in self.structures)
        return {"layer": layers, "hidden_layer": max(1, layers - 1), "sample": samples, "output": outputs}

    @property
    def flows(self) -> bool:
        """Whether runs follow the gradient flow: they, and their records, have times."""
        return self.sweep.spec.flows

    @cached_property
    def record_at(self) -> npt.NDArray[np.int64] | npt.NDArray[np.float64]:
        """Recorded steps; in batches, those at which an epoch of every network begins or a run ends.  Or times."""
        if self.flows:
            ends = [spec.training.time for spec in self.structures]
            return np.union1d(record_times(self.sweep.spec.record.times, max(ends)), ends)
        epoch = math.lcm(*(spec.epoch for spec in self.structures))
        wanted = record_steps(self.sweep.spec.record.steps, self.steps) // epoch * epoch
        return np.union1d(wanted, [spec.steps for spec in self.structures])

    @cached_property
    def per_outcome(self) -> int:
        """How many runs of each outcome have a trajectory, 0 where it is not the outcome that decides."""
        wanted = self.sweep.spec.record.runs
        return min(wanted.per_outcome, self.count) if isinstance(wanted, PerOutcome) else 0

    @cached_property
    def trajectory_stride(self) -> int:
        wanted = self.sweep.spec.record.runs
        return max(1, self.count // max(1, wanted)) if isinstance(wanted, int) else 1

    @property
    def trajectories(self) -> int:
        """Trajectories that each point has room for: by outcome, they stand in the order of the outcomes' codes."""
        wanted = self.sweep.spec.record.runs
        return min(wanted, self.count) if isinstance(wanted, int) else self.per_outcome * len(Outcome) or self.count

    @cached_property
    def trajectory_run(self) -> npt.NDArray[np.int64]:
        """The runs that have one, evenly spaced; none is known beforehand where the outcome decides."""
        return self.trajectory_stride * np.arange(0 if self.per_outcome else self.trajectories, dtype=np.int64)

    @cached_property
    def tile(self) -> tuple[int, ...]:
        """Extents of a full block: trailing dimensions whole, one cut, the leading ones single.

        Runs are cut so that trajectories are too: a block holds at most one, or a fixed number of them.
        """
        work = self.steps * max(spec.n_params * spec.samples for spec in self.structures)
        budget = min(BLOCK_RUNS, max(1, BLOCK_WORK // work))
        extents = []
        for length in reversed(self.shape):
            extents.append(max(1, min(length, budget)))
            budget //= length
        if self.trajectory_stride < extents[0] < self.count:
            extents[0] -= extents[0] % self.trajectory_stride
        return tuple(reversed(extents))

    @property
    def parts_choice(self) -> bool:
        """Whether runs that are chosen by outcome are of several blocks, so that the choice waits for all of them."""
        return self.per_outcome > 0 and self.tile[-1] < self.count

    @property
    def trajectory_tile(self) -> int:
        return self.trajectories if self.per_outcome else min(
            self.trajectories, -(-self.tile[-1] // self.trajectory_stride)
        )

    @cached_property
    def _grid(self) -> tuple[int, ...]:
        return tuple(-(-length // extent) for length, extent in zip(self.shape, self.tile, strict=True))

    def runs_in(self, numbers: range) -> int:
        """Runs in the blocks of these numbers, which may be too many to walk: all are full but the last of a cut."""
        full = math.prod(self.tile)
        cut = max(range(len(self.shape)), key=lambda k: self.shape[k] % self.tile[k])
        length, extent, cells = self.shape[cut], self.tile[cut], self._grid[cut]
        lacking = full - full // extent * (length - (cells - 1) * extent)
        return full * len(numbers) - lacking * _meet(numbers, cells)

    @property
    def blocks(self) -> int:
        return math.prod(self._grid)

    def block(self, number: int) -> Block:
        """Block `number`, counted from 0 in C order of the tiles."""
        cell = np.unravel_index(number, self._grid)
        start = tuple(int(c) * extent for c, extent in zip(cell, self.tile, strict=True))
        ends = zip(start, self.tile, self.shape, strict=True)
        return Block(number, start, tuple(min(a + extent, length) for a, extent, length in ends))

    def number_of(self, index: Sequence[int]) -> int:
        """Number of the block that contains the run with these indices along `dimensions`."""
        cell = tuple(i // extent for i, extent in zip(index, self.tile, strict=True))
        return int(np.ravel_multi_index(cell, self._grid))

    def __iter__(self) -> Iterator[Block]:
        return map(self.block, range(self.blocks))

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the resolved spec, the contents of its data files, the cut and the format's version."""
        refined = ["refined"] if self.refined else []
        text = json.dumps([FORMAT, self.tile, self.sweep.resolved(), *refined], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _meet(numbers: range, every: int) -> int:
    """How many of these numbers, from 0 on, are the last of each `every`: solutions of a congruence."""
    common, offset = math.gcd(numbers.step, every), every - 1 - numbers.start
    period = every // common
    first = offset // common * pow(numbers.step // common, -1, period) % period
    return 0 if offset % common else len(range(first, len(numbers), period))


def record_times(schedule: str | tuple[float, ...], end: float) -> npt.NDArray[np.float64]:
    """The recorded times of a run to the time `end`, increasing; 0 and `end` are always there.

    ``"log:N"``: N times evenly spaced in the logarithm from `end` / 10^4 to `end`; ``"linear:N"``: N evenly
    spaced ones after 0; or the times themselves.
    """
    if not isinstance(schedule, str):
        inner = np.asarray(schedule, dtype=np.float64)
    elif schedule.startswith("log:"):
        inner = _log(end / 10**4, end, int(schedule[4:]))
    else:
        inner = np.linspace(0, end, int(schedule.removeprefix("linear:")) + 1)
    return np.unique(np.concatenate([[0.0], inner[inner <= end], [end]]))


def record_steps(schedule: str | tuple[int, ...], steps: int) -> npt.NDArray[np.int64]:
    """The recorded steps of a run of `steps` steps, increasing; 0 and `steps` are always there.

    ``"log:N"``: N steps evenly spaced in the logarithm from 1 to `steps` (fewer where they round to the same
    step); ``"every:N"``: each N-th; or the steps themselves.
    """
    if not isinstance(schedule, str):
        inner = np.asarray(schedule, dtype=np.int64)
    elif schedule.startswith("log:"):
        inner = np.rint(_log(1, steps, int(schedule[4:]))).astype(np.int64)
    else:
        inner = np.arange(0, steps, int(schedule.removeprefix("every:")), dtype=np.int64)
    return np.unique(np.concatenate([[0], inner[inner <= steps], [steps]]).astype(np.int64))


def _log(first: float, last: float, n: int) -> npt.NDArray[np.float64]:
    return geomspace(first, last, n) if n > 1 else np.array([first], dtype=np.float64)


def _name(key: str, keys: list[str]) -> str:
    """The last word of a key, with the number of an element; all of it where that is another's name too."""
    last = _last(key)
    clash = last in RESERVED or sum(_last(k) == last for k in keys) > 1
    return key.replace(".", "_") if clash else last


def _last(key: str) -> str:
    return "_".join(key.split(".")[1:])


def _coordinate(values: tuple[object, ...]) -> npt.NDArray[np.generic]:
    """Numbers stay numbers; anything else becomes its label (`[4, 8]` is "4-8", `[]` "none")."""
    if all(isinstance(v, int | float) for v in values):
        return np.array(values)
    return np.array(["-".join(map(str, v)) or "none" if isinstance(v, list | tuple) else str(v) for v in values])
