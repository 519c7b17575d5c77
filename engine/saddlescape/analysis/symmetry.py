"""Symmetries of networks: permutations and sign changes of hidden units leave the outputs unchanged.

With an odd activation, the sign of a unit changes with the signs of its incoming weights, bias and outgoing weights.
For a logistic unit s(-z) = 1 - s(z), so its outgoing weights are also added to the biases of the next layer.
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
"""Parameters nearer than this are equal to each other, and to zero, where forms are chosen."""


MOST = 5040
"""Arrangements of units that hear the same, at most, among which a form is chosen: all those of seven units."""


def flips(spec: Spec, layer: int) -> bool:
    """Whether units of hidden layer `layer` can change sign without changing the outputs and the objective."""
    its = ACTIVATIONS[spec.activations[layer]]
    return its.odd or (its.complement and spec.network.bias and not spec.training.weight_decay)


def canonical(spec: Spec, theta: npt.ArrayLike, same: float = SAME) -> Floats:
    """Canonical form of points under permutations and sign changes of hidden units.

    Layer by layer, each unit's first parameter that is not zero becomes positive, where units can change sign, and
    units stand in ascending order.  Where units hear the same, and hidden ones hear them, the first of all forms is
    taken, if there are no more than `MOST`.  Numbers nearer to each other than `same` count as equal, so that noise far
    below it changes no sign and no order.  The outputs do not change, except for the rounding of sums in
    another order.

    Parameters
    ----------
    theta : (points, n_params).

    References
    ----------
    H. J. Sussmann (1992), Uniqueness of the weights for minimal feedforward nets with a given input-output map,
    Neural Networks 5, 589-593; there are no other symmetries of tanh networks without superfluous units.
    """
    theta, doubtful = _plain(spec, theta, same)
    for point in np.flatnonzero(doubtful):
        theta[point] = _least(spec, theta[point], same)
    return theta


def _plain(spec: Spec, theta: npt.ArrayLike, same: float) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Signs and order layer by layer, and where they hang on those of the next layer: of units that hear the same."""
    theta = np.array(theta, dtype=np.float64)
    doubtful, last = np.zeros(len(theta), dtype=bool), len(spec.network.hidden) - 1
    for layer in range(last + 1):
        units, heard = _units(spec, layer)
        if flips(spec, layer):
            _turn(spec, theta, layer, _negative(theta[:, units], same))
        group = _sort(theta, units, same)
        if layer < last:
            alike = _groups(theta[:, units[:, :heard]], same)
            silent = flips(spec, layer) & (abs(theta[:, units[:, :heard]]).max(axis=2).min(axis=1) <= same)
            doubtful |= (alike != group).any(axis=1) | (silent & (abs(theta[:, units]).max(axis=(1, 2)) > same))
    return theta, doubtful


def _least(spec: Spec, point: Floats, same: float) -> Floats:
    """The first in ascending order of all forms of a point; the given one, if they are too many.

    Layer by layer, units that hear the same are put in every order, and those that hear nothing with either sign.
    """
    forms = point[None].copy()
    for layer in range(len(spec.network.hidden)):
        units, heard = _units(spec, layer)
        last = layer == len(spec.network.hidden) - 1
        seen = units if last else units[:, :heard]
        if flips(spec, layer):
            _turn(spec, forms, layer, _negative(forms[:, seen], same))
        group = _sort(forms, units, same, seen.shape[1])
        if not last:
            every = zip(forms, group, strict=True)
            forms = np.concatenate([_arranged(spec, form, layer, of, same) for form, of in every])
        if len(forms) > MOST:
            return point
    for column in range(forms.shape[1]):
        forms = forms[forms[:, column] <= forms[:, column].min() + same]
    return np.asarray(forms[0])


