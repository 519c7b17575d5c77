"""When runs are solved: by the tolerance of every output, by accuracy, by the loss; and runs that go on."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from spec_cases import ON_FILE
from standin import StandIn
from test_on_device import expect_rounded_to_nearest

import saddlescape as ss
from saddlescape.errors import SpecError
from saddlescape.kernels import train
from saddlescape.kernels.lanes import LaneType
from saddlescape.kernels.ptx import ptx
from saddlescape.kernels.variant import Variant
from saddlescape.network import reference
from saddlescape.plan import Plan
from saddlescape.runs.prepare import prepare
from saddlescape.spec import parse
from saddlescape.store.schema import variables

CSV = {
    "pm1.csv": "x1,x2,t1\n" + "\n".join(f"{a},{b},{t}" for a, b, t in
        [(-1, -1, -1), (1, 1, -1), (-1, 1, 1), (1, -1, 1), (0.9, 0.8, 1), (-0.2, 0.3, -1)]),
    "three.csv": "x1,x2,t1,t2,t3\n" + "\n".join(f"{a},{b},{t}" for a, b, t in
        [(-1, -1, "1,0,0"), (1, 1, "0,1,0"), (-1, 1, "0,0,1"), (1, -1, "0,1,0"), (0.5, 0.4, "1,0,0")]),
    "logic.csv": "x1,x2,t1\n0,0,0\n1,0,1\n0,1,1\n1,1,0\n0.4,0.6,0\n",
    "numbers.csv": "x1,t1\n0,0.5\n1,1\n",
}  # fmt: skip
TEXT = ON_FILE + """dtype = "{dtype}"
[starts]
count = 12
scale = 0.7
seed = 5
[training]
loss = "{loss}"
optimizer = "{optimizer}"
learning_rate = {rate}
{more}
[events]
{events}
[stop]
at_solved = false
"""
CASES = {
    "pm1": ("pm1.csv", "tanh", "float64", "half_sse", "gd", 0.03, "steps = 150", "accuracy = 0.8\nloss = 1.5"),
    "three": ("three.csv", "linear", "float32", "softmax_ce", "gd", 0.5, "steps = 60", "accuracy = 0.8"),
    "logits": ("logic.csv", "linear", "float64", "bce_logits", "adam", 0.05, "steps = 80", "accuracy = 0.8"),
    "several": ("three.csv", "linear", "float64", "mse", "momentum", 0.1, "steps = 80", "accuracy = 1"),
}


def sweep(name, more=""):
    words = ("file", "output", "dtype", "loss", "optimizer", "rate", "more", "events")
    return read(TEXT.format(**dict(zip(words, CASES[name], strict=True))) + more)


def read(text, *overrides):
    return parse(text, Path(), overrides, {name: content.encode() for name, content in CSV.items()})


def reference_events(spec, theta):
    """First step at which the NumPy reference is solved, and its last loss, of one run."""
    problem, training = spec.loaded, spec.training
    network = reference.Network(spec.sizes, True, spec.activations, training.loss)
    numbers = {name: getattr(training, name) for name in ("learning_rate", "momentum", "beta1", "beta2", "epsilon")}
    X, T = problem.X.astype(theta.dtype), problem.T.astype(theta.dtype)
    states = reference.trajectory(network, theta, X, T, spec.steps, training.optimizer, numbers)
    limits = reference.Limits(0.0, spec.stop.solved, spec.events.accuracy, spec.events.loss)
    return reference.events(network, states, X, T, limits)[1], states[-1][1]


@pytest.mark.parametrize("name", ["pm1", *(pytest.param(n, marks=pytest.mark.slow) for n in [*CASES][1:])])
def test_runs_are_solved_at_the_step_of_the_reference(name):
    spec = sweep(name).spec
    assert spec.stop.solved == 0  # unless it is set
    theta = np.random.default_rng(7).normal(0, 0.7, (12, spec.n_params)).astype(spec.network.dtype)
    runs = ss.run_starts(spec, theta)
    expected = [reference_events(spec, row) for row in theta]
    assert runs["solve_step"].tolist() == [step for step, _ in expected]
    assert (runs["solve_step"] > 0).sum() > 2
    assert (runs["stop_step"] == spec.steps).all()
    np.testing.assert_allclose(runs["final_loss"], [loss for _, loss in expected], rtol=1e-3)
    stopped = ss.run_starts(read(sweep(name).text, "stop.at_solved=true").spec, theta)
    assert (stopped["solve_step"] == runs["solve_step"]).all()
    assert (stopped["stop_step"] == np.where(runs["solve_step"] < 0, spec.steps, runs["solve_step"])).all()


def test_the_default_for_classes_of_a_file_is_accuracy_and_is_written_into_the_resolved_spec():
    text = "[problem]\nfile = 'pm1.csv'\n[network]\noutput = 'tanh'\n"
    new, old = read(text), parse(text, Path(), (), {"pm1.csv": CSV["pm1.csv"].encode()}, begun=True, generation=1)
    assert (new.resolved()["events"], new.resolved()["stop"]["solved"]) == ({"accuracy": 0.99}, 0.0)
    assert ("events" in old.resolved(), old.resolved()["stop"]["solved"]) == (False, 0.4)
    assert Plan(new).digest != Plan(old).digest
    explicit = read(text + "[stop]\nsolved = 0.4\n")
    assert Plan(explicit).digest == Plan(old).digest
    assert Plan(read(text + "[events]\nsolved = 0.4\n")).digest == Plan(old).digest
    assert "events" not in read("[problem]\nfile = 'numbers.csv'\n").resolved()
    assert "events" not in read("[problem]\nname = 'xor'\n").resolved()


def test_the_file_says_by_what_runs_are_solved():
    found = [
        {v.name: (v.attrs.get("comment", ""), v.attrs["long_name"]) for v in variables(Plan(read(text)))}
        for text in ("[problem]\nname = 'xor'\n", "[problem]\nname = 'moons'\nsamples = 9\n")
    ]
    outputs, events = "within the tolerance of its target", "It met events.accuracy, events.loss or the tolerance"
    for name in ("outcome", "stop_reason"):
        assert [outputs in of[name][0] or "came within" in of[name][0] for of in found] == [True, False]
        assert [events in of[name][0] for of in found] == [False, True]
    steps = [f"first step with every output {outputs}", "first step at which the run was solved"]
    assert [of["solve_step"][1] for of in found] == steps


def test_each_structure_of_a_sweep_has_its_own_default():
    axes = '[[axes]]\nkey = "problem.name"\nvalues = ["xor", "moons"]\n'
    mixed = read(f"[problem]\nsamples = 20\n{axes}")
    assert [spec.events.accuracy for spec in mixed.structures] == [0, 0.99]
    assert mixed.resolved()["events"] == {"structures": [{}, {"accuracy": 0.99}]}
    numbers = mixed.numbers([np.array([1])], 1, mixed.structure((1,)))
    assert (numbers["events.accuracy"].tolist(), numbers["stop.solved"].tolist()) == ([0.99], [0.0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[problem]\nfile = 'numbers.csv'\n[events]\naccuracy = 0.9\n", "accuracy: needs targets that are classes"),
        ("[problem]\nname = 'xor'\n[events]\naccuracy = 1.1\n", "must be at most 1"),
        ("[problem]\nname = 'xor'\n[events]\nsolved = 0.3\n[stop]\nsolved = 0.3\n", "is another name of stop.solved"),
        ("[problem]\nname = 'xor'\n[stop]\nsolved = 0\nat_solved = false\n", "stop.at_solved: belongs to runs"),
    ],
)
def test_faults_of_events(text, message):
    with pytest.raises(SpecError, match=message):
        read(text)


@pytest.mark.parametrize("name", ["three", *(pytest.param(name, marks=pytest.mark.slow) for name in ("pm1", "flow"))])
def test_threads_of_a_device_solve_runs_as_lanes_do(name):
    text = sweep("three" if name == "three" else "pm1").text
    if name == "flow":
        text = text.replace('"gd"\nlearning_rate = 0.03\nsteps = 150', '"flow"\ntime = 5')
    spec = read(text).spec
    ready = prepare(spec, np.arange(7))
    problem, batch = spec.loaded, ready.batch
    lanes = train(ready.trainer, problem.X, problem.T, batch)
    threads = train(ready.trainer, problem.X, problem.T, batch, device=StandIn())
    assert (lanes.solve_step > 0).any()
    for each in fields(lanes):
        assert getattr(lanes, each.name).tobytes() == getattr(threads, each.name).tobytes(), each.name
    text = ptx(Variant(ready.trainer, spec.samples, False, LaneType(spec.network.dtype, 1)))
    expect_rounded_to_nearest(text)
