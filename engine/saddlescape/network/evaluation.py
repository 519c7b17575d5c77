"""Loss, accuracy and error of many networks, from what they say of samples.  Sums are added in the order of samples."""

import numpy as np
import numpy.typing as npt

from saddlescape.network.classes import right
from saddlescape.network.reference.losses import LOSSES

Array = npt.NDArray[np.float64]


def loss(name: str, values: npt.NDArray[np.floating], T: Array, divisor: int) -> Array:
    """Loss (...,) from outputs, or pre-activations of cross-entropies, (..., samples, outputs).

    `divisor` divides the sum of the terms (`words.losses.divisor`).
    """
    z = values.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(_sum(LOSSES[name](z, z, z, T)[0]) / divisor)


def rms_error(y: npt.NDArray[np.floating], T: Array) -> Array:
    """Root of the mean squared error (...,) of outputs (..., samples, outputs)."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.sqrt(_sum((y.astype(np.float64) - T) ** 2) / T.size))


def accuracy(y: npt.NDArray[np.floating], T: Array, coding: str) -> Array:
    """Fraction (...,) of the samples that are classified right; NaN if an output is (`classes.right`)."""
    return np.where(np.isnan(y).any(axis=(-2, -1)), np.nan, right(y, T, coding).mean(axis=-1))


def _sum(terms: npt.NDArray[np.floating]) -> Array:
    return np.asarray(np.cumsum(terms.reshape(*terms.shape[:-2], -1), axis=-1)[..., -1])
