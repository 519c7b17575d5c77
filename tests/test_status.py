"""Progress of runs in one folder and in several, as text and as JSON."""

import dataclasses
import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from store_cases import commit, filled, sweep

import saddlescape as ss
from saddlescape.errors import RefusedError
from saddlescape.plan import Plan, Shard
from saddlescape.store import RunFolder, by_run, together
from saddlescape_cli.status import duration, status


@pytest.fixture
def shards(tmp_path, monkeypatch):
    """Three shards of twelve blocks: done, begun with a failed block, and not begun."""
    monkeypatch.setattr("saddlescape.plan.plan.BLOCK_RUNS", 4)
    plan = Plan(sweep())
    for number, todo in (1, 4), (2, 2), (3, 0):
        with RunFolder(tmp_path / str(number), plan, Shard(number, 3)) as store:
            for block in map(plan.block, store.shard.numbers(plan.blocks)[:todo]):
                commit(store, block, filled(plan, block))
            if number == 2:
                store.fail(plan.block(7), "Traceback\n  of it\nMemoryError: no room\n")
    return [tmp_path / str(number) for number in (1, 2, 3)]


@pytest.fixture
def others(tmp_path):
    """Two folders with the same run, which is not that of the shards."""
    for name in "copy", "whole":
        with RunFolder(tmp_path / name, Plan(sweep("starts.seed=9"))):
            pass
    return [tmp_path / "copy", tmp_path / "whole"]


def saddlescape(*args):
    command = [sys.executable, "-m", "saddlescape", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True)


def told(*args):
    return CliRunner().invoke(status, [str(arg) for arg in args], catch_exceptions=False).output


def test_states_of_shards_add_up(shards):
    one, two, three = map(ss.status, shards)
    assert [(s.blocks, s.done, s.failed) for s in (one, two, three)] == [(4, 4, 0), (4, 2, 1), (4, 0, 0)]
    whole = ss.status(*shards)
    assert (whole.blocks, whole.done, whole.failed, whole.running, whole.merged) == (12, 6, 1, False, False)
    assert whole.failures == two.failures == {str(shards[1] / "blocks/000007.failed"): "MemoryError: no room"}


def test_the_slowest_shard_at_work_says_what_time_is_left(shards):
    stopped = dataclasses.replace(ss.status(shards[2]), blocks_per_second=9.0, seconds_left=99.0)
    at_work = [dataclasses.replace(stopped, running=True, blocks_per_second=r, seconds_left=4 / r) for r in (1.0, 2.0)]
    whole = together([stopped, *at_work])
    assert (whole.running, whole.blocks_per_second, whole.seconds_left) == (True, 3.0, 4.0)


def test_shards_are_summed_and_other_runs_are_not(shards, others):
    copy, whole = map(str, others)
    summed = "stopped: 6 of 12 blocks done, 5 left, 1 failed"
    reason = f"{shards[1] / 'blocks/000007.failed'}: MemoryError: no room"
    begun = "stopped: 0 of 12 blocks done, 12 left, 0 failed"
    assert told(shards[0], copy, *shards[1:], whole).splitlines() == [
        *(f"{shards[0]} and 2 more:", f"  {summed}", f"  {reason}"),
        *(f"{copy}:", f"  {begun}", f"{whole}:", f"  {begun}"),
    ]
    states = [json.loads(line) for line in told(copy, *shards, "--json").splitlines()]
    assert [(state["folders"], state["done"]) for state in states] == [([copy], 0), ([str(s) for s in shards], 6)]
    assert states[1]["shards"] == [{"number": number, "of": 3} for number in (1, 2, 3)]
    assert states[0]["plan"] != states[1]["plan"] == ss.status(shards[0]).plan


def test_python_refuses_to_sum_different_runs(shards, others):
    for one, other in (shards[0], others[0]), others, (shards[0], shards[0]):
        with pytest.raises(RefusedError, match="are not shards of one run; ask for the status of each run alone"):
            ss.status(one, other)


@pytest.mark.parametrize(
    ("divisions", "runs"),
    [
        (["1/2", "2/4", "4/4"], [["1/2", "2/4", "4/4"]]),
        (["1/2", "3/4", "2/2", "1/1", "1/4"], [["1/2", "2/2"], ["3/4", "1/4"], ["1/1"]]),
        (["1/2", "2/3"], [["1/2"], ["2/3"]]),
    ],
)
def test_only_shards_without_a_common_block_are_summed(shards, divisions, runs):
    state = ss.status(shards[0])
    parts = [Shard(*map(int, division.split("/"))) for division in divisions]
    states = by_run(dataclasses.replace(state, shards=(part,)) for part in parts)
    assert [list(map(str, each.shards)) for each in states] == runs


def test_words_and_json_tell_what_failed(shards):
    assert told(shards[0]).startswith("done: 4 of 4 blocks done, 0 left, 0 failed\n")
    note = shards[1] / "blocks/000007.failed"
    assert told(*shards) == f"stopped: 6 of 12 blocks done, 5 left, 1 failed\n{note}: MemoryError: no room\n"
    assert json.loads(told(*shards, "--json"))["failures"] == {str(note): "MemoryError: no room"}
    for number in range(10, 17):
        (shards[1] / f"blocks/0000{number}.failed").write_text("")
    assert told(shards[1]).endswith("/000013.failed: \n...\n")


def test_what_is_no_folder_of_a_run_is_told_and_passed_over(shards, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/plan.json").write_text("{")
    done = saddlescape("status", *sorted(tmp_path.iterdir()))  # as the shell writes *
    assert done.stdout == told(*shards)
    lines = done.stderr.splitlines()
    assert [line.split()[1].rsplit("/", 1)[1] for line in lines] == ["plan.json", "empty", "notes.txt"]
    assert (lines[0].endswith("start the run again in another folder"), done.returncode) == (True, 3)
    alone = saddlescape("status", tmp_path / "empty", "--json")
    assert (alone.returncode, alone.stdout, len(alone.stderr.splitlines())) == (3, "", 1)


def test_nothing_is_less_than_none(shards):
    (folder,) = shards[:1]
    (folder / "blocks/000000.failed").write_text("of a time before it was done\n")
    (folder / "blocks/000099-0123456789abcdef.h5").write_text("of another plan\n")
    session = json.loads((folder / "run.json").read_text())
    began = {"before": 99, "began": "2026-01-01T00:00:00.000+00:00", "ended": "2026-01-01T00:00:09.000+00:00"}
    (folder / "run.json").write_text(json.dumps(session | began))
    state = ss.status(folder)
    assert (state.done, state.failed, state.failures, state.blocks_per_second) == (5, 0, {}, None)
    assert told(folder) == "done: 5 of 4 blocks done, 0 left, 0 failed\n"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1s"), (42.4, "42s"), (282, "4m42s"), (5400, "1h30m"), (3600, "1h"), (273_700, "3d4h"), (86_405, "1d5s")],
)
def test_a_time_is_told_in_its_two_largest_units(seconds, words):
    assert duration(seconds) == words
