"""Merged shards give the same bytes as one run; missing, duplicated or foreign blocks are refused."""

import math
import shutil
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from store_cases import commit, filled, held, sweep

from saddlescape.errors import CorruptError, LockedError, RefusedError
from saddlescape.plan import WHOLE, Plan, Shard
from saddlescape.plan import plan as plans
from saddlescape.spec import GENERATION
from saddlescape.store import RunFolder, merge_shards
from saddlescape.store.atomic import PART, temporary
from saddlescape.store.schema import variables


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(plans, "BLOCK_RUNS", 4)


def shard_folder(folder, shard, *overrides):
    plan = Plan(sweep(*overrides))
    with RunFolder(folder, plan, shard) as store:
        for number in shard.numbers(plan.blocks):
            commit(store, plan.block(number), filled(plan, plan.block(number)))
    return folder


def shard_folders(where, of):
    return [shard_folder(where / str(number), Shard(number, of)) for number in range(1, of + 1)]


@given(some.integers(1, 300), some.integers(1, 50), some.integers(1, 12), some.data())
@settings(max_examples=60)
def test_the_runs_of_a_shard_are_those_of_its_blocks(count, most, of, data):
    plan = Plan(sweep(f"starts.count={count}"))
    plan.__dict__["tile"] = (1, 1, min(most, count))
    numbers = Shard(data.draw(some.integers(1, of)), of).numbers(plan.blocks)
    assert plan.runs_in(numbers) == sum(math.prod(plan.block(number).shape) for number in numbers)


def test_the_runs_of_a_strangers_shard_are_known_at_once():
    """A spec of a few bytes can have more blocks than can be counted one by one in a day."""
    plan = Plan(sweep("starts.count=1e9", "training.steps=1e9"))
    shards = [Shard(number, 7).numbers(plan.blocks) for number in range(1, 8)]
    assert len(shards[0]) > 5 * 10**8
    assert sum(map(plan.runs_in, shards)) == plan.runs


@given(blocks=some.integers(0, 1000), of=some.integers(1, 50))
def test_shards_share_out_the_blocks(blocks, of):
    shares = [Shard(number, of).numbers(blocks) for number in range(1, of + 1)]
    assert sorted(number for share in shares for number in share) == list(range(blocks))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert WHOLE.numbers(blocks) == range(blocks)


@pytest.mark.parametrize("of", [1, 2, 5, 7, 13])
def test_merged_shards_are_the_bytes_of_one_run(tmp_path, of):
    folders = shard_folders(tmp_path / "shards", of)
    with RunFolder.existing(shard_folder(tmp_path / "whole", WHOLE)) as store:
        whole = store.merge().read_bytes()
    assert merge_shards(folders[::-1], tmp_path / "result.h5").read_bytes() == whole


def test_a_shard_goes_on_as_that_shard(tmp_path):
    folder = shard_folder(tmp_path / "run", Shard(2, 3))
    with RunFolder.existing(folder) as store:
        assert store.shard == Shard(2, 3)
        assert sorted(store.committed()) == list(range(1, 12, 3))
    with pytest.raises(RefusedError, match="contains shard 2/3 of this sweep, not 1/3"), RunFolder(
        folder, Plan(sweep()), Shard(1, 3)
    ):
        pass


def refused(folders, target, words):
    before = sorted(target.parent.rglob("*"))
    with pytest.raises(RefusedError, match=words):
        merge_shards(folders, target)
    assert sorted(target.parent.rglob("*")) == before


def test_holes_are_refused_with_what_fills_them(tmp_path):
    folders, target = shard_folders(tmp_path, 7), tmp_path / "result.h5"
    refused([*folders[:2], *folders[3:6]], target, "3 of 12 blocks are missing; name .* shard 3/7, 7/7 too$")
    refused(folders[:1], target, "10 of 12 .* shard 2/7, 3/7, 4/7, 5/7, 6/7 and others too$")
    next((folders[3] / "blocks").iterdir()).unlink()
    refused(folders, target, f"1 of 12 blocks are missing; continue with saddlescape resume {folders[3]}$")


def test_a_block_that_is_there_twice_is_refused(tmp_path):
    folders = [*shard_folders(tmp_path, 2), tmp_path / "copy"]
    shutil.copytree(folders[0], folders[2])
    refused(folders, tmp_path / "result.h5", "block 0 is duplicated")


