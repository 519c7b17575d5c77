"""Penalties, the reduction of the loss, held biases, and factors of the learning rate."""

from dataclasses import fields, replace

import numpy as np
import pytest
import test_flow
from kernel_cases import TARGET, XOR, arguments, slowly
from standin import StandIn
from test_kernels import expect_equal_to_reference

from saddlescape.kernels import Trainer, train

ALL = {"l1": True, "weight_decay": True, "decay": "weights", "bias_rate": True, "warmup": True}
CASES = {
    "penalties": (("tanh", "half_sse", "gd", (3,), "float64"), {"l1": True, "weight_decay": True}),
    "of weights": (("logistic", "mse", "nesterov", (3, 2), "float64"), {**ALL, "noise": True, "schedule": "step"}),
    "minibatches": (("sin", "huber", "momentum", (3,), "float32"), {**ALL, "batch": 2, "layer_rates": True}),
    "decoupled": (("tanh", "mse", "adamw", (3,), "float64"), {"l1": True, "decay": "weights", "batch": 3}),
    "one cycle": (("tanh", "softmax_ce", "lion", (2,), "float64"), {"decay": "weights", "schedule": "one_cycle"}),
    "sum": (("tanh", "softmax_ce", "gd", (3,), "float64"), {"reduction": "sum", "warmup": True, "batch": 2}),
    "mean": (("gelu", "half_sse", "gd", (3,), "float64"), {"reduction": "mean", "bias_rate": True}),
    "not unrolled": (("tanh", "mse", "gd", (40,), "float64"), {**ALL, "reduction": "sum"}),
}
"""Kernels with several of the features each: a case of `kernel_cases`, and options of the trainer."""

QUICK = ("of weights", "minibatches")


def with_skip(options):
    return {"skip": "input", **options} if options.get("l1") else options


@pytest.mark.parametrize("name", slowly(CASES, QUICK[:1]))
def test_the_objective_equals_the_reference(name):
    case, options = CASES[name]
    expect_equal_to_reference(case, steps=20, **with_skip(options))


@pytest.mark.device
@pytest.mark.parametrize("name", slowly(CASES, QUICK))
def test_a_thread_computes_the_bits_of_a_lane(name):
    case, options = CASES[name]
    trainer, X, T, batch = arguments(case, runs=5, steps=12, **with_skip(options))
    lane, thread = (train(trainer, X, T, batch, device=device) for device in (None, StandIn()))
    for field in fields(lane):
        assert getattr(lane, field.name).tobytes() == getattr(thread, field.name).tobytes(), field.name


FACTORS = {"weight_decay": 0.0, "l1": 0.0, "bias_rate": 1.0, "warmup": 0.0}


def test_neutral_numbers_give_the_bits_of_a_kernel_without_them():
    """Runs of an axis share a kernel, but a run's bits must not depend on the other runs of its block."""
    case = ("tanh", "half_sse", "momentum", (3,), "float64")
    trainer, X, T, batch = arguments(case, **{**ALL, "decay": "all"})
    neutral = {name: np.full(3, value) for name, value in FACTORS.items()}
    batch = replace(batch, hyperparameters=batch.hyperparameters | neutral)
    plain = replace(trainer, weight_decay=False, l1=False, bias_rate=False, warmup=False)
    for field in fields(one := train(trainer, X, T, batch)):
        assert getattr(one, field.name).tobytes() == getattr(train(plain, X, T, batch), field.name).tobytes()


HELD = {
    "adam, shuffled": ("adam", {"batch": 2, "shuffled": True}),
    "momentum, noise": ("momentum", {"noise": True, "l1": True}),
    "normalized": ("normalized", {}),
    "lion": ("lion", {"decay": "weights"}),
}


@pytest.mark.parametrize("name", slowly(HELD, ["adam, shuffled", "momentum, noise"]))
def test_held_biases_keep_their_bits_and_have_no_gradient(name):
    optimizer, options = HELD[name]
    trainer, X, T, batch = arguments(("tanh", "mse", optimizer, (2,), "float64"), bias_rate=True, steps=30, **options)
    start = batch.theta.copy()
    start[0, 2], start[1, 5] = -0.0, 1e-320
    held = replace(batch, theta=start, hyperparameters=batch.hyperparameters | {"bias_rate": np.zeros(3)})
    trained = train(trainer, X, T, held)
    biases = [2, 5, 8, 11]
    assert trained.theta[:, biases].tobytes() == start[:, biases].tobytes()
    assert (np.delete(trained.theta != start, biases, axis=1)).all()
@pytest.mark.device
def test_a_thread_follows_the_flow_with_decay():
    """The gradient of every stage, and of records between steps, contains the decay."""
    trainer = Trainer((2, 2, 1), True, ("tanh", "tanh"), "half_sse", "flow", weight_decay=True, decay="weights")
    batch = test_flow.make_batch(test_flow.starts(5), np.linspace(0, 3, 7), end=3.0)
    batch = replace(batch, hyperparameters=batch.hyperparameters | {"weight_decay": np.linspace(0, 1, 5)})
    lane, thread = (train(trainer, XOR, TARGET, batch, device=device) for device in (None, StandIn()))
    for field in fields(lane):
        assert getattr(lane, field.name).tobytes() == getattr(thread, field.name).tobytes(), field.name
    plain = train(replace(trainer, weight_decay=False, decay="all"), XOR, TARGET, batch)
    assert lane.theta[0].tobytes() == plain.theta[0].tobytes()
    assert (lane.theta[1:] != plain.theta[1:]).any(axis=1).all()
