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


def reduced(spec: Spec, theta: Floats) -> Reduced:
    """The smallest network with the outputs of `theta` (n_params,) that removing and joining hidden units leads to."""
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
        same = [other for before, other in kept if (abs(before - incoming) <= SAME).all()]
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
    with weight decay, which two equal units share, only if the units removed have no weights at all.

    Raises
    ------
    ArgumentError : `smaller` is not the same network with fewer units in its only hidden layer.
    """
    found = np.full(len(theta), -1, dtype=np.int64)
    if smaller is None:
        return found
    small = smaller.spec
    _check(spec, small)
    parts = [reduced(spec, point) for point in theta]
    rows = np.array([row for row, part in enumerate(parts) if len(part.incoming) <= small.sizes[1]], dtype=np.int64)
    points = np.array([_padded(small, parts[row]) for row in rows]).reshape(len(rows), small.n_params)
    at = derivatives(small, points)
    points, stays = canonical(small, points, SAME), np.linalg.norm(at.gradient, axis=1) <= SAME
    said, known = (outputs(plain_trainer(small), small.loaded.X, values) for values in (points, smaller.theta))
    for row, point, loss, its in zip(*(a[stays] for a in (rows, points, at.loss, said)), strict=True):
        near = abs(smaller.theta - point).max(axis=1)
        alike = (abs(known - its).max(axis=(1, 2)) <= SAME) & (abs(smaller.loss - loss) <= SAME)
        alike &= (smaller.degeneracy > 0) | (near <= 10 * SAME)
        found[row] = np.where(alike, near, np.inf).argmin() if alike.any() else -1
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
