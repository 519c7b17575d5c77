"""The Python side of the kernel: arrays in, `advance` called in short slices, arrays out."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.kernels import train as t
from saddlescape.kernels.integrate import integrate
from saddlescape.kernels.lanes import LaneType
from saddlescape.kernels.measures import address, mask, places
from saddlescape.kernels.network import TILE
from saddlescape.kernels.tick import GRADIENT_TOLERANCE, SEEN
from saddlescape.kernels.variant import Net, Trainer, Variant
from saddlescape.system.arithmetic import ieee
from saddlescape.words.activations import ACTIVATIONS
from saddlescape.words.measures import BASIC

SLICE_SECONDS = 0.1
"""Aim for one call of compiled code: short enough to stop soon, long enough to cost nothing."""

FIRST_TICKS, FIRST_WORK = 256, 2**24
"""Ticks of the first call, and parameters times samples times gradients that it has at most: a tenth of a second."""

GRADIENTS = 32
"""In a tick of the gradient flow, which repeats a step where an event falls into it."""

LANE_BYTES = 64
"""A parameter of all lanes: one register of AVX-512, two of AVX2.  Wider only spills more (docs/kernels.md), but where
a batch has fewer samples than a tile, more lanes make up for the chains of the samples that are missing."""


@dataclass(frozen=True)
class Batch:
    """The runs of one call.

    Attributes
    ----------
    theta : (runs, n_params) float64 or float32, the starts.
    hyperparameters : by the names of `Variant.hyperparameters`, (runs,) float64 each: what the runs step by.
    escape_loss, solved, diverged, gradient : (runs,) float64
    steps : (runs,) int64, the budget, a multiple of the steps of an epoch; in the gradient flow, of attempts at a step.
    recorded : (runs,) int64, row of the run's trajectory, or -1.
    keys : (runs, 2) uint64, seed and number of the run: what noise and shuffled orders depend on; by default 0.
    record_at : (records,) increasing from 0: int64 steps, of which those within an epoch stay NaN, or float64 times of
        the gradient flow.
    fields : what is measured at the records (`measures.FIELDS`).
    tolerance : that of the effective width at a tolerance.
    """

    theta: npt.NDArray[Any]
    hyperparameters: Mapping[str, npt.NDArray[np.float64]]
    escape_loss: npt.NDArray[np.float64]
    solved: npt.NDArray[np.float64]
    diverged: npt.NDArray[np.float64]
    gradient: npt.NDArray[np.float64]
    steps: npt.NDArray[np.int64]
    recorded: npt.NDArray[np.int64]
    record_at: npt.NDArray[np.int64] | npt.NDArray[np.float64]
    record_theta: bool = False
    fields: tuple[str, ...] = BASIC
    tolerance: float = 0.0
    keys: npt.NDArray[np.uint64] | None = None


@dataclass(frozen=True)
class Trained:
    """What became of the runs; -1 is a step that never came, NaN a record after the run's stop.

    Attributes
    ----------
    final : (runs, numbers) float64, where the runs stopped: loss, gradient norm, separation, and the fields asked for.
    measures : (trajectories, records, numbers) float64, the fields asked for; `places` tells which is where.
    times : (runs, 3) float64, of escape, solution and stop in the gradient flow, NaN for never; elsewhere (0, 3).
    """

    theta: npt.NDArray[Any]
    escape_step: npt.NDArray[np.int64]
    solve_step: npt.NDArray[np.int64]
    stop_step: npt.NDArray[np.int64]
    stop_reason: npt.NDArray[np.int8]
    largest_gradient: npt.NDArray[np.float64]
    final: npt.NDArray[np.float64]
    measures: npt.NDArray[np.float64]
    theta_path: npt.NDArray[Any]
    times: npt.NDArray[np.float64]

    @property
    def loss(self) -> npt.NDArray[np.float64]:
        """Of the final state, as the others."""
        return self.final[:, 0]

    @property
    def grad_norm(self) -> npt.NDArray[np.float64]:
        return self.final[:, 1]

    @property
    def separation(self) -> npt.NDArray[np.float64]:
        return self.final[:, 2]


def _aligned(shape: tuple[int, int], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    size = max(1, shape[0]) * shape[1]
    buffer = np.zeros(size * dtype.itemsize + 64, dtype=np.uint8)
    first = -buffer.ctypes.data % 64
    return buffer[first : first + size * dtype.itemsize].view(dtype).reshape(-1, shape[1])


LIMITS = ("escape_loss", "solved", "diverged", "gradient")


def _lanes(variant: Variant, rates: int) -> t.LaneState:
    n, dtype, lanes = variant.n_params, np.dtype(variant.kind.dtype), variant.kind.n
    rows = n, variant.n_states, n * (1 + variant.keeps_slope), rates, SEEN
    theta, state, grad, limits, seen = (_aligned((row, lanes), dtype) for row in rows)
    samples = variant.samples * variant.trainer.shuffled
    X, T = (_aligned((samples * variant.trainer.sizes[k], lanes), dtype) for k in (0, -1))
    keys, book = np.zeros((3, lanes), dtype=np.uint64), np.zeros((5, lanes), dtype=np.int64)
    return t.LaneState(theta, state, grad, limits, seen, keys, X, T, book, np.array([-1, 0, 0, 0, 0]))


def _runs(batch: Batch, variant: Variant) -> t.Runs:
    n, dtype = len(batch.theta), batch.theta.dtype
    limits = [getattr(batch, name) for name in LIMITS]
    rates = np.stack(limits + [batch.hyperparameters[name] for name in variant.hyperparameters], axis=1).astype(dtype)
    tolerance = rates[:, GRADIENT_TOLERANCE]
    if not variant.flows:
        tolerance[tolerance == 0] = -1  # an exactly zero gradient alone stops nothing: velocity may be left
    theta, events = np.array(batch.theta, order="C"), np.full((n, 4), -1, dtype=np.int64)
    epochs, rest = np.divmod(batch.steps, variant.batches[1])
    if rest.any():
        raise ValueError(f"steps must be multiples of the {variant.batches[1]} steps of an epoch")
    keys = np.zeros((n, 2), dtype=np.uint64) if batch.keys is None else batch.keys
    width = t.MEASURES_THEN + _numbers({*batch.fields, *BASIC}, variant)
    final, times = np.full((n, width), np.nan), np.full((n * variant.flows, 3), np.nan)
    return t.Runs(theta, rates, epochs, batch.recorded, keys, events, final, times)


def _records(batch: Batch, variant: Variant) -> t.Records:
    epoch, at = variant.batches[1], batch.record_at
    if not variant.flows:
        at = at[at % epoch == 0] // epoch
    rows, steps = int(batch.recorded.max(initial=-1)) + 1, len(at)
    measures = np.full((rows, steps, _numbers(batch.fields, variant)), np.nan)
    kept = rows if batch.record_theta else 0
    theta = np.full((kept, steps, batch.theta.shape[1]), np.nan, dtype=batch.theta.dtype)
    return t.Records(at, measures, theta)


def _numbers(fields: Collection[str], variant: Variant) -> int:
    """How many numbers the measures of a state are."""
    columns = places(fields, len(variant.layers)).values()
    return max((at.stop if isinstance(at, slice) else at + 1 for at in columns), default=0)


def _shape(batch: Batch, variant: Variant) -> t.MeasureArguments:
    trainer = variant.trainer
    sizes = np.array(trainer.sizes, dtype=np.int64)
    odd = np.array([ACTIVATIONS[name].odd for name in trainer.activations], dtype=np.int64)
    longest, widest = 3 + 2 * max(trainer.sizes), max(trainer.sizes)
    scratch = np.empty(3 * variant.n_params + max(longest * widest, variant.n_params))
    return t.MeasureArguments(
        address(), mask(batch.fields), mask({*batch.fields, *BASIC}), sizes, int(trainer.bias), odd,
        scratch, float(batch.tolerance),
    )  # fmt: skip


@ieee()
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
    chains = max(1, TILE // (trainer.batch or len(X)))
    width = lanes or chains * LANE_BYTES // dtype.itemsize
    watch = bool((batch.gradient > 0).any())
    variant = Variant(trainer, len(X), watch, LaneType(dtype.name, width))
    runs, records, epoch = _runs(batch, variant), _records(batch, variant), variant.batches[1]
    state = _lanes(variant, runs.rates.shape[1])
    x, target = np.ascontiguousarray(X, dtype=dtype), np.ascontiguousarray(T, dtype=dtype)
    net, shape, clock = Net(variant), _shape(batch, variant), state.clock
    work, tick = (GRADIENTS, integrate) if variant.flows else (1, t.advance)
    ticks = max(1, min(FIRST_TICKS, FIRST_WORK // (work * variant.n_params * len(X))))
    while clock[t.TICK] < 0 or clock[t.LIVE] > 0:
        began, before = time.perf_counter(), max(0, clock[t.TICK])
        tick(net, x, target, state, runs, records, shape, ticks)
        seconds = time.perf_counter() - began
        ticks = int(ticks * min(2.0, max(0.25, SLICE_SECONDS / seconds))) + 1
        if after_slice is not None:
            with ieee():  # which it may change: it may load a library
                after_slice(int(clock[t.TICK] - before) * epoch * width)
    return _trained(runs, records, batch, variant)


def _trained(runs: t.Runs, records: t.Records, batch: Batch, variant: Variant) -> Trained:
    epoch, steps = variant.batches[1], batch.record_at
    escape, solve, stop, reason = runs.events.T
    escape, solve, stop = (np.where(at < 0, -1, at * epoch) for at in (escape, solve, stop))
    there = np.full(len(steps), True) if epoch == 1 else steps % epoch == 0
    measures, path = (_spread(values, there) for values in (records.measures, records.theta))
    return Trained(
        runs.theta, escape, solve, stop, reason.astype(np.int8), runs.final[:, t.LARGEST_THEN],
        runs.final[:, t.MEASURES_THEN :], measures, path, runs.times,
    )  # fmt: skip


def _spread(values: npt.NDArray[Any], there: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """Records (rows, records, numbers) at their places among all, the others NaN."""
    if there.all():
        return values
    spread = np.full((len(values), len(there), values.shape[2]), np.nan, dtype=values.dtype)
    spread[:, there] = values
    return spread
