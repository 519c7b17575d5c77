"""Stationary points of a network that contain a stationary point of a smaller one.

A hidden unit adds nothing if its outgoing weights are zero, or if its incoming weights are, because its value is then
constant; and two units with equal incoming weights are one, with the sum of their outgoing weights (Fukumizu & Amari
2000, Local minima and plateaus in hierarchical structures of multilayer perceptrons, Neural Networks 13, 317-327).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from saddlescape.analysis.points import derivatives
from saddlescape.analysis.symmetry import canonical
from saddlescape.kernels import outputs
from saddlescape.network import layout
from saddlescape.network.reference import activate
from saddlescape.runs.prepare import plain_trainer
from saddlescape.spec import Spec
from saddlescape.system.arguments import ArgumentError
from saddlescape.words.activations import ACTIVATIONS

if TYPE_CHECKING:
    from saddlescape.analysis.stationary import Atlas

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.int64]

SAME = 1e-4
"""Parameters that differ by less count as equal, and smaller ones as zero."""


@dataclass(frozen=True)
class Reduced:
    """A network without superfluous units.

    Attributes
    ----------
    incoming : (units, inputs + bias) weights and bias of each hidden unit.
    outgoing : (units, outputs).
    rest : (outputs, ...) biases of the outputs, and weights from the inputs past the hidden layer.
    """

    incoming: Floats
    outgoing: Floats
    rest: Floats


def reduced(spec: Spec, theta: Floats, join: bool = True) -> Reduced:
    """The smallest network with the outputs of `theta` (n_params,) after removing, and joining, hidden units."""
    sizes, bias, skip = spec.shape
    places, last = layout.unit_vectors(sizes, bias, 0, skip), layout.layers(sizes, bias, skip)[-1]
    values, rest = theta[places].copy(), theta[last[:, sizes[1] :]].copy()
    its, name = ACTIVATIONS[spec.activations[0]], spec.activations[0]
    kept: list[tuple[Floats, Floats]] = []
    for unit in values:
        incoming, outgoing = unit[: sizes[0] + bias], unit[sizes[0] + bias :]
        if (abs(incoming[: sizes[0]]) <= SAME).all() and (bias or its.value == 0):
            rest[:, -1:] += outgoing[:, None] * activate(name, incoming[-1:])[0] * bias
            continue
        first = incoming[(abs(incoming) > SAME).argmax()]
        if first < 0 and (its.odd or (its.complement and bias)):
            rest[:, -1:] += its.complement * outgoing[:, None]
            incoming, outgoing = -incoming, -outgoing
        same = [other for before, other in kept if join and (abs(before - incoming) <= SAME).all()]
        if same:
            same[0] += outgoing
        else:
            kept.append((incoming, outgoing))
    kept = [(incoming, outgoing) for incoming, outgoing in kept if (abs(outgoing) > SAME).any()]
    into, out = np.zeros((len(kept), sizes[0] + bias)), np.zeros((len(kept), sizes[-1]))
    for unit, (incoming, outgoing) in enumerate(kept):
        into[unit], out[unit] = incoming, outgoing
    return Reduced(into, out, rest)


def units_of(spec: Spec, theta: Floats) -> Integers:
    """Number of hidden units (points,) that remain in `reduced`; -1 unless there is one hidden layer."""
    one = len(spec.network.hidden) == 1
    return np.array([len(reduced(spec, point).incoming) if one else -1 for point in theta], dtype=np.int64)


def split_of(spec: Spec, theta: Floats, smaller: "Atlas | None") -> Integers:
    """The point (points,) of a smaller network's atlas that each point contains; -1 for none.

    A point contains a point of the smaller network if it has that point's outputs after superfluous units are removed
    and equal ones joined, and what remains is stationary for the smaller network.  Without weight decay it always is;
    with weight decay, for which one unit is not two equal ones, only if the units removed have no weights at all.

    Raises
    ------
    ArgumentError : `smaller` is not the same network with fewer units in its only hidden layer.
    """
    found = np.full(len(theta), -1, dtype=np.int64)
    if smaller is None:
        return found
    _check(spec, smaller.spec)
    for join in (True, False):  # not joined is better: with weight decay, only that may be stationary
        parts = [reduced(spec, point, join) for point in theta]
        fits = [row for row, part in enumerate(parts) if len(part.incoming) <= smaller.spec.sizes[1]]
        points = np.zeros((len(fits), smaller.spec.n_params))
        for k, row in enumerate(fits):
            points[k] = _padded(smaller.spec, parts[row])
        own = _matches(smaller, points)
        found[fits] = np.where(own >= 0, own, found[fits])
    return found


def _matches(atlas: "Atlas", points: Floats) -> Integers:
    """The point of an atlas that each of these points (points, n_params) is, or whose family it belongs to, or -1."""
    at, trainer, X = derivatives(atlas.spec, points), plain_trainer(atlas.spec), atlas.spec.loaded.X
    known, said = outputs(trainer, X, atlas.theta), outputs(trainer, X, points)
    found = np.full(len(points), -1, dtype=np.int64)
    for row, point in enumerate(canonical(atlas.spec, points, SAME)):
        far = abs(atlas.theta - point).max(axis=1)
        same = (abs(known - said[row]).max(axis=(1, 2)) <= SAME) & (abs(atlas.loss - at.loss[row]) <= SAME)
        same &= (atlas.degeneracy > 0) | (far <= SAME)
        if same.any() and np.linalg.norm(at.gradient[row]) <= SAME:
            found[row] = np.where(same, far, np.inf).argmin()
    return found


def _check(spec: Spec, small: Spec) -> None:
    """Check that two networks differ in the width of their only hidden layer."""
    one = len(spec.network.hidden) == len(small.network.hidden) == 1
    same = one and (spec.activations, spec.shape[1:]) == (small.activations, small.shape[1:])
    data = spec.loaded, small.loaded
    same = same and all(np.array_equal(*(getattr(each, name) for each in data)) for name in ("X", "T"))
    if not same or small.sizes[1] >= spec.sizes[1]:
        raise ArgumentError(
            "smaller must be the atlas of the same problem and network with fewer units in its only hidden layer; "
            f"got sizes {small.sizes} for {spec.sizes}"
        )


def _padded(small: Spec, part: Reduced) -> Floats:
    """Parameters of the smaller network, whose last units have no weights."""
    sizes, bias, skip = small.shape
    theta, n = np.zeros(small.n_params), len(part.incoming)
    theta[layout.unit_vectors(sizes, bias, 0, skip)[:n]] = np.concatenate([part.incoming, part.outgoing], axis=1)
    theta[layout.layers(sizes, bias, skip)[-1][:, sizes[1] :]] = part.rest
    return theta
