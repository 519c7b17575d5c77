"""The Python interface of the kernels: arrays in, short calls of compiled code, arrays out."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.kernels import state as s
from saddlescape.kernels.integrate import integrate
from saddlescape.kernels.lanes import LaneType
from saddlescape.kernels.measures import address, columns, mask
from saddlescape.kernels.network import TILE
from saddlescape.kernels.on_device import Device, Needs, needs, run_on_device
from saddlescape.kernels.tick import GRADIENT_TOLERANCE
from saddlescape.kernels.train import advance
from saddlescape.kernels.variant import Net, Trainer, Variant
from saddlescape.system.arithmetic import ieee
from saddlescape.words.activations import ACTIVATIONS
from saddlescape.words.measures import BASIC

SLICE_SECONDS = 0.1
"""Target duration of one call of compiled code: short enough to stop soon, long enough that calls cost nothing."""

FIRST_TICKS, FIRST_WORK = 256, 2**24
"""Maximum ticks of the first call, and its maximum of ticks x gradients x parameters x samples: a tenth of a second."""

GRADIENTS = 32
"""Gradients per tick of the gradient flow, including repeated steps where events are located."""

LANE_BYTES = 64
"""Size of one parameter of all lanes: one register of AVX-512, two of AVX2.  More lanes add spills
and idle lanes (docs/kernels.md), except if a batch has fewer samples than a tile: then they add dependency chains."""


@dataclass(frozen=True)
class Batch:
    """The runs of one call.

    Attributes
    ----------
    theta : (n_runs, n_params) float64 or float32
        The starts.
    hyperparameters : mapping of (n_runs,) float64
        By the names in `Variant.hyperparameters`.
    escape_loss, solved, diverged, gradient : (n_runs,) float64
        Limits of the loss, the largest error, the loss, and the largest gradient component.
    steps : (n_runs,) int64
        Budget of steps, a multiple of the steps of an epoch; in the gradient flow, of attempted steps.
    recorded : (n_runs,) int64
        Row of the run's trajectory, or -1.
    record_at : (n_records,) int64 or float64
        Increasing from 0: steps, or times of the gradient flow.  Records at steps within an epoch are NaN.
    record_theta : bool
        Whether trajectories contain the parameters.
    fields : tuple of str
        The measures of the records, of `measures.FIELDS`.
    tolerance : float
        Distance below which `effective_width_tol` counts units as one.
    keys : (n_runs, 2) uint64, optional
        Seed and number of the run, which determine noise, shuffles and draws; 0 by default.
    goes_on : bool
        Whether runs go on after they are solved.
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
    goes_on: bool = False


@dataclass(frozen=True)
class Trained:
    """Results of the runs; -1 is a step that was not reached, NaN a record after the run's stop.

    Attributes
    ----------
    theta : (n_runs, n_params)
        The final parameters.
    escape_step, solve_step, stop_step : (n_runs,) int64
    stop_reason : (n_runs,) int8
        Codes of `words.outcomes.StopReason`.
    largest_gradient : (n_runs,) float64
        Largest magnitude of a gradient component at the stop.
    final : (n_runs, n_columns) float64
        Measures at the stop: loss, gradient norm, separation, then the other fields of the batch.
    measures : (n_trajectories, n_records, n_columns) float64
        The fields of the batch, in the columns of `columns`.
    theta_path : (n_trajectories or 0, n_records, n_params)
        Parameters at the records.
    times : (n_runs, 3) float64
        Times of escape, solution and stop in the gradient flow, NaN for never; otherwise of shape (0, 3).
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
        """Loss of the final state."""
        return self.final[:, 0]

    @property
    def grad_norm(self) -> npt.NDArray[np.float64]:
        """Gradient norm of the final state."""
        return self.final[:, 1]

    @property
    def separation(self) -> npt.NDArray[np.float64]:
        """Separation of the final state."""
        return self.final[:, 2]


def aligned(shape: tuple[int, int], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Zeros of this shape, at least one row, aligned for vectors."""
    size = max(1, shape[0]) * shape[1]
    buffer = np.zeros(size * dtype.itemsize + 64, dtype=np.uint8)
    first = -buffer.ctypes.data % 64
    return buffer[first : first + size * dtype.itemsize].view(dtype).reshape(-1, shape[1])


Finished = Callable[[npt.NDArray[np.intp], Trained], None]
"""Called with rows of a batch and their results, which have no records."""

LIMITS = ("escape_loss", "solved", "diverged", "gradient")


