"""Progress of a run, read from its folder alone: no spec is parsed, no block is opened, no process is blocked."""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from saddlescape.plan import Shard
from saddlescape.store import blocks
from saddlescape.store.folder import LOCK, RESULT, SESSION
from saddlescape.store.lock import is_locked
from saddlescape.store.plan_file import read_plan, read_text, shard_of


@dataclass(frozen=True)
class Status:
    """Progress of a run, or of shards of one.

    Attributes
    ----------
    blocks, done, failed : numbers of blocks: all, committed, and failed.
    running : whether a process is working in a folder.
    merged : whether each folder has a result.
    blocks_per_second, seconds_left : rate in the present or last session, and the time left at that rate; None if no
        block was committed in it.
    failures : last line of the note of each failed block, by the path of the note.
    folders, plan, shards : folders, digest of the plan, and the shard in each folder.
    """

    blocks: int
    done: int
    failed: int
    running: bool
    merged: bool
    blocks_per_second: float | None
    seconds_left: float | None
    failures: dict[str, str]
    folders: tuple[str, ...]
    plan: str
    shards: tuple[Shard, ...]


def together(states: Sequence[Status]) -> Status:
    """Sum the progress of the shards of a run; the time left is the longest of theirs."""
    totals = {name: sum(getattr(state, name) for state in states) for name in ("blocks", "done", "failed")}
    rates = [state.blocks_per_second for state in states if state.running and state.blocks_per_second]
    left = [state.seconds_left for state in states if state.running and state.seconds_left is not None]
    return Status(
        **totals,
        running=any(state.running for state in states),
        merged=all(state.merged for state in states),
        blocks_per_second=sum(rates) or None,
        seconds_left=max(left, default=None),
        failures={note: reason for state in states for note, reason in state.failures.items()},
        folders=tuple(folder for state in states for folder in state.folders),
        plan=states[0].plan,
        shards=tuple(shard for state in states for shard in state.shards),
    )


def by_run(states: Iterable[Status]) -> list[Status]:
    """Sum the progress in folders for each run: of shards of one plan, if no block is in two of them."""
    runs: dict[str, list[_Run]] = defaultdict(list)
    for state in states:
        run = next((run for run in runs[state.plan] if run.lacks(*state.shards)), None)
        if run is None:
            runs[state.plan].append(run := _Run())
        run.add(state, *state.shards)
    return [run.progress for of_plan in runs.values() for run in of_plan]


class _Run:
    """Shards of one plan without a common block."""

    def __init__(self) -> None:
        self._states: list[Status] = []
        self._numbers: dict[int, set[int]] = defaultdict(set)

    def lacks(self, shard: Shard) -> bool:
        """Whether no block of a shard is in these shards."""
        others = ((number, of) for of, numbers in self._numbers.items() if of != shard.of for number in numbers)
        apart = all((shard.number - number) % math.gcd(shard.of, of) for number, of in others)
        return apart and shard.number not in self._numbers[shard.of]

    def add(self, state: Status, shard: Shard) -> None:
        self._states.append(state)
        self._numbers[shard.of].add(shard.number)

    @property
    def progress(self) -> Status:
        return self._states[0] if len(self._states) == 1 else together(self._states)


def status(folder: Path) -> Status:
    """Progress of the run in a folder.

    Raises
    ------
    RefusedError
        If the folder contains no run.
    CorruptError
        If its plan.json is damaged.
    """
    plan, session = read_plan(folder), _session(folder)
    shard = shard_of(plan)
    total = len(shard.numbers(plan["blocks"]))
    committed = {blocks.number(path) for path in blocks.files(folder)} - {None}
    is_merged = (folder / RESULT).exists()
    done = total if is_merged else len(committed)
    notes = [note for number, note in blocks.notes(folder).items() if number not in committed and not is_merged]
    running = "ended" not in session and is_locked(folder / LOCK)
    seconds = _seconds(session, running)
    computed = max(0, done - session.get("before", 0))  # blocks may have been set aside since
    rate = computed / seconds if seconds > 0 else 0.0
    left = max(0, total - done - len(notes))
    return Status(
        blocks=total,
        done=done,
        failed=len(notes),
        running=running,
        merged=is_merged,
        blocks_per_second=rate or None,
        seconds_left=left / rate if rate > 0 else None,
        failures={str(note): last_line(note) for note in notes},
        folders=(str(folder),),
        plan=plan["digest"],
        shards=(shard,),
    )


def last_line(note: Path) -> str:
    """The last line of a failed block's note: its error."""
    try:
        return read_text(note).strip().rpartition("\n")[2]
    except (OSError, ValueError):
        return "an unreadable note"


def _session(folder: Path) -> dict[str, Any]:
    """Start and end of the present or last session, and the number of blocks before it; empty if unknown."""
    try:
        session = json.loads(read_text(folder / SESSION))
        keys = [key for key in ("began", "ended") if key in session]
        times = {key: datetime.fromisoformat(session[key]).astimezone(UTC) for key in keys}
        return {"before": int(float(session.get("before", 0))), **times}
    except (OSError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return {}


def _seconds(session: dict[str, Any], running: bool) -> float:
    """Length of the session; 0 if it is unknown, as after a kill or a jump of the clock."""
    ended = datetime.now(UTC) if running else session.get("ended")
    if ended is None or "began" not in session:
        return 0.0
    return float(max(0.0, (ended - session["began"]).total_seconds()))
