"""Read what a run has committed so far, block by block, as if it were one result; nobody is disturbed."""

import json
import math
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.errors import CorruptError
from saddlescape.plan import Plan
from saddlescape.store.folder import block_files, kept_sweep, read_plan
from saddlescape.store.opened import read
from saddlescape.store.schema import block_sizes, coordinates, sizes, storable, title, variables
from saddlescape.store.source import Place, Stored


class Committed:
    """The blocks in a run's folder, those that are there when it is opened; each is checked when it is read.

    Raises
    ------
    RefusedError, CorruptError
        If it is no run's folder, or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.path, self._plan = folder, Plan(kept_sweep(folder))
        if self._plan.digest != read_plan(folder)["digest"]:
            raise CorruptError(f"{folder}: the spec, or a data file of it, is not as it was when the run began")
        self._files = block_files([folder])
        self._along = {along.name: along for along in coordinates(self._plan)}
        self._variables = {variable.name: variable for variable in variables(self._plan)}

    def __reduce__(self) -> tuple[Any, ...]:
        return Committed, (self.path,)

    def close(self) -> None:
        """Nothing is kept open."""

    @cached_property
    def names(self) -> list[str]:
        """Variables and coordinates."""
        return sorted((*self._along, *self._variables))

    @property
    def plan(self) -> str:
        """Digest of the plan of the run."""
        return self._plan.digest

    @property
    def attrs(self) -> dict[str, Any]:
        """The title."""
        return {"title": title(self._plan)}

    @property
    def so_far(self) -> tuple[int, int]:
        """Runs that are committed, and runs in all."""
        done = sum(math.prod(self._plan.block(number).shape) for number in self._files)
        return done, self._plan.runs

    def text(self, name: str) -> str:
        """What the provenance will have: spec, resolved or overrides; of the software nothing is known yet."""
        sweep = self._plan.sweep
        texts = {"spec": sweep.text, "overrides": json.dumps(sweep.overrides), "software": "[]"}
        return texts.get(name) or json.dumps(sweep.resolved())

    def variable(self, name: str) -> Stored:
        """What is known of a variable."""
        if along := self._along.get(name):
            length = (len(along.values),)
            return Stored((along.dim,), length, storable(along.values[:1]).dtype, length, along.attrs)
        held, lengths = self._variables[name], sizes(self._plan)
        shape, tile = (tuple(extents[d] for d in held.dims) for extents in (lengths, block_sizes(self._plan)))
        return Stored(held.dims, shape, np.dtype(held.dtype), tile, held.attrs)

    def labels(self, name: str) -> npt.NDArray[np.str_]:
        """All values of a coordinate of words."""
        return np.asarray(self._along[name].values)

    def cell(self, name: str, place: Place) -> npt.NDArray[Any] | None:
        """Values in a rectangle within one block; None if the block is not committed."""
        if name in self._along:
            return storable(self._along[name].values[place[0]])
        dims = self._variables[name].dims
        number = self._number(dict(zip(dims, place, strict=True)))
        return None if number is None else read(self._plan, self._files[number], name, place)

    def _number(self, place: dict[str, slice]) -> int | None:
        """Number of a committed block that contains the rectangle; without `run`, any block of the point does."""
        plan = self._plan
        if "trajectory" in place and plan.parts_choice:
            return None  # the choice needs all blocks
        if "trajectory" in place and not plan.per_outcome:
            run = int(plan.trajectory_run[place["trajectory"].start])
            place = {**place, "run": slice(run, run + 1)}
        starts = [
            (place[d.name].start,) if d.name in place else range(0, length, extent)
            for d, length, extent in zip(plan.dimensions, plan.shape, plan.tile, strict=True)
        ]
        numbers = map(plan.number_of, product(*starts))
        return next((number for number in numbers if number in self._files), None)
