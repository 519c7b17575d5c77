"""Calls for live pictures: numbers per run, stops, finished runs of running batches, paths, outputs."""

import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import saddlescape as ss
from saddlescape.errors import Stopped
from saddlescape.words.outcomes import Outcome

THETA = np.random.default_rng(5).normal(0, 1, (40, 9))
SHORT = ["training.steps=300", "starts.count=40"]
WAIT = 60
"""Seconds after which a test fails that waits for a thread."""


@pytest.fixture(scope="module")
def spec():
    return ss.load("xor", SHORT).at(8)


def expect_equal(found, expected, rows=slice(None)):
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name][rows], err_msg=name)


@pytest.mark.parametrize("key", ["training.learning_rate", "stop.solved", "training.layer_rates.1", "training.lr"])
def test_a_run_with_a_number_has_the_bits_of_a_spec_with_that_value(spec, key):
    values = np.linspace(0.1, 0.45, 4)
    found = ss.run_starts(spec, np.tile(THETA, (4, 1)), numbers={key: np.repeat(values, 40)}, threads=2)
    for k, value in enumerate(values):
        full = spec.changed("training", layer_rates=(1.0, 1.0)) if "layer" in key else spec
        alone = full.replaced(key.replace("lr", "learning_rate"), value)
        rows = slice(40 * k, 40 * k + 40)
        expect_equal({name: data[rows] for name, data in found.items()}, ss.run_starts(alone, THETA))
    assert len(np.unique(found["stop_step"][::40])) > 1


def test_runs_with_equal_numbers_are_one_point():
    """A run is fitted if it is the best of its point: alone none is, among others of its rate the best is."""
    X, T = [[0.0, 0], [0, 1], [1, 0], [1, 1]], [0.1, 0.8, 0.9, 0.3]  # the kernel of XOR
    spec = ss.sweep(X, T, hidden=[2], training={"steps": 300}, stop={"solved": 0}).spec
    theta, rates = np.random.default_rng(1).normal(size=(6, spec.n_params)), np.array([0.1, 0.1, 0.1, 0.2, 0.2, 0.3])
    found = ss.run_starts(spec, theta, numbers={"training.learning_rate": rates})
    for rate in np.unique(rates):
        alone = ss.run_starts(spec.replaced("training.learning_rate", rate), theta[rates == rate])
        expect_equal({name: data[rates == rate] for name, data in found.items()}, alone)
    assert (found["outcome"] == Outcome.FITTED).tolist().count(True) >= 1
    assert found["outcome"][5] == Outcome.TRAPPED


def test_decay_of_some_runs_lets_only_those_collapse(spec):
    decay = np.repeat([0.0, 3.0], 40)
    found = ss.run_starts(spec, np.tile(THETA, (2, 1)), numbers={"training.weight_decay": decay})["outcome"]
    assert (found[40:] == Outcome.COLLAPSED).all()
    np.testing.assert_array_equal(found[:40], ss.run_starts(spec, THETA)["outcome"])


ONES = np.ones(2)
WRONG = [
    ({"training.learning_rate": np.ones(3)}, r"must have the shape \(2,\), one number for each start; got \(3,\)"),
    ({"training.learning_rate": [0.1, -1]}, r"must be greater than 0\.0; got -1\.0"),
    ({"training.learning_rate": [0.1, np.nan]}, r"must be finite"),
    ({"training.learning_rate": ["a", "b"]}, "must be an array of real numbers; got <U1 values"),
    ({"training.momentum": [0.5, 2]}, r"must be at most 1"),
    ({"training.lr": ONES, "training.learning_rate": ONES}, "is another name of training.learning_rate, which is also"),
    ({"starts.scale": ONES}, "changes nothing, as theta contains the starts"),
    ({"network.hidden.0": ONES}, "is not a number of the training or of a stop, which can differ"),
    ({"training.learning_rat": ONES}, r"is not a key; did you mean 'training\.learning_rate'\?"),
    ({"training.layer_rates": ONES}, r"must name one layer, such as training\.layer_rates\.0"),
    ({"training.layer_rates.2": ONES}, "must name one of the 2 layers of weights, from 0"),
    ({"training.beta1": 0.5 * ONES}, "training.beta1 changes nothing, as it belongs to optimizer = .*; leave it out"),
    ({"events.accuracy": [0.5, 2]}, "must be at most 1"),
    ([1], "must be a dict of keys and arrays; got "),
]


@pytest.mark.parametrize(("numbers", "message"), WRONG)
@pytest.mark.parametrize("call", [ss.run_starts, ss.trace])
def test_numbers_are_checked(spec, call, numbers, message):
    with pytest.raises(ValueError, match=rf"^numbers(\[.*\])?: {message}") as raised:
        call(spec, THETA[:2], numbers=numbers)
    assert len(str(raised.value).splitlines()) == 1


