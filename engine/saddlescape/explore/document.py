"""The spec behind the page: one point of a sweep with a plane through weight space, and its windows as specs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from saddlescape.errors import RefusedError, SpecError
from saddlescape.explore.lattice import Array, Plane, Window
from saddlescape.plan import starts
from saddlescape.spec import Spec, Sweep, parse
from saddlescape.spec.checks import Idle
from saddlescape.spec.from_python import toml_of
from saddlescape.spec.keys import rename
from saddlescape.spec.overrides import override
from saddlescape.spec.toml import parse_toml
from saddlescape.spec.tree import Tree, put, unset
from saddlescape.spec.values import as_json
from saddlescape.spec.window import text_of

KEYS = {"learning_rate": "training.learning_rate", "steps": "training.steps"}
"""Names of the keys that a page may change; none of them names a file."""


Point = Literal["slice", "zero"] | int
"""The base of the slice of the spec, the start of zeros, or the start of the run with a number."""


@dataclass(frozen=True)
class Document:
    """One point of a sweep, and the plane that the page shows.

    Attributes
    ----------
    sweep : of one point, whose starts are a slice.
    tree : its text as nested tables.
    origin : the point with its own starts.
    point : what the plane goes through.
    """

    sweep: Sweep
    tree: Tree
    plane: Plane
    origin: Spec
    point: Point

    @property
    def spec(self) -> Spec:
        """The spec of the point."""
        return self.sweep.spec

    @cached_property
    def ends(self) -> dict[str, tuple[float, float]]:
        """The ends of both axes that the page shows first."""
        sides = {"x": self.spec.starts.x, "y": self.spec.starts.y}
        return {name: (side.from_, side.to) for name, side in sides.items() if side is not None}

    def window(self, window: Window) -> str:
        """A spec, as TOML, of the slice with the starts of a window; its runs are those of the page, to the bit.

        Raises
        ------
        SpecError
            If there is none, for example because values are too large for float32.
        """
        return self.sweep.window(*window.sides(self.plane)).text

    def changed(self, values: Mapping[str, float]) -> "Document":
        """With other values of `KEYS`; SpecError with all faults if they are not valid."""
        given = [f"{KEYS[name]}={toml_of(value)}" for name, value in values.items()]
        sweep, tree = _parsed(self.tree, self.sweep, given)
        return replace(self, sweep=sweep, tree=tree)

    @property
    def points(self) -> list[str]:
        """The points that are no runs."""
        return ["slice", "zero"] if self.origin.starts.kind == "slice" else ["zero"]

    @property
    def runs(self) -> int:
        """Number of runs of the point with its own starts."""
        sides = [side.n for side in (self.origin.starts.x, self.origin.starts.y) if side is not None]
        return math.prod(sides) * starts.count(self.origin)

    def through(self, x: int, y: int, point: Point) -> "Document":
        """With the plane along the parameters `x` and `y` through a point.

        Raises
        ------
        RefusedError
            If there is no such point.
        SpecError
            If the axes are the same, or there is no such parameter.
        """
        table = _slice(self.origin, x, y, self._base(point))
        sweep, tree = _parsed(self.tree | {"starts": table}, self.sweep, ())
        return Document(sweep, tree, _plane(sweep.spec), self.origin, point)

    def _base(self, point: Point) -> Array:
        if point == "zero":
            return np.zeros(self.origin.n_params)
        if point == "slice":
            if self.origin.starts.base is None:
                raise RefusedError('point: must be "zero" or a run, as the spec has no slice; got "slice"')
            return np.array(self.origin.starts.base, dtype=np.float64)
        if not 0 <= point < self.runs:
            raise RefusedError(f"point: must be a run from 0 to {self.runs - 1}; got {point}")
        (start,) = starts.draw(self.origin, np.array([point], dtype=np.int64))
        return np.asarray(start)


def document(sweep: Sweep) -> Document:
    """The document of the first point of a sweep.

    If it is no slice, the plane goes through the start of run 0, along its first two parameters.

    Raises
    ------
    RefusedError
        If a run depends on more than its start, or the network has one parameter.
    """
    tree = parse_toml(sweep.text)
    list(rename(tree))
    tree.pop("axes", None)
    override(tree, sweep.overrides, set())
    for axis in sweep.axes:
        list(put(tree, axis.key, as_json(axis.values[0])))
    spec = sweep.at((0,) * len(sweep.shape))
    _check(spec)
    point, axes, base = _first(spec)
    sweep, tree = _parsed(tree | {"starts": _slice(spec, *axes, base), "record": {"runs": 0}}, sweep, ())
    return Document(sweep, tree, _plane(sweep.spec), spec, point)


def _parsed(tree: Tree, sweep: Sweep, given: Any) -> tuple[Sweep, Tree]:
    """A sweep of one point from tables with overrides, without keys that it does not use; and its tables."""
    tree = {name: dict(table) if isinstance(table, dict) else table for name, table in tree.items()}
    override(tree, given, set())
    try:
        return parse(text_of(tree), sweep.folder, (), sweep.kept, generation=sweep.generation), tree
    except SpecError as error:
        idle = [fault.path for fault in error.faults if isinstance(fault, Idle)]
        if len(idle) < len(error.faults):
            raise
        for key in idle:  # other points of the sweep use it
            unset(tree, key)
        return parse(text_of(tree), sweep.folder, (), sweep.kept, generation=sweep.generation), tree


def _plane(spec: Spec) -> Plane:
    """The plane of a slice, whose scales differ as its sides do."""
    base, x, y = spec.starts.base, spec.starts.x, spec.starts.y
    assert base is not None and x is not None and y is not None  # noqa: PT018
    widths = [abs(side.to - side.from_) or 1.0 for side in (x, y)]
    return Plane(base, x.index, y.index, round(math.log2(widths[1] / widths[0])))


def _check(spec: Spec) -> None:
    keys = spec.training
    if keys.noise or keys.dropout or spec.order != "fixed":
        kinds = "noise, dropout, shuffled or sampled batches"
        raise RefusedError(f"training: has {kinds}, so a run depends on more than its start")
    if spec.n_params < 2:
        raise RefusedError("network: must have at least two parameters, the axes of the map; it has one")


def _first(spec: Spec) -> tuple[Point, tuple[int, int], Array]:
    """The point, the axes and the base of the plane that is shown first."""
    keys = spec.starts
    if keys.kind == "slice" and keys.base and keys.x and keys.y:
        return "slice", (keys.x.index, keys.y.index), np.array(keys.base, dtype=np.float64)
    return 0, (0, 1), starts.draw(spec, np.zeros(1, dtype=np.int64))[0]


def _slice(spec: Spec, x: int, y: int, base: Array) -> Tree:
    """The table `starts` of a slice; an axis of the slice of the spec keeps its ends."""
    own = {side.index: side for side in (spec.starts.x, spec.starts.y) if side is not None}
    reach = 2 * max(0.5, float(abs(base).max()))
    sides = {}
    for name, index in (("x", x), ("y", y)):
        ends = {"from": -reach, "to": reach, "n": 2}
        if index in own:
            ends = {"from": own[index].from_, "to": own[index].to, "n": own[index].n}
        sides[name] = {"index": index, **ends}
    return {"kind": "slice", "base": base.tolist(), **sides}
