"""Run a sweep: compute blocks on threads or other workers, commit them one by one, and merge them at the end."""

import math
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from saddlescape import spec as specs
from saddlescape import store as stores
from saddlescape.errors import DeviceError, RefusedError, SaddlescapeError
from saddlescape.kernels import Device, devices
from saddlescape.plan import WHOLE, Plan, Shard
from saddlescape.runs.compute import Data
from saddlescape.runs.cost import check_memory, check_room
from saddlescape.runs.device_memory import check_blocks
from saddlescape.runs.dispatch import Meter, Progress, Threads, Workers, dispatch, in_flight
from saddlescape.spec import Sweep
from saddlescape.store import RESULT, RunFolder, Status, is_result_of, last_line, merge_shards
from saddlescape.system.arguments import ArgumentError, thread_count
from saddlescape.system.arithmetic import ieee
from saddlescape.system.shell import quote


class Interrupted(SaddlescapeError):
    """A run was stopped, and its committed blocks are kept; or a merge was stopped, and it wrote no file."""

    exit_code = 130

    def __init__(self, folder: Path, message: str = "") -> None:
        self.folder = folder
        default = f"stopped; finished blocks are kept. Continue with: saddlescape resume {quote(str(folder))}"
        super().__init__(message or default)


class FailedBlocksError(SaddlescapeError):
    """Some blocks could not be computed; the others are committed."""

    def __init__(self, folder: Path, notes: dict[int, Path], again: bool = False) -> None:
        first = next(iter(notes.values()))
        retry = f"Try again with: saddlescape resume {quote(str(folder))} --retry-failed"
        failed, remedy = ("failed again", "Remove the cause before you try again") if again else ("failed", retry)
        blocks = "1 block" if len(notes) == 1 else f"{len(notes)} blocks"
        super().__init__(f"{blocks} {failed}, the first with: {last_line(first)}; see {first}. {remedy}")


