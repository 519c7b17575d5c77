"""Hidden layers of up to 256 units: kernels against the reference, and the stack and memory that they need."""

import re
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from kernel_cases import arguments
from spec_cases import TINY
from standin import StandIn
from test_kernels import expect_equal_to_reference
from test_on_device import same
from tolerances import DIFFERENCES

from saddlescape.kernels import Trainer, train
from saddlescape.kernels.code import STACKED
from saddlescape.kernels.lanes import LaneType
from saddlescape.kernels.limit import generated
from saddlescape.kernels.variant import Variant
from saddlescape.network import reference
from saddlescape.plan import Plan
from saddlescape.runs.cost import memory
from saddlescape.spec import parse

DEEP = (64, *[256] * 8, 64)
"""The largest network."""

ONE_LAYER = ("tanh", "mse", "gd", (), "float64")
TWO_LAYERS = ("relu", "half_sse", "gd", (), "float64")


@pytest.mark.parametrize(
    ("case", "options"),
    [(ONE_LAYER, {"sizes": (2, 100, 1)}),
     pytest.param(TWO_LAYERS, {"sizes": (3, 256, 256, 2), "samples": 4}, marks=pytest.mark.slow)],
)  # fmt: skip
def test_wide_layers_equal_the_reference(case, options):
    expect_equal_to_reference(case, runs=2, steps=6, **options)


@pytest.mark.slow
@pytest.mark.parametrize("skip", ["none", "residual", "input"])
def test_the_deepest_and_widest_network_equals_the_reference(skip):
    """With weights of the size 1 / sqrt(fan_in), so that differences do not grow from layer to layer."""
    trainer, X, T, batch = arguments(ONE_LAYER, sizes=DEEP, skip=skip, runs=2, steps=1)
    batch = replace(batch, theta=batch.theta / 12)
    network = reference.Network(DEEP, True, trainer.activations, trainer.loss, skip)
    for start, end in zip(batch.theta, train(trainer, X, T, batch).theta, strict=True):
        _, gradient, _ = reference.loss_and_gradient(network, start, X, T)
        step = (start - end) / batch.hyperparameters["learning_rate"][0]
        np.testing.assert_allclose(step, gradient, rtol=0, atol=DIFFERENCES * abs(gradient).max())


@pytest.mark.slow
def test_a_wide_layer_on_a_device_has_the_bits_of_a_lane():
    trainer, X, T, batch = arguments(ONE_LAYER, sizes=(2, 256, 1), runs=3, steps=5)
    assert not same(train(trainer, X, T, batch), train(trainer, X, T, batch, device=StandIn()))


def stack_of(text):
    """Bytes of the largest array on the stack, and of all of them together, in LLVM code."""
    sizes = [
        int(rows) * int(lanes or 1) * {"double": 8, "float": 4, "i64": 8}[number]
        for rows, lanes, number in re.findall(r"alloca \[(\d+) x (?:<(\d+) x )?(double|float|i64)", text)
    ]
    return max(sizes), sum(sizes)


@pytest.mark.parametrize(("optimizer", "batch", "lanes"), [("gd", 1, 32), ("flow", 0, 8)])
def test_the_stack_of_the_largest_network_fits_a_thread(optimizer, batch, lanes):
    """A thread may have as little as 2 MiB, and a single lane of a device 512 KiB."""
    trainer = Trainer(DEEP, True, ("linear",) * 9, "mse", optimizer, batch=batch)
    largest, total = stack_of(str(generated(Variant(trainer, 4, True, LaneType("float64", lanes)))))
    assert 0 < largest <= STACKED
    assert total < 2**19
    _, on_device = stack_of(str(generated(Variant(trainer, 4, True, LaneType("float64", 1)))))
    assert on_device < 2**19


@pytest.mark.slow
def test_the_largest_network_trains_on_a_small_stack():
    trainer, X, T, batch = arguments(ONE_LAYER, sizes=DEEP, runs=2, steps=2, batch=1)
    old, done = threading.stack_size(2**19), []
    try:
        thread = threading.Thread(target=lambda: done.append(train(trainer, X, T, batch)))
        thread.start()
    finally:
        threading.stack_size(old)
    thread.join()
    assert np.isfinite(done[0].theta).all()


def test_the_memory_of_the_networks_that_are_trained_at_once_is_counted():
    """One start of eight layers of 256, online: 32 lanes of float64 with parameters, gradients and two states."""
    changes = [f"network.hidden={[256] * 8}", "training.batch=online", "training.optimizer=adam", "starts.count=1"]
    small, large = (memory(Plan(parse(TINY, Path(), list(own))), 1) for own in (changes[1:], changes))
    n_params = 2 * 256 + 7 * 256 * 256 + 8 * 256 + 257
    assert large - small > 64 * 4 * 4 * n_params
