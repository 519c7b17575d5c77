"""The folder of a run: who may write there, which blocks are committed, what is missing."""

import contextlib
import itertools
import json
import os
import platform
import stat
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from types import TracebackType
from typing import Any, Self

from saddlescape import spec as specs
from saddlescape.errors import CorruptError, RefusedError
from saddlescape.plan import FORMAT, WHOLE, Block, Plan, Shard
from saddlescape.store import blocks
from saddlescape.store.atomic import PART, beside, clear, own_folder, write_atomic
from saddlescape.store.lock import lock
from saddlescape.store.merge import merge
from saddlescape.store.mixture import Mixture
from saddlescape.store.opened import whole
from saddlescape.system import software

RESULT, PLAN, SPEC, SESSION, LOCK = "result.h5", "plan.json", "spec.toml", "run.json", "lock"
"""Names in the folder of a run."""

KEPT = {"digest": str, "blocks": int, "overrides": list, "folder": str, "spec": dict}
"""What plan.json has, and of which kind."""
MOST = 2**26
"""Bytes of a spec or a plan, at most: a spec is at most 1 MiB, and grows where it is resolved."""
MOST_OVERRIDES = 1000

TOLD, QUOTED = 5, 60
"""Differences between two specs that are told, at most; characters of a value that are quoted."""


def set_aside(path: Path) -> None:
    """Give a bad file the ending ``.corrupt``, and a number before it where others were set aside by its name."""
    endings = itertools.chain((".corrupt",), (f".{n}.corrupt" for n in itertools.count(2)))
    path.rename(next(aside for ending in endings if not os.path.lexists(aside := path.with_name(path.name + ending))))


