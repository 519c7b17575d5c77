"""The Python side of the kernel: arrays in, `advance` called in short slices, arrays out."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.kernels import train as t
from saddlescape.kernels.lanes import Kind
from saddlescape.kernels.steppers import STEPPERS
from saddlescape.kernels.tick import GRADIENT_TOLERANCE, SEEN
from saddlescape.kernels.variant import Net, Trainer, Variant

SLICE_SECONDS = 0.1
"""Aim for one call of compiled code: short enough to stop soon, long enough to cost nothing."""

ODD = frozenset({"tanh", "linear"})
LANE_BYTES = 64
"""A parameter of all lanes: one register of AVX-512, two of AVX2.  Wider only spills more (docs/kernels.md)."""


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


def _aligned(shape: tuple[int, int], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    size = max(1, shape[0]) * shape[1]
    buffer = np.zeros(size * dtype.itemsize + 64, dtype=np.uint8)
    first = -buffer.ctypes.data % 64
    return buffer[first : first + size * dtype.itemsize].view(dtype).reshape(-1, shape[1])


LIMITS = ("escape_loss", "solved", "diverged", "gradient")


def _lanes(variant: Variant, rates: int) -> t.Lanes:
    n, dtype, lanes = variant.n_params, np.dtype(variant.kind.dtype), variant.kind.n
    states = n * STEPPERS[variant.trainer.stepper].states
    theta, state, grad, limits, seen = (_aligned((row, lanes), dtype) for row in (n, states, n, rates, SEEN))
    book, clock = np.zeros((5, lanes), dtype=np.int64), np.array([-1, 0, 0, 0])
    return t.Lanes(theta, state, grad, limits, seen, book, clock)


def _runs(batch: Batch, stepper: str) -> t.Runs:
    n, dtype = len(batch.theta), batch.theta.dtype
    names = (*LIMITS, *STEPPERS[stepper].rates)
    rates = np.stack([getattr(batch, name) for name in names], axis=1).astype(dtype)
    tolerance = rates[:, GRADIENT_TOLERANCE]
    tolerance[tolerance == 0] = -1  # an exactly zero gradient alone stops nothing: velocity may be left
    theta, events = np.array(batch.theta, order="C"), np.full((n, 4), -1, dtype=np.int64)
    return t.Runs(theta, rates, batch.steps, batch.recorded, events, np.full((n, 4), np.nan))


def _records(batch: Batch) -> t.Records:
    rows, steps = int(batch.recorded.max(initial=-1)) + 1, len(batch.record_step)
    measures = np.full((rows, steps, 3), np.nan)
    kept = rows if batch.record_theta else 0
    theta = np.full((kept, steps, batch.theta.shape[1]), np.nan, dtype=batch.theta.dtype)
    return t.Records(batch.record_step, measures, theta)


def _shape(trainer: Trainer) -> t.Shape:
    sizes, odd = np.array(trainer.sizes, dtype=np.int64), trainer.activation in ODD
    longest, widest = 2 + 2 * max(trainer.sizes), max(trainer.sizes)
    return t.Shape(sizes, len(sizes) - 1, int(trainer.bias), int(odd), np.empty(longest * widest))


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
    dtype = batch.theta.dtype
    width = lanes or LANE_BYTES // dtype.itemsize
    watch = bool((batch.gradient > 0).any())
    variant = Variant(trainer, len(X), watch, Kind(dtype.name, width))
    runs, records = _runs(batch, trainer.stepper), _records(batch)
    state = _lanes(variant, runs.rates.shape[1])
    x, target = np.ascontiguousarray(X, dtype=dtype), np.ascontiguousarray(T, dtype=dtype)
    net, shape, clock = Net(variant), _shape(trainer), state.clock
    ticks = 256
    while clock[t.TICK] < 0 or clock[t.LIVE] > 0:
        began, before = time.perf_counter(), max(0, clock[t.TICK])
        t.advance(net, x, target, state, runs, records, shape, ticks)
        seconds = time.perf_counter() - began
        ticks = int(ticks * min(2.0, max(0.25, SLICE_SECONDS / seconds))) + 1
        if after_slice is not None:
            after_slice(int(clock[t.TICK] - before) * width)
    return _trained(runs, records)


def _trained(runs: t.Runs, records: t.Records) -> Trained:
    escape, solve, stop, reason = runs.events.T
    loss, grad_norm, separation, largest = runs.final.T
    return Trained(
        runs.theta, escape, solve, stop, reason.astype(np.int8), loss, grad_norm, separation, largest,
        records.measures, records.theta,
    )  # fmt: skip
