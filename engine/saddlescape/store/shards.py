"""Merge the shards of a run, after a check for missing, duplicated and foreign blocks."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence, Set
from pathlib import Path
from typing import Any

import numpy.typing as npt

from saddlescape.errors import RefusedError
from saddlescape.plan import Block, Plan, Shard
from saddlescape.store import blocks
from saddlescape.store.atomic import creating, pieces
from saddlescape.store.folder import RESULT, block_files
from saddlescape.store.merge import merge_into
from saddlescape.store.mixture import Mixture
from saddlescape.store.plan_file import generation_of, read_plan, read_sweep, shard_of
from saddlescape.system.shell import quote

SHOWN = 5
"""Folders or shards in a message, at most."""


def merge_shards(
    folders: Sequence[Path],
    target: Path,
    after_block: Callable[[], None] = lambda: None,
    accept_versions: bool = False,
) -> Path:
    """Write the result of a run in shards to `target`, with the same bytes as without shards.

    Raises
    ------
    RefusedError
        If the folders are not of one sweep, if a block is missing or duplicated, if `target` exists, or if blocks were
        computed by different software, unless `accept_versions`.
    CorruptError
        If a block is damaged.
    LockedError
        If another process is writing `target`.
    """
    digest = read_plan(folders[0])["digest"]
    for folder in (folder for folder in folders if (folder / RESULT).exists() and not blocks.files(folder)):
        raise RefusedError(f"{folder} contains a finished run, not a shard; its result is {folder / RESULT}")
    shards = {folder: _shard(folder, digest, folders[0]) for folder in folders}
    plan = Plan(read_sweep(folders[0]))
    files = block_files(folders)
    if sum(number < plan.blocks for number in files) < plan.blocks:
        raise RefusedError(_missing(plan.blocks, files.keys(), shards))
    with creating(target) as descriptor:
        merge_into(descriptor, plan, files, after_block, Mixture(plan, accept_versions))
    return target


def write_result(
    plan: Plan,
    data: Iterable[tuple[Block, dict[str, npt.NDArray[Any]]]],
    target: Path,
    software: Mixture | None = None,
) -> Path:
    """Write the result of a plan to `target`, a new file, from the data of all blocks.

    Raises
    ------
    RefusedError
        If `target` exists.
    LockedError
        If another process is writing `target`.
    """
    with creating(target) as descriptor, pieces(target) as folder:
        files = {}
        for block, of_block in data:
            content = blocks.encode(plan, block, of_block)
            files[block.number] = folder / blocks.name(block.number, content)
            files[block.number].write_bytes(content)
        merge_into(descriptor, plan, files, lambda: None, software or Mixture(plan))
    return target


def _shard(folder: Path, digest: str, first: Path) -> Shard:
    fields = read_plan(folder)
    if fields["digest"] != digest:
        raise RefusedError(f"{folder} and {first} are of different sweeps; merge the shards of one")
    if (own := generation_of(fields)) != generation_of(read_plan(first)):
        message = f"{folder} was begun by a version with other outcomes than that of {first}"
        older = folder if own < generation_of(read_plan(first)) else first
        raise RefusedError(f"{message}; run the shard of {older} again, in a new folder")
    return shard_of(fields)


def _missing(blocks: int, committed: Set[int], shards: dict[Path, Shard]) -> str:
    """How many blocks are missing, and the remedy: folders of unfinished shards, or else shards without a folder.

    The missing blocks are not listed: a spec of a few bytes can have more blocks than fit into memory.
    """
    numbers = [number for number in committed if number < blocks]
    message = f"{blocks - len(numbers)} of {blocks} blocks are missing"
    counts = {of: Counter(number % of for number in numbers) for of in {shard.of for shard in shards.values()}}

    def is_complete(shard: Shard) -> bool:
        return counts[shard.of][shard.number - 1] == len(shard.numbers(blocks))

    if unfinished := [folder for folder, shard in shards.items() if not is_complete(shard)]:
        commands = ", ".join(f"saddlescape resume {quote(str(folder))}" for folder in unfinished[:SHOWN])
        return f"{message}; continue with {commands}"
    of = max(counts)
    every = (Shard(number, of) for number in range(1, min(of, blocks) + 1))
    absent = list(itertools.islice((shard for shard in every if not is_complete(shard)), SHOWN + 1))
    names = ", ".join(map(str, absent[:SHOWN]))
    return f"{message}; name the folders of shard {names}{' and others' if absent[SHOWN:] else ''} too"