class RunFolder:
    """A run's folder, or that of one shard of it, locked while the context is open.

    A block is committed if and only if its file is there and its hash is the one in its name.

    Raises
    ------
    RefusedError
        On entering, if the folder holds something else or the run of another spec.
    LockedError
        On entering, if another process works there.
    """

    def __init__(self, folder: Path, plan: Plan, shard: Shard = WHOLE, accept_versions: bool = False) -> None:
        self.folder, self.plan, self.shard = folder, plan, shard
        self._software = Mixture(plan, accept_versions)
        self._lock, self._began, self._before = -1, "", 0
        self._elsewhere = ", or choose another folder with -o"  # which only a new run can
        self._remedy = f"go on with it by: saddlescape resume {quote(str(folder))}{self._elsewhere}"

    @classmethod
    def existing(cls, folder: Path, accept_versions: bool = False) -> "RunFolder":
        """The folder of an earlier run, with its plan made again from the spec kept there."""
        found = cls(folder, Plan(kept_sweep(folder)), kept_shard(read_plan(folder)), accept_versions)
        found._remedy, found._elsewhere = "put its spec.toml and plan.json back as they were when it began", ""
        return found

    def __enter__(self) -> Self:
        self._claim()
        self._lock = lock(self.folder / LOCK, self.folder, self._elsewhere)
        try:
            self._prepare()
        except BaseException:
            os.close(self._lock)
            raise
        return self

    def _prepare(self) -> None:
        """Under the lock: claim again, as another run may have come first, then clear what a kill left."""
        fresh = self._claim()
        own_folder(self.folder / blocks.FOLDER)
        clear(self.folder)
        clear(self.folder / blocks.FOLDER)
        if fresh:
            self._write_plan()
        self._began, self._before = _now(), len(blocks.files(self.folder))
        self._write_session()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with contextlib.suppress(*([OSError] if error else [])):  # what ended the session is told
                self._write_session(ended=_now())
        finally:
            os.close(self._lock)

    def _write_session(self, **more: str) -> None:
        """``run.json``: what may differ between equal runs; read by people and `status`."""
        session = {"host": platform.node(), "python": platform.python_version(), "before": self._before}
        session |= {"began": self._began, **more}
        write_atomic(self.folder / SESSION, json.dumps(session, indent=1).encode())

    def _claim(self) -> bool:
        """Whether the folder is new to us; refuse it where it is neither empty nor this run's."""
        own_folder(self.folder)
        there = {path.name for path in self.folder.iterdir()}  # before the plan is looked for: another may write it now
        if is_run(self.folder):
            self._compare()
            return False
        spec, plan = self.folder / SPEC, self.folder / PLAN
        ours = {LOCK, blocks.FOLDER, spec.name, beside(spec, PART).name, beside(plan, PART).name}
        foreign = spec.exists() and spec.read_bytes() != self.plan.sweep.text.encode()
        if foreign or there - ours:
            raise RefusedError(f"{self.folder} exists and is not a run's folder; choose another with -o")
        return True

    def _compare(self) -> None:
        kept = read_plan(self.folder)
        if kept["digest"] == self.plan.digest:
            if (shard := kept_shard(kept)) != self.shard:
                raise RefusedError(
                    f"{self.folder} holds shard {shard} of this sweep, not {self.shard}; choose another folder with -o"
                )
            return
        old, new = _flat(kept["spec"]), _flat(self.plan.sweep.resolved())
        changed = [key for key in sorted(old | new) if old.get(key) != new.get(key)]
        if not changed:
            remedy = f"go on with that version{self._elsewhere}"
            raise RefusedError(f"{self.folder} was begun by another version; {remedy}")
        if all(key.startswith("data.") for key in changed):
            names = ", ".join(key.removeprefix("data.") for key in changed)
            raise RefusedError(
                f"{names}: must be as it was when the run in {self.folder} began; its content (SHA-256) has changed; "
                f"put the old file back{self._elsewhere}"
            )
        more = [f"and {len(changed) - TOLD} more"] if changed[TOLD:] else []
        told = [f"{key}: {_apart(old, new, key)}" for key in changed[:TOLD]]
        raise RefusedError(f"{self.folder} holds the run of another spec ({'; '.join(told + more)}); {self._remedy}")

    def _write_plan(self) -> None:
        sweep = self.plan.sweep
        kept = {
            "format": FORMAT,
            "digest": self.plan.digest,
            "blocks": self.plan.blocks,
            "shard": [self.shard.number, self.shard.of],
            "overrides": list(sweep.overrides),
            "folder": str(sweep.folder.absolute()),
            "spec": sweep.resolved(),
        }
        write_atomic(self.folder / SPEC, sweep.text.encode())
        write_atomic(self.folder / PLAN, json.dumps(kept, indent=1).encode())

    def committed(self) -> dict[int, Path]:
        """Files of the blocks that are whole, by number; bad ones are set aside as ``.corrupt``."""
        good: dict[int, Path] = {}
        stamp = [""]
        for path in blocks.files(self.folder):
            number = blocks.number(path)
            if number is not None and whole(self.plan, path, lambda its: stamp.__setitem__(0, its)):
                good[number] = path
                self._software.meet(stamp[0], path)
            else:
                set_aside(path)
        return good

    def compare_software(self) -> None:
        """Refuse to add blocks of this software to those of another one, unless that is accepted."""
        self._software.meet(software.stamp())

    def commit_file(self, block: Block, content: bytes) -> None:
        """Write an encoded block for good."""
        write_atomic(self.folder / blocks.FOLDER / blocks.name(block.number, content), content)

    def fail(self, block: Block, reason: str) -> None:
        """Note that a block could not be computed."""
        write_atomic(blocks.note(self.folder, block.number), reason.encode())

    def failed(self) -> dict[int, Path]:
        """Notes of the blocks that could not be computed, by number."""
        return blocks.notes(self.folder)

    def merge(self, after_block: Callable[[], None] = lambda: None) -> Path:
        """Make ``result.h5`` from all blocks; its path.  Only of a whole run, every block of which is committed."""
        found = block_files([self.folder])
        missing = self.plan.blocks - len(found)
        if missing:
            raise CorruptError(
                f"{missing} blocks of {self.folder} have gone since they were looked for; "
                "keep other programs out of it, and the next saddlescape resume makes them again"
            )
        return merge(self.plan, found, self.folder / RESULT, after_block, self._software)


def is_run(folder: Path) -> bool:
    """Whether a run has begun in a folder."""
    return (folder / PLAN).exists()


def result_of(path: Path) -> Path:
    """The result that a path names: that in the folder of a run, or the file itself."""
    return path / RESULT if path.is_dir() else path