@ieee()
def run(
    source: str | Path | Sweep,
    out: str | Path | None = None,
    *,
    overrides: Sequence[str] = (),
    shard: Shard = WHOLE,
    device: str = "cpu",
    threads: int | None = None,
    workers: Workers | None = None,
    accept_versions: bool = False,
    keep_going: bool = False,
    keep_blocks: bool = False,
    overwrite: bool = False,
    progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Path:
    """Path of the result of `results.run.run`, which has the same arguments; for a shard, path of the folder."""
    if isinstance(source, Sweep) and overrides:
        raise ArgumentError("overrides must be given to load(), as the sweep is loaded already")
    thread_count(threads)
    sweep = source if isinstance(source, Sweep) else specs.load(source, overrides)
    folder = Path(out) if out is not None else stores.default_folder(source)
    used = devices_of(device, workers)
    plan, number = Plan(sweep), in_flight(threads, used)
    check_room(plan, folder, number, shard)
    check_blocks(plan, used, number)
    with RunFolder(folder, plan, shard, accept_versions, device, overwrite) as store:
        return finish(store, team(used, number, workers), keep_going, progress, should_stop, False, keep_blocks)


@ieee()
def resume(
    folder: str | Path,
    *,
    device: str = "cpu",
    threads: int | None = None,
    workers: Workers | None = None,
    accept_versions: bool = False,
    keep_going: bool = False,
    keep_blocks: bool = False,
    retry_failed: bool = False,
    progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Path:
    """Compute the missing blocks of the run in `folder`, and merge all blocks into the result.

    Parameters
    ----------
    retry_failed : also compute the blocks that failed before; by default they are skipped.
    device, threads, workers, accept_versions, keep_going, keep_blocks, progress, should_stop : as for `run`.

    Returns
    -------
    Path of the result, ``folder/result.h5``; for a shard, path of the folder.

    Raises
    ------
    ArgumentError, RefusedError, LockedError
        Before anything is computed; RefusedError also if other versions of the software computed the existing blocks,
        unless `accept_versions`.
    FailedBlocksError, DeviceError, Interrupted
        As for `run`.
    """
    used = devices_of(device, workers)
    number = in_flight(threads, used)
    with RunFolder.existing(Path(folder), accept_versions, device) as store:
        notes = store.failed() if retry_failed else {}
        for note in notes.values():
            note.unlink()
        check_memory(store.plan, number, store.shard)
        check_blocks(store.plan, used, number)
        members, again = team(used, number, workers), bool(notes)
        return finish(store, members, keep_going, progress, should_stop, again, keep_blocks)


@ieee()
def merge(
    folders: Sequence[str | Path],
    out: str | Path,
    *,
    accept_versions: bool = False,
    should_stop: Callable[[], bool] | None = None,
) -> Path:
    """Merge the shards of a run into one result, with the same bytes as the result of a run without shards.

    Parameters
    ----------
    folders : the folders of all shards, in any order.
    out : the result, a new file.
    accept_versions : also merge blocks that were computed by different versions of the software.
    should_stop : called after each block; when it returns true, the merge stops, and `out` is not written.

    Returns
    -------
    Path of the result, `out`.

    Raises
    ------
    RefusedError
        If a block is missing, duplicate or from another sweep, if blocks were computed by different versions of the
        software, or if `out` exists.
    CorruptError
        If a block is damaged.
    LockedError
        If another process is writing `out`.
    Interrupted
        If `should_stop()` returned true.

    Examples
    --------
    >>> ss.merge(["part1", "part2"], "result.h5")  # doctest: +SKIP
    """

    def after_block() -> None:
        if should_stop is not None and should_stop():
            raise Interrupted(Path(out), f"stopped; {out} was not written, and the shards are unchanged")

    return merge_shards(_paths(folders), Path(out), after_block, accept_versions)


def status(folder: str | Path, *others: str | Path) -> Status:
    """Progress of a run, which may be running, or of its extension by `more`.

    Parameters
    ----------
    folder, *others : the folder of the run, or the folders of its shards.

    Returns
    -------
    Status : numbers of all, finished and failed blocks, the failures, the rate, and the remaining seconds at this rate.

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
    run, *other_runs = stores.by_run(stores.status(stores.at_work(Path(each))) for each in (folder, *others))
    if other_runs:
        one, other = run.folders[0], other_runs[0].folders[0]
        raise RefusedError(f"{one} and {other} are not shards of one run; ask for the status of each run alone")
    return run


def _paths(folders: Sequence[str | Path]) -> list[Path]:
    if isinstance(folders, str | Path) or not folders:
        raise ArgumentError(f"folders must be one or more folders of runs; got {folders!r}")
    return [Path(folder) for folder in folders]


def devices_of(name: str, workers: Workers | None) -> Sequence[Device]:
    """The devices of a name; none with workers."""
    if workers is not None and name != "cpu":
        raise ArgumentError(f"device must be cpu with workers, which compute on their own machines; got {name!r}")
    return devices(name)


def team(
    devices: Sequence[Device], threads: int, workers: Workers | None, work: Callable[..., Data] | None = None
) -> AbstractContextManager[Workers]:
    """The given workers, which the caller closes, or new threads, with `work` as of `Threads`."""
    return Threads(threads, devices, work) if workers is None else nullcontext(workers)


@contextmanager
def _resumable(folder: Path) -> Iterator[None]:
    """Say how to continue after the failure of a device."""
    try:
        yield
    except DeviceError as error:
        way_on = f"Continue with: saddlescape resume {quote(str(folder))} --device cpu"
        raise DeviceError(f"{error}; finished blocks are kept. {way_on}") from error


def finish(
    store: RunFolder,
    members: AbstractContextManager[Workers],
    keep_going: bool,
    progress: Callable[[Progress], None] | None,
    should_stop: Callable[[], bool] | None,
    again: bool = False,
    keep_blocks: bool = False,
) -> Path:
    """Compute the missing blocks of a run, and merge them; the path of its result, or of the folder of a shard."""
    plan, numbers = store.plan, store.shard.numbers(store.plan.blocks)
    done, whole = store.committed(), store.folder / RESULT
    if store.shard == WHOLE and len(done) < plan.blocks and is_result_of(whole, plan.digest):
        return _ended(store, whole, keep_blocks)
    meter = Meter(plan.runs_in(numbers), progress, should_stop)

    def check() -> None:
        meter.add()
        if meter.stopped:
            raise Interrupted(store.home)

    meter.add(runs=sum(math.prod(plan.block(number).shape) for number in done))
    settled = done.keys() | store.failed().keys()
    missing = (plan.block(number) for number in numbers if number not in settled)
    if len(settled) < len(numbers):
        store.compare_software()
    with _resumable(store.home), members as workers:
        for block, future in dispatch(plan, missing, workers, meter):
            error = future.exception()
            if keep_going and error is not None and not isinstance(error, SaddlescapeError):
                store.fail(block, "".join(traceback.format_exception(error)))
                continue
            content, steps = future.result()
            store.commit_file(block, content)
            meter.add(runs=math.prod(block.shape), steps=steps)
    check()
    if notes := store.failed():
        raise FailedBlocksError(store.home, notes, again)
    return _ended(store, store.merge(check), keep_blocks) if store.shard == WHOLE else store.folder


def _ended(store: RunFolder, result: Path, keep_blocks: bool) -> Path:
    """Delete the blocks unless they are to be kept, or the result, read again, is not intact."""
    if not keep_blocks and is_result_of(result, store.plan.digest):
        store.drop_blocks()
    return result
