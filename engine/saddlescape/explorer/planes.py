"""The tables of a spec whose runs are those of a plane."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from saddlescape.errors import RefusedError
from saddlescape.explorer.lattice import Array, Plane
from saddlescape.explorer.numbers import Number
from saddlescape.explorer.points import Point, run_of
from saddlescape.spec import Spec
from saddlescape.spec.sections import Side
from saddlescape.spec.tree import Tree

Axis = int | Number
"""The index of a parameter, or a number of the spec."""

SIDES = ("x", "y")


def table_of_starts(
    spec: Spec, own: Tree, axes: Sequence[Axis], point: Point, base: Array, sides: Mapping[int, Side]
) -> Tree:
    """The table `starts` of a plane through `base`: a slice, or the own table if an axis changes the starts.

    Parameters
    ----------
    own : the table of the spec.
    sides : axes of slices, by their parameters, which keep their ends, as those of the slice of the spec do.
    """
    of_starts = [axis for axis in axes if isinstance(axis, Number) and axis.of_starts]
    if not of_starts:
        return _slice(spec, axes, base, sides)
    key, run = of_starts[0].key, run_of(point)
    if run is None or not isinstance(point, int):
        raise RefusedError(f"point: must be a run, as the axis {key} changes its start; choose a run")
    if not all(isinstance(axis, Number) for axis in axes):
        raise RefusedError(f"axes: {key} changes all parameters, so the other axis cannot be one; choose a number")
    return {**own, "count": run + 1}


def _slice(spec: Spec, axes: Sequence[Axis], base: Array, sides: Mapping[int, Side]) -> Tree:
    """The table of a slice, which has one value along an axis that is a number of the spec."""
    own = {side.index: side for side in (spec.starts.x, spec.starts.y) if side is not None} | {**sides}
    reach = 2 * max(0.5, float(abs(base).max()))
    free = (index for index in range(spec.n_params) if index not in axes)
    tables = {}
    for name, axis in zip(SIDES, axes, strict=True):
        if isinstance(axis, Number):
            index = next(free)
            tables[name] = {"index": index, "from": float(base[index]), "to": float(base[index]), "n": 1}
        elif axis in own:
            tables[name] = {"index": axis, "from": own[axis].from_, "to": own[axis].to, "n": own[axis].n}
        else:
            tables[name] = {"index": axis, "from": -reach, "to": reach, "n": 2}
    return {"kind": "slice", "base": base.tolist(), **tables}


def tables_of_axes(values: Mapping[str, Sequence[float]]) -> list[Tree]:
    """The tables of axes with values by their keys."""
    return [{"key": key, "values": list(each)} for key, each in values.items()]


def plane_of(spec: Spec, axes: Sequence[Axis], base: Array) -> Plane:
    """The plane, whose scales differ as its ends do."""
    widths = [abs(high - low) or 1.0 for low, high in ends_of(spec, axes).values()]
    return Plane(tuple(base.tolist()), axes[0], axes[1], round(math.log2(widths[1] / widths[0])))


def ends_of(spec: Spec, axes: Sequence[Axis]) -> dict[str, tuple[float, float]]:
    """The ends of both axes that the page shows first, of a spec with the table `starts` of their plane."""
    sides: dict[str, Any] = {"x": spec.starts.x, "y": spec.starts.y}
    named = zip(SIDES, axes, strict=True)
    return {
        name: axis.ends if isinstance(axis, Number) else (sides[name].from_, sides[name].to) for name, axis in named
    }
