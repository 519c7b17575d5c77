"""Network-steps a second of the kernel, events and recording on, and of batched NumPy, in the same run.

Every run takes all its steps: no start is solved, escapes and solves are watched all the same.  Compile time is
that of a warm-up call, kept in `extra_info`; 0.1 s or so means that the disk cache had the machine code.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import batched_numpy
import numpy as np
import pytest
from conftest import BASELINE

from saddlescape import layout
from saddlescape.kernels import Batch, Trainer, train
from saddlescape.runner import cores

RATE, RECORDED = 0.05, 16
SHAPES = {(2, 2, 1): (4096, 1000), (2, 8, 1): (1024, 1000), (2, 16, 1): (512, 1000), (4, 8, 8, 1): (256, 1000)}
NUMPY_STEPS = 20


def name(sizes):
    return "-".join(map(str, sizes))


def problem(sizes):
    X = np.array(np.meshgrid(*[[-1.0, 1.0]] * sizes[0])).reshape(sizes[0], -1).T
    return X, 0.9 * X.prod(axis=1, keepdims=True)


def starts(sizes, runs, dtype):
    rng = np.random.default_rng(1)
    return rng.normal(0, 0.3, (runs, layout.n_params(sizes, True))).astype(dtype)


def make_batch(theta, steps):
    """A tolerance that no run meets within the steps, a plateau that most leave, each `RECORDED`-th run at log:64."""
    n = len(theta)
    full = {"escape_loss": 0.5, "solved": 1e-9, "diverged": 1e6, "gradient": 0.0}
    recorded = np.where(np.arange(n) % RECORDED == 0, np.arange(n) // RECORDED, -1)
    record = np.unique(np.append(0, np.geomspace(1, steps, 64).round().astype(np.int64)))
    numbers = {key: np.full(n, value) for key, value in full.items()}
    rates = {"learning_rate": np.full(n, RATE)}
    return Batch(theta=theta, rates=rates, steps=np.full(n, steps), recorded=recorded, record_step=record,
                 **numbers)  # fmt: skip


def shares(batch, parts):
    """The batch in `parts` of equal length, each with its own rows of trajectories."""
    for where in np.array_split(np.arange(len(batch.theta)), parts):
        kept = batch.recorded[where] >= 0
        names = ("theta", "escape_loss", "solved", "diverged", "gradient", "steps")
        rates = {name: values[where] for name, values in batch.rates.items()}
        yield replace(batch, rates=rates, recorded=np.where(kept, np.cumsum(kept) - 1, -1),
                      **{key: getattr(batch, key)[where] for key in names})  # fmt: skip


@pytest.mark.parametrize("threads", sorted({1, cores()}))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sizes", SHAPES, ids=name)
def test_kernel(benchmark, note, sizes, dtype, threads):
    runs, steps = SHAPES[sizes]
    X, T = problem(sizes)
    trainer = Trainer(sizes, True, ("tanh",) * (len(sizes) - 1), "half_sse", "gd")
    batch = make_batch(starts(sizes, runs, dtype), steps)
    parts = list(shares(batch, threads))
    began = time.perf_counter()
    train(trainer, X, T, next(shares(make_batch(batch.theta[:64], 2), 1)))
    warm_up = time.perf_counter() - began
    with ThreadPoolExecutor(threads) as pool:

        def work():
            return list(pool.map(lambda part: train(trainer, X, T, part), parts))

        done = benchmark.pedantic(work, rounds=9, warmup_rounds=1)
    assert all((part.stop_step == steps).all() for part in done)
    note(name(sizes), dtype, f"{threads} threads", runs * steps, warm_up_s=round(warm_up, 2))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sizes", SHAPES, ids=name)
def test_batched_numpy(benchmark, note, sizes, dtype):
    runs, _ = SHAPES[sizes]
    X, T = problem(sizes)
    theta = starts(sizes, runs, dtype)
    ended, _ = benchmark.pedantic(
        batched_numpy.train, (theta, sizes, X, T, RATE, NUMPY_STEPS), rounds=5, warmup_rounds=1
    )
    trainer = Trainer(sizes, True, ("tanh",) * (len(sizes) - 1), "half_sse", "gd")
    same = train(trainer, X, T, make_batch(theta[:64], NUMPY_STEPS)).theta
    np.testing.assert_allclose(ended[:64], same, rtol=0, atol=1e-10 if dtype == "float64" else 1e-4)
    note(name(sizes), dtype, BASELINE, runs * NUMPY_STEPS)
