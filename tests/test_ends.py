"""At its end a run leaves the result without its blocks; another run may begin in its place."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from spec_cases import TINY, blocks_of

import saddlescape as ss
from saddlescape.errors import CorruptError, LockedError, RefusedError, SpecError
from saddlescape.runs.more import more
from saddlescape.runs.runner import FailedBlocksError, Interrupted, resume
from saddlescape.spec import parse
from saddlescape.store import entries, held, verify
from saddlescape_cli.main import cli

small_blocks = blocks_of(9 * 4 * 20 * 2)
"""Five blocks of two runs."""


@pytest.fixture
def sweep(tmp_path):
    (tmp_path / "spec.toml").write_text(TINY)
    return ss.load(tmp_path / "spec.toml")


@pytest.fixture
def run(sweep, tmp_path):
    """The folder of a finished run."""
    return ss.run(sweep, tmp_path / "run", threads=1).parent


def stopped(sweep, folder, after=3):
    """A run in progress, with the first blocks."""
    with pytest.raises(Interrupted):
        ss.run(sweep, folder, threads=1, should_stop=lambda: len(list(folder.glob("blocks/*.h5"))) >= after)
    assert 0 < ss.status(folder).done < 5
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


BARE = ["lock", "plan.json", "result.h5", "run.json", "spec.toml"]


def test_the_blocks_of_a_finished_run_are_gone_unless_they_are_kept(run, sweep, tmp_path):
    assert names(run) == BARE
    kept = ss.run(sweep, tmp_path / "kept", threads=1, keep_blocks=True)
    assert names(kept.parent) == ["blocks", *BARE]
    assert len(list(kept.parent.glob("blocks/*.h5"))) == 5
    assert kept.read_bytes() == (run / "result.h5").read_bytes()
    assert verify(kept.parent) == f"{kept.parent} is intact: 5 of 5 blocks and result.h5"
    done = CliRunner().invoke(cli, ["resume", str(kept.parent), "--threads", "1"])
    assert done.exit_code == 0
    assert names(kept.parent) == BARE


def test_a_finished_run_is_read_verified_and_resumed_without_its_blocks(run, sweep):
    before = (run / "result.h5").stat().st_mtime_ns
    progress = ss.status(run)
    assert (progress.blocks, progress.done, progress.failed, progress.merged) == (5, 5, 0, True)
    assert verify(run) == f"{run} is intact: result.h5"
    assert [entry.state for entry in entries(run.parent)] == ["finished"]
    assert resume(run, threads=1) == run / "result.h5"
    assert ss.run(sweep, run, threads=1).path == run / "result.h5"
    assert (run / "result.h5").stat().st_mtime_ns == before
    assert names(run) == BARE
    done = CliRunner().invoke(cli, ["resume", str(run)])
    assert done.stderr == f"{run} is finished\n"
    with pytest.raises(RefusedError, match=r"contains a finished run, not a shard; its result is .*/result\.h5"):
        ss.merge([run], run.parent / "merged.h5")


def test_a_kill_while_blocks_are_deleted_costs_no_training(sweep, run, tmp_path, monkeypatch):
    folder = ss.run(sweep, tmp_path / "other", threads=1, keep_blocks=True).parent
    sorted(folder.glob("blocks/*.h5"))[0].unlink()
    with monkeypatch.context() as patch:
        patch.setattr("saddlescape.runs.dispatch.compute", None)
        resume(folder, threads=1)
    assert names(folder) == BARE


def test_a_damaged_result_without_blocks_is_computed_again(run):
    whole = (run / "result.h5").read_bytes()
    (run / "result.h5").write_bytes(whole[:-200])
    assert resume(run, threads=1).read_bytes() == whole


def test_failed_blocks_keep_the_others(sweep, tmp_path, monkeypatch):
    from saddlescape.runs.compute import compute

    def failing(plan, block, *rest):
        if block.number == 3:
            raise MemoryError("no room")
        return compute(plan, block, *rest)

    with monkeypatch.context() as patch:
        patch.setattr("saddlescape.runs.dispatch.compute", failing)
        with pytest.raises(FailedBlocksError, match="--retry-failed"):
            ss.run(sweep, tmp_path / "run", threads=1, keep_going=True)
    assert len(list((tmp_path / "run").glob("blocks/*.h5"))) == 4
    resume(tmp_path / "run", threads=1, retry_failed=True)
    assert names(tmp_path / "run") == BARE


def test_a_run_opened_in_progress_is_read_after_its_end(sweep, tmp_path):
    folder = stopped(sweep, tmp_path / "run")
    with ss.open(folder) as now:
        there = now["outcome"] >= 0
        resume(folder, threads=1)
        with ss.open(folder) as whole:
            np.testing.assert_array_equal(now["final_loss"][there], whole["final_loss"][there])
            assert now["outcome"].tolist() == np.where(there, whole["outcome"], -1).tolist()


def test_a_run_in_progress_is_exported_and_plotted_with_the_number_of_its_runs(sweep, tmp_path):
    folder = stopped(sweep, tmp_path / "run")
    done = ss.status(folder).done * 2
    for arguments in (["--to", "csv"], ["--to", "npz"]):
        told = CliRunner().invoke(cli, ["export", str(folder), *arguments])
        assert (told.exit_code, told.stderr) == (0, f"so far {done} of 10 runs\n")
    rows = (folder / f"result-{done}-of-10.csv").read_text().splitlines()
    assert len(rows) == 1 + done
    assert np.load(folder / f"result-{done}-of-10.npz")["so_far"].tolist() == [done, 10]
    assert CliRunner().invoke(cli, ["plot", str(folder), "-o", str(tmp_path / "now.svg")]).exit_code == 0
    assert f"so far {done} of 10 runs" in (tmp_path / "now.svg").read_text()


OTHER = TINY.replace("seed = 1", "seed = 2")


def test_a_run_is_overwritten_if_that_is_asked_for(run, tmp_path):
    (run / "mine.txt").write_text("notes")
    (tmp_path / "other.toml").write_text(OTHER)
    command = ["run", str(tmp_path / "other.toml"), "-o", str(run), "--threads", "1"]
    refused = CliRunner().invoke(cli, command)
    assert "starts.seed: was 1, is now 2" in str(refused.exception)
    assert "or replace it with --overwrite" in str(refused.exception)
    assert CliRunner().invoke(cli, [*command, "--overwrite"]).exit_code == 0
    whole = ss.run(tmp_path / "other.toml", tmp_path / "other", threads=1)
    assert (run / "result.h5").read_bytes() == whole.read_bytes()
    assert names(run) == sorted([*BARE, "mine.txt"])
    assert json.loads((run / "plan.json").read_text())["digest"] == whole._source.plan


@pytest.mark.parametrize("state", ["in progress", "with failures", "growing", "with data"])
def test_every_kind_of_run_is_overwritten(sweep, tmp_path, state):
    folder = tmp_path / "run"
    if state == "with data":
        ss.run(
            ss.sweep([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]], hidden=[2], training={"steps": 3}),
            folder,
            threads=1,
        )
    elif state == "growing":
        ss.run(sweep, folder, threads=1)
        with pytest.raises(Interrupted):
            more(folder, count=20, threads=1, should_stop=lambda: True)
        assert (folder / "growing").is_dir()
    else:
        stopped(sweep, folder)
        if state == "with failures":
            (folder / "blocks/000004.failed").write_text("no room")
            (folder / "blocks/000003-0.h5.corrupt").write_text("damaged")
    ss.run(parse(OTHER, tmp_path), folder, threads=1, overwrite=True)
    assert names(folder) == BARE
    with ss.open(folder) as results:
        assert results.resolved["starts"]["seed"] == 2


def test_only_a_run_of_ours_is_overwritten_and_only_if_the_new_one_begins(run, sweep, tmp_path):
    before = (run / "result.h5").read_bytes()
    with pytest.raises(SpecError):
        ss.run("xor", run, overrides=["starts.count=0"], overwrite=True)
    with pytest.raises(RefusedError, match="of memory"):
        ss.run("xor", run, overrides=["starts.count=1000000000"], overwrite=True)
    with held(run), pytest.raises(LockedError, match="is in use by another process"):
        ss.run("xor", run, overwrite=True)
    assert (run / "result.h5").read_bytes() == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    with pytest.raises(RefusedError, match="exists and is not a run's folder"):
        ss.run(sweep, tmp_path / "mine", overwrite=True)
    assert names(tmp_path / "mine") == ["notes.txt"]
    (run / "plan.json").write_text("{")
    with pytest.raises(CorruptError, match="is damaged"):
        ss.run(sweep, run, overwrite=True)
    assert (run / "result.h5").read_bytes() == before


def test_a_file_among_the_blocks_that_is_not_ours_stays(run, sweep):
    (run / "blocks").mkdir()
    (run / "blocks/notes.txt").write_text("mine")
    ss.run(sweep, run, overwrite=True, threads=1)
    assert names(run / "blocks") == ["notes.txt"]


def test_a_kill_while_a_run_is_overwritten_leaves_the_old_or_the_new_one(run, sweep, tmp_path, monkeypatch):
    new = parse(OTHER, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("saddlescape.store.folder.write_plan", lambda *rest: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            ss.run(new, run, overwrite=True)
    assert verify(run) == f"{run} is intact: result.h5"
    with monkeypatch.context() as patch:
        patch.setattr("saddlescape.store.folder.remove_blocks", lambda *rest: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            ss.run(new, run, overwrite=True)
    assert ss.open(resume(run, threads=1)).resolved["starts"]["seed"] == 2
