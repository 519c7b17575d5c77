"""Escape from a minimum by noise: Kramers' formula, and mean times of runs beside it (docs/traps.md)."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from saddlescape.analysis.points import derivatives
from saddlescape.spec import Spec
from saddlescape.system.arguments import ArgumentError


class Kramers(NamedTuple):
    """The mean time of an escape in theory.

    Attributes
    ----------
    time : of the flow; a step of gd takes learning_rate of it.
    steps : number of steps, ``time / learning_rate``.
    barrier : objective at the saddle minus that at the minimum.
    temperature : learning_rate noise^2 / 2.
    """

    time: float
    steps: float
    barrier: float
    temperature: float


class Measured(NamedTuple):
    """A mean time, its standard error, and the number of runs that escaped; inf and NaN if none did."""

    mean: float
    error: float
    escapes: int


def kramers(spec: Spec, minimum: npt.ArrayLike, saddle: npt.ArrayLike) -> Kramers:
    """Mean time in which noisy gd goes from a minimum over a saddle into the next basin, for small noise.

    A step of gd at rate r with noise sigma is a step of length r of the Langevin equation of temperature
    T = r sigma^2 / 2, if r is small.  With H_0 and H_1 the Hessians of the objective at the minimum and at the saddle,
    and -l the negative eigenvalue of H_1, the time is (2 pi / l) sqrt(|det H_1| / det H_0) exp(barrier / T), up to a
    factor 1 + O(T).  If several saddles lead out of the basin, their rates 1 / time add up.

    Parameters
    ----------
    spec : with the optimizer gd, full batches and noise; its weight decay is part of the objective.
    minimum, saddle : (n_params,), stationary points, such as those of `points.polish`.

    Raises
    ------
    ArgumentError : the noise of the spec has no temperature, or the points are no minimum and saddle of index 1 above.

    References
    ----------
    P. Haenggi, P. Talkner & M. Borkovec (1990), Reviews of Modern Physics 62, 251-341.
    """
    rate, noise = spec.training.learning_rate, spec.training.noise
    if spec.training.optimizer != "gd" or not noise or spec.batch or spec.training.dropout:
        raise ArgumentError("spec must have the optimizer gd, full batches, training.noise > 0 and no dropout")
    at = derivatives(spec, np.stack([np.asarray(point, dtype=np.float64) for point in (minimum, saddle)]))
    bottom, top = np.linalg.eigvalsh(at.hessian)
    if not bottom[0] > 0:
        raise ArgumentError(f"minimum must have only positive eigenvalues; got {bottom[0]:g} as the smallest")
    if not top[0] < 0 < np.append(top, 1.0)[1]:
        raise ArgumentError(f"saddle must have one negative eigenvalue and no zero; got {top.round(6).tolist()}")
    barrier, temperature = float(at.loss[1] - at.loss[0]), rate * noise**2 / 2
    if not barrier > 0:
        raise ArgumentError(f"saddle must be above the minimum; got {at.loss[1]:g} and {at.loss[0]:g}")
    prefactor = 2 * np.pi / -top[0] * np.sqrt(abs(top).prod() / bottom.prod())
    time = float(prefactor * np.exp(barrier / temperature))
    return Kramers(time, time / rate, barrier, temperature)


def mean_time(escape: npt.ArrayLike, end: npt.ArrayLike) -> Measured:
    """Mean time until an escape without memory: the time that all runs have waited, over the number of escapes.

    This is the maximum likelihood for exponential times, of which those of runs that did not escape are censored.

    Parameters
    ----------
    escape : (runs,), steps or times of the escapes, -1 for none.
    end : steps or times at which runs that did not escape ended; broadcasts.
    """
    escape = np.asarray(escape)
    escapes = int(np.count_nonzero(escape >= 0))
    waited = float(np.where(escape >= 0, escape, end).sum())
    mean = waited / escapes if escapes else np.inf
    return Measured(mean, mean / np.sqrt(escapes) if escapes else np.nan, escapes)


def basin_steps(left_basin: npt.ArrayLike, record_step: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """First recorded step at which each run is in another basin than its start; -1 for never.

    Excursions between two records are not seen, and a run that has only just crossed the boundary may return.

    Parameters
    ----------
    left_basin : (..., records), the measure, with ``record.fields = ["left_basin"]``; NaN after a stop.
    record_step : (records,), such as ``results["record_step"]``.

    Returns
    -------
    int64 (...)

    Raises
    ------
    ArgumentError : the shapes do not fit.
    """
    away, steps = np.asarray(left_basin) == 1, np.asarray(record_step)
    if steps.ndim != 1 or away.shape[-1:] != steps.shape:
        raise ArgumentError(f"left_basin must have a value for each of {steps.size} steps; got shape {away.shape}")
    return np.where(away.any(axis=-1), steps[away.argmax(axis=-1)], -1).astype(np.int64)
