"""What many networks say of the samples: the training kernel's way forward, without the way back."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import intrinsic

from saddlescape.kernels.caching import cached
from saddlescape.kernels.code import STACK, Numbers, Rows, repeat
from saddlescape.kernels.lanes import LaneType
from saddlescape.kernels.network import TILE, Tile, forward, say
from saddlescape.kernels.tick import pointer
from saddlescape.kernels.variant import Net, Trainer, Variant
from saddlescape.system.arithmetic import ieee

Floats = npt.NDArray[np.floating]
LANES = 8


@intrinsic
def speak(typingctx: Any, net: Any, theta: Any, said: Any, X: Any) -> Any:
    """Outputs of every lane for every sample, in the rows `said`."""
    variant = net.variant

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        theta, said = Rows(builder, variant.kind, args[1], "theta"), Rows(builder, variant.kind, args[2], "seen")
        X = Numbers(builder, variant.kind, args[3], "data")
        builder.function.attributes.add("noinline")
        builder.function.attributes.alignstack = STACK
        values, deltas, sums = (theta.scratch(n) for n in (variant.n_units * TILE, variant.n_units * TILE, 2))
        *hidden, last = variant.layers

        def sample(at: Any) -> None:
            tile = Tile(variant, at, 1, variant.samples, theta, theta, X, X, values, deltas, sums)
            for layer in hidden:
                forward(tile, layer)
            say(tile, last, said)

        repeat(builder, variant.samples, sample, 1 << 20)
        return context.get_dummy_value()

    return types.void(net, theta, said, X), codegen


@cached(nogil=True)
def fill(net, X, theta, said):
    """Fill `said` (points, samples * outputs) at the points `theta`."""
    points, n = theta.shape
    here, there = np.zeros((n, LANES), theta.dtype), np.zeros((said.shape[1], LANES), theta.dtype)
    for first in range(0, points, LANES):
        lanes = min(LANES, points - first)
        for lane in range(lanes):
            for k in range(n):
                here[k, lane] = theta[first + lane, k]
        speak(net, pointer(here), pointer(there), pointer(X))
        for lane in range(lanes):
            for k in range(said.shape[1]):
                said[first + lane, k] = there[k, lane]


@ieee()
def outputs(trainer: Trainer, X: Floats, theta: Floats) -> Floats:
    """Outputs (..., samples, outputs) of networks `theta` (..., n_params) for the inputs `X`, in the dtype of `theta`.

    As they are compared with targets: where the loss takes logits, probabilities.  The trainer's optimizer, batches,
    noise and decay play no part.  Releases the GIL.
    """
    net = Net(Variant(trainer, len(X), False, LaneType(theta.dtype.name, LANES)))
    points = np.ascontiguousarray(theta).reshape(-1, theta.shape[-1])
    said = np.empty((len(points), len(X) * trainer.sizes[-1]), theta.dtype)
    fill(net, np.ascontiguousarray(X, dtype=theta.dtype), points, said)
    return said.reshape(*theta.shape[:-1], len(X), trainer.sizes[-1])
