"""Loss along paths between two points: straight lines, lines between equivalent points, and nudged elastic bands."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from saddlescape.analysis.symmetry import canonical, forms
from saddlescape.runs.evaluation import evaluate
from saddlescape.runs.from_array import starts_of
from saddlescape.spec import Spec
from saddlescape.system.arguments import ArgumentError, integer

Floats = npt.NDArray[np.floating]

PIECES, CHUNK = 64, 2**16
"""Pieces of a line, whose highest one is divided once more; and points that are evaluated at once, at least."""


@dataclass(frozen=True)
class Barriers:
    """Heights of the objective between pairs of points above the larger of the two ends; 0 if no point is higher.

    Attributes
    ----------
    straight : (pairs,) float64, on the straight line.
    canonical : (pairs,) float64, on the line between the canonical forms of both ends (`symmetry.canonical`).
    least : (pairs,) float64, the least on lines from one end to any point that is equivalent to the other by
        permutations and sign changes of hidden units; NaN if there are more than 5040.
    """

    straight: Floats
    canonical: Floats
    least: Floats


def barriers(spec: Spec, a: npt.ArrayLike, b: npt.ArrayLike) -> Barriers:
    """Barriers between pairs of points, such as two solutions: the linear mode connectivity of networks.

    A barrier is the highest value of the objective on a line minus its value at the higher end.  It is found on a grid
    of 65 points and, between the neighbors of the highest, of 65 more.

    Parameters
    ----------
    spec : one point of a sweep, which describes network, problem and objective.
    a, b : (pairs, n_params), the ends.

    Raises
    ------
    ArgumentError
        If `a` or `b` has another shape, or values that are not finite real numbers.  A `ValueError`, too.

    References
    ----------
    J. Frankle, G. K. Dziugaite, D. M. Roy & M. Carbin (2020), Linear mode connectivity and the lottery ticket
    hypothesis, ICML.
    R. Entezari, H. Sedghi, O. Saukh & B. Neyshabur (2022), The role of permutation invariance in linear mode
    connectivity of neural networks, ICLR.
    """
    a, b = _pairs(spec, a, b)
    return Barriers(_straight(spec, a, b), _straight(spec, canonical(spec, a), canonical(spec, b)), _least(spec, a, b))


def _pairs(spec: Spec, a: npt.ArrayLike, b: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Arguments that must be two arrays of points."""
    first, second = starts_of(spec, a, "a"), starts_of(spec, b, "b")
    if first.shape != second.shape:
        raise ArgumentError(f"b must have the shape of a, {first.shape}; got {second.shape}")
    return first, second


def _least(spec: Spec, a: Floats, b: Floats) -> Floats:
    """The least barrier between each `a` and all forms of `b`."""
    least = np.full(len(a), np.nan)
    for pair, (start, end) in enumerate(zip(a, b, strict=True)):
        if len(ends := forms(spec, end)):
            least[pair] = _straight(spec, np.broadcast_to(start, ends.shape), ends).min()
    return least