def empty_lanes(variant: Variant) -> s.LaneState:
    """The state of lanes without runs, all zeros, and a clock that has not begun."""
    rows, dtypes = s.lane_rows(variant), s.lane_dtypes(variant)
    lanes = s.LaneState(**{name: aligned((rows[name], variant.kind.n), np.dtype(dtypes[name])) for name in rows})
    clock = np.zeros(s.CLOCK_ENTRIES, dtype=np.int64)
    clock[s.TICK] = -1
    return lanes._replace(clock=clock)


def _runs(batch: Batch, variant: Variant) -> s.Runs:
    n, dtype = len(batch.theta), batch.theta.dtype
    limits = [getattr(batch, name) for name in LIMITS]
    own = [batch.hyperparameters[name] for name in variant.hyperparameters]
    hyperparameters = np.stack(limits + own, axis=1).astype(dtype)
    tolerance = hyperparameters[:, GRADIENT_TOLERANCE]
    if not variant.flows:
        tolerance[tolerance == 0] = -1  # a zero gradient alone does not stop a run: its velocity may not be zero
    theta, events = np.array(batch.theta, order="C"), np.full((n, 4), -1, dtype=np.int64)
    epochs, rest = np.divmod(batch.steps, variant.batches[1])
    if rest.any():
        raise ValueError(f"steps must be multiples of the {variant.batches[1]} steps of an epoch")
    keys = np.zeros((n, 2), dtype=np.uint64) if batch.keys is None else batch.keys
    width = s.MEASURES + _width({*batch.fields, *BASIC}, variant)
    final, times = np.full((n, width), np.nan), np.full((n * variant.flows, 3), np.nan)
    following = np.zeros(1, dtype=np.int64)
    return s.Runs(theta, hyperparameters, epochs, batch.recorded, keys, events, final, times, following)


def _records(batch: Batch, variant: Variant) -> s.Records:
    epoch, at = variant.batches[1], batch.record_at
    if not variant.flows:
        at = at[at % epoch == 0] // epoch
    rows, records = int(batch.recorded.max(initial=-1)) + 1, len(at)
    measures = np.full((rows, records, _width(batch.fields, variant)), np.nan)
    theta_rows = rows if batch.record_theta else 0
    theta = np.full((theta_rows, records, batch.theta.shape[1]), np.nan, dtype=batch.theta.dtype)
    return s.Records(at, measures, theta)


def _width(fields: Collection[str], variant: Variant) -> int:
    """Number of columns of the measures."""
    indices = columns(fields, len(variant.layers)).values()
    return max((index.stop if isinstance(index, slice) else index + 1 for index in indices), default=0)


def _measured(batch: Batch, variant: Variant) -> s.MeasureArguments:
    trainer = variant.trainer
    sizes = np.array(trainer.sizes, dtype=np.int64)
    odd = np.array([ACTIVATIONS[name].odd for name in trainer.activations], dtype=np.int64)
    widths = np.array([layer.width for layer in variant.layers], dtype=np.int64)
    scratch = np.empty(s.scratch_size(variant))
    return s.MeasureArguments(
        address(), mask(batch.fields), mask({*batch.fields, *BASIC}), sizes, widths, odd,
        scratch, float(batch.tolerance), int(batch.goes_on),
    )  # fmt: skip


