"""The folder of a run: its lock, its committed blocks and its result."""

import contextlib
import itertools
import json
import os
import platform
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from saddlescape import spec as specs
from saddlescape.errors import CorruptError, RefusedError
from saddlescape.plan import WHOLE, Block, Plan, Shard
from saddlescape.store import blocks
from saddlescape.store.atomic import PART, clear, listed, own_folder, temporary, write_atomic
from saddlescape.store.block_reader import is_complete
from saddlescape.store.lock import lock
from saddlescape.store.merge import merge
from saddlescape.store.mixture import Mixture
from saddlescape.store.plan_file import (
    GROWING,
    PLAN,
    SPEC,
    contains,
    generation_of,
    is_run,
    read_plan,
    read_sweep,
    shard_of,
    write_data,
    write_plan,
)
from saddlescape.store.spec_difference import differences
from saddlescape.system import software
from saddlescape.system.shell import quote

RESULT, SESSION, LOCK = "result.h5", "run.json", "lock"
"""Names in the folder of a run."""

CORRUPT = ".corrupt"
"""Suffix of a damaged file that was set aside."""

OF_DATA = ("data.", "events.", "stop.solved")
"""Beginnings of the keys that a changed data file changes: with its classes, the default of when a run is solved."""

SHOWN = 5
"""Differences between two specs in a message, at most."""


def set_aside(path: Path) -> None:
    """Add the suffix `CORRUPT` to the name of a damaged file, with a number if that name exists."""
    suffixes = itertools.chain((CORRUPT,), (f".{n}{CORRUPT}" for n in itertools.count(2)))
    names = (path.with_name(path.name + suffix) for suffix in suffixes)
    path.rename(next(name for name in names if not os.path.lexists(name)))


