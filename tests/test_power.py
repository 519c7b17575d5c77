"""A power cut at any moment takes nothing that was committed, and what is left can be gone on with.

The operations of a small run are followed, and after each of them disks are laid out that a cut could leave: names and
contents that were not forced to it lost, or come in any order.  Taking any one of the syncs out must show.
"""

import os

import pytest
from disk import Disk, lay_out, possible
from spec_cases import TINY
from store_cases import filled, sweep

from saddlescape import plan as plans
from saddlescape.errors import SaddlescapeError
from saddlescape.plan import Plan
from saddlescape.store import RunFolder

LAST = "made/for/run"
"""The run's folder, in two that are not there yet either."""


@pytest.fixture
def plan(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr(plans, "BLOCK_RUNS", 4)
    made = Plan(sweep("record.runs=0", text=TINY))
    assert made.blocks == 3
    return made


def finish(folder, plan):
    """Compute whatever is missing; the blocks that were there, and the bytes of the result."""
    with RunFolder(folder, plan) as store:
        found = store.committed()
        for block in plan:
            if block.number not in found:
                store.commit(block, filled(plan, block))
        return found, store.merge().read_bytes()


def followed(root, plan, forget):
    """Images of the disk during a run, and for each of them the blocks committed and whether there is a result."""
    disk, promised = Disk(root, forget), [(0, False)]

    def promise(committed, merged=False):
        """What holds from now on; until now what held before."""
        promised.extend(promised[-1:] * (len(disk.images) - len(promised)))
        promised[-1] = (committed, merged)

    with pytest.MonkeyPatch.context() as patch:
        disk.install(patch)
        with RunFolder(root / LAST, plan) as store:
            for block in plan:
                store.commit(block, filled(plan, block))
                promise(block.number + 1)
            store.merge()
            promise(plan.blocks, merged=True)
    promise(plan.blocks, merged=True)
    return zip(disk.images, promised, strict=True)


def cuts(root, plan, ways, forget=lambda path: False):
    """Each different disk that a cut could leave, laid out, with what was promised when it came."""
    (root / "work").mkdir()
    seen = []
    for number, (image, promised) in enumerate(followed(root / "work", plan, forget)):
        for files in possible(image, number, ways):
            if (files, promised) not in seen:
                seen.append((files, promised))
                lay_out(files, root / f"left-{len(seen)}")
                yield root / f"left-{len(seen)}" / LAST, promised


def lost(folder, plan, reference, committed, merged):
    """What was promised and is not there."""
    if merged and not ((folder / "result.h5").exists() and (folder / "result.h5").read_bytes() == reference):
        return "the result"
    try:
        found, result = finish(folder, plan)
    except (SaddlescapeError, OSError) as error:
        return str(error)
    return "a block" if set(range(committed)) - found.keys() else "" if result == reference else "equal bytes"


@pytest.mark.parametrize("ways", [3, pytest.param(30, marks=pytest.mark.slow)])
def test_a_power_cut_at_any_moment_loses_nothing(plan, tmp_path, ways):
    reference = finish(tmp_path / "whole", plan)[1]
    losses = [lost(folder, plan, reference, *promised) for folder, promised in cuts(tmp_path, plan, ways)]
    assert len(losses) > 19 * ways
    assert not any(losses)


SYNCS = {
    "the content of a block": lambda path: path.name.endswith(".h5.part") and path.parent.name == "blocks",
    "the names of blocks": lambda path: path.name == "blocks",
    "the names in the run's folder": lambda path: path.name == "run",
    "the name of the run's folder": lambda path: path.name == "for",
    "the name of the folder above it": lambda path: path.name == "made",
    "the name of the folder above that": lambda path: path.name == "work",
    "the content of the plan": lambda path: path.name == "plan.json.part",
    "the content of the spec": lambda path: path.name == "spec.toml.part",
    "the content of the result": lambda path: path.name == "result.h5.part",
}


@pytest.mark.parametrize("sync", SYNCS)
def test_no_sync_can_be_left_out(plan, tmp_path, sync):
    reference = finish(tmp_path / "whole", plan)[1]
    found = (lost(folder, plan, reference, *promised) for folder, promised in cuts(tmp_path, plan, 2, SYNCS[sync]))
    assert next(filter(None, found), None), f"nothing is lost without {sync}"
