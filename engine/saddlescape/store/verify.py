"""Whether what is on the disk is what was written there, to the last byte; nothing is changed."""

import os
from collections.abc import Iterator
from pathlib import Path

from saddlescape.errors import CorruptError, Fault, SpecError
from saddlescape.plan import Plan
from saddlescape.store import blocks, guard, objects, seal
from saddlescape.store.folder import RESULT, kept_shard, kept_sweep, read_plan
from saddlescape.store.opened import check
from saddlescape.store.raw import Raw
from saddlescape.store.reading import ResultFile
from saddlescape.store.source import strips, take

PIECE = 2**20
OLD = "was made before results had digests and has none: all of it can be read, but whether it has changed nobody knows"


def verify(path: Path) -> str:
    """What was found whole in a result file or a run's folder, in words.

    Raises
    ------
    CorruptError
        With a line for everything that is not.
    SpecError, RefusedError
        If there is neither.
    """
    if not path.is_dir() and not path.is_file():
        raise SpecError([Fault(str(path), "must be a result file or a run's folder; there is none")])
    faults = list(_folder(path) if path.is_dir() else _file(path))
    if faults:
        raise CorruptError("\n".join(faults))
    if not path.is_dir():
        return f"{path} {_fault(path) or 'is whole'}"
    found, result = len(blocks.files(path)), f" and {RESULT}" if (path / RESULT).exists() else ""
    of = len(kept_shard(kept := read_plan(path)).numbers(kept["blocks"]))
    fault = f"; {RESULT} {_fault(path / RESULT)}" if result and _fault(path / RESULT) else ""
    return f"{path} is whole: {found} of {of} blocks{result}{fault}"


def _folder(folder: Path) -> Iterator[str]:
    plan, result = Plan(kept_sweep(folder)), folder / RESULT
    if plan.digest != read_plan(folder)["digest"]:
        yield f"{folder}: spec.toml, plan.json or a data file is not as it was when the run began"
        return
    for path in blocks.files(folder):
        try:
            check(plan, path)
        except CorruptError as fault:
            yield str(fault)
    if result.exists():
        yield from _file(result, plan.digest)


def _file(path: Path, plan: str | None = None) -> Iterator[str]:
    if (fault := _fault(path)) and fault != OLD:
        yield f"{path} {fault}"
    try:
        file = ResultFile(path)
    except CorruptError as damage:
        yield str(damage)
        return
    if plan is not None and file.plan != plan:
        yield f"{path} is the result of another run than that in its folder"
    if fault:
        yield from filter(None, (_unreadable(file, name) for name in file.names))
    file.close()


def _fault(path: Path) -> str:
    """What is wrong with the digest of a result."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fault = seal.fault(descriptor)
    finally:
        os.close(descriptor)
    return OLD if fault == seal.CUT and _old(path) else fault


def _old(path: Path) -> bool:
    """Whether a result was made before there were digests: the picture for NeXus viewers is as old as they are."""
    try:
        raw = Raw.of_file(path)
        links = objects.links(raw, objects.messages(raw, objects.root(raw)))
    except guard.ODD:
        return False
    return "provenance" in links and "entry" not in links


def _unreadable(file: ResultFile, name: str) -> str:
    """What keeps a variable from being read; empty where nothing does."""
    try:
        for place in strips(file.variable(name).shape, PIECE):
            take(file, name, [range(part.start, part.stop) for part in place])
    except CorruptError as damage:
        return f"variable {name!r}: {damage}"
    return ""
