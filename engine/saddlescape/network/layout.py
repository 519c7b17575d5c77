"""The order of the parameter vector: layer by layer, for each unit its incoming weights, then its bias.

With ``skip = "input"``, the incoming weights of an output are those from the last hidden layer, then those from the
inputs of the network.  With ``skip = "residual"``, the identity has no parameters.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

SOURCES = "wsb"
"""First letters of the names of parameters: weights from the layer below, weights from the inputs past the hidden
layers, and biases."""


def direct(sizes: Sequence[int], skip: str = "none") -> int:
    """Number of inputs that are connected to the outputs past the hidden layers."""
    return sizes[0] if skip == "input" and len(sizes) > 2 else 0


def residual(sizes: Sequence[int], skip: str = "none") -> list[bool]:
    """Whether the values of the layer below, which is as wide, are added to those of each hidden layer."""
    return [skip == "residual" and before == after for before, after in pairwise(sizes[:-1])]


def fan_ins(sizes: Sequence[int], skip: str = "none") -> list[int]:
    """Number of incoming weights of each unit, by layer."""
    return [*sizes[:-2], sizes[-2] + direct(sizes, skip)]


def n_params(sizes: Sequence[int], bias: bool, skip: str = "none") -> int:
    """Number of parameters of a network with `sizes` units in its layers, from inputs to outputs."""
    return sum((fan_in + bias) * units for fan_in, units in zip(fan_ins(sizes, skip), sizes[1:], strict=True))


def layers(sizes: Sequence[int], bias: bool, skip: str = "none") -> list[npt.NDArray[np.intp]]:
    """Indices of the parameters of each layer, shape (n_units, fan_in + bias); row j belongs to unit j."""
    indices, first = [], 0
    for fan_in, units in zip(fan_ins(sizes, skip), sizes[1:], strict=True):
        size = units * (fan_in + bias)
        indices.append(np.arange(first, first + size).reshape(units, fan_in + bias))
        first += size
    return indices


def is_bias(sizes: Sequence[int], bias: bool, skip: str = "none") -> npt.NDArray[np.bool_]:
    """Whether each parameter is a bias; shape (n_params,)."""
    mask = np.zeros(n_params(sizes, bias, skip), dtype=bool)
    if bias:
        for layer in layers(sizes, bias, skip):
            mask[layer[:, -1]] = True
    return mask


def unit_vectors(sizes: Sequence[int], bias: bool, layer: int, skip: str = "none") -> npt.NDArray[np.intp]:
    """Indices of the unit vectors (incoming weights, bias, outgoing weights) of hidden layer `layer`.

    Shape (n_units, fan_in + bias + fan_out); `layer` counts from 0.
    """
    indices = layers(sizes, bias, skip)
    outgoing = indices[layer + 1][:, : sizes[layer + 1]]
    return np.concatenate([indices[layer], outgoing.T], axis=1)


def places(sizes: Sequence[int], bias: bool, skip: str = "none") -> list[tuple[int, int, int, int]]:
    """Layer, unit, kind (an index of `SOURCES`), and input of each parameter; layers count from 1, the rest from 0."""
    last, skipping = len(sizes) - 1, direct(sizes, skip)
    return [
        (number, unit, kind, i)
        for number, (before, after) in enumerate(pairwise(sizes), start=1)
        for unit in range(after)
        for kind, inputs in enumerate((before, skipping * (number == last), int(bias)))
        for i in range(inputs)
    ]


def name(place: tuple[int, int, int, int]) -> str:
    """Name of a parameter.

    ``w1[0,1]`` is the weight of unit 0 in layer 1 from input 1, ``b2[0]`` a bias, and ``s2[0,1]`` the weight of
    output 0 of a network with two layers from input 1 past the hidden layer.
    """
    layer, unit, kind, i = place
    letter = SOURCES[kind]
    return f"b{layer}[{unit}]" if letter == "b" else f"{letter}{layer}[{unit},{i}]"
