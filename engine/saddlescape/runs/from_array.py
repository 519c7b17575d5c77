"""Runs from an array of starts."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.kernels import devices
from saddlescape.runs.compute import fitted, train_starts
from saddlescape.runs.device_memory import Batches, check_batches
from saddlescape.runs.dispatch import Turn, in_flight
from saddlescape.spec import Spec
from saddlescape.system.arguments import ArgumentError
from saddlescape.system.arithmetic import ieee

PIECE = 4096
"""Maximum number of starts that a thread trains in one batch."""


@ieee()
def run_starts(
    spec: Spec, theta: npt.ArrayLike, *, device: str = "cpu", threads: int | None = None
) -> dict[str, npt.NDArray[Any]]:
    """Train from an array of starts, one parameter vector per row; nothing is written.

    The results are the same bits as in a sweep.  Where steps use random numbers, row r uses those of run r.

    Parameters
    ----------
    spec : one point of a sweep, such as ``ss.load("xor").spec`` or ``ss.load("xor").at((8,))``; its own starts are
        ignored.
    theta : (n_runs, n_params), layer by layer, and for each unit its incoming weights, then its bias.
    device : "cpu", "cuda" or "cuda:N", as for `run`.
    threads : as for `run`.

    Returns
    -------
    dict of arrays of shape (n_runs, ...): ``start_theta``, ``final_theta``, ``outcome``, ``stop_step``, ``final_loss``
    and the other variables of a result.

    Raises
    ------
    ArgumentError
        If `spec` is not a spec, or `theta` has the wrong shape, no rows, or values that are not finite real numbers;
        a `ValueError`, too.
    MissingExtraError, RefusedError, DeviceError
        As for `run`.

    Examples
    --------
    >>> ss.run_starts(ss.load("xor").spec, np.zeros((1, 9)))["outcome"]  # doctest: +SKIP
    array([0], dtype=int8)
    """
    rows, used = _starts(spec, theta), devices(device)
    threads, turn = in_flight(threads, used), Turn(used)
    size = min(PIECE, -(-len(rows) // threads))
    check_batches(Batches([spec], size), used, min(threads, -(-len(rows) // size)))
    with ThreadPoolExecutor(threads) as pool:
        firsts = range(0, len(rows), size)
        work = (pool.submit(train_starts, spec, rows[first : first + size], first, turn.next()) for first in firsts)
        pieces = [future.result() for future in list(work)]
    data = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    return data | {"outcome": fitted(data, len(rows), alone=len(rows) == 1)}


def _starts(spec: Spec, theta: npt.ArrayLike) -> npt.NDArray[np.float64]:
    array, n_params = np.asarray(theta), one_point(spec).n_params
    if array.dtype.kind not in "biuf":
        raise ArgumentError(f"theta must be an array of real numbers; got {array.dtype} values")
    if array.ndim != 2 or array.shape[1] != n_params or not len(array):
        raise ArgumentError(f"theta must have the shape (n_runs, {n_params}), n_runs > 0; got {array.shape}")
    if not np.isfinite(array).all():
        raise ArgumentError("theta must be finite; it contains NaN or infinite values")
    return np.asarray(array, dtype=np.float64)


def one_point(spec: Spec) -> Spec:
    """An argument that must be a spec.

    Raises
    ------
    ArgumentError
        If it is anything else.
    """
    if not isinstance(spec, Spec):
        example = 'ss.load("xor").spec'
        raise ArgumentError(f"spec must be one point of a sweep, such as {example}; got a {type(spec).__name__}")
    return spec