def default_folder(source: str | Path | specs.Sweep) -> Path:
    """Where a run goes that is told no folder: by the name of its sweep."""
    return Path("run" if isinstance(source, specs.Sweep) else Path(source).stem)


def block_files(folders: Sequence[Path]) -> dict[int, Path]:
    """Files of the blocks in these runs' folders by number; what is in them is checked when they are copied.

    Raises
    ------
    RefusedError
        If a block is duplicated.
    """
    found: dict[int, Path] = {}
    for path in (path for folder in folders for path in blocks.files(folder)):
        number = blocks.number(path)
        if number in found:
            raise RefusedError(f"block {number} is duplicated: {found[number]} and {path}; leave one of them out")
        if number is not None:
            found[number] = path
    return found


def read_plan(folder: Path) -> dict[str, Any]:
    """The folder's ``plan.json``; RefusedError where it is none of ours, CorruptError where it is damaged."""
    path = folder / PLAN
    if not path.exists():
        raise RefusedError(f"{folder} is not a run's folder: it has no plan.json")
    try:
        kept = json.loads(text(path))
        version = kept["format"]
        sound = version != FORMAT or _sound(kept)
    except (ValueError, LookupError, TypeError, RecursionError):
        sound = False
    if not sound:
        raise CorruptError(f"{path} is damaged; start the run again in another folder")
    if version != FORMAT:
        raise RefusedError(f"{path} has format {version!r:.20}; this version writes {FORMAT}")
    return dict(kept)


def _sound(kept: dict[str, Any]) -> bool:
    """Whether all that a plan keeps is of its kind."""
    number, of = kept.get("shard", (1, 1))
    return (
        all(isinstance(kept[key], kind) for key, kind in KEPT.items())
        and len(kept["overrides"]) <= MOST_OVERRIDES
        and all(isinstance(override, str) for override in kept["overrides"])
        and all(isinstance(n, int) and 0 < n < 2**62 for n in (number, of, kept["blocks"]))
        and number <= of
    )


def text(path: Path) -> str:
    """A file that a run keeps; ValueError where it can be none, OSError where the system does not give it."""
    there = path.stat()
    if not stat.S_ISREG(there.st_mode) or there.st_size > MOST:
        raise ValueError(f"{path} is no file that a run keeps")
    return path.read_bytes().decode()  # read_text would turn CRLF into LF, and so change the result's bytes


def kept_shard(kept: dict[str, Any]) -> Shard:
    """The part of the run that a folder with this ``plan.json`` holds."""
    return Shard(*kept.get("shard", (1, 1)))


def kept_sweep(folder: Path) -> specs.Sweep:
    """The sweep of a run's folder, from the spec and the overrides kept there.

    Data files are looked for where the run found them; if that folder is no more, or of another machine, in the
    current one.
    """
    kept = read_plan(folder)
    spec = folder / SPEC
    try:
        content = text(spec)
    except (FileNotFoundError, ValueError):
        raise CorruptError(f"{spec} is missing or damaged; put the spec of the run back") from None
    folder = Path(kept["folder"])
    folder = folder if folder.is_dir() else Path()
    return specs.parse(content, folder, tuple(kept["overrides"]), name=str(spec), begun=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _flat(tree: Any) -> dict[str, Any]:
    """The values in tables and lists by their paths, such as ``axes[0].values[3]``."""
    found: dict[str, Any] = {}
    left = [("", tree)]
    while left:
        path, value = left.pop()
        if isinstance(value, dict):
            left += [(f"{path}.{key}".removeprefix("."), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            left += [(f"{path}[{place}]", inner) for place, inner in enumerate(value)]
        else:
            found[path] = value
    return found


def _apart(old: dict[str, Any], new: dict[str, Any], key: str) -> str:
    """What is there and here at a key, of long words from shortly before the place where they differ."""
    words = [repr(values[key]) if key in values else "nothing" for values in (old, new)]
    same = next((k for k, (a, b) in enumerate(zip(*words, strict=False)) if a != b), min(map(len, words)))
    first = max(0, same - 18) if max(map(len, words)) > QUOTED else 0
    there, here = (f"{'...' if first else ''}{word[first:][:QUOTED]}" for word in words)
    return f"{there} there, {here} here"
