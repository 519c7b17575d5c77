"""Runs that are as good as their data allow, and runs that end at zero."""

from pathlib import Path

import numpy as np
import pytest

import saddlescape as ss
from saddlescape.plan import Plan, Shard
from saddlescape.plan.fitted import best, decided
from saddlescape.spec import parse
from saddlescape.words.outcomes import Outcome, StopReason

FROZEN, SYMMETRIC, PLATEAU, TRAPPED, SOLVED, DIVERGED, FITTED, COLLAPSED = Outcome
BUDGET, GRADIENT = StopReason.BUDGET, StopReason.GRADIENT


def test_decisions():
    outcome = [[FITTED, FITTED, TRAPPED, DIVERGED, FITTED], [SOLVED, FITTED, FITTED, PLATEAU, FITTED]]
    reason = [[BUDGET, BUDGET, BUDGET, BUDGET, GRADIENT], [BUDGET, GRADIENT, BUDGET, BUDGET, BUDGET]]
    outcome, reason = (np.array(codes, dtype=np.int8) for codes in (outcome, reason))
    loss = np.array([[1.0, 1.02, 1.01, 0.1, 5.0], [0.5, 1.0, 0.504, 2.0, 0.506]])
    found = decided(outcome, reason, loss, best(outcome, loss))
    assert found.tolist() == [[FITTED, TRAPPED, TRAPPED, DIVERGED, FITTED], [SOLVED, TRAPPED, FITTED, PLATEAU, TRAPPED]]


LINE = """
[problem]
file = "line.csv"
[network]
hidden = [1]
activation = "linear"
output = "linear"
bias = false
[starts]
count = 500
scale = 0.1
[training]
optimizer = "gd"
learning_rate = {rate}
batch = "{batch}"
steps = 4000
[stop]
solved = 0
[record]
runs = 0
"""


@pytest.mark.parametrize(
    ("rate", "batch", "collapsed"), [(0.95, "online", 0), (1.05, "online", 500), (1.05, "full", 0)]
)
def test_stochastic_gradient_descent_is_attracted_to_zero_above_a_rate_of_one(rate, batch, collapsed, tmp_path):
    contents = {"line.csv": b"x1,t1\n1,1\n1,-0.5\n"}
    text = LINE.format(rate=rate, batch=batch)
    theta = np.random.default_rng(0).normal(0, 0.1, (500, 2))
    outcome = ss.run_starts(parse(text, Path(), (), contents).spec, theta)["outcome"]
    assert np.count_nonzero(outcome == COLLAPSED) == collapsed


@pytest.mark.parametrize("cause", [
    "dropout = 0.5", *(pytest.param(its, marks=pytest.mark.slow) for its in ("l1 = 1e-4", "noise = 0.3")),
])  # fmt: skip
def test_each_other_cause_makes_runs_collapse(cause):
    text = LINE.format(rate=0.95, batch="full")
    if "noise" in cause:  # a random walk of the logarithms of the weights
        text = text.replace('"gd"', '"multiplicative"')
    theta = np.random.default_rng(0).normal(0, 0.1, (60, 2))
    contents = {"line.csv": b"x1,t1\n1,1\n1,-0.5\n"}
    if "l1" in cause:
        contents = {"line.csv": b"x1,t1\n1,1\n1,-1\n"}
    caused = text.replace("steps =", f"{cause}\nsteps =")
    with_it, without = (ss.run_starts(parse(t, Path(), (), contents).spec, theta)["outcome"] for t in (caused, text))
    assert np.count_nonzero(with_it == COLLAPSED) > 10
    assert COLLAPSED not in without
    plans = (Plan(parse(caused, Path(), (), contents, generation=generation)) for generation in (1, 2, 3))
    assert [plan.can_collapse for plan in plans] == [False, "dropout" not in cause, True]


SPREAD = """
[problem]
file = "noisy.csv"
[network]
hidden = [2]
activation = "tanh"
output = "tanh"
[starts]
count = 60
seed = 4
[training]
optimizer = "momentum"
learning_rate = 0.1
steps = 400
[events]
accuracy = 1
[record]
runs = {{ per_outcome = 2 }}
steps = [100]
"""
NOISY = b"x1,x2,t1\n-1,-1,-1\n1,1,-1\n-1,1,1\n1,-1,1\n-1,-1,1\n1,1,-1\n0.5,0.5,-1\n"


def noisy(generation=2):
    return parse(SPREAD.replace("{{", "{").replace("}}", "}"), Path(), (), {"noisy.csv": NOISY}, generation=generation)


