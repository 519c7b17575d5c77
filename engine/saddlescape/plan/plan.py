"""From a sweep to numbered runs: the dimensions of the result, its blocks and its records.

A plan depends only on the spec, so that every machine, number of threads and resumed run has the same blocks.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import TypeVar, cast

import numpy as np
import numpy.typing as npt

from saddlescape.network import layout
from saddlescape.plan import starts
from saddlescape.plan.blocks import Block, Tiles
from saddlescape.plan.dimensions import Coordinate, Dimension, coordinates, dimensions, slice_sides
from saddlescape.plan.records import record_at
from saddlescape.spec import Spec, Sweep
from saddlescape.spec.sections import PerOutcome
from saddlescape.words.outcomes import FIRST, SHRINKING, Outcome
from saddlescape.words.problems import TABLES

Result = TypeVar("Result")

FORMAT = 1
"""Version of the format of blocks and results; part of the digest of every plan."""

BLOCK_WORK = 2**30
"""Maximum number of parameter updates times samples in one block: about one second on one core."""

BLOCK_RUNS = 2**14
"""Maximum number of runs in one block: some ten megabytes while it is computed."""


@dataclass(frozen=True)
class Plan:
    """A sweep cut into blocks of runs.

    The dimensions of the result are those of the grid of the sweep, then `x` and `y` of a slice, then `run`.

    Attributes
    ----------
    sweep : the sweep.
    refined : whether the result is a refined map, for which only some of the starts are run.
    """

    sweep: Sweep
    refined: bool = False

    @property
    def structures(self) -> list[Spec]:
        """One spec for each combination of the axes that change more than a number."""
        return self.sweep.structures

    @cached_property
    def dimensions(self) -> tuple[Dimension, ...]:
        """The dimensions of the result."""
        return (*dimensions(self.sweep), *self._sides, Dimension("run", "", range(self.count)))

    @cached_property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The coordinates of zipped axes, which share one dimension."""
        return coordinates(self.sweep)

    @cached_property
    def _sides(self) -> tuple[Dimension, ...]:
        return slice_sides(self.sweep.spec)

    @cached_property
    def count(self) -> int:
        """Number of starts at each point of the result."""
        return 1 if self.sweep.spec.starts.kind == "slice" else starts.count(self.sweep.spec)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Lengths of `dimensions`."""
        return (*self.sweep.shape, *(len(side.values) for side in self._sides), self.count)

    @property
    def runs(self) -> int:
        """Number of runs."""
        return math.prod(self.shape)

    @cached_property
    def places(self) -> list[tuple[int, int, int, int]]:
        """Places (`layout.places`) of the parameters of all networks of the sweep, in the order of the result."""
        networks = {spec.shape for spec in self.structures}
        return sorted({place for shape in networks for place in layout.places(*shape)})

    @property
    def n_params(self) -> int:
        """Number of parameters in the result: of the union of all networks of the sweep."""
        return len(self.places)

    @property
    def dtype(self) -> str:
        """Floating-point type of stored parameters: float64 if any network has it."""
        return max(spec.network.dtype for spec in self.structures)

    @cached_property
    def steps(self) -> int:
        """Maximum number of steps of any run."""
        return max(spec.steps for spec in self.structures)

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the recorded measures."""
        return tuple(self.sweep.spec.record.fields)

    @cached_property
    def inner(self) -> dict[str, int]:
        """Lengths of the dimensions that only measures have: those of the largest network, and at least 1."""
        layers = max(len(spec.sizes) for spec in self.structures) - 1
        samples = max(spec.samples for spec in self.structures)
        outputs = max(spec.sizes[-1] for spec in self.structures)
        units = max(1, *(sum(spec.network.hidden) for spec in self.structures))
        of_layers = {"layer": layers, "hidden_layer": max(1, layers - 1)}
        return {**of_layers, "sample": samples, "output": outputs, "unit": units}

    @property
    def flows(self) -> bool:
        """Whether the optimizer is the gradient flow, whose runs and records have times instead of steps."""
        return self.sweep.spec.flows

    @cached_property
    def record_at(self) -> npt.NDArray[np.int64] | npt.NDArray[np.float64]:
        """Recorded steps, or times of the flow; with minibatches, only ends of epochs of all networks and of runs."""
        return record_at(self.sweep.spec.record, self.structures)

    @cached_property
    def per_outcome(self) -> int:
        """Number of runs of each outcome that have a trajectory; 0 if they are not chosen by their outcomes."""
        runs = self.sweep.spec.record.runs
        return min(runs.per_outcome, self.count) if isinstance(runs, PerOutcome) else 0

    @cached_property
    def can_fit(self) -> bool:
        """Whether runs can be *fitted*: problems other than truth tables, and points with several runs."""
        drawn = any(spec.problem.name not in TABLES for spec in self.structures)
        return drawn and self.count > 1 and self.sweep.generation > 1

    @cached_property
    def can_collapse(self) -> bool:
        """Whether runs can be *collapsed*: with weight decay, l1, minibatches, noise or dropout."""
        causes = SHRINKING if self.sweep.generation > 2 else SHRINKING[:-1]
        shrinking = any(self.sweep.numeric(f"training.{name}").any() for name in causes)
        return self.sweep.generation > 1 and (shrinking or any(spec.batch for spec in self.structures))

    @cached_property
    def has_other_events(self) -> bool:
        """Whether runs can be solved by more than the tolerance of outputs: by accuracy or loss."""
        keys = ("events.accuracy", "events.loss")
        by_axes = any(self.sweep.numeric(key).any() for key in keys)
        return by_axes or any(spec.number(key) > 0 for spec in self.structures for key in keys)

    @cached_property
    def counts_epochs(self) -> bool:
        """Whether results have `solve_epoch`: with records in epochs, and with minibatches."""
        batches = self.sweep.generation > 2 and any(spec.batch for spec in self.structures)
        return batches or self.sweep.spec.record.epochs is not None

    @cached_property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcomes that runs can have."""
        return tuple(Outcome)[: None if self.can_fit or self.can_collapse else FIRST]

    @property
    def parts_points(self) -> bool:
        """Whether *fitted* runs are only known after all blocks of their point."""
        return self.can_fit and self.tile[-1] < self.count

    @cached_property
    def trajectory_stride(self) -> int:
        """Distance between the numbers of two runs with trajectories."""
        runs = self.sweep.spec.record.runs
        return max(1, self.count // max(1, runs)) if isinstance(runs, int) else 1

    @property
    def trajectories(self) -> int:
        """Length of the dimension `trajectory`: if chosen by outcome, `per_outcome` for each code of an outcome."""
        runs = self.sweep.spec.record.runs
        return min(runs, self.count) if isinstance(runs, int) else self.per_outcome * len(self.outcomes) or self.count

    @cached_property
    def trajectory_run(self) -> npt.NDArray[np.int64]:
        """Numbers of the runs that have a trajectory, evenly spaced; empty if they are chosen by their outcomes."""
        return self.trajectory_stride * np.arange(0 if self.per_outcome else self.trajectories, dtype=np.int64)

    @cached_property
    def tile(self) -> tuple[int, ...]:
        """Extents of a full block: trailing dimensions whole, one cut, the leading ones 1.

        The dimension `run` is cut so that each block contains at most one trajectory, or a fixed number of them.
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
        """Whether runs are chosen by outcome from several blocks, so that all blocks are needed for the choice."""
        return self.per_outcome > 0 and self.tile[-1] < self.count

    @property
    def trajectory_tile(self) -> int:
        """Number of trajectories of each point in a full block."""
        if self.per_outcome:
            return self.trajectories
        return min(self.trajectories, -(-self.tile[-1] // self.trajectory_stride))

    @cached_property
    def tiles(self) -> Tiles:
        """The blocks, as tiles of the grid of runs."""
        return Tiles(self.shape, self.tile)

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return math.prod(self.tiles.cells)

    def block(self, number: int) -> Block:
        """Block `number`, counted from 0 in C order of the tiles."""
        return self.tiles.block(number)

    def number_of(self, index: Sequence[int]) -> int:
        """Number of the block that contains the run whose `index` has one number for each of `dimensions`."""
        return self.tiles.number_of(index)

    def runs_in(self, numbers: range) -> int:
        """Number of runs in the blocks `numbers`."""
        return self.tiles.runs_in(numbers)

    def __iter__(self) -> Iterator[Block]:
        return map(self.block, range(self.blocks))

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the resolved spec, the contents of its data files, the tile and the format's version."""
        refined = ["refined"] if self.refined else []
        text = json.dumps([FORMAT, self.tile, self.sweep.resolved(), *refined], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def cached_with_plan(function: Callable[[Plan], Result]) -> Callable[[Plan], Result]:
    """Cache the result of a `function` of a plan in the plan, like `functools.cached_property`."""
    name = f"{function.__module__}.{function.__qualname__}"

    @wraps(function)
    def cached(plan: Plan) -> Result:
        if name not in plan.__dict__:
            plan.__dict__[name] = function(plan)
        return cast(Result, plan.__dict__[name])

    return cached
