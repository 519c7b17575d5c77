"""Shards of one run, computed apart: checked for holes, duplicates and foreign blocks, then merged."""

from collections.abc import Sequence
from pathlib import Path

from saddlescape.errors import RefusedError
from saddlescape.plan import Plan, Shard
from saddlescape.store.folder import kept_shard, kept_sweep, read_plan
from saddlescape.store.merge import merge

TOLD = 5
"""Names in a message, at most."""


def merge_shards(folders: Sequence[Path], target: Path) -> Path:
    """Write to `target` the result of the run whose shards are in these folders; the same bytes as of one run.

    Raises
    ------
    RefusedError
        If the folders are not all of one sweep, or a block is missing or in two of them, or `target` exists.
    CorruptError
        If a block is damaged.
    """
    if target.exists():
        raise RefusedError(f"{target} exists and is left alone; choose another name with -o")
    shards = {folder: _of_one_sweep(folder, folders[0]) for folder in folders}
    plan = Plan(kept_sweep(folders[0]))
    found = _blocks(folders)
    if missing := set(range(plan.blocks)) - found.keys():
        raise RefusedError(_holes(plan, missing, shards))
    return merge(plan, found, target)


def _of_one_sweep(folder: Path, first: Path) -> Shard:
    kept = read_plan(folder)
    if kept["digest"] != read_plan(first)["digest"]:
        raise RefusedError(f"{folder} and {first} are of different sweeps; merge the shards of one")
    return kept_shard(kept)


def _blocks(folders: Sequence[Path]) -> dict[int, Path]:
    """Files of all blocks by number; what is in them is checked when they are copied."""
    found: dict[int, Path] = {}
    for path in (path for folder in folders for path in sorted(folder.glob("blocks/[0-9]*-*.h5"))):
        number = int(path.name.split("-")[0])
        if number in found:
            raise RefusedError(f"block {number} is there twice, {found[number]} and {path}; leave one of them out")
        found[number] = path
    return found


def _holes(plan: Plan, missing: set[int], shards: dict[Path, Shard]) -> str:
    """What is missing, and how it is come by: folders to go on with, then shards that are in none of them."""
    message = f"{len(missing)} of {plan.blocks} blocks are missing"
    begun = [f for f, shard in shards.items() if missing.intersection(shard.numbers(plan.blocks))]
    if begun:
        return f"{message}; go on with {', '.join(f'saddlescape resume {f}' for f in begun[:TOLD])}"
    of = max(shard.of for shard in shards.values())
    absent = sorted({number % of + 1 for number in missing})
    names = ", ".join(str(Shard(number, of)) for number in absent[:TOLD])
    return f"{message}; name the folders of shard {names}{' and others' if absent[TOLD:] else ''} too"
