"""Loss and gradient of many networks over all samples: the passes of the training kernel, without training."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import intrinsic

from saddlescape.kernels.batch import default_lanes
from saddlescape.kernels.caching import cached
from saddlescape.kernels.code import Broadcast, Rows, keep_apart
from saddlescape.kernels.lanes import LaneType
from saddlescape.kernels.network import loss_and_gradient
from saddlescape.kernels.tick import FIRST_HYPERPARAMETER, LOSS, MONITOR_ROWS, evaluate, pointer
from saddlescape.kernels.variant import Net, Trainer, Variant
from saddlescape.system.arithmetic import ieee

Floats = npt.NDArray[np.floating]


@intrinsic
def compute_loss(typingctx: Any, net: Any, theta: Any, loss: Any, X: Any, T: Any) -> Any:
    """Compute the loss of every lane: the forward pass alone."""
    variant = net.variant

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        theta, loss = (Rows(builder, variant.kind, args[k], name) for k, name in ((1, "theta"), (2, "monitor")))
        X, T = (Broadcast(builder, variant.kind, a, "data") for a in args[3:])
        keep_apart(builder.function, variant.kind)
        loss[0], _ = loss_and_gradient(builder, variant, theta, None, X, T, 0, variant.samples)
        return context.get_dummy_value()

    return types.void(net, theta, loss, X, T), codegen


@cached(nogil=True)
def fill_loss(net, X, T, theta, loss, lanes):
    """Fill `loss` (n_points,) for the parameter vectors `theta` (n_points, n_params), `lanes` at a time."""
    points, n = theta.shape
    lane_theta, lane_loss = np.zeros((n, lanes), theta.dtype), np.zeros((1, lanes), theta.dtype)
    for first in range(0, points, lanes):
        some = min(lanes, points - first)
        for lane in range(some):
            for k in range(n):
                lane_theta[k, lane] = theta[first + lane, k]
        compute_loss(net, pointer(lane_theta), pointer(lane_loss), pointer(X), pointer(T))
        for lane in range(some):
            loss[first + lane] = lane_loss[0, lane]


@cached(nogil=True)
def fill(net, X, T, hyperparameters, theta, loss, gradient):
    """Fill `loss` and `gradient`, that of the objective; `hyperparameters` has a column for each lane."""
    points, n = theta.shape
    lanes = hyperparameters.shape[1]
    lane_theta, lane_gradient = np.zeros((n, lanes), theta.dtype), np.zeros((n, lanes), theta.dtype)
    monitor = np.zeros((MONITOR_ROWS, lanes), theta.dtype)
    for first in range(0, points, lanes):
        some = min(lanes, points - first)
        for lane in range(some):
            for k in range(n):
                lane_theta[k, lane] = theta[first + lane, k]
        evaluate(
            net, pointer(lane_theta), pointer(lane_gradient), pointer(hyperparameters), pointer(monitor), pointer(X),
            pointer(T),
        )  # fmt: skip
        for lane in range(some):
            loss[first + lane] = monitor[LOSS, lane]
            for k in range(n):
                gradient[first + lane, k] = lane_gradient[k, lane]


def _arguments(trainer: Trainer, X: Floats, T: Floats, theta: Floats) -> tuple[Variant, Floats, Floats, Floats]:
    """The variant for the fastest number of lanes, and arrays as the kernels take them."""
    dtype = theta.dtype
    variant = Variant(trainer, len(X), False, LaneType(dtype.name, default_lanes(trainer, len(X), dtype)))
    X, T, theta = (np.ascontiguousarray(a, dtype=dtype) for a in (X, T, theta))
    return variant, X, T, theta


@ieee()
def loss(trainer: Trainer, X: Floats, T: Floats, theta: Floats) -> Floats:
    """Loss (n_points,) over all samples of the networks `theta` (n_points, n_params), in the dtype of `theta`.

    It has the bits of the training; it costs a forward pass.  Releases the GIL.
    """
    variant, X, T, theta = _arguments(trainer, X, T, theta)
    values = np.empty(len(theta), theta.dtype)
    fill_loss(Net(variant), X, T, theta, values, variant.kind.n)
    return values


@ieee()
def loss_gradient(
    trainer: Trainer, X: Floats, T: Floats, theta: Floats, hyperparameters: Mapping[str, npt.NDArray[np.float64]]
) -> tuple[Floats, Floats]:
    """Like `loss`, and the gradient (n_points, n_params) of the objective.

    `hyperparameters` has arrays (1,) by the names in `Variant.hyperparameters`, of which penalties and `bias_rate` are
    used.
    """
    variant, X, T, theta = _arguments(trainer, X, T, theta)
    rows = np.zeros((FIRST_HYPERPARAMETER + len(variant.hyperparameters), variant.kind.n), theta.dtype)
    for row, name in enumerate(variant.hyperparameters, FIRST_HYPERPARAMETER):
        rows[row] = hyperparameters[name]
    values, gradient = np.empty(len(theta), theta.dtype), np.empty_like(theta)
    fill(Net(variant), X, T, rows, theta, values, gradient)
    return values, gradient
