"""A power cut at any moment takes nothing that was committed, and what is left can be gone on with.

The operations of a small run are followed, and after each of them disks are laid out that a cut could leave: names and
contents that were not forced to it lost, or come in any order.  Taking any one of the syncs out must show.
"""

import os

import pytest
from disk import Disk, lay_out, possible
from store_cases import finish, lost, small_plan

LAST = "made/for/run"
"""The folder of the run, whose two parents do not exist either."""


@pytest.fixture
def plan(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    return small_plan(monkeypatch)


def followed(root, plan, forget):
    """Images of the disk during a run, each with what was acknowledged by then."""
    disk, acknowledged, promises = Disk(root, forget), set(), []

    def acknowledge(what):
        """From the last image on; until then holds what held before."""
        promises.extend([frozenset(acknowledged)] * (len(disk.images) - len(promises) - 1))
        acknowledged.add(what)

    with pytest.MonkeyPatch.context() as patch:
        disk.install(patch)
        finish(root / LAST, plan, acknowledge)
    promises.extend([frozenset(acknowledged)] * (len(disk.images) - len(promises)))
    return zip(disk.images, promises, strict=True)


def cuts(root, plan, ways, forget=lambda path: False):
    """Each distinct state of the disk that a power cut could leave, written out, with what was acknowledged by then."""
    (root / "work").mkdir()
    seen = []
    for number, (image, acknowledged) in enumerate(followed(root / "work", plan, forget)):
        for files in possible(image, number, ways):
            if (files, acknowledged) not in seen:
                seen.append((files, acknowledged))
                lay_out(files, root / f"left-{len(seen)}")
                yield root / f"left-{len(seen)}" / LAST, acknowledged


@pytest.mark.fault("power cut after each operation of a run")
@pytest.mark.parametrize("ways", [3, pytest.param(30, marks=pytest.mark.slow)])
def test_a_power_cut_at_any_moment_loses_nothing(plan, tmp_path, tried, ways):
    reference = finish(tmp_path / "whole", plan)[1]
    losses = [lost(folder, plan, acknowledged, reference) for folder, acknowledged in cuts(tmp_path, plan, ways)]
    assert len(losses) > 57
    assert not any(losses)
    tried(len(losses))


SYNCS = {
    "the content of a block": lambda path: path.match(".*.h5.saddlescape.part") and path.parent.name == "blocks",
    "the names of blocks": lambda path: path.name == "blocks",
    "the names in the run's folder": lambda path: path.name == "run",
    "the name of the run's folder": lambda path: path.name == "for",
    "the name of the folder above it": lambda path: path.name == "made",
    "the name of the folder above that": lambda path: path.name == "work",
    "the content of the plan": lambda path: path.name == ".plan.json.saddlescape.part",
    "the content of the arrays": lambda path: path.name == ".arrays.csv.saddlescape.part",
    "the content of the spec": lambda path: path.name == ".spec.toml.saddlescape.part",
    "the content of the result": lambda path: path.name == ".result.h5.saddlescape.part",
}


@pytest.mark.parametrize("sync", SYNCS)
def test_no_sync_can_be_left_out(plan, tmp_path, sync):
    reference = finish(tmp_path / "whole", plan)[1]
    cut = cuts(tmp_path, plan, 2, SYNCS[sync])
    assert any(lost(folder, plan, acknowledged, reference) for folder, acknowledged in cut)
