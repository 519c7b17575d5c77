"""Reading the committed part of a run in progress."""

import math
import pickle

import numpy as np
import pytest
from click.testing import CliRunner
from store_cases import commit, filled, run_folder, sweep

import saddlescape as ss
from saddlescape import plots
from saddlescape.errors import CorruptError, RefusedError
from saddlescape.plan import Plan
from saddlescape.plan import plan as plans
from saddlescape.store import RunFolder
from saddlescape_cli.main import cli


@pytest.fixture
def plan(monkeypatch):
    monkeypatch.setattr(plans, "BLOCK_RUNS", 4)
    return Plan(sweep())


def begun(plan, folder, numbers):
    with RunFolder(folder, plan) as store:
        for number in numbers:
            commit(store, plan.block(number), filled(plan, plan.block(number)))
    return folder


def expected(plan, whole, committed):
    """Committed values of each variable over runs, and -1 or NaN elsewhere."""
    there = np.zeros(plan.shape, dtype=bool)
    for block in (plan.block(number) for number in committed):
        there[tuple(slice(a, b) for a, b in zip(block.start, block.stop, strict=True))] = True
    return {
        name: np.where(there, values, values.dtype.type(-1 if values.dtype.kind == "i" else np.nan))
        for name, values in whole.items()
        if values.shape == plan.shape
    }


@pytest.mark.parametrize("size", [1, 3, 4, 40])
def test_each_run_is_in_the_block_that_the_plan_names(monkeypatch, size):
    monkeypatch.setattr(plans, "BLOCK_RUNS", size)
    plan = Plan(sweep())
    numbers = np.full(plan.shape, -1)
    for block in plan:
        numbers[tuple(map(slice, block.start, block.stop))] = block.number
    named = [plan.number_of(index) for index in np.ndindex(plan.shape)]
    assert named == numbers.ravel().tolist()


@pytest.mark.parametrize(("size", "runs"), [(1, "5"), (3, "'all'"), (4, "1"), (40, "5")])
def test_all_blocks_read_as_the_merged_file_does(tmp_path, monkeypatch, size, runs):
    monkeypatch.setattr(plans, "BLOCK_RUNS", size)
    plan = Plan(sweep(f"record.runs={runs}", "record.fields=['loss','layer_norm']"))
    folder = begun(plan, tmp_path / "a", range(plan.blocks))
    with ss.open(folder) as parts, ss.open(run_folder(plan, tmp_path / "b")) as merged:
        assert list(parts) == list(merged)
        assert parts.dims == merged.dims
        assert parts.labels == merged.labels
        assert (parts.title, parts.spec_text, parts.axes) == (merged.title, merged.spec_text, merged.axes)
        for name in merged:
            np.testing.assert_array_equal(parts[name], merged[name], name)
            assert parts[name].dtype == merged[name].dtype
            assert parts.stored(name).dims == merged.stored(name).dims
        assert parts.to_dataframe().equals(merged.to_dataframe())
        assert parts.to_xarray().equals(merged.to_xarray())
        assert Plan(parts.sweep).digest == plan.digest


def test_what_is_not_there_yet_is_minus_one_or_nan(plan, tmp_path):
    committed = [0, 4, 11]
    whole = filled(plan, [slice(0, n) for n in plan.shape])
    with ss.open(begun(plan, tmp_path / "run", committed)) as result:
        for name, values in expected(plan, whole, committed).items():
            np.testing.assert_array_equal(result[name], values, name)
        there = expected(plan, whole, committed)["outcome"] >= 0
        assert len(result.to_dataframe()) == there.sum()
        assert result.find("solved").tolist() == np.argwhere(there & (whole["outcome"] == 4)).tolist()
        points = np.where(there.any(axis=-1), whole["distinct_starts"], -1)
        assert result.distinct_starts.tolist() == points.tolist()


def test_the_reader_sees_the_blocks_of_the_moment_it_opened(plan, tmp_path):
    folder = begun(plan, tmp_path / "run", [0])
    with ss.open(folder) as early, RunFolder(folder, plan) as store:
        commit(store, plan.block(1), filled(plan, plan.block(1)))
        with ss.open(folder) as late:
            assert np.count_nonzero(early.outcome >= 0) == 4
            assert np.count_nonzero(late.outcome >= 0) == 8
        again = pickle.loads(pickle.dumps(late))
        np.testing.assert_array_equal(again.outcome, late.outcome)


def test_a_trajectory_is_read_from_its_block_alone(plan, tmp_path):
    folder = begun(plan, tmp_path / "run", [0, 7])
    whole = filled(plan, [slice(0, n) for n in plan.shape])
    sorted((folder / "blocks").iterdir())[0].write_bytes(b"damaged")
    with ss.open(folder) as result:
        index = plan.block(7).start
        np.testing.assert_array_equal(
            result.trajectory(index[:-1], index[-1])["loss"], whole["loss"][(*index[:-1], index[-1] // 2)]
        )
        with pytest.raises(CorruptError, match=r"000000-.* does not match its name"):
            _ = result.outcome


def test_a_folder_that_is_no_run_is_told(plan, tmp_path):
    with pytest.raises(RefusedError, match="not a run's folder"):
        ss.open(tmp_path)
    folder = begun(plan, tmp_path / "run", [0])
    (folder / "spec.toml").write_text((folder / "spec.toml").read_text().replace("steps = 20", "steps = 30"))
    with pytest.raises(CorruptError, match="has changed since the run began"):
        ss.open(folder)


def test_what_is_there_is_drawn_and_its_title_says_how_much(plan, tmp_path):
    folder = begun(plan, tmp_path / "run", [0, 1])
    done = CliRunner().invoke(cli, ["plot", str(folder), "-o", str(tmp_path / "it.svg")], catch_exceptions=False)
    assert done.exit_code == 0
    with ss.open(folder) as results:
        there, runs = results.so_far
        assert there == sum(math.prod(plan.block(number).shape) for number in (0, 1)) == (results["outcome"] >= 0).sum()
        (ax,) = plots.plot(results, "curve").axes
        assert ax.get_title().endswith(f"so far {there:,} of {runs:,} runs")
    with pytest.raises(plots.PlotError, match="has no finished run yet"):
        CliRunner().invoke(cli, ["plot", str(begun(plan, tmp_path / "other", []))], catch_exceptions=False)
    with ss.open(run_folder(plan, tmp_path / "whole")) as results:
        assert results.so_far is None
