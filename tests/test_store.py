"""The folder of a run and the merged file: no data are lost or mixed up, and equal runs give equal bytes."""

import errno
import json
import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest
from store_cases import TEXT, commit, filled, held, run_folder, sweep

from saddlescape.errors import CorruptError, LockedError, RefusedError
from saddlescape.plan import Plan
from saddlescape.plan import plan as plans
from saddlescape.store import RunFolder, blocks
from saddlescape.store.atomic import PART, temporary, write_atomic
from saddlescape.store.schema import variables


@pytest.fixture
def plan(monkeypatch):
    """A plan of many small blocks; the last one along `run` is not full."""
    monkeypatch.setattr(plans, "BLOCK_RUNS", 4)
    made = Plan(sweep())
    assert made.blocks == 12
    assert made.shape[-1] % made.tile[-1] != 0
    return made


def names(folder):
    return sorted(path.name for path in (folder / "blocks").iterdir())


def test_every_value_comes_back_at_its_place(plan, tmp_path):
    result = run_folder(plan, tmp_path / "run")
    whole = filled(plan, [slice(0, n) for n in plan.shape])
    with h5py.File(result) as file:
        for variable in variables(plan):
            np.testing.assert_array_equal(file[variable.name][()], whole[variable.name], variable.name)
            assert file[variable.name].dtype == np.dtype(variable.dtype)


@pytest.mark.parametrize("runs", [0, 1, 3, 4, "'all'"])
@pytest.mark.parametrize("size", [1, 3, 4, 7])
def test_blocks_of_any_size_hold_their_share_of_runs_and_trajectories(monkeypatch, tmp_path, size, runs):
    monkeypatch.setattr(plans, "BLOCK_RUNS", size)
    monkeypatch.setattr("saddlescape.store.merge.COUNTED", 4)
    plan = Plan(sweep(f"record.runs={runs}"))
    assert all(math.prod(block.shape) <= size for block in plan)
    whole = filled(plan, [slice(0, n) for n in plan.shape])
    with h5py.File(run_folder(plan, tmp_path / "run")) as file:
        assert file["run"][()].tolist() == list(range(10))
        for variable in variables(plan):
            np.testing.assert_array_equal(file[variable.name][()], whole[variable.name], variable.name)


def test_threads_encode_blocks_at_once(plan):
    data = [(block, filled(plan, block)) for block in plan]
    alone = [blocks.encode(plan, *each) for each in data]
    with ThreadPoolExecutor(8) as pool:
        together = pool.map(lambda each: blocks.encode(plan, *each), data * 20)
        assert list(together) == alone * 20


