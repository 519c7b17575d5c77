"""The distinct solutions to which runs converge, and the fraction of runs that converge to each."""

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
"""Decimal places to which the losses of points in a valley, or on the way to infinity, agree for the same solution."""


@dataclass(frozen=True)
class Catalogue:
    """Distinct solutions (entries), the most frequent first.

    Attributes
    ----------
    entry : (points,) int64, index of the entry of each point.
    kind : (entries,) int8, see `points.Kind`.
    count : (entries,) int64, number of points.
    fraction, low, high : (entries,) float64, fraction of all points, and its interval.
    loss : (entries,) float64, median over the points.
    theta : (entries, n_params) float64, one of the points, polished, in canonical form.
    tables : for each entry, the truth tables of its hidden units over the samples (`symmetry.truth_tables`).
    report : report of all points.
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
    """Find the distinct solutions among points (points, n_params), such as the final points of runs.

    Each point is polished (`points.report`).  Isolated stationary points are the same solution if permutations and
    sign changes of hidden units map one to the other, up to `same` in each parameter.  In a valley, or on the way to
    infinity, no two points are equal: there, points are the same solution if their kinds, the truth tables of their
    hidden units and their losses, rounded to `DIGITS` places, agree.

    Parameters
    ----------
    same : tolerance in each parameter.
    confidence : confidence level of Wilson's interval of the fractions, which assumes independent points.
    """
    polished = report(spec, theta)
    form, tables = canonical(spec, polished.theta, same), truth_tables(spec, polished.theta)
    isolated = np.isin(polished.kind, (Kind.MINIMUM, Kind.SADDLE)) & (polished.degeneracy == 0)
    group = np.full(len(form), -1)
    group[isolated] = linked(form[isolated], same)
    keys: list[Hashable] = [
        (kind, number) if number >= 0 else (kind, round(float(loss), DIGITS), table)
        for kind, number, loss, table in zip(polished.kind.tolist(), group.tolist(), polished.loss, tables, strict=True)
    ]
    entry, first, count = _ranked(keys)
    low, high = wilson_interval(count, len(keys), confidence)
    loss = np.array([np.median(polished.loss[entry == e]) for e in range(len(count))])
    return Catalogue(
        entry, polished.kind[first], count, count / len(keys), low, high, loss, form[first], [tables[i] for i in first],
        polished,
    )  # fmt: skip


def _ranked(keys: list[Hashable]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(entry of each key, index of its first key, number of its keys), the most frequent entry first."""
    number = {key: n for n, key in enumerate(dict.fromkeys(keys))}
    numbers = np.array([number[key] for key in keys], dtype=np.int64)
    _, first, count = np.unique(numbers, return_index=True, return_counts=True)
    order = np.argsort(-count, kind="stable")
    rank = np.argsort(order)
    return rank[numbers], first[order], count[order]


def linked(points: Floats, reach: float) -> npt.NDArray[np.int64]:
    """Group of each point (points, n): points are linked if all their parameters differ by less than `reach`.

    Chains of linked points are one group.  Groups at a distance of more than 5 `reach` stay separate.
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
