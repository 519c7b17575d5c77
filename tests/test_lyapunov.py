"""Lyapunov exponents of training: the tangent map, closed forms, and the collapse under stochastic gradients."""

import math
from dataclasses import replace

import numpy as np
import pytest
from kernel_cases import HYPERPARAMETERS, STEPPING, make_batch, problem, slowly
from tolerances import CHEBYSHEV, ELEMENTARY_ULP, EXPONENT, SUMMED, TANGENT, THRESHOLD

import saddlescape as ss
from saddlescape.errors import SpecError
from saddlescape.kernels import Trainer, log_growth, logarithm, train
from saddlescape.kernels.tangent import first_tangent
from saddlescape.network import reference
from saddlescape.system.arguments import ArgumentError

SIZES, ACTIVATIONS, STEPS, NUDGE = (2, 3, 1), ("tanh", "linear"), 5, 1e-6
LINEAR = {"hidden": [1], "activation": "linear", "output": "linear", "bias": False}
ONE = {"hidden": [], "output": "linear", "bias": False}


def started(n=3, seed=1):
    return np.random.default_rng(seed).normal(0, 1, (n, 13))


def reference_end(optimizer, theta, X, T):
    """Parameters and state of the optimizer after a few steps of its NumPy reference, as one vector."""
    network, state = reference.Network(SIZES, True, ACTIVATIONS, "half_sse"), {}
    for _ in range(STEPS):
        _, g, _ = reference.loss_and_gradient(network, theta, X, T)
        theta = reference.step(optimizer, theta, g, state, HYPERPARAMETERS)
    return np.concatenate([theta, *state.values()])


@pytest.mark.parametrize("optimizer", slowly(STEPPING, ["momentum", "adam", "normalized"]))
def test_the_tangent_map_is_the_derivative_of_the_reference(optimizer):
    X, T = problem(4, *SIZES[::2])
    theta, v = started(), first_tangent(13)
    batch, trainer = make_batch(theta, STEPS), Trainer(SIZES, True, ACTIVATIONS, "half_sse", optimizer)
    trained = train(trainer, X, T, batch)
    along, ends, followed = log_growth(trainer, X, T, batch, trained.stop_step)
    np.testing.assert_array_equal(followed, trained.theta)
    for run in range(3):
        plus, minus = (reference_end(optimizer, theta[run] + sign * NUDGE * v, X, T) for sign in (1, -1))
        growth = np.linalg.norm(plus - minus) / (2 * NUDGE) / np.linalg.norm(v)
        assert ends[run] == pytest.approx(np.log(growth), abs=TANGENT)
        assert along[run, -1] == ends[run]
        assert along[run, 0] == 0


EVERYTHING = {
    "weight_decay": True, "l1": True, "noise": True, "clip": True, "warmup": True, "layer_rates": True,
    "bias_rate": True, "decay": "weights", "schedule": "exponential",
}  # fmt: skip
KINDS = {
    "batches": {"batch": 2, "shuffled": True, "classes": "01"}, "draws": {"batch": 3, "sampled": True},
    "dropout": {"dropout": True}, "whole": {},
}  # fmt: skip


