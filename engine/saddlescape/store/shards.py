"""Shards of one run, computed apart: checked for holes, duplicates and foreign blocks, then merged."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence, Set
from pathlib import Path
from shlex import quote
from typing import Any

import numpy.typing as npt

from saddlescape.errors import RefusedError
from saddlescape.plan import Block, Plan, Shard
from saddlescape.store import blocks
from saddlescape.store.atomic import creating, pieces
from saddlescape.store.folder import block_files, kept_shard, kept_sweep, read_plan
from saddlescape.store.merge import merge_into
from saddlescape.store.mixture import Mixture

TOLD = 5
"""Names in a message, at most."""


def merge_shards(
    folders: Sequence[Path],
    target: Path,
    after_block: Callable[[], None] = lambda: None,
    accept_versions: bool = False,
) -> Path:
    """Write to `target` the result of the run whose shards are in these folders; the same bytes as of one run.

    Raises
    ------
    RefusedError
        If the folders are not all of one sweep, or a block is missing or in two of them, or `target` exists, or if
        blocks were computed by other software than others, unless `accept_versions`.
    CorruptError
        If a block is damaged.
    LockedError
        If another process makes the same target.
    """
    digest = read_plan(folders[0])["digest"]
    shards = {folder: _of_sweep(folder, digest, folders[0]) for folder in folders}
    plan = Plan(kept_sweep(folders[0]))
    found = block_files(folders)
    if sum(number < plan.blocks for number in found) < plan.blocks:
        raise RefusedError(_holes(plan.blocks, found.keys(), shards))
    with creating(target) as descriptor:
        merge_into(descriptor, plan, found, after_block, Mixture(plan, accept_versions))
    return target


def write_result(
    plan: Plan,
    parts: Iterable[tuple[Block, dict[str, npt.NDArray[Any]]]],
    target: Path,
    software: Mixture | None = None,
) -> Path:
    """Write to `target`, a new file, the result of a plan from all its blocks, which are at hand.

    Raises
    ------
    RefusedError
        If `target` exists.
    LockedError
        If another process makes it.
    """
    with creating(target) as descriptor, pieces(target) as folder:
        files = {}
        for block, data in parts:
            content = blocks.encode(plan, block, data)
            files[block.number] = folder / blocks.name(block.number, content)
            files[block.number].write_bytes(content)
        merge_into(descriptor, plan, files, lambda: None, software or Mixture(plan))
    return target


def _of_sweep(folder: Path, digest: str, first: Path) -> Shard:
    kept = read_plan(folder)
    if kept["digest"] != digest:
        raise RefusedError(f"{folder} and {first} are of different sweeps; merge the shards of one")
    return kept_shard(kept)


def _holes(blocks: int, found: Set[int], shards: dict[Path, Shard]) -> str:
    """What is missing, and how it is come by: folders to go on with, then shards that are in none of them.

    No list of the missing is made: a spec of a few bytes can mean more blocks than memory holds.
    """
    there = [number for number in found if number < blocks]
    message = f"{blocks - len(there)} of {blocks} blocks are missing"
    counts = {of: Counter(number % of for number in there) for of in {shard.of for shard in shards.values()}}

    def all_there(shard: Shard) -> bool:
        return counts[shard.of][shard.number - 1] == len(shard.numbers(blocks))

    if begun := [folder for folder, shard in shards.items() if not all_there(shard)]:
        return f"{message}; go on with {', '.join(f'saddlescape resume {quote(str(f))}' for f in begun[:TOLD])}"
    of = max(counts)
    parts = (Shard(number, of) for number in range(1, min(of, blocks) + 1))
    absent = list(itertools.islice((part for part in parts if not all_there(part)), TOLD + 1))
    names = ", ".join(map(str, absent[:TOLD]))
    return f"{message}; name the folders of shard {names}{' and others' if absent[TOLD:] else ''} too"
