"""How many different starts the runs of several points have, against the starts themselves."""

from pathlib import Path

import numpy as np
import pytest
from spec_cases import TINY
from store_cases import commit, filled

import saddlescape as ss
from saddlescape.plan import Plan, starts
from saddlescape.results import outcome_table as table
from saddlescape.results.distinct import distinct_starts
from saddlescape.runs.compute import _distinct_starts, groups_of, index_of
from saddlescape.spec import parse
from saddlescape.store import RunFolder

AXES = {
    "momentum and seeds": {"training.momentum": [0, 0.5], "starts.seed": [8, 9]},
    "seeds and rates of layers": {"starts.seed": [8, 9, 10], "training.layer_rates.0": [1, 2], "stop.solved": [0, 0.4]},
    "zero for all seeds": {"training.learning_rate": [1, 2], "starts.scale": [0, 0.5, 1], "starts.seed": [8, 9]},
    "kinds": {"stop.solved": [0, 0.4], "starts.kind": ["zero", "normal", "constant"], "starts.scale": [0, 1, 2]},
    "networks": {"training.steps": [20, 30], "network.hidden": [[2], [3]], "network.activation": ["tanh", "relu"]},
    "problems": {
        **{"training.loss": ["mse", "huber"], "problem.name": ["xor", "and"]},
        "network.dtype": ["float32", "float64"],
    },
    "biases": {"training.momentum": [0, 0.5], "starts.biases": [True, False], "network.bias": [True, False]},
    "layers": {
        **{"starts.seed": [8, 9], "starts.layer_scales.0": [0, 1], "starts.layer_scales.1": [0, 1]},
        "starts.bias_scale": [0, 1],
    },
    "centre": {"training.momentum": [0, 0.5], "starts.scale": [0, 1], "starts.centre": [0, 1], "starts.seed": [8, 9]},
    "bias constants": {"starts.bias_constant": [0, 1], "starts.scale": [0, 1], "starts.kind": ["normal", "sphere"]},
    "schemes": {
        "network.activation": ["tanh", "relu", "leaky_relu"],
        "starts.kind": ["he_normal", "he_uniform", "orthogonal", "torch"],
    },
    "sparse": {"starts.sparsity": [0.1, 0.5, 1], "starts.kind": ["sparse", "normal"]},
    "one axis": {"starts.scale": [0, 1]},
    "none": {},
}


def counted(plan, block):
    return {"distinct_starts": _distinct_starts(plan, block, list(groups_of(plan, index_of(block))))}


def finished(text, folder):
    """The result of a sweep whose outcomes are made up, but for how many starts each point has."""
    plan = Plan(parse(text, Path()))
    with RunFolder(folder, plan) as store:
        for block in plan:
            commit(store, block, filled(plan, block) | counted(plan, block))
        return store.merge()


def axis(key, values):
    shown = str(values).replace("True", "true").replace("False", "false")
    return f'[[axes]]\nkey = "{key}"\nvalues = {shown}\n'


def drawn(sweep, row):
    """The starts of all points at one value of the first axis, as bits."""
    points = [index for index in np.ndindex(sweep.shape) if index[:1] in ((), (row,))]
    specs = map(sweep.at, points)
    return {
        (spec.sizes, spec.network.bias, start.astype(spec.network.dtype).tobytes())
        for spec in specs
        for start in starts.draw(spec, np.arange(spec.starts.count))
    }


@pytest.mark.parametrize("name", AXES)
def test_starts_that_points_share_count_once(name, tmp_path):
    text = TINY.replace('name = "xor"', 'coding = "01"' if "problem.name" in AXES[name] else 'name = "xor"')
    text = text.replace("learning_rate = 0.5\nsteps = 20\n", "") + "".join(axis(*each) for each in AXES[name].items())
    with ss.open(finished(text, tmp_path / "run")) as result:
        sweep = result.sweep
        expected = [len(drawn(sweep, row)) for row in range(sweep.shape[0] if sweep.shape else 1)]
        assert distinct_starts(result).tolist() == expected
        assert [row["distinct_starts"] for row in table.rows(result)] == expected


def test_without_the_data_file_the_keys_tell(tmp_path):
    (tmp_path / "mine.csv").write_text("x1,t1\n0,0\n1,1\n")
    text = TINY.replace('name = "xor"', f'file = "{tmp_path.name}/mine.csv"')
    text += axis("training.momentum", [0, 0.5]) + axis("starts.seed", [8, 9]) + axis("stop.solved", [0, 0.4])
    plan = Plan(parse(text, tmp_path.parent))
    with RunFolder(tmp_path / "run", plan) as store:
        for block in plan:
            commit(store, block, filled(plan, block) | counted(plan, block))
        path = store.merge().rename(tmp_path / "alone.h5")
    with ss.open(path) as result:
        (tmp_path / "mine.csv").unlink()
        assert distinct_starts(result).tolist() == [20, 20]


def test_points_that_are_not_reached_yet_have_none(tmp_path, monkeypatch):
    monkeypatch.setattr("saddlescape.plan.plan.BLOCK_RUNS", 10)
    plan = Plan(parse(TINY + axis("training.momentum", [0, 0.5]) + axis("starts.seed", [8, 9]), Path()))
    with RunFolder(tmp_path / "run", plan) as store:
        block = plan.block(0)
        commit(store, block, filled(plan, block) | counted(plan, block))
    with ss.open(tmp_path / "run") as result:
        assert distinct_starts(result).tolist() == [10, 0]


def test_the_points_of_a_selection_count(tmp_path):
    text = TINY + axis("training.momentum", [0, 0.5]) + axis("starts.scale", [0, 1, 2]) + axis("starts.seed", [8, 9])
    with ss.open(finished(text, tmp_path / "run")) as result:
        assert distinct_starts(result).tolist() == [41, 41]
        assert distinct_starts(result.isel(scale=[2, 0])).tolist() == [21, 21]
        assert distinct_starts(result.isel(scale=slice(1, 3), seed=0)).tolist() == [20, 20]
        assert distinct_starts(result.isel(momentum=0)).tolist() == [1, 20, 20]
        assert distinct_starts(result.isel(momentum=0, scale=0)).tolist() == [1, 1]
        assert distinct_starts(result.isel(momentum=[1], scale=0)).tolist() == [1]
