"""The stationary points of a network and a problem, and how descents connect them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from saddlescape.analysis.catalogue import linked
from saddlescape.analysis.descents import descents
from saddlescape.analysis.nodes import REACH, Nodes, merged, reported
from saddlescape.analysis.points import Kind
from saddlescape.analysis.search import search
from saddlescape.analysis.splits import split_of, units_of
from saddlescape.analysis.symmetry import orbit_size
from saddlescape.runs.from_array import one_point
from saddlescape.spec import Spec
from saddlescape.system.arguments import thread_count
from saddlescape.system.arithmetic import ieee

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.int64]

ROUNDS = 10
"""How often, at most, points that descents have found are descended from."""

DIGITS = 6
"""Decimal places of loss and parameters that decide the order of points."""

LEVEL = 1e-8
"""Points are on one level if their losses agree to this."""

STATIONARY = (Kind.MINIMUM, Kind.SADDLE, Kind.FLAT)


@dataclass(frozen=True)
class Atlas:
    """Stationary points and the descents between them, as a graph; points are in the order of their loss.

    Attributes
    ----------
    spec : the network, problem and objective.
    theta : (points, n_params) float64, in canonical form: one point stands for all that permutations and sign changes
        of hidden units make of it, and for its whole family if it is degenerate.
    kind, index, degeneracy, loss, grad_norm, spectrum : as of `points.report`.  Points AT_INFINITY are ends of
        descents, with the last point as `theta`.
    multiplicity : (points,) int64, number of starts that the search led to the point; 0 if only descents did.
    orbit : (points,) int64, number of different points that permutations and sign changes of hidden units make of it.
    level : (points,) int64, equal for points with the same loss, index and degeneracy.  Points that a symmetry of the
        problem, such as an exchange of inputs, maps to each other are on one level.
    units : (points,) int64, hidden units that remain when those without effect are removed and equal ones joined
        (`splits`); -1 for networks with more or fewer than one hidden layer.
    split_of : (points,) int64, the point of the atlas `smaller` that it contains, or -1.
    edges : (edges, 3) int64, descents: from a point, to a point (-1: none was found, as when weights grow without end),
        and the direction: +-(k + 1) for plus or minus the eigenvector of eigenvalue k of `spectrum`.
    unsettled : number of starts from which the search found no point.
    """

    spec: Spec
    theta: Floats
    kind: npt.NDArray[np.int8]
    index: Integers
    degeneracy: Integers
    loss: Floats
    grad_norm: Floats
    spectrum: Floats
    multiplicity: Integers
    orbit: Integers
    level: Integers
    units: Integers
    split_of: Integers
    edges: Integers
    unsettled: int

    def __len__(self) -> int:
        return len(self.loss)

    @property
    def euler(self) -> int:
        """Sum of (-1)^index over all stationary points, `orbit` of each.

        If the objective grows without bound in every direction, as with weight decay, and no point is degenerate, all
        its stationary points have the sum 1 (Morse 1934); another sum shows that points are missing.
        """
        return int(((-1) ** self.index * self.orbit).sum())


@ieee()
def atlas(
    spec: Spec,
    starts: int | npt.ArrayLike = 10**5,
    *,
    descend: bool = True,
    smaller: Atlas | None = None,
    threads: int | None = None,
) -> Atlas:
    """Stationary points of any index of the objective of a spec, from many starts, connected by descents.

    From each start, Levenberg-Marquardt steps decrease the norm of the gradient of the objective (`points.derivatives`)
    until it is `NEAR`, for at most `STEPS` steps and no farther than `FAR` from zero.  Starts that end in a minimum of
    this norm above zero are `unsettled`.  Among the rest, points without zero eigenvalues are the same if their
    canonical forms agree to `REACH`.  Points with zero eigenvalues usually belong to a family of stationary points.
    They are one point of the atlas if index and degeneracy agree, and loss and outputs for all samples to `REACH`; so
    a family is several points if its index changes, and families that no sample distinguishes are one.  Only the point
    of each that was found first is polished and classified (`points.report`).

    From each saddle, the gradient flow is followed to both sides along each eigenvector with a negative eigenvalue, up
    to the next stationary point; new points are added to the atlas, and descended from, too.  If an eigenvalue is
    repeated, only the directions of the eigenvectors that LAPACK returns are followed.

    The result depends on spec and starts only, not on `threads`.

    Parameters
    ----------
    starts : how many of the starts of the spec, drawn with its kind, scale and seed, or an array (starts, n_params).
    descend : whether to follow descents; otherwise there are no edges.
    smaller : the atlas of a network with fewer hidden units, for `split_of`.
    threads : by default one per core.

    Raises
    ------
    ArgumentError : an argument has the wrong type or shape, or `smaller` is of another network.

    References
    ----------
    D. Mehta, X. Zhao, E. A. Bernal & D. J. Wales (2018), The loss surface of XOR artificial neural networks,
    Phys. Rev. E 97, 052307.
    """
    theta, count, unsettled = search(one_point(spec), starts, thread_count(threads))
    nodes, _ = reported(spec, theta, count, STATIONARY)
    unsettled += int(count.sum() - nodes.count.sum())
    nodes, _ = merged(spec, nodes)
    nodes, edges = _connected(spec, nodes, threads) if descend else (nodes, np.empty((0, 3), dtype=np.int64))
    nodes, edges = _ordered(nodes, edges)
    its = nodes.report
    level = linked(np.column_stack([its.loss, its.index, its.degeneracy, its.kind]), LEVEL)
    return Atlas(
        spec, its.theta, its.kind, its.index, its.degeneracy, its.loss, its.grad_norm, its.spectrum, nodes.count,
        orbit_size(spec, its.theta, REACH), _numbered(level), units_of(spec, its.theta),
        split_of(spec, its.theta, smaller), edges, unsettled,
    )  # fmt: skip


def _connected(spec: Spec, nodes: Nodes, threads: int | None) -> tuple[Nodes, Integers]:
    """The nodes, those that descents add, and the descents (from, to, direction)."""
    edges, done = np.empty((0, 3), dtype=np.int64), 0
    for _ in range(ROUNDS):
        new = nodes.at(np.arange(done, len(nodes)))
        row, way, ends = descents(spec, new.report, threads)
        reached, at = reported(spec, ends, np.zeros(len(ends), dtype=np.int64), (*STATIONARY, Kind.AT_INFINITY))
        known = len(nodes)
        nodes, place = merged(spec, nodes.joined(reached))
        to = np.where(at < 0, -1, place[known + at])
        edges, done = np.concatenate([edges, np.column_stack([row + done, to, way])]), known
        if len(nodes) == known:
            break
    return nodes, edges


def _ordered(nodes: Nodes, edges: Integers) -> tuple[Nodes, Integers]:
    """The nodes in the order of their loss, index and parameters, and the edges between them."""
    its = nodes.report
    order = np.lexsort((*np.round(its.theta, DIGITS).T[::-1], its.index, np.round(its.loss, DIGITS)))
    rank = np.append(np.argsort(order), -1)
    edges = np.column_stack([rank[edges[:, 0]], rank[edges[:, 1]], edges[:, 2]])
    return nodes.at(order), edges[np.lexsort((edges[:, 2], edges[:, 0]))]


def _numbered(group: Integers) -> Integers:
    """Numbers of groups in the order of their first points."""
    _, first, row = np.unique(group, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[row]
