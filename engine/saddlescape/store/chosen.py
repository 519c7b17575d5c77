"""Trajectories chosen by outcome: the first of a point, out of those that are the first of its blocks.

A block knows its own outcomes only, so it keeps the first runs of each outcome that it meets; those of the point are
among them.  Which they are depends on the runs alone, not on how they are cut into blocks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from saddlescape.outcomes import Outcome
from saddlescape.plan import Plan
from saddlescape.store import blocks, chunks


@dataclass(frozen=True)
class Share:
    """What a point has from one block: which rows of the block's trajectories go to which of its own."""

    path: Path
    rows: npt.NDArray[np.intp]
    to: npt.NDArray[np.intp]


def shares(plan: Plan, paths: Sequence[Path]) -> Iterator[Share]:
    """The first runs of each outcome, from the blocks of one point in order."""
    taken = np.zeros(len(Outcome), dtype=np.intp)
    for path in paths:
        if (taken == plan.per_outcome).all():
            return
        there = _read(plan, path, "trajectory_run").reshape(len(Outcome), plan.per_outcome) >= 0
        code, rank = np.nonzero(there)
        here = rank < (plan.per_outcome - taken)[code]
        code, rank = code[here], rank[here]
        if len(code):
            yield Share(path, code * plan.per_outcome + rank, code * plan.per_outcome + rank + taken[code])
        taken = np.minimum(taken + there.sum(axis=1), plan.per_outcome)


def write(plan: Plan, paths: Sequence[Path], point: tuple[int, ...], targets: Sequence[h5py.Dataset]) -> None:
    """Write variables along the trajectories of one point, from its blocks in order."""
    found = list(shares(plan, paths))
    for target in targets:
        shape = target.shape[len(point) :]
        values = np.full(shape, np.nan if target.dtype.kind == "f" else -1, target.dtype)
        for share in found:
            values[share.to] = _read(plan, share.path, target.name.strip("/")).reshape(shape)[share.rows]
        chunks.write(target, values.reshape(*(1 for _ in point), *shape), point)


def _read(plan: Plan, path: Path, name: str) -> npt.NDArray[Any]:
    with blocks.opened(plan, path) as (_, file):
        return np.asarray(h5py.Dataset(h5py.h5d.open(file, name.encode()))[()])
