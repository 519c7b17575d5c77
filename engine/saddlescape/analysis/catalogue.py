"""The distinct solutions that many runs converge to, and how many converge to each."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from saddlescape.analysis.escape import wilson_interval
from saddlescape.analysis.points import Kind, Report, report
from saddlescape.analysis.symmetry import canonical, truth_tables
from saddlescape.spec import Spec

Floats = npt.NDArray[np.floating]
DIGITS = 2
"""Losses of points on their way to infinity, or in a valley, that agree to so many places are of one solution."""


@dataclass(frozen=True)
class Catalogue:
    """Distinct solutions (entries), the most frequent first.

    Attributes
    ----------
    entry : (points,) int64, the solution that each point belongs to.
    kind : (entries,) int8, see `points.Kind`.
    count, fraction, low, high : (entries,) points of each: how many, their share of all and its interval.
    loss : (entries,) float64, median over the points.
    theta : (entries, n_params) float64, one of its points, polished, in canonical form.
    tables : for each entry, the truth tables of its hidden units over the samples (`symmetry.truth_tables`).
    report : of all points.
    """

    entry: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int8]
    count: npt.NDArray[np.int64]
    fraction: Floats
    low: Floats
    high: Floats
    loss: Floats
    theta: Floats
    tables: list[tuple[str, ...]]
    report: Report


def catalogue(spec: Spec, theta: npt.ArrayLike, same: float = 1e-4, confidence: float = 0.95) -> Catalogue:
    """Find the distinct solutions among points (points, n_params), such as those where runs stopped.

    Each point is polished (`points.report`).  Isolated stationary points are the same solution if permutations and
    sign changes of hidden units map one to the other, up to `same` in each parameter.  In a valley, or on the way to
    infinity, no two points are equal: there points are the same solution if their kinds, the truth tables of their
    hidden units and, to `DIGITS` places, their losses agree.

    Parameters
    ----------
    confidence : of Wilson's interval of the fractions.
    """
    found = report(spec, theta)
    form, tables = canonical(spec, found.theta, same), truth_tables(spec, found.theta)
    isolated = np.isin(found.kind, (Kind.MINIMUM, Kind.SADDLE)) & (found.degeneracy == 0)
    group = np.full(len(form), -1)
    group[isolated] = linked(form[isolated], same)
    keys: list[Hashable] = [
        (kind, place) if place >= 0 else (kind, round(float(loss), DIGITS), table)
        for kind, place, loss, table in zip(found.kind.tolist(), group.tolist(), found.loss, tables, strict=True)
    ]
    entry, first, count = _ranked(keys)
    low, high = wilson_interval(count, len(keys), confidence)
    loss = np.array([np.median(found.loss[entry == e]) for e in range(len(count))])
    return Catalogue(
        entry, found.kind[first], count, count / len(keys), low, high, loss, form[first], [tables[i] for i in first],
        found,
    )  # fmt: skip


def _ranked(keys: list[Hashable]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(entry of each key, first key of each entry, how many it has), the most frequent entry first."""
    number = {key: n for n, key in enumerate(dict.fromkeys(keys))}
    plain = np.array([number[key] for key in keys], dtype=np.int64)
    _, first, count = np.unique(plain, return_index=True, return_counts=True)
    order = np.argsort(-count, kind="stable")
    rank = np.argsort(order)
    return rank[plain], first[order], count[order]


def linked(points: Floats, reach: float) -> npt.NDArray[np.int64]:
    """Group of each point (points, n): those whose parameters all differ by less than `reach` are of one group.

    Chains of such points are, too.  Groups further than 5 `reach` apart stay apart.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import KDTree

    cells, first, cell = np.unique(np.round(points / reach), axis=0, return_index=True, return_inverse=True)
    if not len(cells):
        return np.empty(0, dtype=np.int64)
    near = KDTree(points[first]).query_pairs(3 * reach, p=np.inf, output_type="ndarray")
    graph = coo_array((np.ones(len(near)), (near[:, 0], near[:, 1])), shape=(len(cells), len(cells)))
    return np.asarray(connected_components(graph, directed=False)[1][cell], dtype=np.int64)
