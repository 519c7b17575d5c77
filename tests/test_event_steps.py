"""At which steps and times runs are solved by accuracy, loss and error: against the NumPy reference, and SciPy."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from spec_cases import ON_FILE
from tolerances import FLOW_EVENT

import saddlescape as ss
from saddlescape.network import reference
from saddlescape.network.plateau import plateau_loss
from saddlescape.spec import parse
from saddlescape.words.outcomes import ESCAPE_DROP

CSV = {
    "one.csv": "x1,x2,t1\n" + "\n".join(f"{a},{b},{t}" for a, b, t in
        [(-1, -1, 0), (1, 1, 0), (-1, 1, 1), (1, -1, 1), (0.9, 0.8, 1), (-0.2, 0.3, 0), (0.1, 0.6, 1)]),
    "three.csv": "x1,x2,t1,t2,t3\n" + "\n".join(f"{a},{b},{t}" for a, b, t in
        [(-1, -1, "1,-1,-1"), (1, 1, "-1,1,-1"), (-1, 1, "-1,-1,1"), (1, -1, "-1,1,-1"), (0.5, 0.4, "1,-1,-1")]),
}  # fmt: skip
TEXT = ON_FILE + """dtype = "{dtype}"
[starts]
count = 2
scale = 0.7
seed = 5
[training]
loss = "{loss}"
optimizer = "gd"
learning_rate = {rate}
batch = {batch}
epochs = 30
[events]
solved = {solved}
[stop]
at_solved = false
[record]
runs = 0
[[axes]]
key = "events.accuracy"
values = [0, 0.6, 0.8, 1]
zip = "limit"
[[axes]]
key = "events.loss"
values = [{limit}, 0, 0, 0]
zip = "limit"
[[axes]]
key = "training.dropout"
values = {dropout}
"""
ONE = {"file": "one.csv", "output": "linear", "loss": "bce_logits", "rate": 1.0, "solved": 0.3, "limit": 0.6}
THREE = {"file": "three.csv", "output": "tanh", "loss": "half_sse", "rate": 0.06, "solved": 0.5, "limit": 3.0}
CASES = {
    "shuffled": ONE | {"batch": '{ size = 3, order = "shuffled" }', "dtype": "float64"},
    "sampled": THREE | {"batch": '{ size = 2, order = "sampled" }', "dtype": "float32"},
    "fixed": THREE | {"batch": 2, "dtype": "float64"},
    "online": ONE | {"batch": '"online"', "dtype": "float32"},
    "full": ONE | {"batch": '"full"', "dtype": "float64"},
}
QUICK = ("sampled",)


def read(text, *overrides):
    return parse(text, Path(), overrides, {name: content.encode() for name, content in CSV.items()})


def expected(sweep, point, run):
    """Escape and solve step of one run of the NumPy reference."""
    spec, theta = sweep.at(point), ss.start(sweep, point, run)
    X, T = (array.astype(theta.dtype) for array in (spec.loaded.X, spec.loaded.T))
    network = reference.Network(spec.sizes, True, spec.activations, spec.training.loss)
    numbers = {"learning_rate": spec.training.learning_rate}
    if spec.training.dropout:
        numbers["dropout"] = spec.training.dropout
    key, size = (spec.starts.seed, run), spec.batch or len(X)
    order = {"shuffled": spec.order == "shuffled", "sampled": spec.order == "sampled", "key": key}
    path = reference.trajectory(network, theta, X, T, spec.steps, "gd", numbers, batch=spec.batch, **order)
    escape = (1 - ESCAPE_DROP) * plateau_loss(spec.loaded, spec.training.loss, spec.network.output)
    limits = reference.Limits(escape, spec.stop.solved, spec.events.accuracy, spec.events.loss)
    samples = [*itertools.islice(reference.batches(len(X), size, **order), spec.steps)]
    exact = spec.epoch == 1 or spec.training.dropout > 0
    return reference.events(network, path, X, T, limits, samples, spec.epoch, exact)


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in CASES])
def test_runs_escape_and_are_solved_at_the_steps_of_the_reference(name, tmp_path):
    sweep = read(TEXT.format(dropout=[0, 0.3], **CASES[name]))
    runs = ss.run(sweep, tmp_path / "out", threads=1)
    shape = runs["solve_step"].shape
    found = np.array([expected(sweep, index[:-1], index[-1]) for index in np.ndindex(shape)]).reshape(*shape, 2)
    np.testing.assert_array_equal(runs["solve_step"], found[..., 1])
    np.testing.assert_array_equal(runs["escape_step"], found[..., 0])
    assert len(np.unique(found[..., 1])) > 4
    assert (found[..., 1] < 0).any()
    assert (runs["stop_step"] == sweep.spec.steps).all()


FLOW = ON_FILE + """[training]
loss = "{loss}"
optimizer = "flow"
time = 6
rtol = 1e-10
[events]
solved = {solved}
loss = {limit}
accuracy = {share}
[stop]
at_solved = false
"""


def last_right(network, problem, share):
    """A function of theta that is positive once this share of the samples is right: how surely the last of them is."""
    needed, T = math.ceil(share * len(problem.T)), problem.T

    def surely(theta):
        y = reference.outputs(network, theta, problem.X)
        if T.shape[1] == 1:
            margins = (y - 0.5)[:, 0] * np.where(T[:, 0] > 0.5, 1, -1)
        else:
            margins = np.where(T > 0, y, np.inf).min(axis=1) - np.where(T > 0, -np.inf, y).max(axis=1)
        return np.sort(margins)[-needed]

    return surely


def solve_times(spec, share, theta):
    """When SciPy's solution of the flow is solved by accuracy, loss and error; inf for never."""
    problem, end = spec.loaded, spec.training.time
    network = reference.Network(spec.sizes, True, spec.activations, spec.training.loss)

    def state(theta):
        return reference.loss_and_gradient(network, theta, problem.X, problem.T)

    surely = last_right(network, problem, share)
    events = [
        lambda t, theta: surely(theta),
        lambda t, theta: spec.events.loss - state(theta)[0],
        lambda t, theta: spec.stop.solved - state(theta)[2],
    ]
    for event in events:
        event.direction = 1
    exactly = {"rtol": 1e-11, "atol": 1e-14, "max_step": 0.1}
    path = solve_ivp(lambda t, y: -state(y)[1], (0, end), theta, "DOP853", events=events, **exactly)
    return [
        0.0 if event(0, theta) > 0 else min(times, default=math.inf)
        for event, times in zip(events, path.t_events, strict=True)
    ]


@pytest.mark.parametrize(("case", "share", "limit", "solved"), [
    (ONE, 0.8, 0.62, 0.5), pytest.param(THREE, 0.7, 5.0, 0.9, marks=pytest.mark.slow),
])  # fmt: skip
def test_the_flow_is_solved_at_the_times_of_scipys_events(case, share, limit, solved):
    spec = read(FLOW.format(**case | {"share": share, "limit": limit, "solved": solved})).spec
    theta = np.random.default_rng(7).normal(0, 1.0, (8, spec.n_params))
    expected = np.array([solve_times(spec, share, row) for row in theta])
    found = ss.run_starts(spec, theta)
    first = expected.min(axis=1)
    np.testing.assert_allclose(found["solve_time"], np.where(first < np.inf, first, np.nan), rtol=FLOW_EVENT)
    assert {*expected.argmin(axis=1)[first > 0]} >= {0, 1}
    assert (found["stop_time"] == spec.training.time).all()
