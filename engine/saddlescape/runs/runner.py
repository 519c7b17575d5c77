"""Run a sweep: compute blocks on threads or other workers, commit them one by one, and merge them at the end."""

import itertools
import math
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Protocol

from saddlescape import spec as specs
from saddlescape import store as stores
from saddlescape.errors import RefusedError, SaddlescapeError
from saddlescape.plan import WHOLE, Block, Plan, Shard
from saddlescape.runs.arguments import ArgumentError, thread_count
from saddlescape.runs.compute import compute
from saddlescape.runs.cost import check_memory, check_room
from saddlescape.spec import Sweep
from saddlescape.store import RunFolder, Status, encode, last_line, merge_shards
from saddlescape.system.arithmetic import ieee

LOOK_SECONDS = 0.2
"""How often a run looks whether it is to stop, at least."""


class Interrupted(SaddlescapeError):
    """The run in `folder` was stopped, and committed blocks are kept; or a merge was stopped, and no file is made."""

    exit_code = 130

    def __init__(self, folder: Path, message: str = "") -> None:
        self.folder = folder
        resume = f"stopped; what is done is kept. Go on with: saddlescape resume {quote(str(folder))}"
        super().__init__(message or resume)


class FailedBlocksError(SaddlescapeError):
    """Some blocks could not be computed; the others are committed."""

    def __init__(self, folder: Path, notes: dict[int, Path], again: bool = False) -> None:
        first = next(iter(notes.values()))
        retry = f"Try them again with: saddlescape resume {quote(str(folder))} --retry-failed"
        failed, remedy = ("failed again", "Remove the cause before you try again") if again else ("failed", retry)
        super().__init__(
            f"{len(notes)} blocks {failed}, the first with: {last_line(first)}; {first} has more. {remedy}"
        )


class _Abandoned(Exception):
    """Raised in a thread between slices when the run is to stop."""


Computed = tuple[bytes, int]
"""A block's file, and its network-steps that have not been told before."""


class Workers(Protocol):
    """Who computes blocks: threads of this process (`Threads`), or those of a Dask cluster (`cluster.connect`)."""

    def room(self) -> int:
        """Blocks that may be in their hands at once: enough that nobody waits, so few that memory stays flat."""

    def submit(self, plan: Plan, block: Block, after_slice: Callable[[int], None]) -> Future[Computed]:
        """Compute a block.  ``after_slice(network_steps)`` may be called meanwhile, and raise to abandon it."""


class Threads:
    """Threads of this process, one block on each; as a context it waits for them to end."""

    def __init__(self, number: int | None = None) -> None:
        self._number = thread_count(number)
        self._pool = ThreadPoolExecutor(self._number)

    def __enter__(self) -> "Threads":
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown()

    def room(self) -> int:
        return self._number + 1

    def submit(self, plan: Plan, block: Block, after_slice: Callable[[int], None]) -> Future[Computed]:
        return self._pool.submit(lambda: (encode(plan, block, compute(plan, block, after_slice)), 0))


@dataclass(frozen=True)
class Progress:
    """Progress of a run: finished runs, lane-steps, wall-clock seconds."""

    runs_done: int
    runs: int
    steps_done: int
    seconds: float