def test_fitted_runs_do_not_depend_on_the_blocks(tmp_path, monkeypatch):
    (tmp_path / "noisy.csv").write_bytes(NOISY)
    sweep = parse(noisy().text, tmp_path)
    whole = ss.run(sweep, tmp_path / "whole")
    codes = whole["outcome"]
    assert {FITTED, TRAPPED} <= set(codes.ravel().tolist()) <= {FITTED, TRAPPED, PLATEAU}
    least = whole["final_loss"].min()
    assert (whole["final_loss"][codes == FITTED] <= 1.01 * least).all()
    assert "fitted" in whole.stored("outcome").attrs["flag_meanings"]
    monkeypatch.setattr("saddlescape.plan.plan.BLOCK_RUNS", 7)
    parts = ss.run(sweep, tmp_path / "parts")
    assert Plan(sweep).blocks == 9
    np.testing.assert_array_equal(parts["outcome"], codes)
    kept = parts["trajectory_run"].reshape(len(Outcome), 2)
    for outcome in Outcome:
        assert set(codes[kept[outcome][kept[outcome] >= 0]].tolist()) <= {outcome}
    assert (kept[TRAPPED] >= 0).any()
    assert (kept[FITTED] >= 0).any()
    direct = ss.run_starts(sweep.spec, np.array([ss.start(sweep, (), run) for run in range(60)]))
    np.testing.assert_array_equal(direct["outcome"], codes)


def test_shards_decide_from_their_own_runs_and_the_merge_from_all(tmp_path, monkeypatch):
    monkeypatch.setattr("saddlescape.plan.plan.BLOCK_RUNS", 7)
    monkeypatch.setattr("saddlescape.plan.fitted.WITHIN", 1.0)  # only the best of each shard is fitted
    (tmp_path / "noisy.csv").write_bytes(NOISY)
    sweep = parse(noisy().text, tmp_path)
    whole = ss.run(sweep, tmp_path / "whole", threads=1)
    shards = [ss.run(sweep, tmp_path / str(number), shard=Shard(number, 3), threads=1) for number in (1, 2, 3)]
    merged = ss.merge(shards, tmp_path / "merged.h5")
    assert merged.read_bytes() == (tmp_path / "whole" / "result.h5").read_bytes()
    starts, changed = np.array([ss.start(sweep, (), number) for number in range(60)]), 0
    for shard in shards:
        there = ss.open(shard)["outcome"] >= 0
        outcome = ss.open(shard)["outcome"][there]
        assert there.sum() == ss.open(shard).so_far[0] < 60
        np.testing.assert_array_equal(outcome, ss.run_starts(sweep.spec, starts[there])["outcome"])
        changed += np.count_nonzero(outcome != whole["outcome"][there])
    assert changed > 0


def test_runs_of_the_first_generation_are_never_fitted_or_collapsed():
    assert Plan(noisy(1)).outcomes == tuple(Outcome)[:6]
    assert Plan(noisy()).outcomes == tuple(Outcome)
    assert Plan(parse("[problem]\nname = 'xor'\n", Path())).outcomes == tuple(Outcome)[:6]


def test_weight_decay_makes_xor_collapse(tmp_path):
    text = """
[problem]
name = "xor"
coding = "pm1"
[network]
activation = "tanh"
output = "tanh"
[training]
optimizer = "gd"
learning_rate = 0.05
steps = 3000
weight_decay = {}
"""
    theta = np.random.default_rng(1).normal(0, 0.2, (20, 9))
    held, free = (ss.run_starts(parse(text.format(w), tmp_path).spec, theta)["outcome"] for w in (1.5, 0.001))
    assert set(held.tolist()) == {COLLAPSED}
    assert COLLAPSED not in free


def test_near_every_start_learns_two_moons(tmp_path):
    text = """
[problem]
name = "moons"
samples = 300
noise = 0.15
[network]
hidden = [8]
activation = "tanh"
output = "logistic"
[starts]
count = 60
[training]
loss = "bce"
optimizer = "adam"
learning_rate = 0.05
steps = 3000
[record]
runs = 0
fields = ["accuracy"]
"""
    runs = ss.run(parse(text, tmp_path), tmp_path / "moons")
    assert (runs["outcome"] == SOLVED).mean() > 0.9
    assert not np.any((runs["outcome"] == TRAPPED) & (runs["final_accuracy"] >= 0.99))
    assert (runs["final_accuracy"][runs["outcome"] == SOLVED] >= 0.99).all()


def test_runs_with_the_same_numbers_are_a_point_and_a_run_alone_is_never_fitted():
    theta = np.array([ss.start(noisy(), (), run) for run in range(60)])
    rates = np.random.default_rng(1).permutation(np.repeat([0.005, 0.01, 0.02, 0.04, 0.08], [1, 1, 8, 25, 25]))
    data = ss.run_starts(noisy().spec, theta, numbers={"training.learning_rate": rates})
    for rate in np.unique(rates):
        loss = data["final_loss"][rates == rate]
        good = (loss <= 1.01 * loss.min()) & (len(loss) > 1)
        np.testing.assert_array_equal(data["outcome"][rates == rate], np.where(good, FITTED, TRAPPED))
