"""Where the grid of an old sweep lies in that of a bigger one."""

import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from saddlescape.errors import RefusedError
from saddlescape.network.shapes import BALANCES
from saddlescape.plan.schemes import SPARSITY
from saddlescape.spec import Axis, Spec, Sweep
from saddlescape.spec.values import as_json
from saddlescape.words.losses import LOSSES, Reduction

Indices = npt.NDArray[np.intp]

NEW = -1
"""Index of a point that the old sweep does not have."""

NEW_FOLDER = "run the other sweep in a new folder"


class Side(NamedTuple):
    """A dimension of the bigger grid: that of the old one, None if it is new, and the old index of each point."""

    old: int | None
    points: Indices


def sides(old: Sweep, new: Sweep) -> list[Side]:
    """The dimensions of the bigger grid.

    Raises
    ------
    RefusedError
        If it does not contain the old grid.
    """
    found = [_side(old, side) for side in new.grid]
    if len([side for side in found if side.old is not None]) < len(old.grid):
        names = ", ".join(axis.name for axis in old.axes)
        raise RefusedError(f"axes: must be those of the old runs ({names}) and new ones; none can be taken away")
    return found


def _side(old: Sweep, side: Sequence[Axis]) -> Side:
    keys = [axis.key for axis in side]
    name = f"axes.{' with '.join(keys)}"
    number = next((k for k, own in enumerate(old.grid) if {axis.key for axis in own} & {*keys}), None)
    if number is None:
        values = [_value(old.spec, key) for key in keys]
        if None in values:
            raise RefusedError(f"{name}: is not set in the old runs, and no value stands for that; {NEW_FOLDER}")
        had = [tuple(map(_written, values))]
    else:
        own = {axis.key: axis.values for axis in old.grid[number]}
        if own.keys() != {*keys}:
            raise RefusedError(f"axes.{keys[0]}: must be zipped as in the old runs; run the sweep in a new folder")
        had = list(zip(*(map(_written, own[key]) for key in keys), strict=True))
    places = {value: index for index, value in enumerate(had)}
    points = zip(*(map(_written, axis.values) for axis in side), strict=True)
    index = np.array([places.get(point, NEW) for point in points], dtype=np.intp)
    there = {*index.tolist()}
    if lacking := [value for value, place in places.items() if place not in there]:
        missing = ", ".join(lacking[0])
        raise RefusedError(
            f"{name}: must contain the values of the old runs; {missing} is missing; add it, or {NEW_FOLDER}"
        )
    return Side(number, index)


def _written(value: object) -> str:
    return json.dumps(as_json(value))


def _value(spec: Spec, key: str) -> object:
    """The value of a key, or of an element of a list; of one that is not set, the value that stands for it, or None."""
    section, name, *index = key.split(".")
    value = getattr(getattr(spec, section), name)
    value = unset(spec).get(f"{section}.{name}") if value is None else value
    return value[int(index[0])] if index and isinstance(value, tuple) and int(index[0]) < len(value) else value


def unset(spec: Spec) -> dict[str, object]:
    """The values that mean the same as keys which are not set."""
    shape, ones = spec.drawn_shape, (1.0,) * (len(spec.sizes) - 1)
    return {
        **dict.fromkeys(("problem.input_coding", "problem.target_coding"), spec.problem.coding),
        **{f"problem.{name}": getattr(shape, name) for name in ("noise", "classes", "inputs")},
        **dict.fromkeys(("starts.layer_scales", "training.layer_rates"), ones),
        "problem.balance": BALANCES.get(spec.problem.name or ""),
        "starts.bias_scale": 1.0 if spec.starts.layer_scales is None else None,
        "starts.sparsity": SPARSITY,
        "training.reduction": "sum" if LOSSES[spec.training.loss].reduction is Reduction.SUM else "mean",
    }
