"""Measures of one network in NumPy."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from saddlescape.network import layout
from saddlescape.network.reference.common import Array


def separation(sizes: Sequence[int], bias: bool, theta: Array, odd: Sequence[bool], skip: str = "none") -> float:
    """Smallest relative distance of two unit vectors of one hidden layer; NaN if no layer has two units.

    The distance is relative to the larger norm, and up to sign in layers whose activation is `odd`.
    """
    layers = [_distances(sizes, bias, theta, layer, odd[layer], skip) for layer in range(len(sizes) - 2)]
    pairs = [distances[i, j] for distances in layers for i, j in _pairs(len(distances)) if distances[i, j] < np.inf]
    return min(pairs, default=np.nan)


def effective_width(
    sizes: Sequence[int], bias: bool, theta: Array, odd: Sequence[bool], tolerance: float, skip: str = "none"
) -> list[int]:
    """Number of groups of units in each hidden layer; units at distance 0, or below `tolerance`, are in one group.

    Distances, and `odd`, are as of `separation`.
    """
    layers = (_distances(sizes, bias, theta, layer, odd[layer], skip) for layer in range(len(sizes) - 2))
    return [_groups((distances == 0) | (distances < tolerance)) for distances in layers]


def layer_norm(sizes: Sequence[int], bias: bool, theta: Array, skip: str = "none") -> list[float]:
    """Euclidean norm of the weights and biases of each layer."""
    return [norm(theta[indices].ravel()) for indices in layout.layers(sizes, bias, skip)]


def imbalance(sizes: Sequence[int], bias: bool, theta: Array, skip: str = "none") -> list[float]:
    """Sum of squares of the incoming weights and biases of each hidden layer, minus that of its outgoing weights."""
    squares, layers = theta.astype(np.float64) ** 2, layout.layers(sizes, bias, skip)
    return [
        _sum(squares[incoming].ravel()) - _sum(squares[outgoing[:, : len(incoming)]].ravel())
        for incoming, outgoing in itertools.pairwise(layers)
    ]


def cosine(sizes: Sequence[int], bias: bool, theta: Array, skip: str = "none") -> list[float]:
    """Mean |cosine| of the incoming weights and biases of pairs of units in each hidden layer; NaN without pairs."""
    return [_mean_cosine(theta[indices].astype(np.float64)) for indices in layout.layers(sizes, bias, skip)[:-1]]


def norm(vector: Array) -> float:
    """Euclidean norm of `vector`, without underflow or overflow of the squares."""
    vector = vector.astype(np.float64)
    largest = float(abs(vector).max(initial=0))
    return largest * math.sqrt(_sum((vector / largest) ** 2)) if largest else 0.0


def _sum(values: Array) -> float:
    """Sum from left to right, as in the kernels; `sum` and `numpy.sum` may add in another order."""
    total = 0.0
    for value in values:
        total += float(value)
    return total


def _pairs(units: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(units) for j in range(i)]


def _distances(sizes: Sequence[int], bias: bool, theta: Array, layer: int, odd: bool, skip: str) -> Array:
    """Relative distances of the unit vectors of a hidden layer, (units, units), with inf on the diagonal."""
    units = theta.astype(np.float64)[layout.unit_vectors(sizes, bias, layer, skip)]
    distances = np.full((len(units), len(units)), np.inf)
    signs = (1, -1) if odd else (1,)
    for i, j in _pairs(len(units)):
        distances[i, j] = distances[j, i] = min(_distance(units[i], sign * units[j]) for sign in signs)
    return distances


def _distance(a: Array, b: Array) -> float:
    distance = norm(a - b)
    return max(distance / max(norm(a), norm(b)), 5e-324) if distance else 0.0


def _groups(near: npt.NDArray[np.bool_]) -> int:
    """Number of connected components of a graph with this adjacency matrix."""
    unvisited, groups = set(range(len(near))), 0
    while unvisited:
        stack, groups = [unvisited.pop()], groups + 1
        while stack:
            neighbors = {j for j in unvisited if near[stack[-1], j]}
            stack, unvisited = [*stack[:-1], *neighbors], unvisited - neighbors
    return groups


def _mean_cosine(units: Array) -> float:
    scaled = [unit / abs(unit).max() if unit.any() else None for unit in units]
    directions = [None if unit is None else unit / math.sqrt(_sum(unit**2)) for unit in scaled]
    pairs = [(directions[i], directions[j]) for i, j in _pairs(len(units))]
    cosines = [min(abs(_sum(a * b)), 1.0) for a, b in pairs if a is not None and b is not None]
    return _sum(np.array(cosines)) / len(cosines) if cosines else math.nan