def test_all_faults_of_numbers_are_told_at_once(spec):
    with pytest.raises(ValueError, match=r"numbers\['training.lr'\].*\n.*numbers\['stop.solved'\]"):
        ss.run_starts(spec, THETA[:2], numbers={"training.lr": [0, 0], "stop.solved": [-1, 0]})


@pytest.mark.parametrize("call", [ss.run_starts, ss.trace])
@pytest.mark.parametrize("first", [-1, 1.0, 2**63])
def test_numbers_of_runs_are_checked(spec, call, first):
    with pytest.raises(ValueError, match=r"^first must be "):
        call(spec, THETA[:2], first=first)


def test_a_run_with_noise_depends_on_its_number():
    spec = ss.load("xor", [*SHORT, "training.noise=0.3"]).at(8)
    whole = ss.run_starts(spec, THETA)
    expect_equal(ss.run_starts(spec, THETA[7:9], first=7), whole, slice(7, 9))
    (path,) = ss.trace(spec, THETA[7:8], first=7)
    np.testing.assert_array_equal(path["theta"][-1], whole["final_theta"][7])
    assert not np.array_equal(ss.run_starts(spec, THETA[7:9])["final_theta"], whole["final_theta"][7:9])


LONG = ["training.steps=1000000", "training.learning_rate=1e-6", "training.momentum=0", "stop.solved=0"]


@pytest.mark.parametrize("given", [False, True])
def test_a_stop_ends_the_call_at_once_and_leaves_no_thread(spec, given):
    slow, threads = ss.load("xor", LONG).at(8), threading.active_count()
    ss.run_starts(slow.changed("training", steps=1), THETA)  # compiles
    asked, pool = [], ThreadPoolExecutor(2) if given else None

    def should_stop():
        asked.append(len(asked) > 6)
        return asked[-1]

    with pytest.raises(Stopped, match="stopped, as should_stop"):
        ss.run_starts(slow, np.tile(THETA, (1000, 1)), should_stop=should_stop, threads=2, pool=pool)
    if pool is not None:
        assert pool.submit(lambda: 3).result(WAIT) == 3
        pool.shutdown()
    assert asked.count(True) <= 2  # once by each thread, after the slice that it was in
    assert threading.active_count() == threads


def test_an_error_of_progress_ends_the_call(spec):
    with pytest.raises(ZeroDivisionError):
        ss.run_starts(spec, THETA, progress=lambda runs: 1 / 0, threads=2)


@pytest.mark.parametrize("pool", [3, "threads", ProcessPoolExecutor])
def test_a_pool_is_checked(spec, pool):
    pool = pool() if callable(pool) else pool
    with pytest.raises(ValueError, match=r"^pool must be an executor of threads"):
        ss.run_starts(spec, THETA, pool=pool)


def test_finished_runs_are_reported_once_and_while_others_train(spec):
    tables = []
    rates = np.where(np.arange(40) % 2, 0.5, 1e-7)  # every second run takes all steps
    slow = spec.changed("training", steps=400_000)
    data = ss.run_starts(
        slow, THETA, numbers={"training.learning_rate": rates}, progress=tables.append, threads=1, first=3
    )
    assert len(tables) > 1
    assert all(map(len, tables))
    order = np.argsort(np.concatenate([table.run for table in tables]))
    np.testing.assert_array_equal(np.concatenate([table.run for table in tables])[order], np.arange(3, 43))
    for name in ("outcome", "stop_reason", "escape_step", "solve_step", "stop_step", "final_loss"):
        found = np.concatenate([getattr(table, name) for table in tables])[order]
        np.testing.assert_array_equal(found, data[name], err_msg=name)
    assert tables[0].stop_step.max() < 400_000
    assert np.isnan(tables[0].stop_time).all()


UNUSED = ("training.momentum", "training.learning_rate", "record.steps")
FLOW = ["training.optimizer=flow", "training.time=30", *(f"{key}=" for key in UNUSED)]


def test_the_flow_reports_times():
    spec, tables = ss.load("xor", FLOW).at(8), []
    data = ss.run_starts(spec, THETA, progress=tables.append, threads=1)
    (table,) = tables if len(tables) == 1 else [tables[-1]]
    for name in ("escape_time", "solve_time", "stop_time"):
        np.testing.assert_array_equal(getattr(table, name), data[name][table.run], err_msg=name)
    assert (table.stop_time > 0).all()


