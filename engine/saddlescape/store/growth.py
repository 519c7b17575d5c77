"""A finished run that grows: the bigger run is made in a folder inside its folder, and then takes its place.

Until then the old result stays.  A kill at any time leaves either result, and `settle` ends what was begun.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from saddlescape.errors import CorruptError, RefusedError
from saddlescape.plan import WHOLE, Plan
from saddlescape.store import blocks
from saddlescape.store.atomic import listed, move, own_folder, sync, write_atomic
from saddlescape.store.folder import LOCK, RESULT, SESSION, discard, remove_blocks
from saddlescape.store.lock import lock
from saddlescape.store.plan_file import GROWING, PLAN, is_run, read_plan, read_sweep, shard_of
from saddlescape.store.verify import OLD, fault_of, plan_of
from saddlescape.system.shell import quote


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Lock the folder of a run.

    Raises
    ------
    RefusedError
        If the folder contains no run, or is a link.
    LockedError
        If another process is working in it.
    """
    read_plan(folder)
    own_folder(folder)
    descriptor = lock(folder / LOCK, folder, "")
    try:
        yield
    finally:
        os.close(descriptor)


def grows(folder: Path) -> bool:
    """Whether a run was being extended, and is not yet."""
    return is_run(folder) and is_run(folder / GROWING)


def at_work(folder: Path) -> Path:
    """The folder whose progress is that of a run: the one inside it while the run is being extended."""
    return folder / GROWING if grows(folder) else folder


def finished(folder: Path) -> Plan:
    """The plan of a finished run, whose result is intact.

    Raises
    ------
    RefusedError
        If the run is not finished, or is a shard.
    CorruptError
        If its result or its spec are damaged or not those of the run.
    """
    fields = read_plan(folder)
    if (shard := shard_of(fields)) != WHOLE:
        remedy = "only a whole run can be extended; run the bigger sweep in shards, in new folders"
        raise RefusedError(f"{folder} contains shard {shard} of a run; {remedy}")
    result = folder / RESULT
    way_on = f"saddlescape resume {quote(str(folder))}"
    if grows(folder):  # without its result
        way_on = f"delete {folder / GROWING}, then {way_on}"
    if not result.is_file():
        raise RefusedError(f"{folder} is not finished; finish it first: {way_on}")
    plan = Plan(read_sweep(folder))
    if plan.digest != fields["digest"]:
        raise CorruptError(f"{folder}: spec.toml, plan.json or a data file has changed since the run began; restore it")
    if (fault := fault_of(result)) and fault != OLD:
        raise CorruptError(f"{result} {fault}; restore it, or compute it again: {way_on}")
    if plan_of(result) != plan.digest:
        raise CorruptError(f"{result} is not the result of the run in its folder; restore it")
    return plan


def settle(folder: Path) -> bool:
    """If the bigger run is finished, put it in the place of the old one; a kill may have ended that before.

    Returns
    -------
    Whether there was a finished one.
    """
    growing, result = folder / GROWING, folder / RESULT
    if not grows(folder):
        return False
    if (growing / RESULT).is_file():
        write_atomic(folder / PLAN, (growing / PLAN).read_bytes())
        remove_blocks(folder)
        move(growing / RESULT, result)
        sync(folder)
    elif read_plan(folder)["digest"] != read_plan(growing)["digest"]:
        return False
    if kept := listed(growing / blocks.FOLDER, "*"):
        own_folder(folder / blocks.FOLDER)
    for path in (*kept, *listed(growing, SESSION)):
        os.replace(path, folder / path.relative_to(growing))
    discard(growing)
    return True
