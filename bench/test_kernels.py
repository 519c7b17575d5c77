"""Network-steps a second of the kernel, events and recording on, and of batched NumPy, in the same run.

Every run takes all its steps: no start is solved, escapes and solves are watched all the same.  Compile time is
that of a warm-up call, kept in `extra_info`; 0.1 s or so means that the disk cache had the machine code.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import batched_numpy
import numpy as np
import pytest

from saddlescape import layout
from saddlescape.kernels import Batch, Trainer, train
from saddlescape.runner import cores

RATE, RECORDED = 0.05, 256
SHAPES = {(2, 2, 1): (4096, 1000), (2, 8, 1): (2048, 500), (2, 16, 1): (1024, 500), (4, 8, 8, 1): (512, 300)}
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
    """A tolerance that no run meets within the steps, a plateau that most leave, `RECORDED` runs at log:64."""
    n = len(theta)
    full = {"learning_rate": RATE, "momentum": 0.0, "escape_loss": 0.5, "solved": 1e-9, "diverged": 1e6}
    recorded = np.where(np.arange(n) < RECORDED, np.arange(n), -1)
    record = np.unique(np.append(0, np.geomspace(1, steps, 64).round().astype(np.int64)))
    numbers = {key: np.full(n, value) for key, value in full.items()}
    return Batch(theta=theta, gradient=np.zeros(n), steps=np.full(n, steps), recorded=recorded, record_step=record,
                 **numbers)  # fmt: skip


def shares(batch, parts):
    """The batch in `parts` of equal length, each with its own rows of trajectories."""
    for where in np.array_split(np.arange(len(batch.theta)), parts):
        kept = batch.recorded[where]
        names = ("theta", "learning_rate", "momentum", "escape_loss", "solved", "diverged", "gradient", "steps")
        yield replace(batch, recorded=np.where(kept >= 0, kept - max(kept.min(), 0), -1),
                      **{key: getattr(batch, key)[where] for key in names})  # fmt: skip


def note(capsys, benchmark, sizes, runs, steps, **more):
    seconds = benchmark.stats.stats.min
    benchmark.extra_info.update(network_steps_per_second=float(f"{runs * steps / seconds:.4g}"), **more)
    what = " ".join([name(sizes), *(f"{key} {value}" for key, value in more.items())])
    with capsys.disabled():
        print(f"\n{what}: {runs * steps / seconds:.3g} network-steps/s")


@pytest.mark.parametrize("threads", sorted({1, cores()}))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sizes", SHAPES, ids=name)
def test_kernel(benchmark, capsys, sizes, dtype, threads):
    runs, steps = SHAPES[sizes]
    X, T = problem(sizes)
    trainer = Trainer(sizes, True, "tanh", "tanh", "half_sse", "gd")
    batch = make_batch(starts(sizes, runs, dtype), steps)
    parts = list(shares(batch, threads))
    began = time.perf_counter()
    train(trainer, X, T, next(shares(make_batch(batch.theta[:64], 2), 1)))
    warm_up = time.perf_counter() - began
    with ThreadPoolExecutor(threads) as pool:

        def work():
            return list(pool.map(lambda part: train(trainer, X, T, part), parts))

        done = benchmark.pedantic(work, rounds=3)
    assert all((part.stop_step == steps).all() for part in done)
    note(capsys, benchmark, sizes, runs, steps, who="kernel", dtype=dtype, threads=threads, warm_up_s=round(warm_up, 2))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sizes", SHAPES, ids=name)
def test_batched_numpy(benchmark, capsys, sizes, dtype):
    runs, _ = SHAPES[sizes]
    X, T = problem(sizes)
    theta = starts(sizes, runs, dtype)
    ended, _ = benchmark.pedantic(
        batched_numpy.train, (theta, sizes, X, T, RATE, NUMPY_STEPS), rounds=3, warmup_rounds=1
    )
    trainer = Trainer(sizes, True, "tanh", "tanh", "half_sse", "gd")
    same = train(trainer, X, T, make_batch(theta[:64], NUMPY_STEPS)).theta
    np.testing.assert_allclose(ended[:64], same, rtol=0, atol=1e-10 if dtype == "float64" else 1e-4)
    blas = os.environ.get("OPENBLAS_NUM_THREADS", "default")
    note(capsys, benchmark, sizes, runs, NUMPY_STEPS, who="batched NumPy", dtype=dtype, blas_threads=blas)
