"""Network-steps per second of the kernel, with events and recording, and of peers, in the same run.

Benchmarks of a group do the same work, the same runs and steps.  Every run takes all its steps: no start is solved,
but escapes and solutions are detected.  `extra_info` contains the time of a warm-up call, which compiles; about 0.1 s
means that the machine code was in the disk cache.
"""

import time

import batched_numpy
import numpy as np
import pytest
import scalar_njit
from cases import AGREE, ALIKE, RATE, SHAPES, STEADY, make_batch, make_trainer, name, problem, shares, starts, trained
from conftest import BASELINE

from saddlescape.kernels import train
from saddlescape.system.resources import cores


def same_work(benchmark, sizes, what):
    """Put the benchmark into the group of this shape, and return its numbers of runs and steps."""
    runs, steps = SHAPES[sizes]
    benchmark.group = f"{name(sizes)} {what}: {runs} runs of {steps} steps"
    return runs, steps


@pytest.mark.parametrize("threads", sorted({1, cores()}))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sizes", SHAPES, ids=name)
def test_kernel(benchmark, note, sizes, dtype, threads):
    runs, steps = same_work(benchmark, sizes, dtype)
    X, T = problem(sizes)
    trainer = make_trainer(sizes)
    batch = make_batch(starts(sizes, runs, dtype), steps)
    parts = list(shares(batch, threads))
    began = time.perf_counter()
    train(trainer, X, T, next(shares(make_batch(batch.theta[:64], 2), 1)))
    warm_up = time.perf_counter() - began
    done = benchmark.pedantic(trained, (trainer, X, T, parts, threads), rounds=9, warmup_rounds=1)
    assert all((part.stop_step == steps).all() for part in done)
    note(name(sizes), dtype, f"{threads} threads", runs * steps, warm_up_s=round(warm_up, 2))


PEERS = {
    BASELINE: lambda theta, sizes, X, T, steps: batched_numpy.train(theta, sizes, X, T, RATE, steps)[0],
    "scalar njit": lambda theta, sizes, X, T, steps: scalar_njit.peer(sizes, X, T, RATE)(theta, steps),
}
"""Both use one core."""


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sizes", SHAPES, ids=name)
def test_peer(benchmark, note, sizes, dtype, peer):
    runs, steps = same_work(benchmark, sizes, dtype)
    X, T = problem(sizes)
    theta = starts(sizes, runs, dtype)
    ended = PEERS[peer](theta[:64], sizes, X, T, ALIKE)
    same = train(make_trainer(sizes), X, T, make_batch(theta[:64], ALIKE)).theta
    np.testing.assert_allclose(ended, same, rtol=0, atol=AGREE[dtype])
    benchmark.pedantic(PEERS[peer], (theta, sizes, X, T, steps), rounds=3)
    note(name(sizes), dtype, peer, runs * steps)


@pytest.mark.parametrize("optimizer", STEADY)
def test_optimizer(benchmark, optimizer):
    sizes, dtype = (2, 2, 1), "float64"
    runs, steps = same_work(benchmark, sizes, f"{dtype}, optimizers")
    X, T = problem(sizes)
    batch = make_batch(starts(sizes, runs, dtype), steps, rate=0.005)
    train(make_trainer(sizes, optimizer), X, T, make_batch(batch.theta[:64], 2))
    done = benchmark.pedantic(train, (make_trainer(sizes, optimizer), X, T, batch), rounds=9, warmup_rounds=1)
    assert done.stop_step.mean() > 0.99 * steps
    rate = done.stop_step.sum() / benchmark.stats.stats.median
    benchmark.extra_info.update(network_steps_per_second=float(f"{rate:.4g}"))