def test_shards_of_another_sweep_are_refused(tmp_path):
    one = shard_folder(tmp_path / "1", Shard(1, 2))
    other = shard_folder(tmp_path / "2", Shard(2, 2), "training.steps=21")
    refused([one, other], tmp_path / "result.h5", "are of different sweeps")
    (tmp_path / "empty").mkdir()
    refused([one, tmp_path / "empty"], tmp_path / "result.h5", r"empty is not a run's folder")


def test_a_folder_goes_on_with_the_meaning_with_which_it_was_begun(tmp_path):
    old, new = (Plan(replace(sweep("training.batch=2"), generation=generation)) for generation in (1, GENERATION))
    assert old.digest == new.digest
    assert {v.name for v in variables(new)} - {v.name for v in variables(old)} == {"solve_epoch"}
    with RunFolder(tmp_path, old) as store:
        for number in range(old.blocks):
            commit(store, old.block(number), filled(old, old.block(number)))
        merged = store.merge().read_bytes()
    with RunFolder(tmp_path, new) as store:
        assert len(store.committed()) == new.blocks
        assert store.plan.sweep.generation == 1
        assert store.merge().read_bytes() == merged


def test_shards_with_other_meanings_are_refused(tmp_path):
    folders = [shard_folder(tmp_path / str(number), Shard(number, 2)) for number in (1, 2)]
    plan = folders[0] / "plan.json"
    plan.write_text(plan.read_text().replace(f'"generation": {GENERATION}', '"generation": 1'))
    refused(folders, tmp_path / "out.h5", f"other outcomes than that of .*; run the shard of {folders[0]} again")


def test_a_file_that_is_there_is_left_alone(tmp_path):
    (tmp_path / "result.h5").write_text("mine")
    refused(shard_folders(tmp_path, 2), tmp_path / "result.h5", "exists and is left alone")
    assert (tmp_path / "result.h5").read_text() == "mine"


def test_a_name_that_leads_nowhere_is_left_alone(tmp_path):
    folders = shard_folders(tmp_path / "shards", 2)
    (tmp_path / "result.h5").symlink_to(tmp_path / "elsewhere")
    refused(folders, tmp_path / "result.h5", "exists and is left alone")


def test_two_merges_do_not_make_one_file(tmp_path):
    folders = shard_folders(tmp_path, 2)
    with (
        held(temporary(tmp_path / "result.h5", PART)),
        pytest.raises(LockedError, match=r"another process is writing .*result\.h5"),
    ):
        merge_shards(folders, tmp_path / "result.h5")
    merge_shards(folders, tmp_path / "result.h5")
    assert [path.name for path in tmp_path.glob("*result*")] == ["result.h5"]


def damage(first, second):
    content = bytearray(first.read_bytes())
    content[len(content) // 2] ^= 1
    first.write_bytes(content)


def put_another_in_its_place(first, second):
    shutil.copy(second, first.with_name(first.name[:6] + second.name[6:]))
    first.unlink()


@pytest.mark.parametrize("harm", [damage, put_another_in_its_place])
def test_no_harmed_block_is_merged(tmp_path, harm):
    folders = shard_folders(tmp_path, 2)
    harm(*sorted((folders[0] / "blocks").iterdir())[:2])
    with pytest.raises(CorruptError, match="000000-"):
        merge_shards(folders, tmp_path / "result.h5")
    assert not list(tmp_path.glob("*result*"))


@settings(max_examples=20)
@given(data=some.data())
def test_folders_merge_if_every_block_is_there_once(tmp_path_factory, data):
    where = tmp_path_factory.mktemp("cuts")
    cut = some.integers(1, 4).flatmap(lambda of: some.tuples(some.integers(1, of), some.just(of)))
    shards = data.draw(some.lists(cut, min_size=1, max_size=4, unique=True))
    folders = [shard_folder(where / f"{n}-{of}", Shard(n, of)) for n, of in shards]
    numbers = [number for n, of in shards for number in Shard(n, of).numbers(12)]
    if sorted(numbers) == list(range(12)):
        assert merge_shards(folders, where / "result.h5").exists()
    else:
        refused(folders, where / "result.h5", "duplicated|missing")
