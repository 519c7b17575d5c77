"""How far a run is, read from its folder alone: no spec is parsed, no block opened, nobody disturbed."""

import fcntl
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from saddlescape.store import blocks
from saddlescape.store.folder import LOCK, RESULT, SESSION, kept_shard, read_plan, text


@dataclass(frozen=True)
class Status:
    """Blocks of a run (of a shard, its own), those committed and failed; whether somebody works there.

    Of the present or last session: blocks a second, and at that rate seconds left; None where none was committed.
    `failures` has the last line of each note of a failed block, by its path.
    """

    blocks: int
    done: int
    failed: int
    running: bool
    merged: bool
    blocks_per_second: float | None
    seconds_left: float | None
    failures: dict[str, str]


def together(states: Sequence[Status]) -> Status:
    """The state of a run whose shards have these states: sums, and the longest time left."""
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
    )


def status(folder: Path) -> Status:
    """The state of the run in a folder.

    Raises
    ------
    RefusedError, CorruptError
        If it is no run's folder, or damaged.
    """
    kept, session = read_plan(folder), _session(folder)
    total = len(kept_shard(kept).numbers(kept["blocks"]))
    there = {blocks.number(path) for path in blocks.files(folder)} - {None}
    notes = [note for number, note in blocks.notes(folder).items() if number not in there]
    done, failed, failures = len(there), len(notes), {str(note): last_line(note) for note in notes}
    running = "ended" not in session and _locked(folder)
    seconds = _seconds(session, running)
    rate = max(0, done - session.get("before", 0)) / seconds if seconds > 0 else 0.0  # some may be set aside since
    left = max(0, total - done - failed)
    known = {"blocks_per_second": rate or None, "seconds_left": left / rate if rate > 0 else None}
    return Status(total, done, failed, running, (folder / RESULT).exists(), failures=failures, **known)


def last_line(note: Path) -> str:
    """What a block failed of, from its note."""
    try:
        return text(note).strip().rpartition("\n")[2]
    except (OSError, ValueError):
        return "an unreadable note"


def _session(folder: Path) -> dict[str, Any]:
    """When the present or last session began and ended, and after how many blocks; nothing where that is not known."""
    try:
        session = json.loads(text(folder / SESSION))
        known = {key: session[key] for key in ("began", "ended") if key in session}
        times = {key: datetime.fromisoformat(told).astimezone(UTC) for key, told in known.items()}
        return {"before": int(float(session.get("before", 0))), **times}
    except (OSError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return {}


def _seconds(session: dict[str, Any], running: bool) -> float:
    """Length of the session; 0 where it is not known, as after a kill or a jump of the clock."""
    ended = datetime.now(UTC) if running else session.get("ended")
    if ended is None or "began" not in session:
        return 0.0
    return float(max(0.0, (ended - session["began"]).total_seconds()))


def _locked(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # it may be a pipe
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
