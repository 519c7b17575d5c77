"""Read the committed blocks of a run in progress as if they were one result, without blocking the run."""

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
from saddlescape.plan.fitted import Best
from saddlescape.store import final
from saddlescape.store.block_reader import read
from saddlescape.store.folder import RESULT, block_files
from saddlescape.store.plan_file import GROWING, read_plan, read_sweep
from saddlescape.store.result_file import ResultFile
from saddlescape.store.schema import block_sizes, coordinates, sizes, storable, title, variables
from saddlescape.store.source import Region, Stored, take


class Committed:
    """The blocks committed when the folder of a run is opened; each is checked when it is read.

    Raises
    ------
    RefusedError
        If the folder contains no run.
    CorruptError
        If the folder is damaged, or the spec or its data have changed.
    """

    def __init__(self, folder: Path) -> None:
        self.path, self._plan = folder, Plan(read_sweep(folder))
        if self._plan.digest != read_plan(folder)["digest"]:
            raise CorruptError(f"{folder}: spec.toml or a data file has changed since the run began; restore it")
        self._files = block_files([folder])
        self._bests: dict[tuple[int, ...], Best] = {}
        self._along = {along.name: along for along in coordinates(self._plan)}
        self._variables = {variable.name: variable for variable in variables(self._plan)}

    def __reduce__(self) -> tuple[Any, ...]:
        return Committed, (self.path,)

    def close(self) -> None:
        """Close the result, if the run has finished meanwhile and was read from it; no block stays open."""
        if result := self.__dict__.pop("_result", None):
            result.close()

    @cached_property
    def names(self) -> list[str]:
        """Names of variables and coordinates."""
        return sorted((*self._along, *self._variables))

    @property
    def plan(self) -> str:
        """Digest of the plan of the run."""
        return self._plan.digest

    @property
    def generation(self) -> int:
        """Generation of the spec (`spec.GENERATION`)."""
        return self._plan.sweep.generation

    @property
    def attrs(self) -> dict[str, Any]:
        """The attributes of the root that are known before the merge: the title."""
        return {"title": title(self._plan)}

    @property
    def so_far(self) -> tuple[int, int]:
        """Number of committed runs and of all runs."""
        done = sum(math.prod(self._plan.block(number).shape) for number in self._files)
        return done, self._plan.runs

    def text(self, name: str) -> str:
        """A text of the provenance: spec, resolved, overrides or data; the software is empty until the merge."""
        sweep = self._plan.sweep
        texts = {"spec": sweep.text, "overrides": json.dumps(sweep.overrides), "software": "[]", "data": "{}"}
        return texts.get(name) or json.dumps(sweep.resolved())

    def variable(self, name: str) -> Stored:
        """Description of a variable or coordinate."""
        if along := self._along.get(name):
            length = (len(along.values),)
            return Stored((along.dim,), length, storable(along.values[:1]).dtype, length, along.attrs)
        variable, lengths = self._variables[name], sizes(self._plan)
        shape, tile = (tuple(extents[d] for d in variable.dims) for extents in (lengths, block_sizes(self._plan)))
        return Stored(variable.dims, shape, np.dtype(variable.dtype), tile, variable.attrs)

    def labels(self, name: str) -> npt.NDArray[np.str_]:
        """All values of a coordinate of labels."""
        return np.asarray(self._along[name].values)

    def cell(self, name: str, region: Region) -> npt.NDArray[Any] | None:
        """Values in a rectangle within one block; None if the block is not committed."""
        if name in self._along:
            return storable(self._along[name].values[region[0]])
        dims = self._variables[name].dims
        number = self._number(dict(zip(dims, region, strict=True)))
        if number is not None and not self._files[number].exists() and self._whole.is_file():
            return take(self._result, name, [range(along.start, along.stop) for along in region])
        return self._of_block(name, region, number)

    @property
    def _whole(self) -> Path:
        """Where the result of the run is written; that of an extension then takes the place of the old one."""
        moved = self.path.name == GROWING and not self.path.exists()
        return (self.path.parent if moved else self.path) / RESULT

    @cached_property
    def _result(self) -> ResultFile:
        """The result of a run that has finished since the folder was opened, and has deleted its blocks."""
        result = ResultFile(self._whole)
        if result.plan != self.plan:
            raise CorruptError(f"{self.path} contains another run than when it was opened; open it again")
        return result

    def _of_block(self, name: str, region: Region, number: int | None) -> npt.NDArray[Any] | None:
        if number is not None and name == "outcome" and self._plan.parts_points:
            best = self._best(self._plan.block(number).start[:-1])
            return final.outcomes(self._plan, self._files[number], region, best)
        return None if number is None else read(self._plan, self._files[number], name, region)

    def _best(self, point: tuple[int, ...]) -> Best:
        """The best of the committed runs of a point."""
        if point not in self._bests:
            own = {n: file for n, file in self._files.items() if self._plan.block(n).start[:-1] == point}
            self._bests[point] = final.best_of(self._plan, own)
        return self._bests[point]

    def _number(self, along: dict[str, slice]) -> int | None:
        """Number of a committed block that contains the rectangle; without `run`, any block of the point does."""
        plan = self._plan
        if "trajectory" in along and plan.parts_choice:
            return None  # the choice needs all blocks
        if "trajectory" in along and not plan.per_outcome:
            run = int(plan.trajectory_run[along["trajectory"].start])
            along = {**along, "run": slice(run, run + 1)}
        starts = [
            (along[d.name].start,) if d.name in along else range(0, length, extent)
            for d, length, extent in zip(plan.dimensions, plan.shape, plan.tile, strict=True)
        ]
        numbers = map(plan.number_of, product(*starts))
        return next((number for number in numbers if number in self._files), None)