def test_a_block_is_only_what_its_name_says(plan, tmp_path):
    folder = tmp_path / "run"
    run_folder(plan, folder)
    before = (folder / "result.h5").read_bytes()
    first, second, third, *_ = sorted((folder / "blocks").iterdir())
    first.write_bytes(first.read_bytes()[:-1])
    flipped = bytearray(second.read_bytes())
    flipped[len(flipped) // 2] ^= 1
    second.write_bytes(flipped)
    third.rename(third.with_name("000007" + third.name[6:]))
    with RunFolder(folder, plan) as store:
        assert sorted(store.committed()) == list(range(3, plan.blocks))
        assert sum(name.endswith(".corrupt") for name in names(folder)) == 3
        with pytest.raises(CorruptError, match=r"^3 blocks of .* were deleted .*; keep other programs out") as gone:
            store.merge()
        assert str(folder) not in str(gone.value).partition(";")[2]  # no advice to resume: that is what has just failed
        for number in range(3):
            commit(store, plan.block(number), filled(plan, plan.block(number)))
        assert store.merge().read_bytes() == before


def test_another_spec_is_told_by_where_it_differs_however_far_on(tmp_path):
    """Messages show the difference of long lists and texts, too."""
    values = [k / 64 for k in range(40)]
    text = TEXT + f'[[axes]]\nkey = "starts.scale"\nvalues = {values}\n'
    text = text.replace('title = "tiny"', f'title = "{"the same " * 40}one"')
    run_folder(Plan(sweep(text=text)), tmp_path / "run")
    for change, told in (
        (("0.59375", "0.59"), "axes[2].values[38]: was 0.59375, is now 0.59"),
        ((", 0.609375]", "]"), "axes[2].values[39]: was 0.609375, is now nothing"),
        (("same one", "same two"), f"title: was ...{'the same ' * 2}one', is now ...{'the same ' * 2}two'"),
        (("hidden = [2]", "hidden = [2, 2]"), "network.hidden[1]: was nothing, is now 2"),
        (("seed = 1", "seed = 2"), "starts.seed: was 1, is now 2"),
    ):
        assert change[0] in text
        plan = Plan(sweep(text=text.replace(*change)))
        with pytest.raises(RefusedError) as refused, RunFolder(tmp_path / "run", plan):
            pass
        remedy = "to extend it, use" if told.startswith("axes") else "continue it with"
        assert f"of another spec ({told}); {remedy}" in str(refused.value)
    other = sweep(text=text.replace(str(values), str([2 * value + 1 for value in values])))
    with pytest.raises(RefusedError, match=r"\(axes\[2\]\.values\[0\]: was 0\.0, is now 1\.0; .*; and 36 more\);"):
        RunFolder(tmp_path / "run", Plan(other)).__enter__()


def test_what_was_set_aside_stays(plan, tmp_path):
    run_folder(plan, tmp_path / "run")
    first = sorted((tmp_path / "run/blocks").iterdir())[0]
    with RunFolder(tmp_path / "run", plan) as store:
        for content in (b"one", b"two", b"three"):
            first.write_bytes(content)
            assert 0 not in store.committed()
    aside = [first.with_name(f"{first.name}{n}.corrupt").read_bytes() for n in ("", ".2", ".3")]
    assert aside == [b"one", b"two", b"three"]


def test_a_block_of_another_spec_is_set_aside(plan, tmp_path):
    other = Plan(sweep("training.steps=21"))
    run_folder(other, tmp_path / "other")
    run_folder(plan, tmp_path / "run")
    strange = sorted((tmp_path / "other/blocks").iterdir())[0]
    sorted((tmp_path / "run/blocks").iterdir())[0].unlink()
    strange.rename(tmp_path / "run/blocks" / strange.name)
    with RunFolder(tmp_path / "run", plan) as store:
        assert 0 not in store.committed()
    assert strange.name + ".corrupt" in names(tmp_path / "run")


@pytest.mark.parametrize(
    ("given", "words"), [(b"other", "does not match its name"), (b"no HDF5", "belongs to another spec")]
)
def test_what_is_no_block_of_the_run_is_not_merged(plan, tmp_path, given, words):
    result = run_folder(plan, tmp_path / "run")
    first, before = sorted((tmp_path / "run/blocks").iterdir())[0], result.read_bytes()
    first.rename(first.with_name(blocks.name(0, b"no HDF5")))
    first.with_name(blocks.name(0, b"no HDF5")).write_bytes(given)
    with RunFolder(tmp_path / "run", plan) as store, pytest.raises(CorruptError, match=words):
        store.merge()
    assert result.read_bytes() == before


def test_what_a_kill_left_half_written_is_removed(plan, tmp_path):
    folder = tmp_path / "run"
    run_folder(plan, folder)
    for name in ("blocks/000001-0123456789abcdef.h5", "result.h5"):
        temporary(folder / name, PART).write_bytes(b"half")
    with RunFolder(folder, plan) as store:
        assert len(store.committed()) == plan.blocks
    assert not list(folder.rglob("*.part"))


def test_the_result_does_not_depend_on_the_order_of_the_blocks(plan, tmp_path):
    forth = run_folder(plan, tmp_path / "a", range(plan.blocks)).read_bytes()
    back = run_folder(plan, tmp_path / "b", reversed(range(plan.blocks))).read_bytes()
    assert forth == back


def test_no_object_of_the_result_is_stamped_with_the_time(plan, tmp_path):
    result = run_folder(plan, tmp_path / "run")
    with h5py.File(result) as file:
        found = [file["outcome"], file["run"], file["provenance/spec"], file["provenance"]]
        assert [h5py.h5o.get_info(item.id).mtime for item in found] == [0] * 4


def test_a_resumed_run_has_the_spec_to_the_last_byte(tmp_path):
    windows = Plan(sweep(text=TEXT.replace("\n", "\r\n")))
    before = run_folder(windows, tmp_path / "run").read_bytes()
    with RunFolder.existing(tmp_path / "run") as store:
        assert store.plan.sweep.text == windows.sweep.text
        assert store.merge().read_bytes() == before


def test_one_process_at_a_time(plan, tmp_path):
    folder = tmp_path / "run"
    run_folder(plan, folder)
    program = (
        "import sys; from pathlib import Path; from saddlescape.store.lock import lock;"
        "lock(Path(sys.argv[1]), 'run', ''); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(folder / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(LockedError, match="in use by another process"), RunFolder(folder, plan):
            pass
        other.kill()
    with RunFolder(folder, plan) as store:
        assert len(store.committed()) == plan.blocks


def test_the_lock_is_given_back_when_entering_fails(plan, tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("saddlescape.store.folder.write_atomic", full)
    with pytest.raises(OSError, match="No space"), RunFolder(tmp_path / "run", plan):
        pass
    with held(tmp_path / "run/lock"):
        pass


@pytest.mark.parametrize("name", ["thesis.txt", "spec.toml", "result.h5"])
def test_a_folder_with_other_things_is_refused_and_left_alone(plan, tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(RefusedError, match="is not a run's folder"), RunFolder(tmp_path, plan):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_file_in_place_of_the_folder_is_refused(plan, tmp_path):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(RefusedError, match="is a file"), RunFolder(tmp_path / "run", plan):
        pass


@pytest.mark.parametrize("name", ["run", "run/blocks"])
def test_nothing_is_written_through_a_symbolic_link(plan, tmp_path, name):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RefusedError, match="is a symbolic link"), RunFolder(tmp_path / "run", plan):
        pass
    assert not list((tmp_path / "elsewhere").iterdir())


def test_another_spec_is_refused_with_the_difference(plan, tmp_path):
    run_folder(plan, tmp_path / "run")
    other = Plan(sweep("training.steps=21"))
    with pytest.raises(RefusedError, match=r"training\.steps: was 20, is now 21"), RunFolder(tmp_path / "run", other):
        pass


def test_blocks_of_another_size_are_not_mixed(plan, tmp_path, monkeypatch):
    run_folder(plan, tmp_path / "run")
    monkeypatch.setattr(plans, "BLOCK_RUNS", 6)
    with pytest.raises(RefusedError, match=r"begun by another version; .* with -o$"):
        RunFolder(tmp_path / "run", Plan(sweep())).__enter__()
    with pytest.raises(RefusedError, match=r"begun by another version; continue with that version$"):
        RunFolder.existing(tmp_path / "run").__enter__()


@pytest.mark.parametrize("damage", ["not json", "[]", '{"format": 1}'])
def test_a_damaged_plan_is_said_to_be_damaged(plan, tmp_path, damage):
    run_folder(plan, tmp_path / "run")
    (tmp_path / "run/plan.json").write_text(damage)
    with pytest.raises(CorruptError, match=r"plan\.json is damaged"):
        RunFolder.existing(tmp_path / "run")


def test_a_missing_spec_is_said_to_be_missing(plan, tmp_path):
    run_folder(plan, tmp_path / "run")
    (tmp_path / "run/spec.toml").unlink()
    with pytest.raises(CorruptError, match=r"spec\.toml is missing"):
        RunFolder.existing(tmp_path / "run")


def test_run_json_tells_when_and_where(plan, tmp_path):
    run_folder(plan, tmp_path / "run")
    session = json.loads((tmp_path / "run/run.json").read_text())
    assert session["began"] <= session["ended"]
    assert session["host"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "file"
    write_atomic(target, b"old")

    def torn(descriptor, content, real=os.write):
        if len(content) < 8:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, content[:3])

    monkeypatch.setattr(os, "write", torn)
    with pytest.raises(OSError, match="No space"):
        write_atomic(target, b"0123456789")
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_short_writes_are_continued(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "write", lambda descriptor, content, real=os.write: real(descriptor, content[:3]))
    write_atomic(tmp_path / "file", b"0123456789")
    assert (tmp_path / "file").read_bytes() == b"0123456789"


def test_who_holds_a_dataset_changes_no_byte(tmp_path, monkeypatch):
    plan, made, held = Plan(sweep()), h5py.Group.create_dataset, []
    plain = run_folder(plan, tmp_path / "plain").read_bytes()
    monkeypatch.setattr(h5py.Group, "create_dataset", lambda *a, **k: held.append(made(*a, **k)) or held[-1])
    assert run_folder(plan, tmp_path / "held").read_bytes() == plain
    assert held


def test_a_resume_of_a_changed_spec_does_not_advise_to_resume(plan, tmp_path):
    run_folder(plan, tmp_path / "run")
    (tmp_path / "run/spec.toml").write_text(TEXT.replace("count = 10", "count = 11"))
    with pytest.raises(RefusedError, match=r"count: was 10, is now 11\); restore its original spec.toml"):
        RunFolder.existing(tmp_path / "run").__enter__()
