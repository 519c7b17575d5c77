"""Outcomes of points that span several blocks: which runs are *fitted* depends on all runs of their point."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from saddlescape.plan import Plan
from saddlescape.plan.fitted import Best, best, decided
from saddlescape.store import chunks
from saddlescape.store.block_reader import read
from saddlescape.store.source import Region


def region(plan: Plan, number: int) -> Region:
    """The rectangle of the runs of a block."""
    block = plan.block(number)
    return tuple(slice(a, b) for a, b in zip(block.start, block.stop, strict=True))


def best_of(plan: Plan, files: Mapping[int, Path]) -> Best:
    """The best of a point, from its blocks; some may be missing."""
    loss, solved = np.inf, False
    for number, path in files.items():
        outcome, final = (read(plan, path, name, region(plan, number)).ravel() for name in ("outcome", "final_loss"))
        of_block = best(outcome, final)
        loss, solved = min(loss, float(of_block.loss)), solved or bool(of_block.solved)
    return Best(np.array(loss), np.array(solved))


def outcomes(plan: Plan, path: Path, where: Region, of_point: Best) -> npt.NDArray[np.int8]:
    """The outcomes of runs of a block."""
    values: list[npt.NDArray[Any]] = [read(plan, path, n, where) for n in ("outcome", "stop_reason", "final_loss")]
    return decided(values[0], values[1], values[2], of_point)


def write(plan: Plan, files: Mapping[int, Path], target: h5py.Dataset) -> dict[int, npt.NDArray[np.int8]]:
    """Write the outcomes of one point, from its blocks; returns them by the number of the block."""
    of_point, found = best_of(plan, files), {}
    for number, path in files.items():
        found[number] = outcomes(plan, path, region(plan, number), of_point)
        chunks.write(target, found[number], plan.block(number).start)
    return found
