"""Outputs of many networks for all samples, values and slopes of hidden units, and Jacobians: the forward pass of the
training kernel, for Jacobians over dual numbers."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import intrinsic

from saddlescape.kernels.caching import cached
from saddlescape.kernels.code import Broadcast, Rows, keep_apart
from saddlescape.kernels.dual import DualRows
from saddlescape.kernels.lanes import LaneType
from saddlescape.kernels.network import TILE, Tile, forward, write_outputs
from saddlescape.kernels.tick import add_offset, pointer
from saddlescape.kernels.variant import Net, Trainer, Variant
from saddlescape.system.arithmetic import ieee

Floats = npt.NDArray[np.floating]
LANES = 8


@intrinsic
def compute_outputs(typingctx: Any, net: Any, theta: Any, outputs: Any, X: Any) -> Any:
    """Write the outputs of every lane for one sample, or numbers of hidden units, one row per output or unit."""
    variant = net.variant

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        theta, outputs = (Rows(builder, variant.kind, args[k], name) for k, name in ((1, "theta"), (2, "monitor")))
        X = Broadcast(builder, variant.kind, args[3], "data")
        keep_apart(builder.function, variant.kind)
        pass_forward(variant, net.wanted, theta, outputs, X)
        return context.get_dummy_value()

    return types.void(net, theta, outputs, X), codegen


@intrinsic
def jacobian_column(
    typingctx: Any, net: Any, theta: Any, direction: Any, outputs: Any, column: Any, X: Any
) -> Any:
    """Write the outputs of every lane for one sample, and their derivatives along `direction`."""
    variant = net.variant

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        names = ("theta", "direction", "monitor", "column")
        rows = [Rows(builder, variant.kind, a, name) for name, a in zip(names, args[1:5], strict=True)]
        X = Broadcast(builder, variant.kind, args[5], "data")
        keep_apart(builder.function, variant.kind)
        pass_forward(variant, net.wanted, DualRows(rows[0], rows[1]), DualRows(rows[2], rows[3]), X)
        return context.get_dummy_value()

    return types.void(net, theta, direction, outputs, column, X), codegen


def pass_forward(variant: Variant, wanted: str, theta: Rows, outputs: Rows, X: Rows) -> None:
    """The forward pass of one sample, and what is `wanted` of it."""
    (values, release_values), (deltas, release_deltas) = (theta.borrowed(variant.n_units * TILE) for _ in range(2))
    *hidden, last = variant.layers
    tile = Tile(variant, 0, 1, 1, theta, theta, X, X, values, deltas, theta.scratch(2))
    for layer in hidden:
        forward(tile, layer)
    if wanted == "outputs":
        write_outputs(tile, last, outputs)
    else:
        write_hidden(tile, values if wanted == "hidden" else deltas, outputs)
    release_values()
    release_deltas()


def write_hidden(tile: Tile, numbers: Rows, outputs: Rows) -> None:
    """Write numbers of all hidden units for the sample of a tile."""

    def unit(j: Any) -> None:
        outputs[j] = numbers[j]

    tile.repeat(sum(tile.variant.trainer.sizes[1:-1]), unit, 1)


@cached(nogil=True)
def fill(net, X, theta, outputs):
    """Fill `outputs` (n_points, samples, outputs or units) for the parameter vectors `theta` (n_points, n_params)."""
    points, n = theta.shape
    samples, columns = outputs.shape[1:]
    lane_theta, lane_outputs = np.zeros((n, LANES), theta.dtype), np.zeros((columns, LANES), theta.dtype)
    for first in range(0, points, LANES):
        lanes = min(LANES, points - first)
        for lane in range(lanes):
            for k in range(n):
                lane_theta[k, lane] = theta[first + lane, k]
        for sample in range(samples):
            x = add_offset(pointer(X), sample * X.shape[1])
            compute_outputs(net, pointer(lane_theta), pointer(lane_outputs), x)
            for lane in range(lanes):
                for k in range(columns):
                    outputs[first + lane, sample, k] = lane_outputs[k, lane]


@cached(nogil=True)
def fill_jacobian(net, X, theta, jacobian):
    """Fill `jacobian` (n_points, samples, outputs, n_params), a column of eight networks at a time."""
    points, n = theta.shape
    samples, columns = jacobian.shape[1:3]
    point, direction = np.zeros((2, n, LANES))
    values, column = np.zeros((2, columns, LANES))
    for first in range(0, points, LANES):
        lanes = min(LANES, points - first)
        for lane in range(lanes):
            for k in range(n):
                point[k, lane] = theta[first + lane, k]
        for j in range(n):
            direction[j] = 1.0
            for sample in range(samples):
                x = add_offset(pointer(X), sample * X.shape[1])
                jacobian_column(net, pointer(point), pointer(direction), pointer(values), pointer(column), x)
                for lane in range(lanes):
                    for k in range(columns):
                        jacobian[first + lane, sample, k, j] = column[k, lane]
            direction[j] = 0.0


@ieee()
def outputs(trainer: Trainer, X: Floats, theta: Floats) -> Floats:
    """Outputs (..., samples, outputs) of the networks `theta` (..., n_params) for the inputs `X`.

    They have the dtype of `theta` and are the values that are compared with targets: probabilities if the loss takes
    logits.  The trainer's optimizer, batches, noise and weight decay are ignored.  Releases the GIL.
    """
    return _filled(trainer, X, theta, trainer.sizes[-1], "outputs")


@ieee()
def hidden(trainer: Trainer, X: Floats, theta: Floats) -> Floats:
    """Values of hidden units (..., samples, units), those of the first layer first; otherwise like `outputs`."""
    return _filled(trainer, X, theta, sum(trainer.sizes[1:-1]), "hidden")


@ieee()
def slopes(trainer: Trainer, X: Floats, theta: Floats) -> Floats:
    """Derivatives of the activations of hidden units (..., samples, units); otherwise like `hidden`."""
    return _filled(trainer, X, theta, sum(trainer.sizes[1:-1]), "slopes")


@ieee()
def jacobian(trainer: Trainer, X: Floats, theta: Floats) -> npt.NDArray[np.float64]:
    """Derivatives (..., samples, outputs, n_params) of the `outputs` with respect to the parameters, in float64."""
    net = Net(Variant(trainer, 1, False, LaneType("float64", LANES)))
    points, x = (np.ascontiguousarray(a, dtype=np.float64) for a in (theta.reshape(-1, theta.shape[-1]), X))
    values = np.empty((len(points), len(X), trainer.sizes[-1], theta.shape[-1]))
    fill_jacobian(net, x, points, values)
    return values.reshape(*theta.shape[:-1], *values.shape[1:])


def _filled(trainer: Trainer, X: Floats, theta: Floats, columns: int, wanted: str) -> Floats:
    net = Net(Variant(trainer, 1, False, LaneType(theta.dtype.name, LANES)), wanted)  # the same for all numbers of X
    points = np.ascontiguousarray(theta).reshape(-1, theta.shape[-1])
    values = np.empty((len(points), len(X), columns), theta.dtype)
    if columns:
        fill(net, np.ascontiguousarray(X, dtype=theta.dtype), points, values)
    return values.reshape(*theta.shape[:-1], len(X), columns)
