"""Runs from an array of starts."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.runs.compute import train_starts
from saddlescape.spec import Spec
from saddlescape.system.arithmetic import ieee
from saddlescape.system.resources import cores

PIECE = 4096
"""Starts that a thread runs at once, at most."""


@ieee()
def run_starts(spec: Spec, theta: npt.ArrayLike, *, threads: int | None = None) -> dict[str, npt.NDArray[Any]]:
    """Train from an array of starts (runs, n_params); return the variables of each run, named as in a result.

    They include `start_theta` and `final_theta`; nothing is written.  A run has the same bits as in a sweep;
    where steps use random numbers, row r uses those of run r.

    Parameters
    ----------
    spec : one point of a sweep, such as ``ss.load("xor").spec`` or ``ss.load("xor").at((8,))``; its own starts are
        ignored.
    theta : (runs, n_params), layer by layer, per unit its weights, then its bias.
    threads : by default one per core.

    Returns
    -------
    dict of arrays (runs, ...): ``outcome``, ``stop_step``, ``final_loss`` and the others of a result.

    Raises
    ------
    ValueError : `theta` has the wrong shape, no rows, or values that are not finite.

    Examples
    --------
    >>> ss.run_starts(ss.load("xor").spec, np.zeros((1, 9)))["outcome"]  # doctest: +SKIP
    array([0], dtype=int8)
    """
    theta = np.asarray(theta, dtype=np.float64)
    if theta.ndim != 2 or theta.shape[1] != spec.n_params or not theta.size or not np.isfinite(theta).all():
        raise ValueError(f"theta must be finite, of shape (runs, {spec.n_params}), runs > 0; got {theta.shape}")
    threads = threads or cores()
    size = min(PIECE, -(-len(theta) // threads))
    with ThreadPoolExecutor(threads) as pool:
        firsts = range(0, len(theta), size)
        pieces = list(pool.map(lambda first: train_starts(spec, theta[first : first + size], first), firsts))
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
