"""Dropout: masks and trajectories against the reference, its expectation, and what it leaves alone."""

import itertools

import numpy as np
import pytest
from kernel_cases import DTYPES, TARGET, XOR, arguments, make_batch, problem, slowly
from spec_cases import TINY
from standin import StandIn
from test_kernels import expect_equal_to_reference
from tolerances import LENGTH, STANDARD_ERRORS

import saddlescape as ss
from saddlescape.errors import RefusedError, SpecError
from saddlescape.kernels import Trainer, train
from saddlescape.network import random, reference
from saddlescape.results.refine import refine
from saddlescape.spec import parse
from saddlescape.words.outcomes import Outcome, StopReason

CASES = [
    (("logistic", "bce_logits", "momentum", (3, 2), "float64"), {"samples": 6}),
    (("tanh", "half_sse", "gd", (3,), "float32"), {"noise": True, "weight_decay": True}),
    (("tanh", "softmax_ce", "adam", (9,), "float64"), {"samples": 7, "batch": 3, "sampled": True}),
    (("tanh", "half_sse", "gd", (3, 3), "float64"), {"skip": "residual", "batch": 2, "shuffled": True}),
]


QUICK = (1, 3)


@pytest.mark.parametrize("number", slowly(range(4), QUICK))
def test_dropout_equals_the_reference(number):
    case, options = CASES[number]
    expect_equal_to_reference(case, dropout=True, steps=12, **options)


@pytest.mark.device
@pytest.mark.parametrize("dtype", slowly(DTYPES, ["float64"]))
def test_a_thread_drops_the_units_of_a_lane(dtype):
    trainer, X, T, batch = arguments(("tanh", "half_sse", "gd", (5,), dtype), runs=5, steps=20, dropout=True)
    places = ({"lanes": 1}, {"lanes": 8}, {"device": StandIn()})
    assert len({train(trainer, X, T, batch, **place).theta_path.tobytes() for place in places}) == 1


@pytest.mark.parametrize("batch", slowly([0, 2], [0]))
def test_a_rate_of_zero_does_not_change_a_bit(batch):
    options = {"solved": 0.4, "escape": 0.47, "every": 2, "learning_rate": 0.5, "momentum": 0.9}
    runs = make_batch(np.random.default_rng(3).normal(0, 2, (9, 9)), 800, **options, dropout=0.0)
    results = [
        train(Trainer((2, 2, 1), True, ("tanh", "logistic"), "half_sse", "momentum", batch=batch, dropout=dropout), XOR,
              TARGET, runs)
        for dropout in (False, True)
    ]  # fmt: skip
    without, with_zero = ([array.tobytes() for array in vars(result).values()] for result in results)
    assert (results[0].solve_step >= 0).any()
    assert without == with_zero


def test_masks_drop_the_share_independently():
    numbers = np.stack([random.dropout(7, run, step, 6, 5) for run in range(20) for step in range(50)])
    dropped = numbers < 0.3
    share = STANDARD_ERRORS * np.sqrt(0.3 * 0.7 / len(dropped))
    assert (abs(dropped.mean(axis=0) - 0.3) < share).all()
    both = (dropped.reshape(len(dropped), -1)[:, :, None] & dropped.reshape(len(dropped), -1)[:, None]).mean(axis=0)
    off = both[~np.eye(len(both), dtype=bool)]
    assert (abs(off - 0.09) < STANDARD_ERRORS * np.sqrt(0.09 * 0.91 / len(dropped))).all()


NETWORK = reference.Network((2, 3, 1), True, ("linear", "linear"), "half_sse")


