"""Outputs, or values of hidden units, of many networks for all samples: the forward pass of the training kernel."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import intrinsic

from saddlescape.kernels.caching import cached
from saddlescape.kernels.code import Broadcast, Rows, keep_apart
from saddlescape.kernels.lanes import LaneType
from saddlescape.kernels.network import TILE, Tile, forward, write_outputs
from saddlescape.kernels.tick import add_offset, pointer
from saddlescape.kernels.variant import Net, Trainer, Variant
from saddlescape.system.arithmetic import ieee

Floats = npt.NDArray[np.floating]
LANES = 8


@intrinsic
def compute_outputs(typingctx: Any, net: Any, theta: Any, outputs: Any, X: Any) -> Any:
    """Write the outputs of every lane for one sample, or the values of hidden units, one row per output or unit."""
    variant = net.variant

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        theta, outputs = (Rows(builder, variant.kind, args[k], name) for k, name in ((1, "theta"), (2, "monitor")))
        X = Broadcast(builder, variant.kind, args[3], "data")
        keep_apart(builder.function, variant.kind)
        (values, release_values), (deltas, release_deltas) = (theta.borrowed(variant.n_units * TILE) for _ in range(2))
        sums = theta.scratch(2)
        *hidden, last = variant.layers

        tile = Tile(variant, 0, 1, 1, theta, theta, X, X, values, deltas, sums)
        for layer in hidden:
            forward(tile, layer)
        if net.of_hidden:
            write_hidden(tile, outputs)
        else:
            write_outputs(tile, last, outputs)
        release_values()
        release_deltas()
        return context.get_dummy_value()

    return types.void(net, theta, outputs, X), codegen


def write_hidden(tile: Tile, outputs: Rows) -> None:
    """Write the values of all hidden units for the sample of a tile."""
    sizes = tile.variant.trainer.sizes
    units = sum(sizes[1:-1])

    def unit(j: Any) -> None:
        outputs[tile.first * units + j] = tile.values[j]

    tile.repeat(units, unit, 1)


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


@ieee()
def outputs(trainer: Trainer, X: Floats, theta: Floats) -> Floats:
    """Outputs (..., samples, outputs) of the networks `theta` (..., n_params) for the inputs `X`.

    They have the dtype of `theta` and are the values that are compared with targets: probabilities if the loss takes
    logits.  The trainer's optimizer, batches, noise and weight decay are ignored.  Releases the GIL.
    """
    return _filled(trainer, X, theta, trainer.sizes[-1], of_hidden=False)


@ieee()
def hidden(trainer: Trainer, X: Floats, theta: Floats) -> Floats:
    """Values of hidden units (..., samples, units), those of the first layer first; otherwise like `outputs`."""
    return _filled(trainer, X, theta, sum(trainer.sizes[1:-1]), of_hidden=True)


def _filled(trainer: Trainer, X: Floats, theta: Floats, columns: int, of_hidden: bool) -> Floats:
    net = Net(Variant(trainer, 1, False, LaneType(theta.dtype.name, LANES)), of_hidden)  # the same for all numbers of X
    points = np.ascontiguousarray(theta).reshape(-1, theta.shape[-1])
    values = np.empty((len(points), len(X), columns), theta.dtype)
    if columns:
        fill(net, np.ascontiguousarray(X, dtype=theta.dtype), points, values)
    return values.reshape(*theta.shape[:-1], len(X), columns)
