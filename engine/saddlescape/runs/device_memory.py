"""Estimate the memory that batches in flight need on a device, and check in advance that it is free."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.errors import RefusedError
from saddlescape.kernels import Device, Needs
from saddlescape.plan import Plan
from saddlescape.runs.cost import kernels, readable
from saddlescape.runs.prepare import prepare
from saddlescape.spec import Spec

OWN_LIMIT = 2**19
"""Local memory of a thread, in bytes, at most ("Technical Specifications per Compute Capability" of CUDA)."""

CODE = 2**27
"""Bytes for the machine code of kernels and the buffers of the driver."""

ROUNDED = 2
"""Memory of an array on a device, at most, relative to its size (`kernels/device.py`)."""

LARGEST_BLOCK = 1024
"""Threads in a block of a launch, at most; the number of lanes is a multiple of it, or less."""


@dataclass(frozen=True)
class Batches:
    """Batches of so many runs and trajectories, of specs with different kernels."""

    specs: Sequence[Spec]
    runs: int
    trajectories: int = 0
    record_at: npt.NDArray[Any] | None = None

    def needs(self) -> list[Needs]:
        """The memory of each kernel's batches."""
        one = np.zeros(1, dtype=np.int64)
        batches = (prepare(spec, one, recorded=one, record_at=self.record_at) for spec in self.specs)
        return [ready.device_needs() for ready in batches]


def check_blocks(plan: Plan, devices: Sequence[Device], in_flight: int) -> None:
    """Refuse a run whose blocks may not fit into the memory of its devices; see `check_batches`."""
    if devices:
        check_batches(of_blocks(plan), devices, in_flight)


def of_blocks(plan: Plan) -> Batches:
    """The batches of the blocks of a plan, if each block is one batch."""
    runs, points = math.prod(plan.tile), math.prod(plan.tile[:-1])
    trajectories = runs if plan.per_outcome else points * plan.trajectory_tile
    return Batches(kernels(plan.sweep), runs, trajectories, plan.record_at)


def check_batches(batches: Batches, devices: Sequence[Device], in_flight: int) -> None:
    """Refuse batches of which `in_flight` may not fit into the memory of the devices together.

    Raises
    ------
    RefusedError
        With the size that is needed, the size that is available, and a remedy.
    """
    needs = batches.needs() if devices else []
    for device in devices:
        _check_own(device, batches, needs)
        _check(device, batches, needs, -(-in_flight // len(devices)), len(devices))


def _check_own(device: Device, batches: Batches, needs: Sequence[Needs]) -> None:
    largest = int(np.argmax([each.own for each in needs]))
    if (own := needs[largest].own) > OWN_LIMIT:
        sizes = "-".join(map(str, batches.specs[largest].sizes))
        room = f"a thread of {device.name} has {readable(OWN_LIMIT)} of memory"
        raise RefusedError(f"device: {room}, and a {sizes} network needs up to {readable(own)}; use device cpu")


def sizes(device: Device, batches: Batches, needs: Sequence[Needs]) -> tuple[int, int, int]:
    """Upper bounds of memory, in bytes: for all threads and code, for a batch, and of this for its trajectories."""
    lanes = min(device.resident, -(-batches.runs // LARGEST_BLOCK) * LARGEST_BLOCK)
    records = max(each.trajectory * batches.trajectories for each in needs)
    batch = records + max(each.batch + each.run * batches.runs + each.lane * lanes for each in needs)
    return CODE + device.resident * max(each.own for each in needs), ROUNDED * batch, ROUNDED * records


def _check(device: Device, batches: Batches, needs: Sequence[Needs], in_flight: int, devices: int) -> None:
    threads, batch, records = sizes(device, batches, needs)
    needed, free = threads + in_flight * batch, device.free_memory()
    if needed <= free:
        return
    fitting = max(0, free - threads) // batch
    remedy = f"use --threads {fitting * devices}" if fitting else "use device cpu"
    less = ", lower record.runs or record fewer steps" if 2 * records > batch else ""
    size = f"{in_flight} {'batch' if in_flight == 1 else 'batches'} of {batches.runs} runs"
    needs_up_to = f"{size} need up to {readable(needed)} of memory of {device.name}, {readable(free)} available"
    raise RefusedError(f"device: {needs_up_to}; {remedy}{less}")
