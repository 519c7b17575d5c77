"""The order of the parameter vector: layer by layer, for each unit its incoming weights, then its bias."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt


def n_params(sizes: Sequence[int], bias: bool) -> int:
    """Number of parameters of a network with `sizes` units in its layers, from inputs to outputs."""
    return sum((before + bias) * after for before, after in pairwise(sizes))


def layers(sizes: Sequence[int], bias: bool) -> list[npt.NDArray[np.intp]]:
    """Indices of the parameters of each layer, shape (n_units, fan_in + bias); row j belongs to unit j."""
    indices, first = [], 0
    for before, after in pairwise(sizes):
        size = after * (before + bias)
        indices.append(np.arange(first, first + size).reshape(after, before + bias))
        first += size
    return indices


def is_bias(sizes: Sequence[int], bias: bool) -> npt.NDArray[np.bool_]:
    """Whether each parameter is a bias; shape (n_params,)."""
    mask = np.zeros(n_params(sizes, bias), dtype=bool)
    if bias:
        for layer in layers(sizes, bias):
            mask[layer[:, -1]] = True
    return mask


def unit_vectors(sizes: Sequence[int], bias: bool, layer: int) -> npt.NDArray[np.intp]:
    """Indices of the unit vectors (incoming weights, bias, outgoing weights) of hidden layer `layer`.

    Shape (n_units, fan_in + bias + fan_out); `layer` counts from 0.
    """
    indices = layers(sizes, bias)
    outgoing = indices[layer + 1][:, : sizes[layer + 1]]
    return np.concatenate([indices[layer], outgoing.T], axis=1)


def places(sizes: Sequence[int], bias: bool) -> list[tuple[int, int, int, int]]:
    """Layer, unit, whether it is a bias, and input of each parameter; layers are counted from 1, the rest from 0."""
    return [
        (number, unit, *source)
        for number, (before, after) in enumerate(pairwise(sizes), start=1)
        for unit in range(after)
        for source in [*((0, i) for i in range(before)), *([(1, 0)] * bias)]
    ]


def name(place: tuple[int, int, int, int]) -> str:
    """Name of a parameter: ``w1[0,1]`` is the weight of unit 0 in layer 1 from input 1, ``b2[0]`` a bias."""
    layer, unit, is_bias, i = place
    return f"b{layer}[{unit}]" if is_bias else f"w{layer}[{unit},{i}]"
