"""The edge of stability: the curvature above which an optimizer's steps grow, and how long runs are above it."""

import numpy as np
import numpy.typing as npt

from saddlescape.system.arguments import ArgumentError
from saddlescape.words.suggest import hint

Array = npt.NDArray[np.float64]

PLAIN = ("gd", "momentum", "nesterov")
"""Optimizers whose threshold is one of the Hessian itself, and so of the measure `sharpness`."""

PRECONDITIONED = ("adagrad", "rmsprop", "adam", "amsgrad")
"""Optimizers whose threshold is one of the Hessian whose row k is divided by the root that divides the k-th step."""


def stability_threshold(
    optimizer: str, learning_rate: npt.ArrayLike, momentum: npt.ArrayLike = 0.9, beta1: npt.ArrayLike = 0.9
) -> Array:
    """Curvature above which full-batch steps along an eigenvector of the Hessian grow, on a quadratic.

    gd: 2 / r.  momentum: 2 (1 + m) / r.  nesterov: 2 (1 + m) / (r (1 + 2 m)).  adagrad and rmsprop: 2 / r, adam and
    amsgrad: 2 (1 + b1) / (r (1 - b1)), which is 38 / r for b1 = 0.9, all four of the *preconditioned* Hessian: the
    measure `sharpness` is not to be compared with them.  Other optimizers have no published threshold.

    Parameters
    ----------
    optimizer : one of the names above.
    learning_rate : r > 0; it broadcasts against the others.
    momentum : m, 0 to less than 1; of momentum and nesterov.
    beta1 : b1, 0 to less than 1; of adam and amsgrad.

    Raises
    ------
    ArgumentError : an argument is out of range, or the optimizer has no known threshold.  A `ValueError`, too.

    References
    ----------
    J. Cohen, S. Kaur, Y. Li, J. Z. Kolter & A. Talwalkar (2021), Gradient descent on neural networks typically occurs
    at the edge of stability, ICLR; J. Cohen et al. (2022), Adaptive gradient methods at the edge of stability,
    arXiv:2207.14484.
    """
    known = (*PLAIN, *PRECONDITIONED)
    if optimizer not in known:
        listed = f"optimizer must be one with a known threshold, {', '.join(known)}"
        raise ArgumentError(f"{listed}; got {optimizer!r}{hint(str(optimizer), known)}")
    rate, m, b1 = (np.asarray(value, dtype=np.float64) for value in (learning_rate, momentum, beta1))
    if not np.all(rate > 0):
        raise ArgumentError(f"learning_rate must be greater than 0; got {learning_rate!r}")
    for name, value in (("momentum", m), ("beta1", b1)):
        if not np.all((value >= 0) & (value < 1)):
            raise ArgumentError(f"{name} must be from 0 to less than 1; got {value}")
    factors = {
        "momentum": 1 + m,
        "nesterov": (1 + m) / (1 + 2 * m),
        **dict.fromkeys(("adam", "amsgrad"), (1 + b1) / (1 - b1)),
    }
    return np.asarray(2 / rate * factors.get(optimizer, 1.0))


def edge_of_stability(sharpness: npt.ArrayLike, threshold: npt.ArrayLike) -> Array:
    """Share of the records of each run with a sharpness above the threshold.

    Parameters
    ----------
    sharpness : (..., n_records), the measure along trajectories; NaN after a stop, which does not count.
    threshold : broadcasts against (...,), as of `stability_threshold`.

    Returns
    -------
    (...,) float64, from 0 to 1; NaN for runs without a record.
    """
    values = np.asarray(sharpness, dtype=np.float64)
    there = np.isfinite(values)
    above = there & (values > np.asarray(threshold, dtype=np.float64)[..., None])
    with np.errstate(invalid="ignore"):
        return np.asarray(above.sum(axis=-1) / there.sum(axis=-1))
