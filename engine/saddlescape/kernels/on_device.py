"""Train a batch on a device: arrays up, launches until every run has stopped, arrays down.

To the last bit, the result of a run is that of `train` on the CPU (ptx.py).
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from saddlescape.kernels import state as s
from saddlescape.kernels.variant import Variant

LAUNCH_SECONDS = 0.1
"""Target duration of a launch: short enough to stop soon."""

FIRST_TICKS, FIRST_WORK = 256, 2**20
"""Maximum ticks of the first launch, and its maximum of ticks x parameters x samples."""

TABLE_BYTES = 2**10
"""Maximum size of the table of thread.py."""

OWN_SHARE, OWN_SPARE = 1.25, 2**10
"""Upper bound of a thread's own memory, relative to its arrays, and in addition (1.06 to 1.16, and 200 bytes)."""

Array = npt.NDArray[Any]


class Device(Protocol):
    """Memory and launches of one device; an address is an integer.

    If the device fails, every method raises a DeviceError, which names it.
    """

    @property
    def name(self) -> str:
        """The device and its driver, for messages."""

    @property
    def resident(self) -> int:
        """Maximum number of threads that are resident at once."""

    def free_memory(self) -> int:
        """Bytes of memory that are free."""

    def grid(self, variant: Variant, runs: int) -> tuple[int, int]:
        """(blocks, threads in a block) for a launch of a `variant` with so many `runs`."""

    def put(self, array: Array) -> int:
        """Copy `array` to the device; returns its address."""

    def get(self, address: int, array: Array) -> None:
        """Copy what is at `address` to `array`."""

    def free(self, address: int) -> None:
        """Let other arrays use the memory at `address`; never fails."""

    def launch(self, variant: Variant, grid: tuple[int, int], ticks: int, table: int) -> None:
        """Run a `variant` in each thread of `grid` for so many `ticks`, and wait; `table` is the address of `words`."""


def new_lanes(variant: Variant, threads: int) -> s.LaneState:
    """The state of all lanes, before the first tick."""
    rows, dtypes = s.lane_rows(variant), s.lane_dtypes(variant)
    lanes = s.LaneState(**{name: np.zeros((rows[name], threads), dtypes[name]) for name in rows})
    lanes.clock[s.TICK] = -1
    return lanes


def words(variant: Variant, structures: dict[str, Any], address: Callable[[Array], int]) -> npt.NDArray[np.uint64]:
    """The table of thread.py: addresses of arrays, bits of floating-point numbers, and integers."""
    from saddlescape.kernels.thread import TABLE  # here, so that runs on the processor do not load it

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


class Needs(NamedTuple):
    """Bytes of memory on a device: of a `batch` without its runs, of each `run`, each `trajectory` and each `lane`.

    `own` is an upper bound of the memory of a thread, which the device provides for all resident threads.
    """

    batch: int
    run: int
    trajectory: int
    lane: int
    own: int


def needs(
    variant: Variant, X: Array, T: Array, runs: s.Runs, records: s.Records, measured: s.MeasureArguments
) -> Needs:
    """The memory that batches need, from a batch of one run that is recorded."""
    lane = sum(array.nbytes for array in new_lanes(variant, 1))
    arrays = X, T, records.at, measured.sizes, measured.widths, measured.odd
    own = OWN_SPARE + int(OWN_SHARE * (lane + measured.scratch.nbytes))
    trajectory = records.measures.nbytes + records.theta.nbytes
    batch = TABLE_BYTES + sum(array.nbytes for array in arrays)
    return Needs(batch, sum(array.nbytes for array in runs), trajectory, lane, own)


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
    grid, work = device.grid(variant, len(runs.theta)), variant.n_params * len(X)
    ticks = max(1, min(FIRST_TICKS, FIRST_WORK // work))
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
        for array in (runs.theta, runs.events, runs.final, runs.times, records.measures, records.theta):
            device.get(address(array), array)
