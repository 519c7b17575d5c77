"""Network-steps per second of the kernel, with events and recording, and of batched NumPy, in the same run.

Every run takes all its steps: no start is solved, but escapes and solutions are detected.  `extra_info` contains the
time of a warm-up call, which compiles; about 0.1 s means that the machine code was in the disk cache.
"""

import time

import batched_numpy
import numpy as np
import pytest
from cases import AGREE, ALIKE, RATE, SHAPES, make_batch, make_trainer, name, problem, shares, starts, trained
from conftest import BASELINE

from saddlescape.kernels import train
from saddlescape.system.resources import cores


@pytest.mark.parametrize("threads", sorted({1, cores()}))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sizes", SHAPES, ids=name)
def test_kernel(benchmark, note, sizes, dtype, threads):
    runs, steps = SHAPES[sizes]
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


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sizes", SHAPES, ids=name)
def test_batched_numpy(benchmark, note, sizes, dtype):
    runs, _ = SHAPES[sizes]
    X, T = problem(sizes)
    theta = starts(sizes, runs, dtype)
    ended, _ = benchmark.pedantic(
        batched_numpy.train, (theta, sizes, X, T, RATE, ALIKE), rounds=5, warmup_rounds=1
    )
    same = train(make_trainer(sizes), X, T, make_batch(theta[:64], ALIKE)).theta
    np.testing.assert_allclose(ended[:64], same, rtol=0, atol=AGREE[dtype])
    note(name(sizes), dtype, BASELINE, runs * ALIKE)
