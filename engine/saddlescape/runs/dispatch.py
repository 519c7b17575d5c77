"""Give blocks to workers, and take the computed blocks from them."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Protocol

from saddlescape.kernels import Device
from saddlescape.plan import Block, Plan
from saddlescape.runs.compute import Data, compute
from saddlescape.store import encode
from saddlescape.system.arguments import thread_count

IN_FLIGHT = 24
"""Batches in flight on a device, by default: each has a stream and a thread of this process."""

LOOK_SECONDS = 0.2
"""Maximum time between two checks whether the run should stop."""


class _Abandoned(Exception):
    """Raised in a thread, between slices of work, when the run should stop."""


Computed = tuple[bytes, int]
"""The content of a block's file, and network-steps that `after_slice` did not report."""


def in_flight(threads: int | None, devices: Sequence[Device]) -> int:
    """The number of threads; by default one for each batch in flight on devices, or one per core without devices."""
    return IN_FLIGHT * len(devices) if devices and threads is None else thread_count(threads)


class Workers(Protocol):
    """Compute blocks: on threads of this process (`Threads`) or on a Dask cluster (`cluster.connect`)."""

    def room(self) -> int:
        """Maximum number of submitted blocks: enough that no worker waits, few enough to bound memory."""

    def submit(self, plan: Plan, block: Block, after_slice: Callable[[int], None]) -> Future[Computed]:
        """Compute a block; ``after_slice(network_steps)``, called after each slice of work, may raise to abandon it."""


class Turn:
    """The devices in turn; None, for the processor, if there are none."""

    def __init__(self, devices: Sequence[Device]) -> None:
        self._devices = itertools.cycle(devices or [None])

    def next(self) -> Device | None:
        """The next device."""
        return next(self._devices)


class Threads:
    """Threads of this process, each with one block; leaving the context waits for them.

    With devices, the blocks are trained there in turn, and the number is that of the blocks in flight on all devices.
    `work` is used in place of `compute`.
    """

    def __init__(
        self, number: int | None = None, devices: Sequence[Device] = (), work: Callable[..., Data] | None = None
    ) -> None:
        self._number, self._work = in_flight(number, devices), work
        self._turn = Turn(devices)
        self._pool = ThreadPoolExecutor(self._number)

    def __enter__(self) -> "Threads":
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown()

    def room(self) -> int:
        """One block for each thread, and one that waits."""
        return self._number + 1

    def submit(self, plan: Plan, block: Block, after_slice: Callable[[int], None]) -> Future[Computed]:
        """Compute a block on the next free thread."""
        device, work = self._turn.next(), self._work or compute
        return self._pool.submit(lambda: (encode(plan, block, work(plan, block, after_slice, device)), 0))


@dataclass(frozen=True)
class Progress:
    """Progress of a sweep: finished runs, all runs, network-steps of this session, and its wall-clock seconds."""

    runs_done: int
    runs: int
    steps_done: int
    seconds: float


class Meter:
    """Counts finished runs and network-steps, from any thread, and asks the caller whether to stop."""

    def __init__(
        self, runs: int, report: Callable[[Progress], None] | None, stop: Callable[[], bool] | None
    ) -> None:
        self._lock, self._report, self._stop = threading.Lock(), report, stop
        self._runs, self._done, self._steps, self._began = runs, 0, 0, time.monotonic()
        self.stopped = False

    def add(self, runs: int = 0, steps: int = 0) -> None:
        """Count, report the progress, and ask whether to stop."""
        with self._lock:
            self._done, self._steps = self._done + runs, self._steps + steps
            self.stopped = self.stopped or (self._stop is not None and self._stop())
            if self._report is not None:
                self._report(Progress(self._done, self._runs, self._steps, time.monotonic() - self._began))

    def after_slice(self, steps: int) -> None:
        """Count network-steps; after a stop, raise to abandon the block."""
        self.add(steps=steps)
        if self.stopped:
            raise _Abandoned


def dispatch(
    plan: Plan, blocks: Iterator[Block], workers: Workers, meter: Meter
) -> Iterator[tuple[Block, Future[Computed]]]:
    """Yield blocks as they finish or fail; after a stop, or when the caller leaves, abandon the pending ones."""
    pending: dict[Future[Computed], Block] = {}
    try:
        while True:
            for block in itertools.islice(blocks, 0 if meter.stopped else max(0, workers.room() - len(pending))):
                pending[workers.submit(plan, block, meter.after_slice)] = block
            if not pending:
                return
            for future in wait(pending, LOOK_SECONDS, FIRST_COMPLETED).done:
                block = pending.pop(future)
                if not (meter.stopped and (future.cancelled() or isinstance(future.exception(), _Abandoned))):
                    yield block, future
            meter.add()
            if meter.stopped:
                pending = {future: block for future, block in pending.items() if not future.cancel()}
    finally:
        meter.stopped = meter.stopped or bool(pending)
        for future in pending:
            future.cancel()