class RunFolder:
    """The folder of a run or of one of its shards, locked while the context is open.

    With `overwrite`, a run that the folder contains is deleted on entering, after its lock was acquired.

    A block is committed if and only if its file exists and matches the hash in its name.

    Attributes
    ----------
    folder, plan, shard : what the folder contains.
    home : the folder that messages name.

    Raises
    ------
    RefusedError
        On entering, if the folder contains something else, or the run of another spec.
    LockedError
        On entering, if another process is working in the folder.
    """

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        shard: Shard = WHOLE,
        accept_versions: bool = False,
        device: str = "cpu",
        overwrite: bool = False,
    ) -> None:
        self.folder, self.plan, self.shard, self._device = folder, plan, shard, device
        self._overwrites = overwrite
        self.home = folder
        self._software, self._accepts = Mixture(plan, accept_versions), accept_versions
        self._lock, self._began, self._before = -1, "", 0
        self._other_folder = ", or choose another folder with -o"  # an option of new runs only
        go_on = f"continue it with: saddlescape resume {quote(str(folder))}"
        self._remedy = f"{go_on}{self._other_folder}, or replace it with --overwrite"

    @classmethod
    def existing(cls, folder: Path, accept_versions: bool = False, device: str = "cpu") -> "RunFolder":
        """The folder of an earlier run, with the plan made from the spec in it."""
        run = cls(folder, Plan(read_sweep(folder)), shard_of(read_plan(folder)), accept_versions, device)
        run._remedy, run._other_folder = "restore its original spec.toml and plan.json", ""
        return run

    def __enter__(self) -> Self:
        self._claim()
        self._lock = lock(self.folder / LOCK, self.folder, self._other_folder)
        try:
            self._prepare()
        except BaseException:
            os.close(self._lock)
            raise
        return self

    def _prepare(self) -> None:
        """Under the lock: check again, because another process may have been first, and delete temporary files."""
        is_new = self._claim()
        own_folder(self.folder / blocks.FOLDER)
        clear(self.folder)
        clear(self.folder / blocks.FOLDER)
        with contextlib.suppress(OSError):  # it is empty if a kill ended `discard`
            (self.folder / GROWING).rmdir()
        if self._overwrites and not is_new:
            self._replace()
        elif is_new:
            write_plan(self.folder, self.plan, self.shard)
        else:
            write_data(self.folder, self.plan.sweep)
        is_merged = (self.folder / RESULT).exists()
        self._began, self._before = _now(), self.plan.blocks if is_merged else len(blocks.files(self.folder))
        self._write_session()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with contextlib.suppress(*([OSError] if error else [])):  # the first error is the one to report
                self._write_session(ended=_now())
        finally:
            os.close(self._lock)

    def _write_session(self, **times: str) -> None:
        """Write ``run.json``: what may differ between equal runs; people and `status` read it."""
        session = {"host": platform.node(), "python": platform.python_version(), "before": self._before}
        session |= {"device": self._device, "began": self._began, **times}
        write_atomic(self.folder / SESSION, json.dumps(session, indent=1).encode())

    def _claim(self) -> bool:
        """Whether the folder is new; RefusedError if it contains anything other than this run."""
        own_folder(self.folder)
        names = {path.name for path in self.folder.iterdir()}  # before `is_run`: another process may write the plan now
        if is_run(self.folder):
            if not self._overwrites:
                self._compare()
            return False
        contents = {SPEC: self.plan.sweep.text.encode(), **self.plan.sweep.kept}
        parts = (temporary(self.folder / name, PART).name for name in (*contents, PLAN))
        ours = {LOCK, blocks.FOLDER, *contents, *parts}
        written = ((self.folder / name, content) for name, content in contents.items())
        foreign = any(path.exists() and not contains(path, content) for path, content in written)
        if foreign or names - ours:
            raise RefusedError(f"{self.folder} exists and is not a run's folder; choose another with -o")
        return True

    def _replace(self) -> None:
        """Begin this run in place of another one, whose files are deleted; other files stay."""
        if is_run(self.folder / GROWING):
            discard(self.folder / GROWING)
        for name in read_plan(self.folder).get("stored", []):
            (self.folder / name).unlink(missing_ok=True)
        write_plan(self.folder, self.plan, self.shard)
        (self.folder / RESULT).unlink(missing_ok=True)
        remove_blocks(self.folder, f"*{CORRUPT}")
        own_folder(self.folder / blocks.FOLDER)

    def _compare(self) -> None:
        """Raise RefusedError if the folder contains another run or another shard; take over its generation."""
        fields = read_plan(self.folder)
        if fields["digest"] != self.plan.digest:
            raise RefusedError(self._difference(differences(fields["spec"], self.plan.sweep.resolved())))
        if (begun := generation_of(fields)) != self.plan.sweep.generation:
            self.plan = Plan(replace(self.plan.sweep, generation=begun))
            self._software = Mixture(self.plan, self._accepts)
        if (shard := shard_of(fields)) != self.shard:
            raise RefusedError(
                f"{self.folder} contains shard {shard} of this sweep, not {self.shard}; choose another folder with -o"
            )

    def _difference(self, changed: dict[str, str]) -> str:
        if not changed:
            return f"{self.folder} was begun by another version; continue with that version{self._other_folder}"
        data = [key.removeprefix("data.") for key in changed if key.startswith("data.")]
        if data and all(key.startswith(OF_DATA) for key in changed):
            names = ", ".join(data)
            return (
                f"{names}: must have the same content as when the run in {self.folder} began (SHA-256); "
                f"put the old file back{self._other_folder}"
            )
        remedy, is_finished = self._remedy, (self.folder / RESULT).exists() and self._other_folder
        if is_finished and {key.partition("[")[0] for key in changed} <= {"axes", "starts.count"}:
            remedy = f"to extend it, use saddlescape more{self._other_folder}"
        shown = [f"{key}: {values}" for key, values in itertools.islice(changed.items(), SHOWN)]
        if len(changed) > SHOWN:
            shown.append(f"and {len(changed) - SHOWN} more")
        return f"{self.folder} contains the run of another spec ({'; '.join(shown)}); {remedy}"

    def committed(self) -> dict[int, Path]:
        """Files of the complete blocks, by number; damaged ones are renamed to ``.corrupt``."""
        files: dict[int, Path] = {}
        stamps: list[str] = []
        for path in blocks.files(self.folder):
            number = blocks.number(path)
            if number is not None and is_complete(self.plan, path, stamps.append):
                files[number] = path
                self._software.add(stamps[-1], path)
            else:
                set_aside(path)
        return files

    def add_result(self, stamps: Sequence[str], path: Path) -> None:
        """Refuse a result of different software, from which runs are copied, unless that is accepted."""
        if any(stamp != software.stamp() for stamp in stamps):
            self._software.add_result(stamps, path)

    def compare_software(self) -> None:
        """Refuse to add blocks of this software to blocks of different software, unless that is accepted."""
        self._software.add(software.stamp())

    def commit_file(self, block: Block, content: bytes) -> None:
        """Commit an encoded block."""
        write_atomic(self.folder / blocks.FOLDER / blocks.name(block.number, content), content)

    def fail(self, block: Block, reason: str) -> None:
        """Write the note that a block could not be computed."""
        write_atomic(blocks.note(self.folder, block.number), reason.encode())

    def failed(self) -> dict[int, Path]:
        """Notes of the blocks that could not be computed, by number."""
        return blocks.notes(self.folder)

    def merge(self, after_block: Callable[[], None] = lambda: None) -> Path:
        """Merge all blocks of a whole run to ``result.h5``; returns its path."""
        files = block_files([self.folder])
        missing = self.plan.blocks - len(files)
        if missing:
            raise CorruptError(
                f"{missing} blocks of {self.folder} were deleted during the run; "
                "keep other programs out of it, and the next saddlescape resume computes them again"
            )
        return merge(self.plan, files, self.folder / RESULT, after_block, self._software)


    def drop_blocks(self) -> None:
        """Delete the blocks, when the result has all of them, and the notes of failures that are past."""
        remove_blocks(self.folder)