def test_the_expected_output_and_gradient_of_a_linear_network():
    """Over all masks of one sample: E[y] is y; E[loss] and its gradient are those plus the variance of the output."""
    (X, T), theta = problem(1, 2, 1), np.random.default_rng(2).normal(size=13)
    p, h = 0.3, 1e-6
    expected = total = 0.0

    def penalized(theta):
        loss, *_ = reference.loss_and_gradient(NETWORK, theta, X, T)
        hidden = theta[:9].reshape(3, 3) @ np.append(X[0], 1)
        return loss + p / (1 - p) / 2 * ((theta[9:12] * hidden) ** 2).sum()

    for mask in itertools.product((0, 1), repeat=3):
        weight = np.prod([1 - p if kept else p for kept in mask])
        kept = np.array([[*mask, 1]]) / (1 - p)
        loss, gradient, _ = reference.loss_and_gradient(NETWORK, theta, X, T, kept)
        total, expected = total + weight * loss, expected + weight * gradient
    np.testing.assert_allclose(total, penalized(theta), rtol=LENGTH)
    slopes = [(penalized(theta + step) - penalized(theta - step)) / (2 * h) for step in h * np.eye(13)]
    np.testing.assert_allclose(expected, slopes, rtol=1e-6, atol=1e-8)


def test_the_mean_step_of_many_runs_is_the_expected_step():
    """The output layer's gradient of a linear network with target zero: p / (1 - p) more than without dropout."""
    runs, start = 20_000, np.array([0.3, -0.2, 0.5, 0.7])
    X, T = np.array([[1.0]]), np.array([[0.0]])
    trainer = Trainer((1, 2, 1), False, ("linear", "linear"), "half_sse", "gd", dropout=True)
    trained = train(trainer, X, T, make_batch(np.tile(start, (runs, 1)), 1, learning_rate=1.0, dropout=0.25))
    (a, b), (u, v) = start[:2], start[2:]
    y = a * u + b * v
    expected = np.array([(y + a * u / 3) * u, (y + b * v / 3) * v, (y + a * u / 3) * a, (y + b * v / 3) * b])
    steps = start - trained.theta
    assert (abs(steps.mean(axis=0) - expected) < STANDARD_ERRORS * steps.std(axis=0) / np.sqrt(runs)).all()


def test_only_silent_units_at_zero_are_at_a_fixed_point(tmp_path):
    text = TINY.replace('kind = "normal"', 'kind = "zero"').replace("seed = 1\n", "") + "dropout = 0.5\n"
    pm1 = ("problem.coding=pm1", "network.activation=tanh", "network.output=tanh", "starts.count=1")
    with ss.open(ss.run(parse(text, tmp_path, pm1), tmp_path / "silent", threads=1)) as results:
        assert results["outcome"] == Outcome.FROZEN
    with ss.open(ss.run(parse(text, tmp_path, ["record.runs=0"]), tmp_path / "loud", threads=1)) as results:
        assert (results["stop_reason"] == StopReason.BUDGET).all()
        assert (results["final_separation"] > 0).all()
        assert len(np.unique(results["final_loss"])) == results.dims["run"]


SLICE = 'kind = "slice"\nbase = [0, 0, 0, 0, 0, 0, 0, 0, 0]\nx = { index = 0, from = 0, to = 1, n = 2 }\n'


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["training.dropout=1"], "training.dropout: must be less than 1"),
        (["training.dropout=0.5", "network.hidden=[]"], "training.dropout: changes nothing, as there are no hidden"),
        (["training.dropout=0.5", "training.optimizer=flow", "training.learning_rate="], "training.dropout.*flow"),
    ],
)
def test_what_dropout_cannot_do_is_refused(tmp_path, settings, message):
    with pytest.raises(SpecError, match=message):
        parse(TINY, tmp_path, settings)


def test_slices_with_dropout_are_not_refined(tmp_path):
    text = TINY.replace('kind = "normal"\ncount = 10\n', SLICE + "y = { index = 1, from = 0, to = 1, n = 2 }\n")
    sweep = parse(text, tmp_path, ["training.dropout=0.5"])
    out = ss.run(sweep, tmp_path / "run", threads=1)
    with pytest.raises(RefusedError, match="has noise, dropout"):
        refine(out, tmp_path / "fine.h5", 1)
