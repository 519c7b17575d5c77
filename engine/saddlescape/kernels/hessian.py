"""Loss, gradient and Hessian of many networks in float64: the gradient of the training kernel over dual numbers."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import intrinsic

from saddlescape.kernels.caching import cached
from saddlescape.kernels.code import Broadcast, Rows, keep_apart
from saddlescape.kernels.dual import DualRows
from saddlescape.kernels.lanes import LaneType
from saddlescape.kernels.network import loss_and_gradient
from saddlescape.kernels.tick import add_offset, pointer
from saddlescape.kernels.variant import Net, Trainer, Variant
from saddlescape.system.arithmetic import ieee

Floats = npt.NDArray[np.float64]
LANES = 8


@dataclass(frozen=True)
class Derivatives:
    """Loss and derivatives at points.

    Attributes
    ----------
    loss : (n_points,) float64
    gradient : (n_points, n_params) float64
    hessian : (n_points, n_params, n_params) float64
    """

    loss: Floats
    gradient: Floats
    hessian: Floats


@intrinsic
def hessian_product(
    typingctx: Any, net: Any, theta: Any, direction: Any, grad: Any, column: Any, loss: Any, X: Any, T: Any
) -> Any:
    """Compute, for every lane, `loss`, `grad` and `column`, the Hessian times `direction`."""
    variant = net.variant

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        names = ("theta", "direction", "grad", "column", "monitor")
        rows = {name: Rows(builder, variant.kind, a, name) for name, a in zip(names, args[1:6], strict=True)}
        X, T = (Broadcast(builder, variant.kind, a, "data") for a in args[6:])
        keep_apart(builder.function, variant.kind)
        point, gradient = DualRows(rows["theta"], rows["direction"]), DualRows(rows["grad"], rows["column"])
        rows["monitor"][0], _ = loss_and_gradient(builder, variant, point, gradient, X, T, 0, variant.samples)
        return context.get_dummy_value()

    return types.void(net, theta, direction, grad, column, loss, X, T), codegen


@cached(nogil=True)
def fill(net, X, T, theta, loss, gradient, hessian):
    """Fill `InLanes`, one column of the Hessians of all lanes at a time; lanes after the last point are at zero."""
    points, n = theta.shape
    point, direction = np.zeros((2, n, LANES))
    for group in range(len(loss)):
        for lane in range(LANES):
            for k in range(n):
                point[k, lane] = theta[group * LANES + lane, k] if group * LANES + lane < points else 0.0
        grad, columns = pointer(gradient[group]), pointer(hessian[group])
        for j in range(n):
            direction[j] = 1.0
            hessian_product(
                net, pointer(point), pointer(direction), grad, add_offset(columns, j * n * LANES),
                pointer(loss[group]), pointer(X), pointer(T),
            )  # fmt: skip
            direction[j] = 0.0


def full_batch(trainer: Trainer, samples: int) -> Net:
    """The variant for the network of a trainer and its loss over all samples."""
    network = trainer.sizes, trainer.bias, trainer.activations, trainer.loss
    full_batch = Trainer(*network, "gd", skip=trainer.skip, reduction=trainer.reduction)
    return Net(Variant(full_batch, samples, False, LaneType("float64", LANES)))


class InLanes(NamedTuple):
    """Loss and derivatives of groups of `LANES` points, whose dimension is the last; Hessians are not symmetrized."""

    loss: Floats
    gradient: Floats
    hessian: Floats


def in_lanes(trainer: Trainer, X: Floats, T: Floats, theta: Floats) -> InLanes:
    """(n_groups, LANES), (n_groups, n_params, LANES) and (n_groups, n_params, n_params, LANES); as `derivatives`."""
    x, t, theta = (np.ascontiguousarray(a, dtype=np.float64) for a in (X, T, theta))
    points, n = theta.shape
    groups = -(-points // LANES)
    result = InLanes(*(np.empty((groups, *shape, LANES)) for shape in ((), (n,), (n, n))))
    fill(full_batch(trainer, len(x)), x, t, theta, *result)
    return result


@cached(nogil=True)
def fill_products(net, X, T, theta, directions, products):
    """Fill `products` (n_points, n_params), the Hessian at each point times its direction."""
    points, n = theta.shape
    point, direction, grad, column = np.zeros((4, n, LANES))
    losses = np.zeros((1, LANES))
    for first in range(0, points, LANES):
        lanes = min(LANES, points - first)
        for k in range(n):
            for lane in range(lanes):
                point[k, lane], direction[k, lane] = theta[first + lane, k], directions[first + lane, k]
        hessian_product(
            net, pointer(point), pointer(direction), pointer(grad), pointer(column), pointer(losses), pointer(X),
            pointer(T),
        )  # fmt: skip
        for lane in range(lanes):
            for k in range(n):
                products[first + lane, k] = column[k, lane]


@ieee()
def hessian_vector(trainer: Trainer, X: Floats, T: Floats, theta: npt.ArrayLike, v: npt.ArrayLike) -> Floats:
    """Hessian of the loss over all samples at `theta` (n_points, n_params) times `v` (n_points, n_params), row by row.

    Otherwise like `derivatives`; a product costs about two gradients.
    """
    x, t, theta, v = (np.ascontiguousarray(a, dtype=np.float64) for a in (X, T, theta, v))
    products = np.empty_like(theta)
    fill_products(full_batch(trainer, len(x)), x, t, theta, v, products)
    return products


@ieee()
def derivatives(trainer: Trainer, X: Floats, T: Floats, theta: Floats) -> Derivatives:
    """Loss over all samples, gradient and Hessian at `theta` (n_points, n_params), exact except for rounding.

    The trainer's optimizer, batches, noise and weight decay are ignored.  The two values of each mixed derivative are
    averaged, so a Hessian is symmetric to the last bit.  relu, leaky_relu and huber have the second derivative of the
    piece that contains the point, which is correct almost everywhere.  Releases the GIL.
    """
    arrays = (np.moveaxis(a, -1, 1).reshape(-1, *a.shape[1:-1]) for a in in_lanes(trainer, X, T, theta))
    loss, gradient, hessian = (a[: len(theta)] for a in arrays)
    return Derivatives(loss, gradient, (hessian + hessian.swapaxes(1, 2)) / 2)
