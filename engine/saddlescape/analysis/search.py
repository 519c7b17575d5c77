"""Stationary points from many starts, thinned to those that differ."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from saddlescape.analysis.catalogue import linked
from saddlescape.analysis.nodes import REACH, features
from saddlescape.analysis.points import NEAR, derivatives, signature
from saddlescape.kernels import approach, sample
from saddlescape.plan.starts import draw
from saddlescape.runs.evaluation import held, penalties
from saddlescape.runs.from_array import starts_of
from saddlescape.runs.prepare import plain_trainer
from saddlescape.spec import Spec
from saddlescape.system.arguments import ArgumentError, integer

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.int64]

PIECE = 4096
"""Starts that a thread searches from at once."""

STEPS, FAR = 50, 100.0
"""Levenberg-Marquardt steps from a start, and distance from zero, at most."""

Cells = tuple[Floats, Floats, Integers]
"""Different points: theta (cells, n_params), features, and the number of starts of each."""


def search(spec: Spec, starts: int | npt.ArrayLike, threads: int) -> tuple[Floats, Integers, int]:
    """Different stationary points, the number of starts that reached each, and that of starts that reached none."""
    given = starts_of(spec, starts) if np.ndim(starts) else None
    number = _count(spec, starts) if given is None else len(given)

    def cells(first: int) -> Cells:
        rows = np.arange(first, min(first + PIECE, number))
        return _cells(spec, draw(spec, rows, sampler=sample) if given is None else given[rows])

    with ThreadPoolExecutor(threads) as pool:
        pieces = [*pool.map(cells, range(0, number, PIECE))]
    theta, place, count = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    unsettled = number - int(count.sum())
    theta, place, count = _thinned(np.round(place / REACH), theta, place, count)
    return *_thinned(linked(place, REACH)[:, None], theta, place, count)[::2], unsettled


def _count(spec: Spec, starts: object) -> int:
    number, most = integer(starts, "starts"), spec.starts.count if spec.starts.kind in ("slice", "file") else None
    if number < 1 or (most is not None and number > most):
        limit = "" if most is None else f" and at most {most}, as the spec has"
        raise ArgumentError(f"starts must be a number of starts, at least 1{limit}, or an array; got {number}")
    return number


def _cells(spec: Spec, starts: Floats) -> Cells:
    """The different points that starts reach; of equal ones the first."""
    rows: npt.NDArray[np.float64] = np.stack([*penalties(spec), ~held(spec)]).astype(np.float64)
    data = spec.loaded
    theta, size = approach(plain_trainer(spec), data.X, data.T, np.asarray(starts, np.float64), rows, NEAR, FAR, STEPS)
    theta = theta[size <= NEAR]
    at = derivatives(spec, theta)
    index, degeneracy = signature(np.linalg.eigvalsh(at.hessian))
    place = features(spec, theta, at.loss, index, degeneracy - held(spec).sum())
    return _thinned(np.round(place / REACH), theta, place, np.ones(len(theta), dtype=np.int64))


def _thinned(key: npt.NDArray[np.generic], theta: Floats, place: Floats, count: Integers) -> Cells:
    """The first point of each key (points, n), and the sum of the counts, in the order of the points."""
    _, first, row = np.unique(key, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    total = np.bincount(np.argsort(order)[row.ravel()], count, len(first)).astype(np.int64)
    return theta[first[order]], place[first[order]], total
