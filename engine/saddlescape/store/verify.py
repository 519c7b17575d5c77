"""Verify that no byte of a result file or a run folder has changed; nothing is written."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from saddlescape.errors import CorruptError, Fault, SpecError
from saddlescape.plan import Plan
from saddlescape.store import blocks, guard, objects, seal
from saddlescape.store.block_reader import check
from saddlescape.store.folder import RESULT
from saddlescape.store.plan_file import absent, is_input, read_plan, read_sweep, run_first, shard_of
from saddlescape.store.raw import Raw
from saddlescape.store.result_file import ResultFile
from saddlescape.store.source import strips, take
from saddlescape.system.descriptors import READ

PIECE = 2**20
"""Values that are read at once."""
OLD = "has no digest, like all results of earlier versions: it is readable, but may have been modified"


def verify(path: Path) -> str:
    """A sentence that says what is intact in a result file or a run's folder.

    Raises
    ------
    CorruptError
        If anything is damaged, with one line for each fault.
    SpecError, RefusedError
        If the path is neither a result file nor a run's folder.
    """
    if is_input(path) or not (path.is_dir() or path.is_file()):
        kind = run_first(path) if is_input(path) else "it is neither" if path.exists() else absent(path)
        raise SpecError([Fault(str(path), f"must be a result file or a run's folder; {kind}")])
    faults = list(_folder(path) if path.is_dir() else _file(path))
    if faults:
        raise CorruptError("\n".join(faults))
    if not path.is_dir():
        return f"{path} {fault_of(path) or 'is intact'}"
    fields = read_plan(path)
    committed, total = len(blocks.files(path)), len(shard_of(fields).numbers(fields["blocks"]))
    is_merged = (path / RESULT).exists()
    parts = [f"{committed} of {total} blocks"] * (committed > 0 or not is_merged) + [RESULT] * is_merged
    fault = f"; {RESULT} {fault_of(path / RESULT)}" if is_merged and fault_of(path / RESULT) else ""
    return f"{path} is intact: {' and '.join(parts)}{fault}"


def is_result_of(path: Path, plan: str) -> bool:
    """Whether a file is the intact result of the plan with this digest."""
    try:
        return path.is_file() and fault_of(path) in ("", OLD) and plan_of(path) == plan
    except CorruptError:
        return False


def plan_of(result: Path) -> str:
    """The digest of the plan of a result."""
    with closing(ResultFile(result)) as file:
        return file.plan


def _folder(folder: Path) -> Iterator[str]:
    """The faults of a run's folder."""
    plan, result = Plan(read_sweep(folder)), folder / RESULT
    if plan.digest != read_plan(folder)["digest"]:
        yield f"{folder}: spec.toml, plan.json or a data file has changed since the run began; restore it"
        return
    for path in blocks.files(folder):
        try:
            check(plan, path)
        except CorruptError as fault:
            yield str(fault)
    if result.exists():
        yield from _file(result, plan.digest)


def _file(path: Path, plan: str | None = None) -> Iterator[str]:
    """The faults of a result file, which must belong to the plan with this digest."""
    if (fault := fault_of(path)) and fault != OLD:
        yield f"{path} {fault}"
    try:
        file = ResultFile(path)
    except CorruptError as error:
        yield str(error)
        return
    if plan is not None and file.plan != plan:
        yield f"{path} is not the result of the run in its folder"
    if fault:
        yield from filter(None, (_read_error(file, name) for name in file.names))
    file.close()


def fault_of(path: Path) -> str:
    """The fault that the digest of a result shows; "" if it matches."""
    descriptor = os.open(path, READ)
    try:
        fault = seal.fault(descriptor)
    finally:
        os.close(descriptor)
    return OLD if fault == seal.CUT and _old(path) else fault


def _old(path: Path) -> bool:
    """Whether a result is of a version without digests; NeXus plots (`entry`) were introduced together with digests."""
    try:
        raw = Raw.of_file(path)
        links = objects.links(raw, objects.messages(raw, objects.root(raw)))
    except guard.ODD:
        return False
    return "provenance" in links and "entry" not in links


def _read_error(file: ResultFile, name: str) -> str:
    """The error while all values of a variable are read; "" if there is none."""
    try:
        for region in strips(file.variable(name).shape, PIECE):
            take(file, name, [range(along.start, along.stop) for along in region])
    except CorruptError as error:
        return f"variable {name!r}: {error}"
    return ""
