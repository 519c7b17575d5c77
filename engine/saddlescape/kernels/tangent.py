"""The Lyapunov exponent of training: the training kernel over dual numbers, along runs that have been trained.

Training is a map of parameters and the optimizer's state.  The code of a step, called with dual numbers, also
multiplies a tangent vector by the derivative of the map, so an infinitely small change of the start is followed along
the run.  The values have the bits of the run itself.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, types
from numba.extending import intrinsic

from saddlescape.kernels import state as s
from saddlescape.kernels.batch import Batch, aligned, arguments, empty_lanes, spread
from saddlescape.kernels.caching import cached
from saddlescape.kernels.code import Broadcast, Difference, Rows, Words, keep_apart
from saddlescape.kernels.dual import Constants, DualRows
from saddlescape.kernels.logarithm import LN2, ln
from saddlescape.kernels.measures import canonical, norm
from saddlescape.kernels.network import loss_and_gradient
from saddlescape.kernels.tick import (
    batch_size,
    epoch,
    next_step,
    pointer,
    shuffles,
    steps_of_draws,
    to_objective,
    update,
)
from saddlescape.kernels.train import draw, shuffle
from saddlescape.kernels.variant import Net, Trainer, Variant
from saddlescape.system.arithmetic import ieee

Floats = npt.NDArray[np.float64]
LANES = 8

WINDOW = 2.0**16
"""A tangent vector is multiplied by a power of two if its largest component leaves 1 / WINDOW to WINDOW."""

GOLDEN = 0.6180339887498949


def first_tangent(n: int) -> Floats:
    """The change of the start: the fractional parts of k times the golden ratio, k = 1 to `n`, less 1/2.

    No symmetry of a network maps it to itself, so it has a part along each direction.
    """
    return np.asarray(np.arange(1, n + 1) * GOLDEN % 1.0 - 0.5, dtype=np.float64)


@intrinsic
def tangent_step(
    typingctx: Any, net: Any, theta: Any, state: Any, grad: Any, tangent: Any, column: Any, hyperparameters: Any,
    keys: Any, X: Any, T: Any,
) -> Any:
    """Step every lane, an epoch with minibatches, and multiply `tangent`, that of theta and state, by the derivative.

    `column` is scratch memory for the derivatives of `grad`.
    """
    variant = net.variant

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        names = ("theta", "state", "grad", "direction", "column")
        own = {name: Rows(builder, variant.kind, a, name) for name, a in zip(names, args[1:6], strict=True)}
        data = Rows if variant.own_samples else Broadcast
        X, T = (data(builder, variant.kind, a, "data") for a in args[8:])
        keep_apart(builder.function, variant.kind)
        rows: dict[str, Any] = {
            "theta": DualRows(own["theta"], own["direction"]),
            "state": DualRows(own["state"], own["direction"].from_row(variant.n_params)),
            "grad": DualRows(own["grad"], own["column"]),
            "hyperparameters": Constants(builder, variant.kind, args[6], "hyperparameters"),
            "keys": Words(builder, variant.kind, args[7]),
        }
        bits = Difference(own["theta"][0])
        if variant.steps_apart:
            epoch(builder, variant, rows, X, T, bits)
        else:
            loss_and_gradient(builder, variant, rows["theta"], rows["grad"], X, T, 0, variant.samples)
            to_objective(builder, variant, rows["theta"], rows["grad"], rows["hyperparameters"])
            update(builder, variant, **rows, bits=bits)
            next_step(builder, variant, rows["keys"])
        return context.get_dummy_value()

    return types.void(net, theta, state, grad, tangent, column, hyperparameters, keys, X, T), codegen


@njit(error_model="numpy")
def size_of(tangent, lane, scratch):
    """Norm of the tangent vector of a lane, from a copy."""
    for k in range(tangent.shape[0]):
        scratch[k] = tangent[k, lane]
    return norm(scratch, 0, tangent.shape[0])


@njit(error_model="numpy")
def rescale(tangent, exponents):
    """Multiply each tangent vector that leaves the window by a power of two, which is exact, and count its exponent."""
    for lane in range(tangent.shape[1]):
        most = 0.0
        for k in range(tangent.shape[0]):
            most = max(most, abs(np.float64(tangent[k, lane])))
        if most > 0.0 and most < math.inf and not 1.0 / WINDOW <= most <= WINDOW:
            _, exponent = math.frexp(most)
            for k in range(tangent.shape[0]):
                tangent[k, lane] = math.ldexp(np.float64(tangent[k, lane]), -exponent)
            exponents[lane] += exponent


@cached(nogil=True)
def follow(net, X, T, lanes, n, tangent, column, last, at, along, ends, theta):
    """Follow the runs in the lanes for `last` ticks each; write the ln of the growth at ticks `at` and at the end.

    `theta` gets the parameters at the end.
    """
    scratch, exponents = np.empty(tangent.shape[0]), np.zeros(n.lanes, np.int64)
    first, record, x, t = ln(size_of(tangent, 0, scratch)), 0, pointer(X), pointer(T)
    for tick in range(last.max() + 1):
        due = record < len(at) and at[record] == tick
        for lane in range(n.lanes):
            if (due and tick <= last[lane]) or tick == last[lane]:
                value = canonical(ln(size_of(tangent, lane, scratch)) - first + exponents[lane] * LN2)
                if tick == last[lane]:
                    ends[lane] = value
                    for k in range(n.params):
                        theta[lane, k] = canonical(lanes.theta[k * n.lanes + lane])
                if due:
                    along[lane, record] = value
        record += due
        lanes.clock[s.TICK] = tick
        own_x, own_t = x, t
        if shuffles(net):
            shuffle(lanes, n, x, t)
            own_x, own_t = pointer(lanes.X), pointer(lanes.T)
        elif steps_of_draws(net):
            draw(steps_of_draws(net), batch_size(net), lanes, n, x, t)
            own_x, own_t = pointer(lanes.X), pointer(lanes.T)
        tangent_step(
            net, pointer(lanes.theta), pointer(lanes.state), pointer(lanes.grad), pointer(tangent), pointer(column),
            pointer(lanes.hyperparameters), pointer(lanes.keys), own_x, own_t,
        )  # fmt: skip
        rescale(tangent, exponents)


@ieee()
def log_growth(
    trainer: Trainer,
    X: Floats,
    T: Floats,
    batch: Batch,
    last: npt.NDArray[np.int64],
    after_slice: Callable[[int], None] | None = None,
) -> tuple[Floats, Floats, Floats]:
    """Logarithm of the growth of a tangent vector along runs, from the start, where it is `first_tangent`.

    The vector also contains the changes of the optimizer's state, which are zero at the start.

    Parameters
    ----------
    last : (n_runs,), the steps after which the runs are not followed any more, a multiple of those of an epoch.
    after_slice : called with 0 between groups of runs; it may raise an exception to stop.

    Returns
    -------
    along : (n_trajectories, n_records) float64, at the batch's records up to `last`; the others are NaN.
    ends : (n_runs,) float64, after `last` steps.
    theta : (n_runs, n_params), the parameters after that step.
    """
    plain = replace(trainer, classes="", loss_limit=False)  # events of the runs are known
    variant, x, t, runs, records, _ = arguments(plain, X, T, batch, LANES)
    ticks, n = last // variant.batches[1], len(runs.theta)
    along, ends, theta = np.full((len(records.measures), len(records.at)), np.nan), np.empty(n), runs.theta.copy()
    order = np.argsort(ticks, kind="stable")
    for rows in (order[first : first + LANES] for first in range(0, n, LANES)):
        group, row = rows[np.minimum(np.arange(LANES), len(rows) - 1)], batch.recorded[rows]
        own_along, own_ends, own_theta = _follow(variant, x, t, runs, records.at, group, ticks[group])
        ends[rows], theta[rows] = own_ends[: len(rows)], own_theta[: len(rows)]
        along[row[row >= 0]] = own_along[: len(rows)][row >= 0]
        if after_slice is not None:
            after_slice(0)
    return spread(along[..., None], batch.record_at, variant)[..., 0], ends, theta


def _follow(
    variant: Variant,
    x: npt.NDArray[Any],
    t: npt.NDArray[Any],
    runs: s.Runs,
    at: npt.NDArray[np.int64],
    group: npt.NDArray[np.intp],
    last: npt.NDArray[np.int64],
) -> tuple[Floats, Floats, npt.NDArray[Any]]:
    """`follow` for one group of runs."""
    lanes, n = empty_lanes(variant), variant.n_params
    lanes.theta[:], lanes.hyperparameters[:] = runs.theta[group].T, runs.hyperparameters[group].T
    lanes.keys[:2] = runs.keys[group].T
    tangent, column = aligned((n + variant.n_states, LANES), x.dtype), aligned(lanes.grad.shape, x.dtype)
    tangent[:n] = first_tangent(n)[:, None]
    counts = s.Counts(LANES, n, variant.n_states, 0, 0, 0, 0, 0, 0, 0, len(x), x.shape[1], t.shape[1])
    along, ends, theta = np.full((LANES, len(at)), np.nan), np.empty(LANES), np.empty((LANES, n), x.dtype)
    flat = s.LaneState(*(array.reshape(-1) for array in lanes))
    follow(Net(variant), x, t, flat, counts, tangent, column, last, at, along, ends, theta)
    return along, ends, theta
