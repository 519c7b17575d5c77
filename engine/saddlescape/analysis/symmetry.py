"""Symmetries of networks: permutations and sign changes of hidden units leave the outputs unchanged.

With an odd activation, the sign of a unit changes with the signs of its incoming weights, bias and outgoing weights.
For a logistic unit s(-z) = 1 - s(z), so its outgoing weights are also added to the biases of the next layer.

Residual connections join the units of hidden layers to chains, which can only be permuted, and change sign, together.
Units that are joined to inputs can do neither.
"""

from collections.abc import Sequence
from itertools import permutations, product
from math import factorial, prod

import numpy as np
import numpy.typing as npt

from saddlescape.network import layout
from saddlescape.network.reference import activate
from saddlescape.spec import Spec
from saddlescape.words.activations import ACTIVATIONS

Floats = npt.NDArray[np.floating]
SAME = 1e-6
"""Parameters that differ by less than this count as equal, and parameters smaller than this as zero."""

MOST = 5040
"""Maximum number of forms of a point that are compared: the permutations of seven units."""


def chains(spec: Spec) -> list[list[int]]:
    """The hidden layers, counted from 0, whose units are joined; without those that are joined to the inputs."""
    found: list[list[int]] = []
    for layer, joined in enumerate(layout.residual(spec.sizes, spec.network.skip)):
        if joined and found:
            found[-1].append(layer)
        else:
            found.append([-1, layer] if joined else [layer])
    return [chain for chain in found if chain[0] >= 0]


def flips(spec: Spec, layer: int) -> bool:
    """Whether units of hidden layer `layer` can change sign without changing the outputs and the objective."""
    keys = spec.training
    corrected = spec.network.bias and (keys.decay == "weights" or not (keys.weight_decay or keys.l1))
    names = [[spec.activations[number] for number in chain] for chain in chains(spec) if layer in chain]
    return any(all(ACTIVATIONS[f].odd or (ACTIVATIONS[f].complement and corrected) for f in each) for each in names)


def canonical(spec: Spec, theta: npt.ArrayLike, same: float = SAME) -> Floats:
    """Canonical form of points under permutations and sign changes of hidden units.

    Layer by layer, units that can change sign do so if their first nonzero parameter is negative, and units are sorted
    in ascending order; units that are joined by residual connections have the sign and the order of the first layer.
    If this is not unique because units of an inner layer have equal incoming weights, the first of up to `MOST`
    equivalent forms is returned.  Numbers that differ by less than `same` count as equal, so that smaller
    noise changes no sign and no order.  The outputs do not change, except for rounding, because the order of the sums
    changes.

    Parameters
    ----------
    theta : (points, n_params).
    same : tolerance below which parameters count as equal, or as zero.

    Returns
    -------
    float64 (points, n_params).

    References
    ----------
    H. J. Sussmann (1992), Uniqueness of the weights for minimal feedforward nets with a given input-output map,
    Neural Networks 5, 589-593; tanh networks without superfluous units have no other symmetries.
    """
    theta, ambiguous = _sorted(spec, theta, same)
    for point in np.flatnonzero(ambiguous):
        theta[point] = _first_form(spec, theta[point], same)
    return theta


def orbit_size(spec: Spec, theta: npt.ArrayLike, same: float = SAME) -> npt.NDArray[np.int64]:
    """Number (points,) of different points that permutations and sign changes of hidden units make of each point.

    It is -1 if they have more than `MOST` forms.
    """
    return np.array([_orbit(spec, point, same) for point in np.asarray(theta, dtype=np.float64)], dtype=np.int64)


def _orbit(spec: Spec, point: Floats, same: float) -> int:
    forms = point[None].copy()
    for chain in chains(spec):
        n, turning = len(_units(spec, chain[0])[0]), flips(spec, chain[0])
        if len(forms) * factorial(n) * 2 ** (n * turning) > MOST:
            return -1
        orders = np.array([*permutations(range(n))])
        signs = np.array([*product([False, True], repeat=n)])[: 2 ** (n * turning)]
        order, negated = np.repeat(orders, len(signs), axis=0), np.tile(signs, (len(orders), 1))
        times = len(order)
        order, negated = (np.tile(each, (len(forms), 1)) for each in (order, negated))
        forms = np.repeat(forms, times, axis=0)
        _permute(spec, forms, chain, order)
        _negate(spec, forms, chain, negated[:, :, None])
    fixed = (abs(forms - point) <= same).all(axis=1).sum()
    return len(forms) // int(fixed)


