"""Damaged, truncated, empty, foreign and duplicated blocks are detected, set aside and computed again."""

import os
import shutil

import pytest
from store_cases import commit, filled, finish, run_folder, small_plan, sweep

from saddlescape.errors import RefusedError
from saddlescape.plan import Plan
from saddlescape.store import RunFolder, blocks


@pytest.fixture
def plan(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    return small_plan(monkeypatch)


@pytest.fixture
def folder(plan, tmp_path):
    run_folder(plan, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def block(folder):
    """Path and content of the only remaining block."""
    path, *others = sorted(folder.glob("blocks/*.h5"))
    for other in others:
        other.unlink()
    return path, path.read_bytes()


def seen(store, path, content):
    """Whether a block file with this content is set aside."""
    path.write_bytes(content)
    found = store.committed()
    aside = path.with_name(path.name + ".corrupt")
    kept = aside.read_bytes()
    aside.unlink()
    return path not in found.values() and kept == content


def flipped(content, place, bit):
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


@pytest.mark.fault("one bit of a block is flipped")
@pytest.mark.parametrize(("step", "bits"), [(53, (5,)), pytest.param(1, range(8), marks=pytest.mark.slow)])
def test_a_flip_of_any_byte_is_seen(plan, folder, block, tried, step, bits):
    path, content = block
    with RunFolder(folder, plan) as store:
        for place in range(0, len(content), step):
            assert all(seen(store, path, flipped(content, place, bit)) for bit in bits)
            tried(len(bits))


@pytest.mark.fault("a block is cut short")
@pytest.mark.parametrize("step", [199, pytest.param(1, marks=pytest.mark.slow)])
def test_a_block_cut_anywhere_is_seen(plan, folder, block, tried, step):
    path, content = block
    with RunFolder(folder, plan) as store:
        for length in range(0, len(content), step):
            assert seen(store, path, content[:length])
            tried()


def become_a_folder(path):
    path.unlink()
    path.mkdir()


def become_a_pipe(path):
    path.unlink()
    os.mkfifo(path)


def become_a_link_to_nothing(path):
    path.unlink()
    path.symlink_to("nothing")


def come_from_another_sweep(path):
    plan = Plan(sweep("record.runs=0", "training.steps=21"))
    result = run_folder(plan, path.parents[2] / "other")
    shutil.copy(sorted(result.parent.glob("blocks/*.h5"))[0], path.parent)
    path.unlink()


def hold_something_else_under_its_own_hash(path):
    path.unlink()
    path.with_name(blocks.name(0, b"no HDF5")).write_bytes(b"no HDF5")


HARMS = {
    "gone": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "under the number of another": lambda path: path.rename(path.with_name("000007" + path.name[6:])),
    "under a name of ours that is no block's": lambda path: path.rename(path.with_name("block.h5")),
    "a folder": become_a_folder,
    "a pipe": become_a_pipe,
    "a link that leads nowhere": become_a_link_to_nothing,
    "of another sweep": come_from_another_sweep,
    "no HDF5 under its own hash": hold_something_else_under_its_own_hash,
}


@pytest.mark.fault("a block is missing, empty, renamed, foreign, or not a file")
@pytest.mark.parametrize("harm", HARMS)
def test_a_harmed_block_is_computed_again(plan, folder, tried, harm):
    reference = (folder / "result.h5").read_bytes()
    first = sorted(folder.glob("blocks/*.h5"))[0]
    HARMS[harm](first)
    found, again = finish(folder, plan)
    assert sorted(found) == [1, 2]
    assert again == reference
    tried()


@pytest.mark.fault("a block has two intact files")
def test_a_block_that_is_there_twice_is_refused_and_both_are_kept(plan, folder, tried, tmp_path):
    first = sorted(folder.glob("blocks/*.h5"))[0]
    with RunFolder(tmp_path / "other", plan) as store:
        data = {name: values + 1 for name, values in filled(plan, plan.block(0)).items()}
        commit(store, plan.block(0), data)
    (other,) = tmp_path.glob("other/blocks/*.h5")
    shutil.copy(other, first.parent)
    before = sorted(folder.glob("blocks/*"))
    with pytest.raises(RefusedError, match="block 0 is duplicated"):
        finish(folder, plan)
    assert sorted(folder.glob("blocks/*")) == before
    tried()
