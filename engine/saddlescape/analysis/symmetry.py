"""What different parameters have in common: a network stays the same when hidden units trade places or change sign.

With an odd activation, a unit changes sign when its incoming weights, bias and outgoing weights all do.  A logistic
unit says 1 - s(z) for s(-z), so its outgoing weights go to the biases that hear it, besides.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from saddlescape import layout
from saddlescape.kernels.activations import ODD
from saddlescape.reference import activate
from saddlescape.spec import Spec

Floats = npt.NDArray[np.floating]
SAME = 1e-6
"""Parameters nearer than this are equal to each other, and to zero, where forms are chosen."""


def flips(spec: Spec, layer: int) -> bool:
    """Whether units of hidden layer `layer` can change sign without a change of what the network says and costs."""
    logistic = spec.activations[layer] == "logistic" and spec.network.bias and not spec.training.weight_decay
    return spec.activations[layer] in ODD or logistic


def canonical(spec: Spec, theta: npt.ArrayLike, same: float = SAME) -> Floats:
    """One point for all those that permutations and changes of sign of hidden units make of each other.

    Layer by layer, each unit's first parameter that is not zero becomes positive, where units can change sign, and
    units stand in ascending order.  Numbers nearer to each other than `same` count as equal, so that noise far below it
    changes no sign and no order.  What the network says stays the same, but for roundings of sums in another order.

    Parameters
    ----------
    theta : (points, n_params).

    References
    ----------
    H. J. Sussmann (1992), Uniqueness of the weights for minimal feedforward nets with a given input-output map,
    Neural Networks 5, 589-593; there are no other symmetries of tanh networks without superfluous units.
    """
    theta = np.array(theta, dtype=np.float64)
    for layer in range(len(spec.network.hidden)):
        if flips(spec, layer):
            _turn(spec, theta, layer, same)
        _sort(spec, theta, layer, same)
    return theta


def _turn(spec: Spec, theta: Floats, layer: int, same: float) -> None:
    """Make the first parameter of each unit positive, in place."""
    sizes, bias = spec.sizes, spec.network.bias
    units, after = layout.unit_vectors(sizes, bias, layer), layout.layers(sizes, bias)[layer + 1]
    values = theta[:, units]
    first = (abs(values) > same).argmax(axis=2, keepdims=True)
    turned = np.take_along_axis(values, first, axis=2) < -same
    if spec.activations[layer] == "logistic":
        outgoing = theta[:, after[:, : sizes[layer + 1]]]
        theta[:, after[:, -1]] += np.where(turned[:, None, :, 0], outgoing, 0.0).sum(axis=2)
    theta[:, units] = np.where(turned, -values, values)


def _sort(spec: Spec, theta: Floats, layer: int, same: float) -> None:
    """Put units in the order of their parameters, in place: by the first; among those of one group by the next."""
    units = layout.unit_vectors(spec.sizes, spec.network.bias, layer)
    values = theta[:, units]
    order = np.broadcast_to(np.arange(len(units)), values.shape[:2])
    group = np.zeros(values.shape[:2], dtype=np.intp)
    for column in np.moveaxis(values, 2, 0):
        column = np.take_along_axis(column, order, axis=1)
        moved = np.lexsort((column, group), axis=1)
        order, group, column = (np.take_along_axis(of, moved, axis=1) for of in (order, group, column))
        apart = (np.diff(group, axis=1) > 0) | (np.diff(column, axis=1) > same)
        group = np.insert(np.cumsum(apart, axis=1), 0, 0, axis=1)
    theta[:, units] = np.take_along_axis(values, order[:, :, None], axis=1)


def truth_tables(spec: Spec, theta: npt.ArrayLike) -> list[tuple[str, ...]]:
    """What the hidden units of each network say of the samples: a table ``0110`` a unit, 1 where it is driven above 0.

    Where a unit can change sign, its first sample has 0.  The tables of a layer stand in ascending order, layers one
    after the other: no permutation or change of sign changes the result.

    Parameters
    ----------
    theta : (points, n_params); the result has an entry a point.
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
