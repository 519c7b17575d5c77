"""Logarithms of a measure at any parameters, from which growth is computed, with the same bits on every machine."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from saddlescape.kernels.batch import Batch, arguments
from saddlescape.kernels.caching import cached
from saddlescape.kernels.logarithm import ln
from saddlescape.kernels.measures import canonical, measure
from saddlescape.kernels.tick import add_offset, pointer
from saddlescape.kernels.variant import Trainer
from saddlescape.system.arithmetic import ieee

Floats = npt.NDArray[np.float64]


@cached(nogil=True)
def fill_logarithms(measured, theta, out):
    """Fill `out` (n_points,) with the ln of the measure of the mask at the points `theta` (n_points, n_params)."""
    n, value = theta.shape[1], np.empty(1)
    sizes, widths, odd = pointer(measured.sizes), pointer(measured.widths), pointer(measured.odd)
    for i in range(len(theta)):
        point = add_offset(pointer(theta), i * n)
        measure(
            measured.measure, measured.fields, pointer(value), n, 0.0, point, point, point, sizes,
            measured.sizes.shape[0] - 1, widths, odd, pointer(measured.scratch), measured.tolerance,
        )  # fmt: skip
        out[i] = canonical(ln(value[0]))


@ieee()
def logarithm(
    field: str, trainer: Trainer, X: Floats, T: Floats, batch: Batch, theta: npt.NDArray[np.floating]
) -> Floats:
    """Natural logarithms (...,) of a measure of the parameters `theta` (..., n_params) of networks like the batch's.

    The measure `field` is one number of a network and has no part in the loss, such as "param_norm".  Releases the GIL.
    """
    *_, measured = arguments(trainer, X, T, replace(batch, fields=(field,)), 1)
    points = np.ascontiguousarray(theta, dtype=np.float64).reshape(-1, theta.shape[-1])
    out = np.empty(len(points))
    fill_logarithms(measured, points, out)
    return out.reshape(theta.shape[:-1])