def _sorted(spec: Spec, theta: npt.ArrayLike, same: float) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Points with signs and order chosen layer by layer, and whether these depend on the next layer."""
    theta = np.array(theta, dtype=np.float64)
    ambiguous, last = np.zeros(len(theta), dtype=bool), len(spec.network.hidden) - 1
    for chain in chains(spec):
        units, incoming = _units(spec, chain[0])
        compared = units if len(chain) == 1 else units[:, :incoming]
        if turning := flips(spec, chain[0]):
            _negate(spec, theta, chain, _negative(theta[:, compared], same))
        group = _sort(spec, theta, chain, same, compared.shape[1])
        if chain != [last]:
            alike = _groups(theta[:, units[:, :incoming]], same)
            whole = group if len(chain) == 1 else np.arange(len(units))
            unconnected = turning & (abs(theta[:, units[:, :incoming]]).max(axis=2).min(axis=1) <= same)
            ambiguous |= (alike != whole).any(axis=1)
            ambiguous |= unconnected & (abs(theta[:, _joined(spec, chain)]).max(axis=(1, 2)) > same)
    return theta, ambiguous


def _first_form(spec: Spec, point: Floats, same: float) -> Floats:
    """The first of all equivalent forms of a point in ascending order; the point itself if there are too many forms.

    Layer by layer, units with equal incoming weights are put in every order, and units without any in either sign.
    """
    forms = point[None].copy()
    for chain in chains(spec):
        units, incoming = _units(spec, chain[0])
        last = chain == [len(spec.network.hidden) - 1]
        compared = units if last else units[:, :incoming]
        if flips(spec, chain[0]):
            _negate(spec, forms, chain, _negative(forms[:, compared], same))
        group = _sort(spec, forms, chain, same, compared.shape[1])
        if not last:
            pairs = zip(forms, group, strict=True)
            forms = np.concatenate([_arrangements(spec, form, chain, groups, same) for form, groups in pairs])
        if len(forms) > MOST:
            return point
    for column in range(forms.shape[1]):
        forms = forms[forms[:, column] <= forms[:, column].min() + same]
    return np.asarray(forms[0])


def _arrangements(spec: Spec, form: Floats, chain: list[int], group: npt.NDArray[np.intp], same: float) -> Floats:
    """The form with each group of units in every order, and units without incoming weights in either sign."""
    units, incoming = _units(spec, chain[0])
    own = form[_joined(spec, chain)]
    free = [np.flatnonzero(group == number) for number in np.unique(group)]
    free = [members for members in free if (np.ptp(own[members], axis=0) > same).any()]
    unconnected = (abs(form[units[:, :incoming]]) <= same).all(axis=1) & (abs(own) > same).any(axis=1)
    flippable = np.flatnonzero(unconnected & flips(spec, chain[0]))
    number = prod(factorial(len(members)) for members in free)
    if number * 2 ** len(flippable) > MOST:
        return np.repeat(form[None], MOST + 1, axis=0)
    orders, signs = product(*map(permutations, free)), list(product([False, True], repeat=len(flippable)))
    forms = np.repeat(form[None], number, axis=0)
    order = np.tile(np.arange(len(units)), (number, 1))
    for row, members in zip(order, orders, strict=True):
        for before, after in zip(free, members, strict=True):
            row[before] = after
    _permute(spec, forms, chain, order)
    forms = np.repeat(forms, len(signs), axis=0)
    negated = np.zeros((len(forms), len(units)), dtype=bool)
    negated[:, flippable] = np.tile(signs, (number, 1))
    _negate(spec, forms, chain, negated[:, :, None])
    return forms


def forms(spec: Spec, point: Floats) -> Floats:
    """All points (forms, n_params) that are equivalent to a point by permutations and sign changes of hidden units.

    There are none if there would be more than `MOST`.
    """
    found = np.array(point, dtype=np.float64)[None]
    for chain in chains(spec):
        units, turns = len(_units(spec, chain[0])[0]), 1 + flips(spec, chain[0])
        if len(found) * factorial(units) * turns**units > MOST:
            return found[:0]
        each = [*product(permutations(range(units)), product(range(turns), repeat=units))]
        orders, signs = (np.tile(np.array(parts), (len(found), 1)) for parts in zip(*each, strict=True))
        found = np.repeat(found, len(each), axis=0)
        _permute(spec, found, chain, orders)
        _negate(spec, found, chain, signs.astype(bool)[:, :, None])
    return found


def _units(spec: Spec, layer: int) -> tuple[npt.NDArray[np.intp], int]:
    """Flat indices of each hidden unit's parameters, and the number of its incoming weights including the bias."""
    sizes, bias, skip = spec.shape
    return layout.unit_vectors(sizes, bias, layer, skip), sizes[layer] + bias


