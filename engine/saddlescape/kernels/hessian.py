"""Loss, gradient and Hessian of many networks at once, in float64: the training kernel's gradient over dual numbers."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import intrinsic

from saddlescape.kernels.caching import cached
from saddlescape.kernels.code import STACK, Numbers, Rows
from saddlescape.kernels.dual import DualRows
from saddlescape.kernels.lanes import LaneType
from saddlescape.kernels.network import loss_and_gradient
from saddlescape.kernels.tick import pointer
from saddlescape.kernels.variant import Net, Trainer, Variant
from saddlescape.system.arithmetic import ieee

Floats = npt.NDArray[np.float64]
LANES = 8


@dataclass(frozen=True)
class Derivatives:
    """What the loss does around points: `loss` (points,), `gradient` (points, n), `hessian` (points, n, n), float64."""

    loss: Floats
    gradient: Floats
    hessian: Floats


@intrinsic
def along(
    typingctx: Any, net: Any, theta: Any, direction: Any, grad: Any, column: Any, loss: Any, X: Any, T: Any
) -> Any:
    """Loss and gradient of every lane, and `column`, its Hessian times `direction`."""
    variant = net.variant

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        names = ("theta", "direction", "grad", "column", "seen")
        rows = {name: Rows(builder, variant.kind, a, name) for name, a in zip(names, args[1:6], strict=True)}
        X, T = (Numbers(builder, variant.kind, a, "data") for a in args[6:])
        builder.function.attributes.add("noinline")
        builder.function.attributes.alignstack = STACK
        point, slope = DualRows(rows["theta"], rows["direction"]), DualRows(rows["grad"], rows["column"])
        rows["seen"][0], _ = loss_and_gradient(builder, variant, point, slope, X, T, 0, variant.samples)
        return context.get_dummy_value()

    return types.void(net, theta, direction, grad, column, loss, X, T), codegen


@cached(nogil=True)
def fill(net, X, T, theta, loss, gradient, hessian):
    """Fill the arrays of `Derivatives` at `theta`, one column of every lane's Hessian at a time."""
    points, n = theta.shape
    here, direction, grad, column = np.zeros((4, n, LANES))
    found = np.zeros((1, LANES))
    for first in range(0, points, LANES):
        lanes = min(LANES, points - first)
        for k in range(n):
            for lane in range(lanes):
                here[k, lane] = theta[first + lane, k]
        for j in range(n):
            direction[j] = 1.0
            along(
                net, pointer(here), pointer(direction), pointer(grad), pointer(column), pointer(found), pointer(X),
                pointer(T),
            )  # fmt: skip
            direction[j] = 0.0
            for lane in range(lanes):
                for k in range(n):
                    hessian[first + lane, j, k] = column[k, lane]
        for lane in range(lanes):
            loss[first + lane] = found[0, lane]
            for k in range(n):
                gradient[first + lane, k] = grad[k, lane]


@ieee()
def derivatives(trainer: Trainer, X: Floats, T: Floats, theta: Floats) -> Derivatives:
    """Loss, gradient and Hessian at the points `theta` (points, n_params), exact but for rounding.

    Over all samples; the trainer's optimizer, batches, noise and decay play no part.  Two roundings of each mixed
    derivative are averaged, so a Hessian is symmetric to the last bit.  Of relu, leaky_relu and huber, second
    derivatives are those of the straight piece, which is all of it almost everywhere.  Releases the GIL.
    """
    plain = Trainer(trainer.sizes, trainer.bias, trainer.activations, trainer.loss, "gd")
    net = Net(Variant(plain, len(X), False, LaneType("float64", LANES)))
    x, t, theta = (np.ascontiguousarray(a, dtype=np.float64) for a in (X, T, theta))
    points, n = theta.shape
    found = Derivatives(np.empty(points), np.empty((points, n)), np.empty((points, n, n)))
    fill(net, x, t, theta, found.loss, found.gradient, found.hessian)
    return replace(found, hessian=(found.hessian + found.hessian.swapaxes(1, 2)) / 2)
