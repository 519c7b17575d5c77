"""The bits of a run depend only on its start and hyperparameters, not on lanes, order, other runs, threads or parts."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest
import test_flow
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import TARGET, XOR, make_batch
from tolerances import LENGTH

from saddlescape.kernels import Trainer, train
from saddlescape.words.outcomes import StopReason

RUNS = 37
FULL = Trainer((2, 2, 1), True, ("logistic", "logistic"), "half_sse", "momentum")
NOISY = Trainer((2, 2, 1), True, ("tanh", "logistic"), "half_sse", "adam", batch=1, shuffled=True, noise=True)
FLOW = Trainer((2, 2, 1), True, ("tanh", "tanh"), "half_sse", "flow")
PER_RUN = ("theta", "escape_loss", "solved", "diverged", "gradient", "steps", "keys")


def starts(dtype="float64"):
    return np.random.default_rng(3).normal(0, 2, (RUNS, 9)).astype(dtype)


STEPS = {"steps": 1200, "learning_rate": 0.5, "momentum": 0.9, "solved": 0.4, "escape": 0.47, "every": 40}
CASES = {
    "full batch": (FULL, make_batch(starts(), **STEPS)),
    "float32": (FULL, make_batch(starts("float32"), **STEPS)),
    "shuffled and noisy": (NOISY, make_batch(starts(), **STEPS)),
    "flow": (FLOW, test_flow.make_batch(starts() / 4, np.linspace(0, 20, 9), solved=0.4, escape=0.47)),
}
"""Some runs stop early, so their lanes are refilled; others continue."""


def subset(batch, runs):
    """The batch of these runs, all of them recorded."""
    hyperparameters = {name: values[runs] for name, values in batch.hyperparameters.items()}
    others = {name: getattr(batch, name)[runs] for name in PER_RUN if getattr(batch, name) is not None}
    return replace(batch, hyperparameters=hyperparameters, recorded=np.arange(len(runs)), **others)


def bits(trained, excluded=()):
    """Bytes of all results of each run."""
    rows = [getattr(trained, field.name) for field in fields(trained) if field.name not in excluded]
    return [b"".join(row[run].tobytes() for row in rows if len(row)) for run in range(len(trained.theta))]


@cache
def expected(case):
    """The bits of the runs of a case on eight lanes."""
    trainer, batch = CASES[case]
    return bits(train(trainer, XOR, TARGET, batch, lanes=8))


@settings(max_examples=60, derandomize=True)
@given(
    case=st.sampled_from(sorted(CASES)),
    order=st.permutations(range(RUNS)),
    cuts=st.sets(st.integers(1, RUNS - 1), max_size=6),
    lanes=st.sampled_from([1, 8, 16]),
    threads=st.integers(1, 4),
)
def test_bits_depend_on_the_start_alone(case, order, cuts, lanes, threads):
    """Lanes are refilled only in parts with more runs than lanes."""
    trainer, batch = CASES[case]
    parts = np.split(np.array(order), sorted(cuts))
    with ThreadPoolExecutor(threads) as pool:
        results = pool.map(lambda runs: train(trainer, XOR, TARGET, subset(batch, runs), lanes=lanes), parts)
        actual = [run for trained in results for run in bits(trained)]
    assert actual == [expected(case)[run] for run in order]


@pytest.mark.parametrize("case", CASES)
def test_bits_do_not_depend_on_being_recorded(case):
    trainer, batch = CASES[case]
    paths = ("measures", "theta_path")
    whole, plain = (train(trainer, XOR, TARGET, b) for b in (batch, replace(batch, recorded=np.full(RUNS, -1))))
    assert bits(whole, excluded=paths) == bits(plain, excluded=paths)
    assert len(set(whole.stop_step.tolist())) > 5  # some stop early, others continue


def test_a_fixed_point_with_minibatches_is_measured_over_all_samples():
    trainer = Trainer((1, 1), False, ("linear",), "half_sse", "gd", batch=1)
    batch = make_batch(np.array([[0.5], [3.0], [-2.0]]), 2000, learning_rate=0.1, every=2000)
    trained = train(trainer, np.array([[1.0], [2.0]]), np.array([[1.0], [2.0]]), batch)
    assert (trained.stop_reason == StopReason.FIXED_POINT).all()
    off = abs(trained.theta[:, 0] - 1)
    assert (off < 4 * np.finfo(float).eps).all()
    np.testing.assert_allclose(trained.loss, 5 / 2 * off**2, rtol=LENGTH)
    np.testing.assert_allclose(trained.grad_norm, 5 * off, rtol=LENGTH)


AND = np.array([[0.0], [0], [0], [1]])
AT_REST = {"zero, multiplied": ("multiplicative", np.zeros((1, 9)), 0.1), "tiny steps": ("gd", starts(), 1e-30)}


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("case", AT_REST)
def test_the_gradient_of_a_fixed_point_with_minibatches_is_over_all_samples(case, size):
    """Every lane is due at its first tick, after which `grad` contains the gradient of the last minibatch."""
    optimizer, theta, rate = AT_REST[case]
    batch = make_batch(theta, 40, learning_rate=rate, every=4)
    whole, parts = (
        train(Trainer((2, 2, 1), True, ("tanh", "logistic"), "half_sse", optimizer, batch=samples), XOR, AND, batch)
        for samples in (0, size)
    )
    assert (parts.stop_reason == StopReason.FIXED_POINT).all()
    assert (parts.stop_step == 0).all()
    names = ("stop_step", "final", "measures", "theta_path", "largest_gradient")
    assert [getattr(parts, name).tobytes() for name in names] == [getattr(whole, name).tobytes() for name in names]


def test_noise_does_not_change_zeros_of_an_optimizer_that_multiplies():
    trainer = Trainer((2, 2, 1), True, ("tanh", "logistic"), "half_sse", "multiplicative", noise=True)
    trained = train(trainer, XOR, AND, make_batch(np.outer([0.0, 1.0], np.ones(9)), 40, learning_rate=0.1))
    assert trained.stop_reason.tolist() == [StopReason.FIXED_POINT, StopReason.BUDGET]
    assert not trained.theta[0].any()
