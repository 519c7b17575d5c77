"""The list of runs and results in a folder."""

import os
import re
import shutil

import pytest
from click.testing import CliRunner
from store_cases import commit, filled, finish, small_plan

from saddlescape.plan import Shard
from saddlescape.store import RunFolder, entries
from saddlescape_cli.ls import ls


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A finished run, a stopped one two levels down, a computed shard, a result alone, no HDF5, and a dangling link."""
    plan = small_plan(monkeypatch)
    finish(tmp_path / "a", plan)
    with RunFolder(tmp_path / "b/c", plan) as store:
        commit(store, plan.block(0), filled(plan, plan.block(0)))
    with RunFolder(tmp_path / "d", plan, Shard(3, 3)) as store:
        commit(store, plan.block(2), filled(plan, plan.block(2)))
    shutil.copy(tmp_path / "a/result.h5", tmp_path / "e.h5")
    (tmp_path / "f.h5").write_bytes(b"no")
    (tmp_path / "g.h5").symlink_to("nowhere.h5")
    return tmp_path


def test_runs_and_results_are_listed_with_their_states(folder):
    found = {each.path.relative_to(folder).as_posix(): each for each in entries(folder)}
    states = {"a": "finished", "b/c": "stopped, 33 %", "d": "computed, 100 %", "e.h5": "result", "f.h5": "unreadable"}
    states["g.h5"] = "unreadable"
    assert {name: each.state for name, each in found.items()} == states
    assert {found[name].title for name in ("a", "b/c", "d", "e.h5")} == {"tiny"}
    assert "f.h5" in found["f.h5"].title


def test_a_run_at_work_is_running(tmp_path, monkeypatch):
    plan = small_plan(monkeypatch)
    with RunFolder(tmp_path, plan):
        assert [each.state for each in entries(tmp_path)] == ["running, 0 %"]


def test_the_time_is_that_of_the_result_or_of_the_session(folder):
    os.utime(folder / "a/result.h5", (1e9, 1e9))
    os.utime(folder / "d/run.json", (1.1e9, 1.1e9))
    times = {each.path.name: each.when.timestamp() for each in entries(folder)}
    assert (times["a"], times["d"]) == (1e9, 1.1e9)


def test_the_command_prints_a_table(folder):
    lines = CliRunner().invoke(ls, [str(folder)], catch_exceptions=False).output.splitlines()
    assert len(lines) == 6
    assert re.fullmatch(rf"{folder}/a +finished +20\d\d-\d\d-\d\d \d\d:\d\d  tiny", lines[0])
    assert len({line.index("  20") for line in lines}) == 1


def test_an_empty_folder_says_what_to_do(tmp_path):
    done = CliRunner().invoke(ls, [str(tmp_path)], catch_exceptions=False)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "make one with: saddlescape run xor" in done.stderr
    assert CliRunner().invoke(ls, [str(tmp_path / "x")]).exit_code == 2
