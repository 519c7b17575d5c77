"""Train a batch on a device: arrays up, launches until every run has stopped, arrays down.

To the last bit, the result of a run is that of `train` on the CPU (ptx.py).
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from saddlescape.kernels import state as s
from saddlescape.kernels.thread import TABLE
from saddlescape.kernels.variant import Variant

LAUNCH_SECONDS = 0.1
"""Target duration of a launch: short enough to stop soon."""

FIRST_TICKS = 256

Array = npt.NDArray[Any]


class Device(Protocol):
    """Memory and launches of one device; an address is an integer."""

    @property
    def name(self) -> str:
        """The device and its driver, for messages."""

    def grid(self, variant: Variant, runs: int) -> tuple[int, int]:
        """(blocks, threads in a block) for a launch with so many runs."""

    def put(self, array: Array) -> int:
        """Copy an array to the device; returns its address."""

    def get(self, address: int, array: Array) -> None:
        """Copy an array back from the device."""

    def free(self, address: int) -> None:
        """Release the memory of an array."""

    def launch(self, variant: Variant, grid: tuple[int, int], ticks: int, table: int) -> None:
        """Run every thread for a number of ticks, and wait for them."""


def new_lanes(variant: Variant, threads: int) -> s.LaneState:
    """The state of all lanes, before the first tick."""
    rows, dtypes = s.lane_rows(variant), s.lane_dtypes(variant)
    lanes = s.LaneState(**{name: np.zeros((rows[name], threads), dtypes[name]) for name in rows})
    lanes.clock[s.TICK] = -1
    return lanes


def words(variant: Variant, structures: dict[str, Any], address: Callable[[Array], int]) -> npt.NDArray[np.uint64]:
    """The table of thread.py: addresses of arrays, bits of floating-point numbers, and integers."""

    def word(name: str) -> int:
        structure, _, field = name.rpartition(".")
        value = getattr(structures[structure], field) if structure else structures[field]
        if isinstance(value, np.ndarray):
            return address(value)
        return int(np.float64(value).view(np.uint64)) if isinstance(value, float) else int(value)

    return np.array([word(name) for name in TABLE], dtype=np.uint64)


@contextmanager
def uploaded(device: Device) -> Iterator[Callable[[Array], int]]:
    """A function that gives the address of an array on the device, where it is copied the first time."""
    addresses: dict[int, int] = {}

    def address(array: Array) -> int:
        if id(array) not in addresses:
            addresses[id(array)] = device.put(array)
        return addresses[id(array)]

    try:
        yield address
    finally:
        for each in addresses.values():
            device.free(each)


def counts(runs: s.Runs, records: s.Records) -> s.Counts:
    """Lengths of the arrays; those that the variant determines are 0, as a thread does not read them."""
    unread = dict.fromkeys(s.Counts._fields, 0)
    return s.Counts(**unread | {
        "runs": len(runs.theta), "records": len(records.at), "row": records.measures.shape[2],
        "final": runs.final.shape[1], "keeps_theta": len(records.theta),
    })  # fmt: skip


def run_on_device(
    device: Device,
    variant: Variant,
    X: Array,
    T: Array,
    runs: s.Runs,
    records: s.Records,
    measured: s.MeasureArguments,
    after_ticks: Callable[[int], None],
) -> None:
    """Run all `runs` until they stop; writes into the arrays of `runs` and `records`.

    ``after_ticks(ticks)``, with the ticks of all lanes together, may raise an exception to abandon the runs.
    """
    grid, ticks = device.grid(variant, len(runs.theta)), FIRST_TICKS
    lanes, before = new_lanes(variant, math.prod(grid)), 0
    structures = {"lanes": lanes, "runs": runs, "records": records, "measured": measured, "n": counts(runs, records)}
    with uploaded(device) as address:
        table = words(variant, structures | {"X": X, "T": T}, address)
        while (lanes.clock[s.TICK] < 0).any() or lanes.clock[s.ACTIVE].any():
            began = time.perf_counter()
            device.launch(variant, grid, ticks, address(table))
            device.get(address(lanes.clock), lanes.clock)
            ticks = int(ticks * min(2.0, max(0.25, LAUNCH_SECONDS / (time.perf_counter() - began)))) + 1
            done = int(lanes.clock[s.TICK].sum())
            after_ticks(done - before)
            before = done
        for array in (*runs, records.measures, records.theta):
            device.get(address(array), array)
