"""Compute the blocks of a bigger sweep: runs of the old result are copied, all others are trained."""

import math
import threading
from collections.abc import Callable

import numpy as np

from saddlescape.kernels import Device
from saddlescape.plan import Block, Plan
from saddlescape.runs.compute import (
    Data,
    chosen_rows,
    groups_of,
    in_shape,
    index_of,
    is_recorded,
    put_rows,
    settled,
    trained_runs,
)
from saddlescape.runs.kept import Flags, Kept
from saddlescape.system.arithmetic import ieee


class Grown:
    """Computes blocks, as `compute` does, and counts the runs that were kept and trained."""

    def __init__(self, kept: Kept) -> None:
        self._old, self._lock = kept, threading.Lock()
        self.kept, self.trained = 0, 0

    @ieee()
    def __call__(
        self, plan: Plan, block: Block, after_slice: Callable[[int], None] | None = None, device: Device | None = None
    ) -> Data:
        """All variables of a block, with the same bits as those of `compute`."""
        index = index_of(block)
        recorded, groups = is_recorded(plan, index[-1]), list(groups_of(plan, index))
        old = self._old.of(block, groups, recorded)

        def train(wanted: Flags, recorded: Flags) -> Data:
            parts = [group.part(wanted[group.where]) for group in groups if wanted[group.where].any()]
            return trained_runs(plan, parts, recorded, after_slice, device)

        fresh = np.ones(len(recorded), dtype=bool)
        fresh[old.where] = False
        order = np.cumsum(recorded) - 1
        data = train(fresh, recorded)
        put_rows(data, old.runs, old.where, len(recorded))
        put_rows(data, old.paths, order[old.recorded], int(recorded.sum()))
        again = np.zeros(len(recorded), dtype=bool)
        if plan.per_outcome:
            again[old.where] = True
            again[old.recorded] = False
            rows = chosen_rows(plan, block, settled(plan, block, data))
            again &= np.isin(np.arange(len(again)), rows)
            for name, values in (train(again, again) if again.any() else {}).items():
                if name in old.paths:
                    data[name][order[again]] = values
        with self._lock:
            trained = int(fresh.sum() + again.sum())
            self.trained += trained
            self.kept += math.prod(block.shape) - trained
        return in_shape(plan, block, data, groups)
