"""Trajectories selected by outcome, in points that span several blocks.

Each block contains the first runs of each outcome among its own runs; the merge selects the first of these.  So the
selection depends on the runs alone, not on their division into blocks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from saddlescape.plan import Plan
from saddlescape.store import chunks
from saddlescape.store.block_reader import read
from saddlescape.store.blocks import ranges
from saddlescape.store.schema import variables
from saddlescape.words.outcomes import Outcome


@dataclass(frozen=True)
class Share:
    """Trajectories that a block contributes to a point: their rows in the block, and in the point."""

    number: int
    rows: npt.NDArray[np.intp]
    targets: npt.NDArray[np.intp]


def shares(plan: Plan, files: Mapping[int, Path]) -> Iterator[Share]:
    """The first runs of each outcome, from the blocks of one point in order."""
    taken = np.zeros(len(Outcome), dtype=np.intp)
    for number, path in files.items():
        if (taken == plan.per_outcome).all():
            return
        present = _read(plan, number, path, "trajectory_run").reshape(len(Outcome), plan.per_outcome) >= 0
        code, rank = np.nonzero(present)
        fits = rank < (plan.per_outcome - taken)[code]
        code, rank = code[fits], rank[fits]
        if len(code):
            yield Share(number, code * plan.per_outcome + rank, code * plan.per_outcome + rank + taken[code])
        taken = np.minimum(taken + present.sum(axis=1), plan.per_outcome)


def write(plan: Plan, files: Mapping[int, Path], point: tuple[int, ...], targets: Sequence[h5py.Dataset]) -> None:
    """Write the variables along the trajectories of one point, from its blocks in order."""
    selected = list(shares(plan, files))
    for target in targets:
        shape = target.shape[len(point) :]
        values = np.full(shape, np.nan if target.dtype.kind == "f" else -1, target.dtype)
        for share in selected:
            of_block = _read(plan, share.number, files[share.number], target.name.strip("/"))
            values[share.targets] = of_block.reshape(shape)[share.rows]
        chunks.write(target, values.reshape(*(1 for _ in point), *shape), point)


def _read(plan: Plan, number: int, path: Path, name: str) -> npt.NDArray[Any]:
    """All values of a variable in a block."""
    variable, indices = next(v for v in variables(plan) if v.name == name), ranges(plan, plan.block(number))
    return read(plan, path, name, tuple(slice(indices[dim].start, indices[dim].stop) for dim in variable.dims))
