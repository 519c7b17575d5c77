"""The spec behind the page: one point of a sweep with a plane through weight space, and its windows as specs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from saddlescape.errors import RefusedError, SpecError
from saddlescape.explore.lattice import Plane, Window
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


@dataclass(frozen=True)
class Document:
    """One point of a sweep, and the plane that the page shows.

    Attributes
    ----------
    sweep : of one point, whose starts are a slice.
    tree : its text as nested tables.
    """

    sweep: Sweep
    tree: Tree
    plane: Plane

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
        return _document(self.tree, self.sweep, given, self.plane.skew)


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
    tree |= {"starts": _slice(spec), "record": {"runs": 0}}
    (x, y) = (tree["starts"][name] for name in ("x", "y"))
    widths = [abs(side["to"] - side["from"]) or 1.0 for side in (x, y)]
    return _document(tree, sweep, (), round(math.log2(widths[1] / widths[0])))


def _document(tree: Tree, sweep: Sweep, given: Any, skew: int) -> Document:
    tree = {name: dict(table) if isinstance(table, dict) else table for name, table in tree.items()}
    override(tree, given, set())
    try:
        parsed = parse(text_of(tree), sweep.folder, (), sweep.kept, generation=sweep.generation)
    except SpecError as error:
        idle = [fault.path for fault in error.faults if isinstance(fault, Idle)]
        if len(idle) < len(error.faults):
            raise
        for key in idle:  # other points of the sweep use it
            unset(tree, key)
        parsed = parse(text_of(tree), sweep.folder, (), sweep.kept, generation=sweep.generation)
    start = parsed.spec.starts
    assert start.base is not None and start.x is not None and start.y is not None  # noqa: PT018
    return Document(parsed, tree, Plane(start.base, start.x.index, start.y.index, skew))


def _check(spec: Spec) -> None:
    keys = spec.training
    if keys.noise or keys.dropout or spec.order != "fixed":
        kinds = "noise, dropout, shuffled or sampled batches"
        raise RefusedError(f"training: has {kinds}, so a run depends on more than its start")
    if spec.n_params < 2:
        raise RefusedError("network: must have at least two parameters, the axes of the map; it has one")


def _slice(spec: Spec) -> Tree:
    """The table `starts` of a slice through the start of run 0."""
    keys = spec.starts
    if keys.kind == "slice" and keys.base and keys.x and keys.y:
        sides = {name: {"index": side.index, "from": side.from_, "to": side.to, "n": side.n}
                 for name, side in (("x", keys.x), ("y", keys.y))}  # fmt: skip
        return {"kind": "slice", "base": list(keys.base), **sides}
    base = starts.draw(spec, np.zeros(1, dtype=np.int64))[0]
    reach = 2 * max(0.5, float(abs(base).max()))
    sides = {name: {"index": k, "from": -reach, "to": reach, "n": 2} for k, name in enumerate("xy")}
    return {"kind": "slice", "base": base.tolist(), **sides}