def remove_blocks(folder: Path, *others: str) -> None:
    """Delete the blocks of a run, its notes of failures and `others`, patterns of names; what else is there stays."""
    for pattern in ("*.h5", f"*{blocks.FAILED}", *others):
        for path in listed(folder / blocks.FOLDER, pattern):
            with contextlib.suppress(OSError):  # on Windows those that someone reads stay
                path.unlink()
    with contextlib.suppress(OSError):
        (folder / blocks.FOLDER).rmdir()


def discard(folder: Path) -> None:
    """Delete the files of a run, and its folder if it is then empty; ``plan.json`` goes last, in case of a kill."""
    data = []
    with contextlib.suppress(CorruptError):  # then files of data stay
        data = read_plan(folder).get("stored", [])
    clear(folder)
    shutil.rmtree(folder / blocks.FOLDER, ignore_errors=True)
    for name in (RESULT, SESSION, *data, SPEC, LOCK, PLAN):
        (folder / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


def result_of(path: Path) -> Path:
    """The result in a folder of a run, or the file itself."""
    return path / RESULT if path.is_dir() else path


def default_folder(source: str | Path | specs.Sweep) -> Path:
    """The folder of a run for which none is given, named after its sweep."""
    return Path("run" if isinstance(source, specs.Sweep) else Path(source).stem)


def block_files(folders: Sequence[Path]) -> dict[int, Path]:
    """Block files in the folders of runs, by number; their content is checked when they are copied.

    Raises
    ------
    RefusedError
        If a block is duplicated.
    """
    files: dict[int, Path] = {}
    for path in (path for folder in folders for path in blocks.files(folder)):
        number = blocks.number(path)
        if number in files:
            raise RefusedError(f"block {number} is duplicated: {files[number]} and {path}; leave one of them out")
        if number is not None:
            files[number] = path
    return files


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
