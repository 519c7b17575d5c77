"""Trajectories chosen by outcome: the first of a point, out of those that are the first of its blocks.

A block knows its own outcomes only, so it keeps the first runs of each outcome that it meets; those of the point are
among them.  Which they are depends on the runs alone, not on how they are cut into blocks.
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
from saddlescape.store.blocks import part
from saddlescape.store.opened import read
from saddlescape.store.schema import variables
from saddlescape.words.outcomes import Outcome


@dataclass(frozen=True)
class Share:
    """What a point has from one block: which rows of its trajectories go to which of its own."""

    number: int
    rows: npt.NDArray[np.intp]
    to: npt.NDArray[np.intp]


def shares(plan: Plan, files: Mapping[int, Path]) -> Iterator[Share]:
    """The first runs of each outcome, from the blocks of one point in order."""
    taken = np.zeros(len(Outcome), dtype=np.intp)
    for number, path in files.items():
        if (taken == plan.per_outcome).all():
            return
        there = _read(plan, number, path, "trajectory_run").reshape(len(Outcome), plan.per_outcome) >= 0
        code, rank = np.nonzero(there)
        here = rank < (plan.per_outcome - taken)[code]
        code, rank = code[here], rank[here]
        if len(code):
            yield Share(number, code * plan.per_outcome + rank, code * plan.per_outcome + rank + taken[code])
        taken = np.minimum(taken + there.sum(axis=1), plan.per_outcome)


def write(plan: Plan, files: Mapping[int, Path], point: tuple[int, ...], targets: Sequence[h5py.Dataset]) -> None:
    """Write variables along the trajectories of one point, from its blocks in order."""
    found = list(shares(plan, files))
    for target in targets:
        shape = target.shape[len(point) :]
        values = np.full(shape, np.nan if target.dtype.kind == "f" else -1, target.dtype)
        for share in found:
            kept = _read(plan, share.number, files[share.number], target.name.strip("/"))
            values[share.to] = kept.reshape(shape)[share.rows]
        chunks.write(target, values.reshape(*(1 for _ in point), *shape), point)


def _read(plan: Plan, number: int, path: Path, name: str) -> npt.NDArray[Any]:
    variable, held = next(v for v in variables(plan) if v.name == name), part(plan, plan.block(number))
    return read(plan, path, name, tuple(slice(held[dim].start, held[dim].stop) for dim in variable.dims))
