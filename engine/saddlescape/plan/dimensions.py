"""The dimensions of a result and the coordinates along them, from the axes of a sweep."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from saddlescape.network import layout
from saddlescape.spec import Axis, Spec, Sweep
from saddlescape.words.variables import reserved


@dataclass(frozen=True)
class Dimension:
    """One dimension of the result.

    Attributes
    ----------
    name : its name.
    meaning : the key of an axis, the parameter of a side of a slice, "" for `run`.
    values : the coordinate along it.
    """

    name: str
    meaning: str
    values: npt.NDArray[np.generic] | range


@dataclass(frozen=True)
class Coordinate:
    """Values of a key that is zipped with others, along the dimension `along`."""

    name: str
    along: str
    key: str
    values: npt.NDArray[np.generic]


def dimensions(sweep: Sweep) -> tuple[Dimension, ...]:
    """The dimensions of the grid of the sweep."""
    names = _names(sweep)
    return tuple(_dimension(side, names) for side in sweep.grid)


def coordinates(sweep: Sweep) -> tuple[Coordinate, ...]:
    """The coordinates of zipped axes, which share one dimension."""
    names = _names(sweep)
    return tuple(
        Coordinate(names[axis.key], names[f"zip {axis.zip}"], axis.name, _coordinate(axis.values))
        for axis in sweep.axes
        if axis.zip
    )


def slice_sides(spec: Spec) -> tuple[Dimension, ...]:
    """The dimensions `x` and `y` of a slice; none for other starts."""
    if spec.starts.kind != "slice":
        return ()
    sides = (("x", spec.starts.x), ("y", spec.starts.y))
    places = layout.places(*spec.shape)
    return tuple(
        Dimension(name, f"parameter {layout.name(places[side.index])}", np.linspace(side.from_, side.to, side.n))
        for name, side in sides
        if side is not None
    )


def _names(sweep: Sweep) -> dict[str, str]:
    """Names in the result of the axes, by their keys, and of zipped dimensions, by ``zip`` and their names."""
    keys, taken = [axis.name for axis in sweep.axes], reserved(sweep.spec.record.fields)
    names = {axis.key: _name(axis.name, keys, taken) for axis in sweep.axes}
    for zipped in dict.fromkeys(axis.zip for axis in sweep.axes if axis.zip):
        name = zipped
        while name in {*taken, "x", "y", *names.values()}:
            name = f"zip_{name}"
        names[f"zip {zipped}"] = name
    return names


def _name(key: str, keys: Sequence[str], taken: frozenset[str]) -> str:
    """The last part of a key, with the index of an element; the whole key if another axis has the same last part."""
    last = _last(key)
    clash = last in taken or sum(_last(k) == last for k in keys) > 1
    return key.replace(".", "_") if clash else last


def _last(key: str) -> str:
    return "_".join(key.split(".")[1:])


def _dimension(side: Sequence[Axis], names: dict[str, str]) -> Dimension:
    first = side[0]
    if not first.zip:
        return Dimension(names[first.key], first.name, _coordinate(first.values))
    meaning = " with ".join(axis.name for axis in side)
    return Dimension(names[f"zip {first.zip}"], meaning, range(len(first.values)))


def _coordinate(values: tuple[object, ...]) -> npt.NDArray[np.generic]:
    """Numbers unchanged; labels of other values: "4-8" for `[4, 8]`, "none" for `[]`."""
    if all(isinstance(v, int | float) for v in values):
        return np.array(values)
    return np.array(["-".join(map(str, v)) or "none" if isinstance(v, list | tuple) else str(v) for v in values])
