"""Which stationary points are the same: the nodes of an atlas."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from saddlescape.analysis.catalogue import DIGITS, linked
from saddlescape.analysis.points import Kind, Report, report
from saddlescape.analysis.symmetry import canonical, truth_tables
from saddlescape.kernels import outputs
from saddlescape.runs.prepare import plain_trainer
from saddlescape.spec import Spec

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.int64]

REACH = 1e-4
"""Isolated points are the same if all parameters agree to this; points of a family, if loss and outputs do."""


def features(spec: Spec, theta: Floats, loss: Floats, index: Integers, degeneracy: Integers) -> Floats:
    """Numbers (points, n) that agree to `REACH` for points that are the same.

    They are index, degeneracy and the canonical form, or for degenerate points loss and outputs for all samples.
    """
    said = outputs(plain_trainer(spec), spec.loaded.X, theta).reshape(len(theta), spec.loaded.T.size)
    values = np.zeros((len(theta), 2 + max(spec.n_params, 1 + said.shape[1])))
    values[:, :2] = np.column_stack([index, degeneracy])
    isolated = degeneracy == 0
    values[isolated, 2 : 2 + spec.n_params] = canonical(spec, theta[isolated], REACH)
    values[~isolated, 2 : 3 + said.shape[1]] = np.column_stack([loss, said])[~isolated]
    return values


@dataclass(frozen=True)
class Nodes:
    """Points that differ: report of each, and the number of starts that led to it."""

    report: Report
    count: Integers

    def __len__(self) -> int:
        return len(self.count)

    def at(self, rows: npt.NDArray[np.intp]) -> "Nodes":
        """The nodes of these rows."""
        of_report = {each.name: getattr(self.report, each.name)[rows] for each in fields(Report)}
        return Nodes(Report(**of_report), self.count[rows])

    def joined(self, other: "Nodes") -> "Nodes":
        """These nodes, then the others."""
        parts = {n: [getattr(self.report, n), getattr(other.report, n)] for n in (f.name for f in fields(Report))}
        together = Report(**{name: np.concatenate(pair) for name, pair in parts.items()})
        return Nodes(together, np.concatenate([self.count, other.count]))


def reported(spec: Spec, theta: Floats, count: Integers, kinds: Sequence[Kind]) -> tuple[Nodes, Integers]:
    """Polish points; return those of these kinds, in canonical form, and the row of each point among them, or -1."""
    found = report(spec, theta)
    kept = np.isin(found.kind, kinds)
    nodes = Nodes(found, count).at(np.flatnonzero(kept))
    nodes.report.theta[:] = canonical(spec, nodes.report.theta)
    return nodes, np.where(kept, np.cumsum(kept) - 1, -1)


def merged(spec: Spec, nodes: Nodes) -> tuple[Nodes, Integers]:
    """The first of all nodes that are the same, with the sum of their counts, and the row of each node among them."""
    group = linked(_places(spec, nodes.report), REACH)
    _, first, row = np.unique(group, return_index=True, return_inverse=True)
    order = np.argsort(first)  # keeps the rows of nodes that come first
    rank = np.argsort(order)
    together = nodes.at(first[order])
    together.count[:] = np.bincount(rank[row], nodes.count, len(first)).astype(np.int64)
    return together, rank[row]


def _places(spec: Spec, of: Report) -> Floats:
    """Features of reported points; at infinity, as in a catalogue, loss and truth tables take their place."""
    far = of.kind == Kind.AT_INFINITY
    values = features(spec, of.theta, of.loss, np.where(far, -1, of.index), np.where(far, 1, of.degeneracy))
    _, table = np.unique(truth_tables(spec, of.theta), axis=0, return_inverse=True)
    values[far, 2:] = 0.0
    values[far, 2:4] = np.column_stack([np.round(of.loss, DIGITS), table])[far]
    return np.column_stack([values, of.kind])