def _straight(spec: Spec, a: Floats, b: Floats) -> Floats:
    """Barriers on straight lines."""
    pieces = max(1, CHUNK // (PIECES + 1))
    parts = [slice(at, at + pieces) for at in range(0, len(a), pieces)]
    return np.concatenate([_highest(spec, a[part], b[part]) for part in parts])


def _highest(spec: Spec, a: Floats, b: Floats) -> Floats:
    """Barriers of a few lines."""
    t = np.broadcast_to(np.linspace(0, 1, PIECES + 1), (len(a), PIECES + 1))
    coarse = _along(spec, a, b, t)
    at = np.take_along_axis(t, coarse.argmax(axis=1)[:, None], axis=1)
    fine = _along(spec, a, b, np.clip(at + np.linspace(-1, 1, PIECES + 1) / PIECES, 0, 1))
    ends = np.maximum(coarse[:, 0], coarse[:, -1])
    return np.asarray(np.maximum(coarse.max(axis=1), fine.max(axis=1)) - ends)


def _along(spec: Spec, a: Floats, b: Floats, t: Floats) -> Floats:
    """The objective at a + t (b - a), for `t` (lines, points)."""
    points = (1 - t)[:, :, None] * a[:, None] + t[:, :, None] * b[:, None]
    return evaluate(spec, points.reshape(-1, a.shape[1])).objective.reshape(t.shape)


@dataclass(frozen=True)
class Band:
    """A path of low objective between two points.

    Attributes
    ----------
    theta : (images, n_params) float64, the path, whose first and last point are the ends.
    objective : (images,) float64, at these points.
    barrier : the highest value on the lines between neighbors minus that at the higher end.
    """

    theta: Floats
    objective: Floats
    barrier: float


def elastic_band(
    spec: Spec, a: npt.ArrayLike, b: npt.ArrayLike, *, images: int = 65, steps: int = 2000, rate: float = 0.05,
    seed: int = 0,
) -> Band:  # fmt: skip
    """A minimum-energy path between two points, by a nudged elastic band.

    Images go down the part of the gradient across the path, and are kept at equal distances along it.  The band starts
    as the straight line, disturbed by a hundredth of its length, so that it leaves lines of symmetry.  It ends near the
    lowest pass that it finds, which need not be the lowest there is: the barrier is an upper bound.

    Parameters
    ----------
    spec : one point of a sweep, which describes network, problem and objective.
    a, b : (n_params,), the ends.
    images : points of the path, with the ends.
    steps, rate : steps of descent and their size, a fraction of the distance between images at most.
    seed : of the disturbance.

    Raises
    ------
    ArgumentError
        As `barriers`; or if there are fewer than three images.  A `ValueError`, too.

    References
    ----------
    G. Henkelman & H. Jonsson (2000), Improved tangent estimate in the nudged elastic band method, Journal of Chemical
    Physics 113, 9978-9985.
    W. E, W. Ren & E. Vanden-Eijnden (2007), Simplified and improved string method, Journal of Chemical Physics 126,
    164103; here, too, images are moved to equal distances in place of springs.
    F. Draxler, K. Veschgini, M. Salmhofer & F. Hamprecht (2018), Essentially no barriers in neural network energy
    landscape, ICML.
    """
    (start,), (end,) = _pairs(spec, np.asarray(a)[None], np.asarray(b)[None])
    if integer(images, "images") < 3:
        raise ArgumentError(f"images must be at least 3; got {images}")
    t, rng = np.linspace(0, 1, images)[:, None], np.random.default_rng(seed)
    path = (1 - t) * start + t * end
    path += 0.01 * np.linalg.norm(end - start) * 4 * t * (1 - t) * rng.standard_normal(len(start))
    for _ in range(steps):
        at = evaluate(spec, path[1:-1], gradient=True)
        assert at.gradient is not None
        tangent = path[2:] - path[:-2]
        tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), np.finfo(float).tiny)
        across = at.gradient - (at.gradient * tangent).sum(axis=1, keepdims=True) * tangent
        gap = np.linalg.norm(np.diff(path, axis=0), axis=1).mean()
        size = np.linalg.norm(rate * across, axis=1, keepdims=True)
        path[1:-1] -= rate * across * np.minimum(1, gap / np.maximum(size, np.finfo(float).tiny))
        path = _spaced(path)
    objective = evaluate(spec, path).objective
    pieces = _straight(spec, path[:-1], path[1:]) + np.maximum(objective[:-1], objective[1:])
    return Band(path, objective, float(pieces.max() - max(objective[0], objective[-1])))


def _spaced(path: Floats) -> Floats:
    """As many points on a path, at equal distances along it."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    at = np.linspace(0, along[-1], len(path))
    return np.stack([np.interp(at, along, column) for column in path.T], axis=1)
