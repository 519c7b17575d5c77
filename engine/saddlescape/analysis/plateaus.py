"""The plateaus of a loss curve: how many, how high, how long, and the index of the Hessian there."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from saddlescape.analysis.points import derivatives, signature
from saddlescape.spec import Spec
from saddlescape.system.arguments import ArgumentError

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.int64]


SLIGHT = 0.01
"""Eigenvalues up to this fraction of the largest count as zero: a run passes a saddle at a distance."""


@dataclass(frozen=True)
class Stages:
    """Plateaus of a loss curve, in the order of time.

    Attributes
    ----------
    level : (stages,) float64, the loss at the flattest record.
    start, end : (stages,), first and last recorded step or time.
    record : (stages,) int64, the flattest record.
    index : (stages,) int64, number of negative eigenvalues of the Hessian there, of more than `SLIGHT` times the
        largest eigenvalue; -1 without parameters.
    """

    level: Floats
    start: npt.NDArray[np.generic]
    end: npt.NDArray[np.generic]
    record: Integers
    index: Integers

    def __len__(self) -> int:
        return len(self.level)


def stages(
    steps: npt.ArrayLike,
    loss: npt.ArrayLike,
    tolerance: float = 0.1,
    *,
    spec: Spec | None = None,
    theta: npt.ArrayLike | None = None,
) -> Stages:
    """Find the plateaus of a run: maximal intervals of records between which |d ln loss / d ln t| < tolerance.

    The slope is that of the straight line between two records, in the logarithms of time and loss.  Records at time 0,
    and records whose loss is not a positive number, are left out.  Plateaus that are shorter than the distance between
    records are not seen; noise of the loss of more than `tolerance` times the relative distance of records divides a
    plateau.

    Parameters
    ----------
    steps : (records,) increasing steps or times, such as ``result["record_step"]`` or ``result["record_time"]``.
    loss : (records,), such as ``result["loss"][run]``; NaN after the stop of the run.
    tolerance : > 0.
    spec, theta : the network and problem, and parameters (records, n_params), recorded with
        ``record.parameters = true`` or by `ss.replay`, for `index`.

    Raises
    ------
    ArgumentError : shapes do not fit, steps do not increase, the tolerance is not above 0, or only one of `spec` and
        `theta` is given.
    """
    t, values = np.asarray(steps, dtype=np.float64), np.asarray(loss, dtype=np.float64)
    path = None if theta is None else np.asarray(theta, dtype=np.float64)
    _check(t, values, tolerance, spec, path)
    rows = np.flatnonzero((t > 0) & np.isfinite(values) & (values > 0))
    slope = abs(np.diff(np.log(values[rows])) / np.diff(np.log(t[rows])))
    edge = np.flatnonzero(np.diff(np.concatenate([[0], slope < tolerance, [0]])))
    pairs = edge.reshape(-1, 2)  # slopes from the first, up to but without the second, are flat
    record = np.array([rows[first + slope[first:last].argmin()] for first, last in pairs], dtype=np.int64)
    index = np.full(len(pairs), -1, dtype=np.int64)
    if spec is not None and path is not None and len(pairs):
        index, _ = signature(np.linalg.eigvalsh(derivatives(spec, path[record]).hessian), SLIGHT)
    ends = np.asarray(steps)[rows[pairs]]
    return Stages(values[record], ends[:, 0], ends[:, 1], record, index)


def _check(t: Floats, loss: Floats, tolerance: float, spec: Spec | None, theta: Floats | None) -> None:
    if t.ndim != 1 or loss.shape != t.shape:
        raise ArgumentError(f"steps and loss must have the same shape (records,); got {t.shape} and {loss.shape}")
    if not (np.diff(t) > 0).all():
        raise ArgumentError("steps must increase")
    if not tolerance > 0:
        raise ArgumentError(f"tolerance must be above 0; got {tolerance}")
    if (spec is None) != (theta is None):
        raise ArgumentError("spec and theta must be given together, or neither")
    if spec is not None and theta is not None and theta.shape != (*t.shape, spec.n_params):
        raise ArgumentError(f"theta must have shape ({len(t)}, {spec.n_params}), as of the records; got {theta.shape}")