def _run_lanes(
    variant: Variant,
    X: npt.NDArray[Any],
    T: npt.NDArray[Any],
    runs: s.Runs,
    records: s.Records,
    measured: s.MeasureArguments,
    after_ticks: Callable[[int], None],
) -> None:
    """Like `run_on_device`, on the lanes of this thread."""
    net, state = Net(variant), empty_lanes(variant)
    clock = state.clock
    gradients, run_ticks = (GRADIENTS, integrate) if variant.flows else (1, advance)
    ticks = max(1, min(FIRST_TICKS, FIRST_WORK // (gradients * variant.n_params * len(X))))
    while clock[s.TICK] < 0 or clock[s.ACTIVE] > 0:
        began, before = time.perf_counter(), max(0, clock[s.TICK])
        run_ticks(net, X, T, state, runs, records, measured, ticks)
        seconds = time.perf_counter() - began
        ticks = int(ticks * min(2.0, max(0.25, SLICE_SECONDS / seconds))) + 1
        after_ticks(int(clock[s.TICK] - before) * variant.kind.n)


def default_lanes(trainer: Trainer, samples: int, dtype: np.dtype[Any]) -> int:
    """The fastest number of lanes of a thread."""
    chains = max(1, TILE // (trainer.batch or samples))
    return chains * LANE_BYTES // dtype.itemsize


@ieee()
def train(
    trainer: Trainer,
    X: npt.NDArray[np.float64],
    T: npt.NDArray[np.float64],
    batch: Batch,
    *,
    lanes: int | None = None,
    device: Device | None = None,
    after_slice: Callable[[int], None] | None = None,
    finished: Finished | None = None,
) -> Trained:
    """Train every run of the batch until it stops, on this thread or on a device.

    To the last bit, the result of a run depends only on its start and its hyperparameters, not on `lanes`, the
    `device`, the other runs or the durations of the calls.  Releases the GIL between the calls of
    `after_slice(network_steps)`, which may raise an exception to abandon the batch.  `finished` is called before it,
    with the runs that have stopped since its last call; on a device, with all runs at the end.
    """
    variant, x, target, runs, records, measured = arguments(trainer, X, T, batch, 1 if device else lanes)
    told = np.zeros(len(runs.theta), dtype=np.bool_)

    def tell() -> None:
        if finished is not None and len(rows := np.flatnonzero((runs.events[:, s.REASON] >= 0) & ~told)):
            told[rows] = True
            finished(rows, _trained(_selected(runs, rows), _no_records(records), batch, variant))

    def after_ticks(ticks: int) -> None:
        with ieee():  # again, because the functions may change the mode by loading a library
            tell()
            if after_slice is not None:
                after_slice(ticks * variant.batches[1])

    run = _run_lanes if device is None else partial(run_on_device, device)
    run(variant, x, target, runs, records, measured, after_ticks)
    tell()
    return _trained(runs, records, batch, variant)


def _selected(runs: s.Runs, rows: npt.NDArray[np.intp]) -> s.Runs:
    """The results of these runs."""
    names = ("theta", "events", "final", "times") if len(runs.times) else ("theta", "events", "final")
    return runs._replace(**{name: getattr(runs, name)[rows] for name in names})


def _no_records(records: s.Records) -> s.Records:
    return records._replace(measures=records.measures[:0], theta=records.theta[:0])


def device_needs(trainer: Trainer, X: npt.NDArray[np.float64], T: npt.NDArray[np.float64], batch: Batch) -> Needs:
    """The memory that such batches need on a device, from a batch of one run that is recorded."""
    return needs(*arguments(trainer, X, T, batch, 1))


_variant = lru_cache(maxsize=64)(Variant)
"""The same object for all blocks of a sweep, as its properties take time."""


def arguments(
    trainer: Trainer, X: npt.NDArray[np.float64], T: npt.NDArray[np.float64], batch: Batch, lanes: int | None
) -> tuple[Variant, npt.NDArray[Any], npt.NDArray[Any], s.Runs, s.Records, s.MeasureArguments]:
    """What compiled code gets: the variant, inputs, targets, runs, records, and arguments of the measures."""
    dtype = batch.theta.dtype
    width = lanes or default_lanes(trainer, len(X), dtype)
    variant = _variant(trainer, len(X), bool((batch.gradient > 0).any()), LaneType(dtype.name, width))
    x, target = np.ascontiguousarray(X, dtype=dtype), np.ascontiguousarray(T, dtype=dtype)
    return variant, x, target, _runs(batch, variant), _records(batch, variant), _measured(batch, variant)


def _trained(runs: s.Runs, records: s.Records, batch: Batch, variant: Variant) -> Trained:
    epoch, steps = variant.batches[1], batch.record_at
    escape, solve, stop, reason = runs.events.T
    escape, solve, stop = (np.where(ticks < 0, -1, ticks * epoch) for ticks in (escape, solve, stop))
    measures, path = (spread(values, steps, variant) for values in (records.measures, records.theta))
    return Trained(
        runs.theta, escape, solve, stop, reason.astype(np.int8), runs.final[:, s.MAX_GRADIENT],
        runs.final[:, s.MEASURES :], measures, path, runs.times,
    )  # fmt: skip


def spread(values: npt.NDArray[Any], steps: npt.NDArray[Any], variant: Variant) -> npt.NDArray[Any]:
    """All records (rows, records, columns): `values` at the steps that end an epoch, the others NaN."""
    epoch = variant.batches[1]
    computed = np.full(len(steps), True) if epoch == 1 else steps % epoch == 0
    if computed.all():
        return values
    spread = np.full((len(values), len(computed), values.shape[2]), np.nan, dtype=values.dtype)
    spread[:, computed] = values
    return spread