TRACED = {
    "steps": ["training.steps=400"],
    "minibatches": ["training.batch=online", "training.steps=400"],
    "float32": ["training.steps=400", "network.dtype=float32"],
    "flow": FLOW,
    "epochs": ["training.steps=400", "record.epochs=every:7", "record.steps="],
}


@pytest.mark.parametrize("name", TRACED)
def test_a_trace_is_the_replay_up_to_the_stop(name):
    sweep = ss.load("xor", [*SHORT[1:], "stop.solved=0.3", *TRACED[name]])
    starts = np.array([ss.start(sweep, 8, run) for run in range(3)])
    fields = ["loss", "separation", "outputs", "param_norm"]
    paths, ends = ss.trace(sweep.at(8), starts, fields), ss.run_starts(sweep.at(8), starts)
    at = "record_time" if name == "flow" else "record_step"
    stop = "stop_time" if name == "flow" else "stop_step"
    for run, path in enumerate(paths):
        again = ss.replay(sweep, 8, run, fields)
        before = int(np.sum(again[at] < path[stop]))
        assert path[at][-1] == path[stop] == ends[stop][run]
        assert len(path[at]) == before + 1
        for field in (at, "theta", *fields):
            np.testing.assert_array_equal(path[field][:-1], again[field][:before], err_msg=field)
        np.testing.assert_array_equal(path["theta"][-1], ends["final_theta"][run])
        assert path["loss"][-1] == ends["final_loss"][run]
        for field in ("outcome", "stop_reason", "escape_step", "solve_step"):
            assert path[field] == ends[field][run], field


def test_a_trace_has_the_records_that_are_asked_for(spec):
    zero, other = ss.trace(spec, [np.zeros(9), THETA[0]], ["loss"], record="every:100")
    assert zero["record_step"].tolist() == [0]  # it is frozen
    assert zero["outcome"] == Outcome.FROZEN
    assert other["record_step"][:2].tolist() == [0, min(100, other["stop_step"])]
    (listed,) = ss.trace(spec, THETA[:1], record=[1, 2, 5])
    assert listed["record_step"].tolist() == [0, 1, 2, 5, listed["stop_step"]]
    (rated,) = ss.trace(spec, THETA[:1], numbers={"training.learning_rate": [0.01]})
    assert rated["loss"][-1] == ss.run_starts(spec.replaced("training.learning_rate", 0.01), THETA[:1])["final_loss"]


@pytest.mark.parametrize(
    ("record", "message"),
    [("often", "must be "), ([0, 301], "must end by the last step, 300; got 301"), (3, "must be "), ([2, 1], "must ")],
)
def test_a_schedule_is_checked(spec, record, message):
    with pytest.raises(ValueError, match=f"^record: {message}"):
        ss.trace(spec, THETA[:1], record=record)
    with pytest.raises(ValueError, match="los; did you mean 'loss'"):
        ss.trace(spec, THETA[:1], ["los"])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_outputs_do_not_depend_on_the_number_of_points(dtype):
    spec = ss.load("xor", [f"network.dtype={dtype}"]).spec
    X = np.random.default_rng(2).uniform(-1, 2, (37, 2))
    whole = ss.outputs(spec, THETA[:11], X)
    assert (whole.dtype, whole.shape) == (np.float64, (11, 37, 1))
    for rows in (slice(3, 4), slice(5, 37), slice(0, 8)):
        np.testing.assert_array_equal(ss.outputs(spec, THETA[4:5], X[rows])[0], whole[4, rows])
    corners = ss.outputs(spec, THETA[:3], spec.loaded.X)
    for theta, found in zip(THETA, corners, strict=False):
        (path,) = ss.trace(spec, theta[None], ["outputs"], record=[1])
        np.testing.assert_array_equal(path["outputs"][0], found)


def test_no_length_of_inputs_compiles_again(spec):
    from saddlescape.kernels.outputs import fill

    ss.outputs(spec, THETA[:1], np.zeros((3, 2)))
    compiled = len(fill.signatures)
    for m in (1, 2, 50):
        ss.outputs(spec, THETA[:1], np.zeros((m, 2)))
    assert len(fill.signatures) == compiled


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([0, 1], r"have the shape \(n_points, 2\), n_points > 0; got \(2,\)"),
        (np.zeros((3, 3)), r"have the shape \(n_points, 2\)"),
        (np.zeros((0, 2)), r"have the shape \(n_points, 2\)"),
        ([[0, np.inf]], "be finite"),
        ([["a", "b"]], "be an array of real numbers"),
    ],
)
def test_inputs_are_checked(spec, X, message):
    with pytest.raises(ValueError, match=f"^X must {message}"):
        ss.outputs(spec, THETA[:1], X)
