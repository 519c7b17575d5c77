"""Trajectories of the first runs of each outcome do not depend on the division into blocks."""

import h5py
import numpy as np
import pytest
from spec_cases import TINY
from store_cases import commit

import saddlescape as ss
from saddlescape.plan import Plan, Shard
from saddlescape.plan import plan as plans
from saddlescape.runs.compute import chosen, compute
from saddlescape.spec import parse
from saddlescape.store import RunFolder

TEXT = TINY.replace("count = 10", "count = 40") + """[record]
runs = { per_outcome = 3 }
parameters = true
[[axes]]
key = "starts.scale"
values = [0, 0.5, 5]
"""
KEPT = 3


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    return parse(TEXT, tmp_path_factory.getbasetemp(), ["training.steps=300"])


def cut(monkeypatch, sweep, runs):
    monkeypatch.setattr(plans, "BLOCK_RUNS", runs)
    return Plan(sweep)


def stored(path):
    """All variables along trajectories."""
    with h5py.File(path) as file:
        return {name: file[name][()] for name in ("trajectory_run", "loss", "separation", "theta")}


@pytest.mark.parametrize("runs", [120, 80, 40, 17, 5, 1])
def test_the_choice_does_not_depend_on_blocks_threads_or_shards(sweep, tmp_path, monkeypatch, runs):
    plan = cut(monkeypatch, sweep, runs)
    path = ss.run(sweep, tmp_path / "run", threads=2)
    found = stored(path)
    with ss.open(path) as results:
        for point in range(3):
            kept = found["trajectory_run"][point].reshape(len(plan.outcomes), KEPT)
            for code, row in enumerate(kept):
                first = np.flatnonzero(results["outcome"][point] == code)[:KEPT]
                assert row.tolist() == [*first, *[-1] * (KEPT - len(first))]
            for at, run in enumerate(found["trajectory_run"][point]):
                again = ss.replay(sweep, (point,), run) if run >= 0 else None
                for name in ("loss", "separation", "theta"):
                    expected = np.nan if again is None else again[name].astype(found[name].dtype)
                    np.testing.assert_array_equal(found[name][point, at], expected, name)
        assert len(np.unique(results["outcome"])) > 2
        assert results.trajectory(2, int(kept.max()))["loss"].shape == results["record_step"].shape
    parts = [ss.run(sweep, tmp_path / str(k), shard=Shard(k, 3), threads=1) for k in (1, 2, 3)]
    merged = ss.merge(parts, tmp_path / "merged.h5")
    assert merged.read_bytes() == path.read_bytes()
    assert plan.parts_choice == (runs < 40)


@pytest.mark.parametrize("runs", [40, 17])
def test_a_run_in_progress_has_only_what_is_decided(sweep, tmp_path, monkeypatch, runs):
    plan = cut(monkeypatch, sweep, runs)
    with RunFolder(tmp_path / "run", plan) as store:
        commit(store, plan.block(0), compute(plan, plan.block(0)))
    with ss.open(tmp_path / "run") as results:
        assert (results["outcome"][0, :runs] >= 0).all()
        there = results["trajectory_run"][0] >= 0
        assert there.any() == (runs == 40)
        np.testing.assert_array_equal(np.isfinite(results["loss"][0, :, 0]), there)
        assert np.isnan(results["loss"][1:]).all()


def test_the_first_runs_of_each_outcome_are_chosen():
    codes = np.array([[4, 3, 4, 4, 0], [2, 2, 2, 2, 2]], dtype=np.int8)
    rows = chosen(codes, 2, 6).reshape(2, 6, 2)
    assert rows[0].tolist() == [[4, -1], [-1, -1], [-1, -1], [1, -1], [0, 2], [-1, -1]]
    assert rows[1].tolist() == [[-1, -1], [-1, -1], [5, 6], [-1, -1], [-1, -1], [-1, -1]]
