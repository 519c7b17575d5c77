"""Shapes, an XOR-like problem, starts, and the kernel on several threads, for all benchmarks."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from saddlescape.kernels import Batch, Trainer, train
from saddlescape.network import layout
from saddlescape.words.optimizers import OPTIMIZERS

RATE, RECORDED = 0.05, 16
SHAPES = {(2, 2, 1): (4096, 1000), (2, 8, 1): (1024, 1000), (2, 16, 1): (512, 1000), (4, 8, 8, 1): (256, 1000)}
"""Number of runs and of steps for each shape."""

AGREE = {"float64": 1e-10, "float32": 1e-4}
"""Largest difference of parameters after `ALIKE` steps: the order of sums and the elementary functions differ."""

ALIKE = 20

STEADY = [word for word, its in OPTIMIZERS.items() if its.steps and word != "quickprop"]
"""Optimizers of which hardly a run stops early, as most of quickprop do."""


def name(sizes):
    return "-".join(map(str, sizes))


def problem(sizes):
    """Return the corners of the cube X (2**n, n) and 0.9 times the product of their coordinates T (2**n, 1)."""
    X = np.array(np.meshgrid(*[[-1.0, 1.0]] * sizes[0])).reshape(sizes[0], -1).T
    return X, 0.9 * X.prod(axis=1, keepdims=True)


def starts(sizes, runs, dtype):
    """Draw normal starts (runs, n_params) from a fixed seed."""
    rng = np.random.default_rng(1)
    return rng.normal(0, 0.3, (runs, layout.n_params(sizes, True))).astype(dtype)


def make_trainer(sizes, optimizer="gd", batch=0):
    return Trainer(tuple(sizes), True, ("tanh",) * (len(sizes) - 1), "half_sse", optimizer, batch=batch)


NUMBERS = {
    **{"momentum": 0.9, "epsilon": 1e-8, "smoothing": 0.99, "beta1": 0.9, "beta2": 0.999, "weight_decay": 0.01},
    **{"eta_plus": 1.2, "eta_minus": 0.5, "step_max": 50.0, "step_min": 1e-6},
    **{"momentum_decay": 4e-3, "growth_max": 1.75},
}
"""Hyperparameters of optimizers other than gd: the defaults of torch.optim."""


def make_batch(theta, steps, rate=RATE, every=RECORDED):
    """Make a batch in which no run is solved, most leave the plateau, and each `every`-th run is recorded at log:64.

    `every` = 0 records no run.
    """
    n = len(theta)
    limits = {"escape_loss": 0.5, "solved": 1e-9, "diverged": 1e6, "gradient": 0.0}
    recorded = np.where(np.arange(n) % every == 0, np.arange(n) // every, -1) if every else np.full(n, -1)
    record = np.unique(np.append(0, np.geomspace(1, steps, 64).round().astype(np.int64)))
    rates = {key: np.full(n, value) for key, value in {"learning_rate": rate, **NUMBERS}.items()}
    numbers = {key: np.full(n, value) for key, value in limits.items()}
    return Batch(theta=theta, hyperparameters=rates, steps=np.full(n, steps), recorded=recorded, record_at=record,
                 **numbers)  # fmt: skip


def shares(batch, parts):
    """Divide the batch into `parts` of equal length, each with its own rows of trajectories."""
    for rows in np.array_split(np.arange(len(batch.theta)), parts):
        recorded = batch.recorded[rows] >= 0
        names = ("theta", "escape_loss", "solved", "diverged", "gradient", "steps")
        rates = {name: values[rows] for name, values in batch.hyperparameters.items()}
        keys = None if batch.keys is None else batch.keys[rows]
        yield replace(batch, hyperparameters=rates, keys=keys, recorded=np.where(recorded, np.cumsum(recorded) - 1, -1),
                      **{key: getattr(batch, key)[rows] for key in names})  # fmt: skip


def trained(trainer, X, T, parts: Sequence[Batch], threads):
    """Run the kernel on every part, `threads` at a time."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda part: train(trainer, X, T, part), parts))