@pytest.mark.parametrize("kind", slowly(KINDS, ["batches"]))
def test_the_tangent_map_has_every_part_of_a_step(kind):
    X, T = problem(5, *SIZES[::2])
    T = np.round(T) if "classes" in KINDS[kind] else T
    trainer = Trainer(SIZES, True, ACTIVATIONS, "mse", "gd", **EVERYTHING, **KINDS[kind])
    theta, v = started(), first_tangent(13)
    steps = 4 * -(-5 // (trainer.batch or 5))
    limits = {"error_limit": -1.0, "accuracy_limit": 2.0} if trainer.classes else {}
    batch = make_batch(theta, steps, **limits)
    trained = train(trainer, X, T, batch)
    _, ends, followed = log_growth(trainer, X, T, batch, trained.stop_step)
    np.testing.assert_array_equal(followed, trained.theta)
    plus, minus = (train(trainer, X, T, replace(batch, theta=theta + sign * NUDGE * v)).theta for sign in (1, -1))
    growth = np.linalg.norm(plus - minus, axis=1) / (2 * NUDGE) / np.linalg.norm(v)
    np.testing.assert_allclose(ends, np.log(growth), rtol=0, atol=TANGENT)


def test_growth_does_not_depend_on_the_other_runs_or_on_rescaling():
    X, T = problem(4, *SIZES[::2])
    trainer, theta = Trainer(SIZES, True, ACTIVATIONS, "half_sse", "momentum"), started(11)
    batch, last = make_batch(theta, 400, every=100), np.arange(11) * 40
    along, ends, _ = log_growth(trainer, X, T, batch, last)
    assert np.isnan(along[3]).tolist() == [False, False, True, True, True]
    alone = make_batch(theta[7:8], 400, every=100)
    np.testing.assert_array_equal(log_growth(trainer, X, T, alone, last[7:8])[1], ends[7:8])


def test_the_logarithm_of_a_measure():
    trainer, X, T = Trainer((1, 1), False, ("linear",), "half_sse", "gd"), np.ones((1, 1)), np.ones((1, 1))
    values = [1.0, 2.0, 0.1, 1 + 1e-9, 1e300, 1e-308, 5e-324, 0.0, math.inf, math.nan]
    found = logarithm("param_norm", trainer, X, T, make_batch(np.ones((1, 1)), 1), np.array(values)[:, None])
    expected = [math.log(value) if value else -math.inf for value in values]
    np.testing.assert_allclose(found, expected, rtol=ELEMENTARY_ULP["all"][0] * 2**-52, atol=0)


def exponent(X, T, theta, training, field="lyapunov", network=LINEAR):
    """A measure at the end of one run from parameters."""
    stop = {"solved": 0, "diverged": 1e300}
    record = {"fields": [field], "steps": [0]}
    spec = ss.sweep(X, T, network=network, training=training, stop=stop, record=record).spec
    return ss.run_starts(spec, np.atleast_2d(np.array(theta, dtype=float)))[f"final_{field}"][0]


@pytest.mark.parametrize("rate", [0.1, 1.0, 2.3])
def test_gradient_descent_on_a_quadratic_has_the_exponent_of_its_factor(rate):
    found = exponent([[1.5]], [1.0], [0.2], {"optimizer": "gd", "learning_rate": rate, "steps": 50}, network=ONE)
    assert found == pytest.approx(np.log(abs(1 - rate * 2.25)), rel=EXPONENT)


def test_a_factor_of_zero_has_the_exponent_minus_infinity():
    training = {"optimizer": "gd", "learning_rate": 0.25, "steps": 50}
    assert exponent([[2.0]], [1.0], [0.3], training, network=ONE) == -math.inf


@pytest.mark.parametrize(("rate", "beta"), [(0.1, 0.5), (0.3, 0.9), (1.0, 0.3)])
def test_momentum_on_a_quadratic_has_the_exponent_of_its_largest_eigenvalue(rate, beta):
    training = {"optimizer": "momentum", "learning_rate": rate, "momentum": beta, "steps": 100_000}
    found = exponent([[1.5]], [0.0], [0.2], training, network=ONE)
    largest = abs(np.linalg.eigvals([[1 - rate * 2.25, -rate * beta], [2.25, beta]])).max()
    assert found == pytest.approx(np.log(largest), abs=CHEBYSHEV)


def test_balanced_linear_units_at_rate_2_are_the_cubic_chebyshev_map():
    """With a = b, a / (2 / sqrt(rate)) = cos w goes to -cos 3w: ln 3 (docs/measures.md)."""
    training = {"optimizer": "gd", "learning_rate": 2.0, "steps": 100_000}
    found = exponent([[1.0]], [1.0], [0.3, 0.3], training)
    assert found == pytest.approx(math.log(3), abs=CHEBYSHEV)


def bisected(grows, low, high, tolerance):
    """Where `grows(rate)` turns from true to false."""
    while high - low > tolerance:
        middle = (low + high) / 2
        low, high = (middle, high) if grows(middle) else (low, middle)
    return low, high


def test_stochastic_gradients_are_pulled_into_zero_from_rate_1_on():
    """Targets 1 and -1/2 of the input 1 in turn: near zero an epoch multiplies a + b by (1 + r)(1 - r / 2)."""

    def grows(rate, field, theta):
        training = {"optimizer": "gd", "learning_rate": rate, "steps": 40_000, "batch": 1}
        return exponent([[1.0], [1.0]], [1.0, -0.5], theta, training, field) > 0

    for field, theta in (("lyapunov", [0, 0]), ("lyapunov_zero", [1e-30, 1e-30])):
        low, high = bisected(lambda rate, f=field, t=theta: grows(rate, f, t), 0.5, 1.5, THRESHOLD / 4)
        assert 1 - THRESHOLD < low < high < 1 + THRESHOLD


FIELDS = ["lyapunov", "lyapunov_zero", "lyapunov_units", "left_basin"]
SWEEP = {
    "problem": "xor", "hidden": [2], "starts": {"count": 12},
    "record": {"fields": ["param_norm", "separation", *FIELDS], "steps": [0, 64, 200], "runs": 3, "dtype": "float64"},
}  # fmt: skip


def test_results_replays_and_traces_have_the_same_exponents(tmp_path):
    sweep = ss.sweep(**SWEEP, training={"steps": 200}, axes={"training.batch": ["full", 2]})
    with ss.open(ss.run(sweep, tmp_path / "run", threads=1)) as r:
        for point in range(2):
            replay = ss.replay(sweep, (point,), 8)
            (path,) = ss.trace(sweep.at(point), ss.start(sweep, (point,), 8)[None], FIELDS, first=8)
            for name in FIELDS:
                np.testing.assert_array_equal(r[name][point, 2], replay[name])
                assert path[name][-1] == r[f"final_{name}"][point, 8]
            for name, measure in (("lyapunov_zero", "param_norm"), ("lyapunov_units", "separation")):
                expected = np.log(r[measure][point] / r[measure][point, :, :1])[:, 1:] / r["record_step"][1:]
                np.testing.assert_allclose(r[name][point, :, 1:], expected, rtol=0, atol=SUMMED)
        assert np.isnan(r["lyapunov"][..., 0]).all()
        assert np.isfinite(r["final_lyapunov"]).all()


def test_exponents_need_steps():
    with pytest.raises(SpecError, match=r'"lyapunov" needs steps: set training.optimizer to another than "flow"'):
        ss.sweep(**SWEEP, training={"optimizer": "flow"})
    with pytest.raises(ArgumentError, match="needs steps"):
        ss.replay(ss.sweep(problem="xor", training={"optimizer": "flow"}, hidden=[2]), fields=["lyapunov"])
