"""Trajectories selected by outcome, in points that span several blocks.

Each block contains the first runs of each outcome among its own runs; the merge selects the first of these.  So the
selection depends on the runs alone, not on their division into blocks.  Only if runs can be fitted is it made from the
runs that the blocks have chosen: a block takes candidates for fitted runs, of which some are trapped in the end.
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

Outcomes = Mapping[int, npt.NDArray[np.int8]]
"""The outcomes of blocks, by their numbers."""


@dataclass(frozen=True)
class Share:
    """Trajectories that a block contributes to a point: their rows in the block, and in the point."""

    number: int
    rows: npt.NDArray[np.intp]
    targets: npt.NDArray[np.intp]


def shares(plan: Plan, files: Mapping[int, Path], final: Outcomes | None) -> Iterator[Share]:
    """The first runs of each outcome, from the blocks of one point in order; `final` has the outcomes of each block.

    Without `final`, the outcomes are those by which each block chose its runs.
    """
    n, taken = plan.per_outcome, np.zeros(len(plan.outcomes), dtype=np.intp)
    for number, path in files.items():
        if (taken == n).all():
            return
        run = _read(plan, number, path, "trajectory_run").ravel()
        rows = np.flatnonzero(run >= 0)
        rows = rows[np.argsort(run[rows], kind="stable")]
        code = rows // n if final is None else final[number].ravel()[run[rows] - plan.block(number).start[-1]]
        rank = taken[code] + np.array([np.count_nonzero(code[:k] == own) for k, own in enumerate(code)], dtype=np.intp)
        fits = rank < n
        if fits.any():
            yield Share(number, rows[fits], (code * n + rank)[fits])
        taken = np.minimum(taken + np.bincount(code, minlength=len(taken)), n)


def write(
    plan: Plan,
    files: Mapping[int, Path],
    point: tuple[int, ...],
    targets: Sequence[h5py.Dataset],
    final: Outcomes | None = None,
) -> None:
    """Write the variables along the trajectories of one point, from its blocks in order; `final` as of `shares`."""
    selected = list(shares(plan, files, final))
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