def _joined(spec: Spec, chain: list[int]) -> npt.NDArray[np.intp]:
    """Flat indices of the parameters of each unit in all layers of a chain."""
    return np.concatenate([_units(spec, layer)[0] for layer in chain], axis=1)


def _negative(values: Floats, same: float) -> npt.NDArray[np.bool_]:
    """Whether the first nonzero parameter of each unit is negative."""
    first = (abs(values) > same).argmax(axis=2, keepdims=True)
    return np.asarray(np.take_along_axis(values, first, axis=2) < -same)


def _negate(spec: Spec, theta: Floats, chain: list[int], negated: npt.NDArray[np.bool_]) -> None:
    """Change the sign of the units for which `negated` (points, units, 1) is true, in all layers of a chain, in place.

    The value y of a unit becomes c - y, where c is the number of logistic layers so far.
    """
    sizes, constant = spec.sizes, 0
    for layer in chain:
        (units, _), after = _units(spec, layer), layout.layers(*spec.shape)[layer + 1]
        values = theta[:, units]
        constant += ACTIVATIONS[spec.activations[layer]].complement
        if constant:
            outgoing = theta[:, after[:, : sizes[layer + 1]]]
            theta[:, after[:, -1]] += constant * np.where(negated[:, None, :, 0], outgoing, 0.0).sum(axis=2)
        theta[:, units] = np.where(negated, -values, values)


def _permute(spec: Spec, theta: Floats, chain: list[int], order: npt.NDArray[np.intp]) -> None:
    """Put the units of all layers of a chain into an order (points, units), in place."""
    for layer in chain:
        units, _ = _units(spec, layer)
        theta[:, units] = np.take_along_axis(theta[:, units], order[:, :, None], axis=1)


def _sort(spec: Spec, theta: Floats, chain: list[int], same: float, columns: int) -> npt.NDArray[np.intp]:
    """Sort the units of a chain by the first `columns` parameters in its first layer, in place.

    Returns the group of equal units of each unit.
    """
    units, _ = _units(spec, chain[0])
    values = theta[:, units]
    order = np.broadcast_to(np.arange(len(units)), values.shape[:2])
    group = np.zeros(values.shape[:2], dtype=np.intp)
    for column in np.moveaxis(values[:, :, :columns], 2, 0):
        column = np.take_along_axis(column, order, axis=1)
        moved = np.lexsort((column, group), axis=1)
        order, group, column = (np.take_along_axis(each, moved, axis=1) for each in (order, group, column))
        apart = (np.diff(group, axis=1) > 0) | (np.diff(column, axis=1) > same)
        group = np.insert(np.cumsum(apart, axis=1), 0, 0, axis=1)
    _permute(spec, theta, chain, order)
    return group


def _groups(values: Floats, same: float) -> npt.NDArray[np.intp]:
    """Group of each of the sorted units (points, units, parameters); units with equal parameters share a group."""
    apart = (abs(np.diff(values, axis=1)) > same).any(axis=2)
    return np.insert(np.cumsum(apart, axis=1), 0, 0, axis=1)


def truth_tables(spec: Spec, theta: npt.ArrayLike) -> list[tuple[str, ...]]:
    """Truth tables of the hidden units over the samples, such as ``0110``: 1 if the pre-activation is above 0.

    If a unit can change sign, its first sample has 0.  The tables are sorted within each layer, so that permutations
    and sign changes of units do not change the result.

    Parameters
    ----------
    theta : (points, n_params).

    Returns
    -------
    For each point, the tables of all units, layer by layer.
    """
    theta = np.asarray(theta, dtype=np.float64)
    outputs: Floats = np.broadcast_to(spec.loaded.X, (len(theta), *spec.loaded.X.shape))
    tables: list[list[str]] = [[] for _ in theta]
    hidden, joined = layout.layers(*spec.shape)[:-1], layout.residual(spec.sizes, spec.network.skip)
    for layer, rows in enumerate(hidden):
        ones = np.ones((*outputs.shape[:2], int(spec.network.bias)))
        z = np.concatenate([outputs, ones], axis=2) @ theta[:, rows].swapaxes(1, 2)
        above = (z > 0) ^ (z[:, :1] > 0) if flips(spec, layer) else z > 0
        for table, units in zip(tables, above.swapaxes(1, 2), strict=True):
            table += sorted(map(_text, units))
        value = activate(spec.activations[layer], z)[0]
        outputs = value + outputs if joined[layer] else value
    return [tuple(table) for table in tables]


def _text(above: Sequence[bool]) -> str:
    return "".join("01"[int(bit)] for bit in above)
