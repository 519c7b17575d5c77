"""The Python side of the kernel: arrays in, `advance` called in short slices, arrays out."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.kernels import train as t
from saddlescape.kernels.losses import LOSSES
from saddlescape.kernels.variant import UNROLLED_SAMPLES, Net, Variant

SLICE_SECONDS = 0.1
"""Aim for one call of compiled code: short enough to stop soon, long enough to cost nothing."""

ODD = frozenset({"tanh", "linear"})
CACHE_BYTES = 24 * 1024
"""Parameters, gradients, velocities and units of all lanes should stay in a first-level cache."""


@dataclass(frozen=True)
class Trainer:
    """What all runs of a call share; dtype is that of the starts."""

    sizes: tuple[int, ...]
    bias: bool
    activation: str
    output: str
    loss: str
    stepper: str


@dataclass(frozen=True)
class Batch:
    """The runs of one call.

    Attributes
    ----------
    theta : (runs, n_params) float64 or float32, the starts.
    learning_rate, momentum, escape_loss, solved, diverged, gradient : (runs,) float64
    steps : (runs,) int64, the budget.
    recorded : (runs,) int64, row of the run's trajectory, or -1.
    record_step : (records,) int64, increasing from 0.
    """

    theta: npt.NDArray[Any]
    learning_rate: npt.NDArray[np.float64]
    momentum: npt.NDArray[np.float64]
    escape_loss: npt.NDArray[np.float64]
    solved: npt.NDArray[np.float64]
    diverged: npt.NDArray[np.float64]
    gradient: npt.NDArray[np.float64]
    steps: npt.NDArray[np.int64]
    recorded: npt.NDArray[np.int64]
    record_step: npt.NDArray[np.int64]
    record_theta: bool = False


@dataclass(frozen=True)
class Trained:
    """What became of the runs; -1 is a step that never came, NaN a record after the run's stop.

    `measures` is (trajectories, records, 3): loss, gradient norm, separation.
    """

    theta: npt.NDArray[Any]
    escape_step: npt.NDArray[np.int64]
    solve_step: npt.NDArray[np.int64]
    stop_step: npt.NDArray[np.int64]
    stop_reason: npt.NDArray[np.int8]
    loss: npt.NDArray[np.float64]
    grad_norm: npt.NDArray[np.float64]
    separation: npt.NDArray[np.float64]
    largest_gradient: npt.NDArray[np.float64]
    measures: npt.NDArray[np.float64]
    theta_path: npt.NDArray[Any]


def lanes_for(sizes: tuple[int, ...], n_params: int, itemsize: int) -> int:
    """Most lanes, 8 to 32 registers' worth of 8 bytes, whose state fits the first-level cache."""
    row = (3 * n_params + 3 * sum(sizes[1:])) * itemsize
    return next((n for n in (32, 16) if n * row * 8 // itemsize <= CACHE_BYTES), 8) * 8 // itemsize


def _aligned(shape: tuple[int, int], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    size = max(1, shape[0]) * shape[1]
    buffer = np.zeros(size * dtype.itemsize + 64, dtype=np.uint8)
    first = -buffer.ctypes.data % 64
    return buffer[first : first + size * dtype.itemsize].view(dtype).reshape(-1, shape[1])


def _lanes(trainer: Trainer, n_params: int, lanes: int, dtype: np.dtype[Any]) -> t.Lanes:
    units = sum(trainer.sizes[1:])
    rows = (n_params, n_params, n_params, units, units, units, 6, 3)
    return t.Lanes(*(_aligned((row, lanes), dtype) for row in rows))


def _runs(batch: Batch) -> t.Runs:
    n, dtype = len(batch.theta), batch.theta.dtype
    names = ("learning_rate", "momentum", "escape_loss", "solved", "diverged", "gradient")
    rates = np.stack([getattr(batch, name) for name in names], axis=1).astype(dtype)
    events = np.full((3, n), -1, dtype=np.int64)
    reason = np.zeros(n, dtype=np.int8)
    final = np.full((n, 4), np.nan)
    theta = np.array(batch.theta, order="C")
    return t.Runs(theta, rates, batch.steps, batch.recorded, events, reason, final)


def _records(batch: Batch) -> t.Records:
    rows, steps = int(batch.recorded.max(initial=-1)) + 1, len(batch.record_step)
    measures = np.full((rows, steps, 3), np.nan)
    kept = rows if batch.record_theta else 0
    theta = np.full((kept, steps, batch.theta.shape[1]), np.nan, dtype=batch.theta.dtype)
    return t.Records(batch.record_step, measures, theta)


def _shape(trainer: Trainer) -> t.Shape:
    longest = 1 + 2 * max(trainer.sizes)
    sizes = np.array(trainer.sizes, dtype=np.int64)
    odd = trainer.activation in ODD
    return t.Shape(sizes, np.int64(trainer.bias), np.int64(odd), np.empty((3, longest)))


def train(
    trainer: Trainer,
    X: npt.NDArray[np.float64],
    T: npt.NDArray[np.float64],
    batch: Batch,
    *,
    lanes: int | None = None,
    after_slice: Callable[[int], None] | None = None,
) -> Trained:
    """Train every run of the batch to its stop.

    The result of a run depends on its start and numbers alone, to the last bit, not on `lanes`, on the other
    runs or on how the work is sliced.  Releases the GIL between Python calls of `after_slice(network_steps)`,
    which may raise to abandon the batch.
    """
    dtype, n_params = batch.theta.dtype, batch.theta.shape[1]
    width = lanes or lanes_for(trainer.sizes, n_params, dtype.itemsize)
    samples = len(X) if len(X) <= UNROLLED_SAMPLES else 0
    watch = bool((batch.gradient > 0).any())
    variant = Variant(
        trainer.sizes,
        trainer.bias,
        trainer.activation,
        trainer.output,
        trainer.loss,
        trainer.stepper,
        samples,
        watch,
        width,
    )
    net = Net(variant)
    factors = np.array([factor(T.size) for factor in LOSSES[trainer.loss][1:]], dtype=dtype)
    clock, book = np.array([-1, 0, 0, 0]), np.zeros((5, width), dtype=np.int64)
    state, runs, records = _lanes(trainer, n_params, width, dtype), _runs(batch), _records(batch)
    x, target = np.ascontiguousarray(X, dtype=dtype), np.ascontiguousarray(T, dtype=dtype)
    ticks = 256
    while clock[t.TICK] < 0 or clock[t.LIVE] > 0:
        began, before = time.perf_counter(), max(0, clock[t.TICK])
        t.advance(net, x, target, factors, book, clock, state, runs, records, _shape(trainer), ticks)
        seconds = time.perf_counter() - began
        ticks = int(ticks * min(2.0, max(0.25, SLICE_SECONDS / seconds))) + 1
        if after_slice is not None:
            after_slice(int(clock[t.TICK] - before) * width)
    escape, solve, stop = runs.events
    loss, grad_norm, separation, largest = runs.final.T
    measures, path = records.measures, records.theta
    return Trained(
        runs.theta, escape, solve, stop, runs.reason, loss, grad_norm, separation, largest, measures, path
    )
