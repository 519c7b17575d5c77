"""Extend a finished run by more starts or more values of axes: only what is new is computed."""

import json
import math
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from saddlescape import store as stores
from saddlescape.errors import RefusedError
from saddlescape.plan import WHOLE, Plan
from saddlescape.runs import runner
from saddlescape.runs.cost import check_memory, check_room
from saddlescape.runs.device_memory import check_blocks
from saddlescape.runs.dispatch import Progress, Workers, in_flight
from saddlescape.runs.grown import Grown
from saddlescape.runs.kept import Kept
from saddlescape.store import GROWING, RESULT, ResultFile, RunFolder
from saddlescape.system.arguments import ArgumentError, integer
from saddlescape.system.arithmetic import ieee
from saddlescape.system.shell import quote

AXES, COUNT = "axes.", "starts.count="


@dataclass(frozen=True)
class Extended:
    """The path of a result, and numbers of runs: all, new, kept of the old ones, trained, and done by earlier calls."""

    path: Path
    runs: int
    new: int
    kept: int
    trained: int
    before: int

    def __str__(self) -> str:
        before = f", {self.before:,} done before" if self.before else ""
        again = f", {self.trained - self.new:,} of them again" if self.trained > self.new else ""
        return f"{self.runs:,} runs: {self.kept:,} kept, {self.trained:,} trained{again}{before}"


def changed(overrides: Sequence[str], count: int | None, axes: Sequence[str]) -> tuple[str, ...]:
    """Overrides with another number of starts and other axes: in their old places, or else behind the old ones."""
    own = list(overrides)
    texts = [f"{COUNT}{count}"] if count is not None else []
    for text in (*texts, *(f"{AXES}{axis}" for axis in axes)):
        key = text.partition("=")[0].strip()
        same = [place for place, old in enumerate(own) if old.partition("=")[0].strip() == key]
        if same:
            own[same[-1]] = text
        elif key.startswith(AXES):
            own.append(text)
        else:
            own.insert(next((n for n, old in enumerate(own) if old.strip().startswith(AXES)), len(own)), text)
    return tuple(own)


def _bigger(folder: Path, old: Plan, count: int | None, axes: Sequence[str]) -> Plan:
    """The plan of the bigger run."""
    kind = old.sweep.spec.starts.kind
    if count is not None and kind in ("slice", "file"):
        raise RefusedError(f"count: the starts of {folder} are of kind {kind!r}, which has no count; extend an axis")
    if count is not None and integer(count, "count") < old.count:
        raise ArgumentError(f"count must be at least {old.count}, which {folder} has; got {count}")
    return Plan(stores.read_sweep(folder, changed(old.sweep.overrides, count, axes)))


@ieee()
def more(
    folder: str | Path,
    *,
    count: int | None = None,
    axes: Sequence[str] = (),
    device: str = "cpu",
    threads: int | None = None,
    accept_versions: bool = False,
    keep_going: bool = False,
    keep_blocks: bool = False,
    progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Extended:
    """Extend a run; see `results.run.more`, which has the same arguments."""
    if not isinstance(axes, list | tuple) or not all(isinstance(axis, str) for axis in axes):
        raise ArgumentError(f'axes must be a list of KEY=VALUES, such as ["starts.scale=0,0.1,1"]; got {axes!r:.80}')
    if count is None and not axes:
        raise ArgumentError("count or axes must be given: more of what the run shall have")
    folder = Path(folder)
    with stores.held(folder):
        settled = stores.settle(folder)
        old = stores.finished(folder)
        plan = _bigger(folder, old, count, axes)
        if plan.digest == old.digest and settled:
            return Extended(folder / RESULT, plan.runs, 0, 0, 0, plan.runs)
        if plan.digest == old.digest:
            raise RefusedError(f"{folder} has all of these runs; its result is {folder / RESULT}")
        if stores.grows(folder) and stores.read_plan(folder / GROWING)["digest"] != plan.digest:
            raise RefusedError(
                f"{folder} is being extended in another way; finish that first: saddlescape resume "
                f"{quote(str(folder))}, or delete {folder / GROWING}"
            )
        number, used = in_flight(threads, runner.devices_of(device, None)), runner.devices_of(device, None)
        check_room(plan, folder, number)
        check_blocks(plan, used, number)
        store = RunFolder(folder / GROWING, plan, WHOLE, accept_versions, device)
        return _extend(folder, old, store, number, device, None, keep_going, keep_blocks, progress, should_stop)


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
    """Continue a run, as `runner.resume` does, or the extension of a finished run."""
    folder = Path(folder)
    if folder.name == GROWING and stores.grows(folder.parent):
        folder = folder.parent
    if not stores.grows(folder):
        return runner.resume(
            folder, device=device, threads=threads, workers=workers, accept_versions=accept_versions,
            keep_going=keep_going, keep_blocks=keep_blocks, retry_failed=retry_failed,
            progress=progress, should_stop=should_stop,
        )  # fmt: skip
    with stores.held(folder):
        stores.settle(folder)
        old = stores.finished(folder)
        if not stores.grows(folder):
            return folder / RESULT
        store = RunFolder.existing(folder / GROWING, accept_versions, device)
        number = in_flight(threads, runner.devices_of(device, workers))
        check_memory(store.plan, number)
        check_blocks(store.plan, runner.devices_of(device, workers), number)
        for note in store.failed().values() if retry_failed else ():
            note.unlink()
        return _extend(folder, old, store, number, device, workers, keep_going, keep_blocks, progress, should_stop).path


def _extend(
    folder: Path,
    old: Plan,
    store: RunFolder,
    number: int,
    device: str,
    workers: Workers | None,
    keep_going: bool,
    keep_blocks: bool,
    progress: Callable[[Progress], None] | None,
    should_stop: Callable[[], bool] | None,
) -> Extended:
    """Compute the blocks of the bigger run, and put its result in the place of the old one.

    Other workers do not have the old result: they train all runs of their blocks.
    """
    store.home = folder
    with closing(ResultFile(folder / RESULT)) as source:
        work = Grown(Kept(old, source, store.plan))
        store.add_result(_stamps(source), source.path)
        store.compare_software()
        with store:
            before = sum(math.prod(store.plan.block(number).shape) for number in store.committed())
            team = runner.team(runner.devices_of(device, workers), number, workers, work)
            runner.finish(store, team, keep_going, progress, should_stop, False, keep_blocks)
    stores.settle(folder)
    runs = store.plan.runs
    trained = work.trained if workers is None else runs - before
    return Extended(folder / RESULT, runs, runs - old.runs, runs - before - trained, trained, before)


def _stamps(source: ResultFile) -> list[str]:
    return [json.dumps(versions) if versions else "" for versions in json.loads(source.text("software"))]
