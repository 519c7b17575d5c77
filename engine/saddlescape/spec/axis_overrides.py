"""Axes set by overrides such as ``axes.starts.scale=log:1e-3:1:25``, in the tree of a spec."""

import re
from collections.abc import Iterator, Sequence

from saddlescape.errors import Fault
from saddlescape.spec.axes import KINDS, fits
from saddlescape.spec.keys import ALIASES
from saddlescape.spec.toml import value_of
from saddlescape.spec.tree import Tree

PREFIX = "axes."
SPACES = {"log": "logspace", "lin": "linspace"}


def tables_of(tree: Tree) -> list[Tree]:
    """The tables of axes of a spec, as far as they are tables."""
    tables = tree.get("axes", [])
    return [table for table in tables if isinstance(table, dict)] if isinstance(tables, list) else []


def key_of(table: Tree) -> str:
    """The key of an axis by its present name."""
    name = str(table.get("key"))
    return ALIASES.get(name, name)


def remove_axis(tree: Tree, key: str) -> bool:
    """Remove the axis of a key; whether there was one."""
    left = [table for table in tables_of(tree) if key_of(table) != key]
    there = len(left) < len(tables_of(tree))
    if there:
        tree["axes"] = left
    return there


def put_axis(tree: Tree, key: str, text: str) -> Iterator[Fault]:
    """Set the values of an axis, which keeps its place and its `zip`, or add an axis; without text remove it."""
    if not text:
        if not remove_axis(tree, key):
            yield Fault(PREFIX + key, "must be an axis of this sweep, to be removed")
        return
    try:
        values = _values(key, text)
    except ValueError:
        requirement = "must be set to values, such as 0,0.1,1 or log:1e-3:1:25 or lin:0:1:5"
        yield Fault(PREFIX + key, f"{requirement}; got {text!r:.80}")
        return
    for table in tables_of(tree):
        if key_of(table) == key:
            for kind in KINDS:
                table.pop(kind, None)
            table |= values
            return
    if isinstance(tree.setdefault("axes", []), list):
        tree["axes"].append({"key": key, **values})


def _values(key: str, text: str) -> Tree:
    kind, *numbers = text.split(":")
    if kind in SPACES and numbers:
        first, last, count = (value_of(number.strip()) for number in numbers)  # ValueError if they are not three
        return {SPACES[kind]: [first, last, count]}
    try:
        values = value_of(f"[{text}]")
    except ValueError:
        values = [value_of(word.strip()) for word in text.split(",")]
    if len(values) == 1 and isinstance(values[0], list) and not fits(key, values[0]):
        values = values[0]
    return {"values": values}


def named(faults: Sequence[Fault], tree: Tree, overrides: Sequence[str]) -> list[Fault]:
    """The faults, of which those of axes that overrides set are named by their keys instead of their numbers."""
    keys = {text.partition("=")[0].strip() for text in overrides}
    names = {
        f"axes[{number}]": PREFIX + key
        for number, key in enumerate(map(key_of, tables_of(tree)))
        if PREFIX + key in keys
    }

    def renamed(path: str) -> str:
        return re.sub(r"^axes\[\d+\]", lambda number: names.get(number[0], number[0]), path)

    return [fault._replace(path=renamed(fault.path)) for fault in faults]
