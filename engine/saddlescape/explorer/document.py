"""The spec behind the page: one point of a sweep with a plane through weight space, and its windows as specs."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from saddlescape.errors import RefusedError, SpecError
from saddlescape.explorer.keys import NEEDED, SETTABLE, is_default, needed
from saddlescape.explorer.lattice import Array, Integers, Plane, Window
from saddlescape.explorer.numbers import Number, allowed, numbers_of, probes
from saddlescape.explorer.planes import SIDES, Axis, ends_of, plane_of, table_of_starts, tables_of_axes
from saddlescape.explorer.points import Point, Starting, base_of, is_trained, never, run_of
from saddlescape.explorer.train import Asked
from saddlescape.network import layout
from saddlescape.plan import starts
from saddlescape.spec import Spec, Sweep, parse
from saddlescape.spec.checks import Idle
from saddlescape.spec.from_python import toml_of
from saddlescape.spec.keys import rename
from saddlescape.spec.overrides import override
from saddlescape.spec.sections import Side
from saddlescape.spec.toml import parse_toml
from saddlescape.spec.tree import Tree, put, put_default, unset
from saddlescape.spec.values import as_json
from saddlescape.spec.window import text_of
from saddlescape.words.suggest import nearest


@dataclass(frozen=True)
class Document:
    """One point of a sweep, and the plane that the page shows.

    Attributes
    ----------
    sweep : of one point, whose starts are a slice; or of the numbers that are axes.
    tree : its text as nested tables.
    origin : the point with its own starts; with standard normal ones if its own do not fit the network.
    point : what the plane goes through.
    opened : the tables of the point as they were opened, with its own starts.
    fits : whether its own starts fit the network.
    source : the sweep that was opened, with all its points.
    at : number of the point in the sweep.
    """

    sweep: Sweep
    tree: Tree
    plane: Plane
    origin: Spec
    point: Point
    opened: Tree
    source: Sweep
    at: int = 0
    fits: bool = True
    _allowed: dict[tuple[str, float], bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def spec(self) -> Spec:
        """The spec of the point."""
        return self.sweep.spec

    @cached_property
    def ends(self) -> dict[str, tuple[float, float]]:
        """The ends of both axes that the page shows first."""
        return ends_of(self.spec, self._axes)

    @property
    def values(self) -> dict[str, Any]:
        """The values of the axes of the sweep at its point, by their keys."""
        index = np.unravel_index(self.at, self.source.shape) if self.source.shape else ()
        sides = zip(self.source.grid, map(int, index), strict=True)
        return {axis.name: as_json(axis.values[i]) for side, i in sides for axis in side}

    @cached_property
    def numbers(self) -> dict[str, Number]:
        """The numbers of the spec that can be axes, by their names."""
        return numbers_of(self.origin, self.source.axes)

    def runs_of(self, k: int, n: Integers, m: Integers) -> Starting:
        """The runs of the plane at points of level k."""
        theta, values = self.plane.starts(k, n, m), self.plane.values(k, n, m)
        there = allowed(self.spec, values, self._allowed) if values else np.ones(len(n), dtype=bool)
        drawn = {key: values.pop(key)[there] for key in [*values] if key.startswith("starts.")}
        if drawn:
            run = np.full(int(there.sum()), run_of(self.point), dtype=np.int64)
            theta[there] = starts.draw(self.spec, run, numbers=drawn)
        return Starting(theta, values, there)

    def window(self, window: Window) -> str:
        """A spec, as TOML, of the runs of a window, the same as those of the page to the bit.

        An axis that is a number of the spec has all values of the window that the spec can have.

        Raises
        ------
        SpecError
            If there is none, for example because values are too large for float32.
        """
        sides = dict(zip(SIDES, window.sides(self.plane), strict=True))
        lines = {"x": (window.n, window.k), "y": (window.m, window.k + self.plane.skew)}
        if not self.plane.numbers:
            return self.sweep.window(*sides.values()).text
        table = dict(self.tree["starts"])
        for name, axis in zip(SIDES, self._axes, strict=True):
            if not isinstance(axis, Number):
                table[name] = {"index": axis, **dict(zip(("from", "to", "n"), sides.pop(name), strict=True))}
        values = {
            axis.key: self._values(axis, *lines[name])
            for name, axis in zip(SIDES, self._axes, strict=True) if isinstance(axis, Number)
        }  # fmt: skip
        made, _ = _parsed(self.tree | {"starts": table, "axes": tables_of_axes(values)}, self.sweep, ())
        if made.data != self.sweep.data:
            raise RefusedError("problem.file: has changed since it was opened; open it again")
        return made.text

    def _values(self, axis: Number, ends: tuple[int, int], level: int) -> list[float]:
        """The values of an axis that the spec can have."""
        values = axis.values(np.ldexp(np.arange(ends[0], ends[1] + 1).astype(float), level))
        there = values[allowed(self.spec, {axis.key: values}, self._allowed)]
        if not len(there):
            raise RefusedError(f"{axis.key}: the view has no value that it can have; move the view")
        return list(there.tolist())

    def changed(self, values: Mapping[str, Any], stale: Asked = never) -> "Document":
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
        own, tree = _with_starts(self.tree | {"axes": []}, self.opened.get("starts", {}), self.sweep, given, values)
        _check(own.spec)
        fits = tree["starts"] == self.opened.get("starts", {})
        if own.spec.shape == self.spec.shape and not is_trained(self.point):
            same = {name: self.tree[name] for name in ("starts", "axes") if name in self.tree}
            sweep, tree = _parsed(tree | same, self.sweep, (), values)
            return replace(self, sweep=sweep, tree=tree, origin=own.spec, fits=fits)
        moved = replace(self, tree=tree, origin=own.spec, fits=fits)
        x, y, point, sides = self._kept(own.spec)
        return moved._along(x, y, point, base_of(own.spec, point, moved.runs, stale), sides)

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
        values = {key: _at(self.tree, key) for key in SETTABLE}
        return {
            key: "" if value is None else value
            for key, value in values.items()
            if value != _at(self.opened, key) and (value is None or self._uses(key))
        }

    def _uses(self, key: str) -> bool:
        section, name = key.split(".")
        return name in getattr(self.spec, section).model_fields_set

    @property
    def points(self) -> list[str]:
        """The points that are no runs."""
        return ["slice", "zero", "solution"] if self.origin.starts.kind == "slice" else ["zero", "solution"]

    @property
    def runs(self) -> int:
        """Number of runs of the point with its own starts."""
        return starts.of_point(self.origin)

    def through(
        self, x: int | str, y: int | str, point: Point, at: int | None = None, stale: Asked = never
    ) -> "Document":
        """With the plane along two axes, each a parameter or the name of one of `numbers`, through a point.

        Parameters
        ----------
        at : the point of the sweep that was opened; by default the present one.

        Raises
        ------
        RefusedError
            If there is no such point or number.
        SpecError
            If the axes are the same, or there is no such parameter.
        Stale
            If `stale()` is true while runs are trained.
        """
        if at not in (None, self.at):
            other = document(self.source, at)
            other = other.changed(self.changes) if self.changes else other
            return other.through(x, y, point, None, stale)
        known = is_trained(point) and point == self.point
        base = np.array(self.plane.base) if known else base_of(self.origin, point, self.runs, stale)
        return self._along(self._axis(x), self._axis(y), point, base, {})

    def _axis(self, name: int | str) -> Axis:
        if isinstance(name, int):
            return name
        if name not in self.numbers:
            raise RefusedError(f"{name}: cannot be an axis of this map{nearest(name, self.numbers)}")
        return self.numbers[name]

    def _along(self, x: Axis, y: Axis, point: Point, base: Array, sides: Mapping[int, Side]) -> "Document":
        """With the plane along two axes through `base`; parameters with one of `sides` keep its ends."""
        axes = x, y
        own = self.opened.get("starts", {}) if self.fits else {"kind": "normal"}
        table = table_of_starts(self.origin, own, axes, point, base, sides)
        numbers = {axis.key: probes(self.origin, axis) for axis in axes if isinstance(axis, Number)}
        if isinstance(x, Number) and isinstance(y, Number) and len(numbers) < 2:
            raise RefusedError(f"axes: must differ; got {x.key} twice; choose another number")
        given = {"starts": table, "axes": tables_of_axes(numbers)}
        sweep, tree = _parsed(self.tree | given, self.sweep, ())
        return replace(self, sweep=sweep, tree=tree, plane=plane_of(sweep.spec, axes, base), point=point)

    def _kept(self, spec: Spec) -> tuple[Axis, Axis, Point, dict[int, Side]]:
        """The axes, the point and the ends of the plane that another network has, too; others in place of the rest."""
        new = {layout.name(place): index for index, place in enumerate(layout.places(*spec.shape))}
        names = [layout.name(place) for place in layout.places(*self.spec.shape)]
        named = zip(SIDES, self._axes, strict=True)
        shown = [getattr(self.spec.starts, name) for name, axis in named if not isinstance(axis, Number)]
        sides = {new[names[side.index]]: side for side in shown if names[side.index] in new}
        free, numbers = (index for index in range(spec.n_params) if index not in sides), numbers_of(spec)

        def kept(axis: Axis) -> Axis:
            there = axis.name in numbers if isinstance(axis, Number) else names[axis] in new
            return next(free) if not there else axis if isinstance(axis, Number) else new[names[axis]]

        kinds = {each.starts.kind == "slice" for each in (spec, self.origin)}
        run = run_of(self.point)
        in_range = run is None or run < starts.of_point(spec)
        is_there = len(kinds) == 1 and not isinstance(self.point, tuple) and in_range
        return kept(self.plane.x), kept(self.plane.y), self.point if is_there else _first(spec)[0], sides

    @property
    def _axes(self) -> tuple[Axis, Axis]:
        return self.plane.x, self.plane.y


def document(sweep: Sweep, at: int = 0) -> Document:
    """The document of a point of a sweep, by default the first one.

    If it is no slice, the plane goes through the start of run 0, along its first two parameters.

    Raises
    ------
    RefusedError
        If there is no such point, a run depends on more than its start, or the network has one parameter.
    """
    if not 0 <= at < (points := math.prod(sweep.shape)):
        raise RefusedError(f"at: must be a point of the sweep from 0 to {points - 1}; got {at}")
    index = tuple(map(int, np.unravel_index(at, sweep.shape))) if sweep.shape else ()
    tree: Tree = {"starts": {}} | parse_toml(sweep.text)
    list(rename(tree))
    override(tree, sweep.overrides)
    tree.pop("axes", None)
    values = [(axis.key, axis.values[i]) for side, i in zip(sweep.grid, index, strict=True) for axis in side]
    for key, value in sorted(values, key=lambda pair: pair[0].count(".")):
        list(put(tree, key, as_json(value)))
    if sweep.generation == 1 and "events" not in tree:
        put_default(tree, "stop.solved", sweep.spec.stop.solved)  # runs were not solved by their accuracy then
    spec = sweep.at(index)
    _check(spec)
    point, axes, base = _first(spec)
    opened = tree | {"record": {"runs": 0}}
    made, tree = _parsed(opened | {"starts": table_of_starts(spec, {}, axes, point, base, {})}, sweep, ())
    return Document(made, tree, plane_of(made.spec, axes, base), spec, point, opened, sweep, at)


def _parsed(tree: Tree, sweep: Sweep, given: Sequence[str], named: Collection[str] = ()) -> tuple[Sweep, Tree]:
    """A sweep of one point from tables with overrides; and the tables.

    Keys that it does not use, as other points or other values of keys do, are left out of its text, unless they are
    named.
    """
    tree = _copied(tree)
    override(tree, given)
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
