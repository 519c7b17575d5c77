"""Another window of the plane that a sweep shows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from saddlescape.errors import RefusedError
from saddlescape.spec.from_python import key_of, toml_of
from saddlescape.spec.keys import rename
from saddlescape.spec.loading import parse
from saddlescape.spec.overrides import override
from saddlescape.spec.sweep import Sweep
from saddlescape.spec.toml import parse_toml
from saddlescape.spec.tree import Tree, put
from saddlescape.system.arguments import ArgumentError

Side = Mapping[str, Any] | Sequence[float]
"""A side of a window: three numbers, or a dict."""


def window(sweep: Sweep, x: Side, y: Side) -> Sweep:
    """The sweep of another window; see `Sweep.window`."""
    tree, given = _tree(sweep), {"x": x, "y": y}
    numbers = {name: isinstance(side, Mapping) and "key" in side for name, side in given.items()}
    if any(numbers.values()) or (len(sweep.axes) == 2 and sweep.spec.starts.kind != "slice"):
        _fix(tree, sweep)
        tree["axes"] = [_axis(sweep, *side) for side in given.items()]
    else:
        tree["starts"] = {**tree.get("starts", {}), **{name: _side(sweep, name, side) for name, side in given.items()}}
    made = parse(text_of(tree), sweep.folder, (), sweep.kept, "window", generation=sweep.generation)
    for name, digest in made.data.items():
        if sweep.data.get(name, digest) != digest:
            raise RefusedError(f"{name}: has changed since the sweep was loaded; load the sweep again")
    return made


def text_of(tree: Tree) -> str:
    """The TOML text of a spec."""
    tables = {name: value for name, value in tree.items() if isinstance(value, Mapping)}
    lines = [_line(name, value) for name, value in tree.items() if name not in tables and name != "axes"]
    for name, table in tables.items():
        lines += [f"[{name}]", *(_line(key, value) for key, value in table.items())]
    for axis in tree.get("axes", []):
        lines += ["[[axes]]", *(_line(key, value) for key, value in axis.items())]
    return "".join(f"{line}\n" for line in lines)


def _line(key: str, value: Any) -> str:
    return f"{key_of(key)} = {toml_of(value)}"


def _tree(sweep: Sweep) -> Tree:
    """The spec of a sweep as tables, with its overrides."""
    tree = parse_toml(sweep.text)
    list(rename(tree))
    override(tree, sweep.overrides)
    return tree


def _fix(tree: Tree, sweep: Sweep) -> None:
    """Set the keys of the axes to their first values."""
    for axis in sorted(sweep.axes, key=lambda axis: axis.key.count(".")):
        list(put(tree, axis.key, axis.values[0]))


def _axis(sweep: Sweep, name: str, side: Side) -> Tree:
    """The table of an axis of the window."""
    if isinstance(side, Mapping):
        if "key" not in side:
            raise ArgumentError(f'{name} must have a key, such as "training.learning_rate"; got {side!r:.80}')
        return dict(side)
    if len(sweep.axes) != 2:
        raise ArgumentError(f"{name} must be a dict with a key, as the sweep has not two axes; got {side!r:.80}")
    return {"key": sweep.axes["xy".index(name)].key, "linspace": _triple(name, side)}


def _side(sweep: Sweep, name: str, side: Side) -> Tree:
    """The table of a side of a slice."""
    old = getattr(sweep.spec.starts, name)
    if sweep.spec.starts.kind != "slice" or old is None:
        requirement = "must be a dict with a key and its values, as the sweep has neither a slice nor two axes"
        raise ArgumentError(f"{name} {requirement}; got {side!r:.80}")
    own = dict(side) if isinstance(side, Mapping) else dict(zip(("from", "to", "n"), _triple(name, side), strict=True))
    return {**old.model_dump(by_alias=True), **own}


def _triple(name: str, side: Any) -> list[Any]:
    values = np.asarray(side, dtype=object).tolist() if not isinstance(side, str | Mapping) else None
    if not isinstance(values, list) or len(values) != 3:
        raise ArgumentError(f"{name} must be three numbers (from, to, n), or a dict; got {side!r:.80}")
    return values