@ieee()
def run(
    source: str | Path | Sweep,
    out: str | Path | None = None,
    *,
    overrides: Sequence[str] = (),
    shard: Shard = WHOLE,
    threads: int | None = None,
    workers: Workers | None = None,
    accept_versions: bool = False,
    keep_going: bool = False,
    progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Path:
    """Run a sweep in a folder; committed blocks are kept, and only missing blocks are computed.

    Parameters
    ----------
    source : a TOML file, the name of a bundled sweep, or a loaded one.
    out : the folder; by default the name of the sweep.
    overrides : such as ``"training.learning_rate=0.1"``, as in `load`.
    shard : the part to run; `merge` makes the result from all shards.
    threads : by default one per core.
    workers : compute on these instead of threads, such as ``cluster.connect(...)``.
    accept_versions : continue even if different software has computed the existing blocks.
    keep_going : continue when a block fails.
    progress : called with a `Progress` after each slice of work, from any thread.
    should_stop : called as often; when it returns true, the run stops cleanly.

    Returns
    -------
    Path of the result, ``out/result.h5``; of a shard that of the folder.

    Raises
    ------
    SpecError, RefusedError, LockedError
        Before anything is computed.
    FailedBlocksError
        With `keep_going`, at the end, if blocks could not be computed; otherwise the error of the block ends the run.
    Interrupted
        When `should_stop()` became true; `resume` continues the run.

    Examples
    --------
    >>> ss.run("xor", "my-run", overrides=["starts.count=100"])  # doctest: +SKIP
    PosixPath('my-run/result.h5')
    """
    if isinstance(source, Sweep) and overrides:
        raise ArgumentError("overrides must be given to load(), as the sweep is loaded already")
    number = thread_count(threads)
    sweep = source if isinstance(source, Sweep) else specs.load(source, overrides)
    folder = Path(out) if out is not None else stores.default_folder(source)
    plan = Plan(sweep)
    check_room(plan, folder, number, shard)
    with RunFolder(folder, plan, shard, accept_versions) as store:
        return _finish(store, _team(threads, workers), keep_going, progress, should_stop)


@ieee()
def resume(
    folder: str | Path,
    *,
    threads: int | None = None,
    workers: Workers | None = None,
    accept_versions: bool = False,
    keep_going: bool = False,
    retry_failed: bool = False,
    progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Path:
    """Compute the missing blocks of the run in `folder` and merge; the path of the result (for a shard, the folder).

    Blocks that failed before are skipped, unless `retry_failed`.  If different software has computed the existing
    blocks, this is refused, unless `accept_versions`.
    """
    number = thread_count(threads)
    with RunFolder.existing(Path(folder), accept_versions) as store:
        notes = store.failed() if retry_failed else {}
        for note in notes.values():
            note.unlink()
        check_memory(store.plan, number, store.shard)
        return _finish(store, _team(threads, workers), keep_going, progress, should_stop, bool(notes))


@ieee()
def merge(
    folders: Sequence[str | Path],
    out: str | Path,
    *,
    accept_versions: bool = False,
    should_stop: Callable[[], bool] | None = None,
) -> Path:
    """Merge the folders of the shards of a run into one result, with the same bytes as that of a single run.

    Parameters
    ----------
    folders : of all shards, in any order.
    out : the result, a new file.
    accept_versions : also merge blocks that different software has computed.
    should_stop : called after each block; when it returns true, the merge stops, and `out` is not made.

    Returns
    -------
    Path of the result, `out`.

    Raises
    ------
    RefusedError
        If a block is missing, duplicate or from another sweep, if blocks were computed by different software, or if
        `out` exists.
    CorruptError
        If a block is damaged.
    LockedError
        If another process is writing `out`.
        Interrupted
            When `should_stop()` became true; `out` is not made.

    Examples
    --------
    >>> ss.merge(["part1", "part2"], "result.h5")  # doctest: +SKIP
    """

    def after_block() -> None:
        if should_stop is not None and should_stop():
            raise Interrupted(Path(out), f"stopped; {out} was not made, and the shards are as they were")

    return merge_shards(_paths(folders), Path(out), after_block, accept_versions)


def status(folder: str | Path, *others: str | Path) -> Status:
    """Progress of the run in a folder, or of the run whose shards are in several folders; it may be running.

    Parameters
    ----------
    folder, *others : of one run, or of the shards of one.

    Returns
    -------
    Status : blocks in all, done and failed, why they failed, the rate, and the seconds left at that rate.

    Raises
    ------
    RefusedError
        If a folder contains no run, or the folders are not of one run.
    CorruptError
        If a folder is damaged.

    Examples
    --------
    >>> ss.status("my-run").done  # doctest: +SKIP
    """
    run, *other_runs = stores.by_run(stores.status(Path(each)) for each in (folder, *others))
    if other_runs:
        one, other = run.folders[0], other_runs[0].folders[0]
        raise RefusedError(f"{one} and {other} are not shards of one run; ask for the status of each run alone")
    return run


def _paths(folders: Sequence[str | Path]) -> list[Path]:
    if isinstance(folders, str | Path) or not folders:
        raise ArgumentError(f"folders must be one or more folders of runs; got {folders!r}")
    return [Path(folder) for folder in folders]


def _team(threads: int | None, workers: Workers | None) -> AbstractContextManager[Workers]:
    """The workers given, which are the caller's to close, or threads of our own."""
    return Threads(threads) if workers is None else nullcontext(workers)


def _finish(
    store: RunFolder,
    team: AbstractContextManager[Workers],
    keep_going: bool,
    progress: Callable[[Progress], None] | None,
    should_stop: Callable[[], bool] | None,
    again: bool = False,
) -> Path:
    plan, numbers = store.plan, store.shard.numbers(store.plan.blocks)
    done = store.committed()
    meter = _Meter(plan.runs_in(numbers), progress, should_stop)
    meter.add(runs=sum(math.prod(plan.block(number).shape) for number in done))
    settled = done.keys() | store.failed().keys()
    missing = (plan.block(number) for number in numbers if number not in settled)
    if len(settled) < len(numbers):
        store.compare_software()
    with team as workers:
        for block, future in _computed(plan, missing, workers, meter):
            error = future.exception()
            if keep_going and error is not None and not isinstance(error, SaddlescapeError):
                store.fail(block, "".join(traceback.format_exception(error)))
                continue
            content, steps = future.result()
            store.commit_file(block, content)
            meter.add(runs=math.prod(block.shape), steps=steps)
    meter.check(store.folder)
    if notes := store.failed():
        raise FailedBlocksError(store.folder, notes, again)
    return store.merge(lambda: meter.check(store.folder)) if store.shard == WHOLE else store.folder


class _Meter:
    """Counts what is done, from any thread, and knows whether to stop."""

    def __init__(
        self, runs: int, report: Callable[[Progress], None] | None, stop: Callable[[], bool] | None
    ) -> None:
        self._lock, self._report, self._stop = threading.Lock(), report, stop
        self._runs, self._done, self._steps, self._began = runs, 0, 0, time.monotonic()
        self.stopped = False

    def add(self, runs: int = 0, steps: int = 0) -> None:
        with self._lock:
            self._done, self._steps = self._done + runs, self._steps + steps
            self.stopped = self.stopped or (self._stop is not None and self._stop())
            if self._report is not None:
                self._report(Progress(self._done, self._runs, self._steps, time.monotonic() - self._began))

    def check(self, folder: Path) -> None:
        self.add()
        if self.stopped:
            raise Interrupted(folder)

    def after_slice(self, steps: int) -> None:
        self.add(steps=steps)
        if self.stopped:
            raise _Abandoned


def _computed(
    plan: Plan, blocks: Iterator[Block], workers: Workers, meter: _Meter
) -> Iterator[tuple[Block, Future[Computed]]]:
    """Blocks as they are done or fail; after a stop, or where the caller leaves, what is in hand is abandoned."""
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
