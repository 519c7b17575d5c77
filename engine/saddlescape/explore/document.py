"""The spec behind the page: one point of a sweep with a plane through weight space, and its windows as specs."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from saddlescape.errors import RefusedError, SpecError
from saddlescape.explore.keys import NEEDED, SETTABLE, is_default, needed
from saddlescape.explore.lattice import Array, Plane, Window
from saddlescape.network import layout
from saddlescape.plan import starts
from saddlescape.spec import Spec, Sweep, parse
from saddlescape.spec.checks import Idle
from saddlescape.spec.from_python import toml_of
from saddlescape.spec.keys import rename
from saddlescape.spec.overrides import override
from saddlescape.spec.sections import Side
from saddlescape.spec.toml import parse_toml
from saddlescape.spec.tree import Tree, put, unset
from saddlescape.spec.values import as_json
from saddlescape.spec.window import text_of

Point = Literal["slice", "zero"] | int
"""The base of the slice of the spec, the start of zeros, or the start of the run with a number."""


@dataclass(frozen=True)
class Document:
    """One point of a sweep, and the plane that the page shows.

    Attributes
    ----------
    sweep : of one point, whose starts are a slice.
    tree : its text as nested tables.
    origin : the point with its own starts; with standard normal ones if its own do not fit the network.
    point : what the plane goes through.
    opened : the tables of the point as they were opened, with its own starts.
    fits : whether its own starts fit the network.
    """

    sweep: Sweep
    tree: Tree
    plane: Plane
    origin: Spec
    point: Point
    opened: Tree
    fits: bool = True

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

    def changed(self, values: Mapping[str, Any]) -> "Document":
        """With other values of keys: None is the one that was opened, "" the default.

        Raises
        ------
        RefusedError
            If a page cannot change a key, or a run would depend on more than its start.
        SpecError
            If they are not valid, or have no effect.
        """
        unknown = [key for key in values if key not in SETTABLE]
        if unknown:
            raise RefusedError(f"{unknown[0]}: cannot be changed on the page")
        given = [text for key, value in values.items() for text in self._overrides(key, value)]
        own, tree = _with_starts(self.tree, self.opened.get("starts", {}), self.sweep, given, values)
        _check(own.spec)
        fits = tree["starts"] == self.opened.get("starts", {})
        if own.spec.shape == self.spec.shape:
            sweep, tree = _parsed(tree | {"starts": self.tree["starts"]}, self.sweep, (), values)
            return replace(self, sweep=sweep, tree=tree, origin=own.spec, fits=fits)
        moved = replace(self, tree=tree, origin=own.spec, fits=fits)
        return moved._along(*self._kept(own.spec))

    def _overrides(self, key: str, value: Any) -> list[str]:
        """What sets a key to a value, and other keys that it needs to their first values."""
        if value is None or (_at(self.opened, key) is None and is_default(key, value)):
            value = _at(self.opened, key) if _at(self.opened, key) is not None else ""
        also = [each for each in needed(key, value) if _at(self.tree, each) is None]
        texts = {key: toml_of(value) if value != "" else "", **{each: toml_of(NEEDED[each]) for each in also}}
        return [f"{each}={text}" for each, text in texts.items()]

    @property
    def changes(self) -> dict[str, Any]:
        """The keys that are not as they were opened, with their values; "" for a default."""
        used, values = parse_toml(self.sweep.text), {key: _at(self.tree, key) for key in SETTABLE}
        return {
            key: "" if value is None else value
            for key, value in values.items()
            if value != _at(self.opened, key) and value in (None, _at(used, key))
        }

    @property
    def points(self) -> list[str]:
        """The points that are no runs."""
        return ["slice", "zero"] if self.origin.starts.kind == "slice" else ["zero"]

    @property
    def runs(self) -> int:
        """Number of runs of the point with its own starts."""
        return _runs(self.origin)

    def through(self, x: int, y: int, point: Point) -> "Document":
        """With the plane along the parameters `x` and `y` through a point.

        Raises
        ------
        RefusedError
            If there is no such point.
        SpecError
            If the axes are the same, or there is no such parameter.
        """
        return self._along(x, y, point, {})

    def _along(self, x: int, y: int, point: Point, sides: Mapping[int, Side]) -> "Document":
        """The same, with the ends of `sides`, by their parameters."""
        table = _slice(self.origin, x, y, self._base(point), sides)
        sweep, tree = _parsed(self.tree | {"starts": table}, self.sweep, ())
        return replace(self, sweep=sweep, tree=tree, plane=_plane(sweep.spec), point=point)

    def _kept(self, spec: Spec) -> tuple[int, int, Point, dict[int, Side]]:
        """The axes, the point and the ends of the plane that another network has, too; others in place of the rest."""
        new = {layout.name(place): index for index, place in enumerate(layout.places(*spec.shape))}
        names = [layout.name(place) for place in layout.places(*self.spec.shape)]
        sides = {new.get(names[side.index]): side for side in (self.spec.starts.x, self.spec.starts.y) if side}
        free = (index for index in range(spec.n_params) if index not in sides)
        x, y = (next(free) if index is None else index for index in map(new.get, map(names.__getitem__, self._axes)))
        kinds = {each.starts.kind == "slice" for each in (spec, self.origin)}
        is_there = len(kinds) == 1 and (isinstance(self.point, str) or self.point < _runs(spec))
        kept = {index: side for index, side in sides.items() if index is not None}
        return x, y, self.point if is_there else _first(spec)[0], kept

    @property
    def _axes(self) -> tuple[int, int]:
        return self.plane.x, self.plane.y

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
    tree: Tree = {"starts": {}} | parse_toml(sweep.text)
    list(rename(tree))
    tree.pop("axes", None)
    override(tree, sweep.overrides, set())
    for axis in sweep.axes:
        list(put(tree, axis.key, as_json(axis.values[0])))
    spec = sweep.at((0,) * len(sweep.shape))
    _check(spec)
    point, axes, base = _first(spec)
    opened = tree | {"record": {"runs": 0}}
    sweep, tree = _parsed(opened | {"starts": _slice(spec, *axes, base, {})}, sweep, ())
    return Document(sweep, tree, _plane(sweep.spec), spec, point, opened)


def _parsed(tree: Tree, sweep: Sweep, given: Sequence[str], named: Collection[str] = ()) -> tuple[Sweep, Tree]:
    """A sweep of one point from tables with overrides; and the tables.

    Keys that it does not use, as other points or other values of keys do, are left out of its text, unless they are
    named.
    """
    tree = _copied(tree)
    override(tree, given, set())
    used = _copied(tree)
    while True:
        try:
            return parse(text_of(used), sweep.folder, (), sweep.kept, generation=sweep.generation), tree
        except SpecError as error:
            idle = [fault.path for fault in error.faults if isinstance(fault, Idle) and fault.path not in named]
            faults = [fault for fault in error.faults if fault.path not in idle]
            if faults or not any(_at(used, key) is not None for key in idle):
                raise SpecError(faults or error.faults) from None
        for key in idle:
            unset(used, key)


def _with_starts(
    tree: Tree, starts_: Tree, sweep: Sweep, given: Sequence[str], named: Collection[str]
) -> tuple[Sweep, Tree]:
    """`_parsed` with these starts; with standard normal ones if these do not fit the network."""
    try:
        return _parsed(tree | {"starts": starts_}, sweep, given, named)
    except SpecError as error:
        others = [fault for fault in error.faults if not fault.path.startswith("starts.")]
        if others:
            raise SpecError(others) from None
        return _parsed(tree | {"starts": {"kind": "normal"}}, sweep, given, named)


def _copied(tree: Tree) -> Tree:
    return {name: dict(table) if isinstance(table, dict) else table for name, table in tree.items()}


def _at(tree: Tree, key: str) -> Any:
    """The value of a key; None if it is not set."""
    section, name = key.split(".")
    return tree.get(section, {}).get(name)


def _runs(spec: Spec) -> int:
    sides = [side.n for side in (spec.starts.x, spec.starts.y) if side is not None]
    return math.prod(sides) * starts.count(spec)


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


def _slice(spec: Spec, x: int, y: int, base: Array, sides: Mapping[int, Side]) -> Tree:
    """The table `starts` of a slice; an axis of `sides`, or of the slice of the spec, keeps its ends."""
    own = {side.index: side for side in (spec.starts.x, spec.starts.y) if side is not None} | {**sides}
    reach = 2 * max(0.5, float(abs(base).max()))
    tables = {}
    for name, index in (("x", x), ("y", y)):
        ends = {"from": -reach, "to": reach, "n": 2}
        if index in own:
            ends = {"from": own[index].from_, "to": own[index].to, "n": own[index].n}
        tables[name] = {"index": index, **ends}
    return {"kind": "slice", "base": base.tolist(), **tables}