def _arranged(spec: Spec, form: Floats, layer: int, group: npt.NDArray[np.intp], same: float) -> Floats:
    """The form with units of each group of a layer in every order, and those that hear nothing with either sign."""
    units, heard = _units(spec, layer)
    free = [np.flatnonzero(group == number) for number in np.unique(group)]
    free = [own for own in free if (np.ptp(form[units[own]], axis=0) > same).any()]
    nothing = (abs(form[units[:, :heard]]) <= same).all(axis=1) & (abs(form[units]) > same).any(axis=1)
    silent = np.flatnonzero(nothing & flips(spec, layer))
    if prod(factorial(len(own)) for own in free) * 2 ** len(silent) > MOST:
        return np.repeat(form[None], MOST + 1, axis=0)
    orders, signs = product(*map(permutations, free)), list(product([False, True], repeat=len(silent)))
    found = np.repeat(form[None], prod(factorial(len(own)) for own in free), axis=0)
    for own, order in zip(found, orders, strict=True):
        for before, after in zip(free, order, strict=True):
            own[units[before]] = form[units[list(after)]]
    found = np.repeat(found, len(signs), axis=0)
    turned = np.zeros((len(found), len(units)), dtype=bool)
    turned[:, silent] = np.tile(signs, (len(found) // len(signs), 1))
    _turn(spec, found, layer, turned[:, :, None])
    return found


def _units(spec: Spec, layer: int) -> tuple[npt.NDArray[np.intp], int]:
    """Flat indices of the units of a hidden layer, and how many of each belong to what it hears, with its bias."""
    return layout.unit_vectors(spec.sizes, spec.network.bias, layer), spec.sizes[layer] + spec.network.bias


def _negative(values: Floats, same: float) -> npt.NDArray[np.bool_]:
    """Whether the first parameter of each unit that is not zero is negative."""
    first = (abs(values) > same).argmax(axis=2, keepdims=True)
    return np.asarray(np.take_along_axis(values, first, axis=2) < -same)


def _turn(spec: Spec, theta: Floats, layer: int, turned: npt.NDArray[np.bool_]) -> None:
    """Change the sign of these units (points, units, 1), in place."""
    sizes, bias = spec.sizes, spec.network.bias
    units, after = layout.unit_vectors(sizes, bias, layer), layout.layers(sizes, bias)[layer + 1]
    values = theta[:, units]
    if ACTIVATIONS[spec.activations[layer]].complement:
        outgoing = theta[:, after[:, : sizes[layer + 1]]]
        theta[:, after[:, -1]] += np.where(turned[:, None, :, 0], outgoing, 0.0).sum(axis=2)
    theta[:, units] = np.where(turned, -values, values)


def _sort(theta: Floats, units: npt.NDArray[np.intp], same: float, columns: int | None = None) -> npt.NDArray[np.intp]:
    """Put units in the order of their parameters, or of the first `columns`, in place; groups of equal ones."""
    values = theta[:, units]
    order = np.broadcast_to(np.arange(len(units)), values.shape[:2])
    group = np.zeros(values.shape[:2], dtype=np.intp)
    for column in np.moveaxis(values[:, :, :columns], 2, 0):
        column = np.take_along_axis(column, order, axis=1)
        moved = np.lexsort((column, group), axis=1)
        order, group, column = (np.take_along_axis(of, moved, axis=1) for of in (order, group, column))
        apart = (np.diff(group, axis=1) > 0) | (np.diff(column, axis=1) > same)
        group = np.insert(np.cumsum(apart, axis=1), 0, 0, axis=1)
    theta[:, units] = np.take_along_axis(values, order[:, :, None], axis=1)
    return group


def _groups(values: Floats, same: float) -> npt.NDArray[np.intp]:
    """Groups of sorted units (points, units, parameters) that are alike in these."""
    apart = (abs(np.diff(values, axis=1)) > same).any(axis=2)
    return np.insert(np.cumsum(apart, axis=1), 0, 0, axis=1)


def truth_tables(spec: Spec, theta: npt.ArrayLike) -> list[tuple[str, ...]]:
    """Truth tables of the hidden units: one such as ``0110`` per unit, 1 where its pre-activation is above 0.

    Where a unit can change sign, its first sample has 0.  The tables of a layer stand in ascending order, layers one
    after the other: no permutation or change of sign changes the result.

    Parameters
    ----------
    theta : (points, n_params); the result has one entry per point.
    """
    theta = np.asarray(theta, dtype=np.float64)
    said: Floats = np.broadcast_to(spec.loaded.X, (len(theta), *spec.loaded.X.shape))
    tables: list[list[str]] = [[] for _ in theta]
    hidden = layout.layers(spec.sizes, spec.network.bias)[:-1]
    for layer, rows in enumerate(hidden):
        ones = np.ones((*said.shape[:2], int(spec.network.bias)))
        z = np.concatenate([said, ones], axis=2) @ theta[:, rows].swapaxes(1, 2)
        above = (z > 0) ^ (z[:, :1] > 0) if flips(spec, layer) else z > 0
        for own, units in zip(tables, above.swapaxes(1, 2), strict=True):
            own += sorted(map(_text, units))
        said = activate(spec.activations[layer], z)[0]
    return [tuple(own) for own in tables]


def _text(above: Sequence[bool]) -> str:
    return "".join("01"[int(one)] for one in above)
