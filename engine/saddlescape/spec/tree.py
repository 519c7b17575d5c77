"""A spec as nested tables, as TOML has it: set and unset keys by their dotted paths."""

from collections.abc import Iterator
from typing import Any

from saddlescape.errors import Fault
from saddlescape.spec.keys import FACTORS
from saddlescape.spec.sections import NetworkKeys

Tree = dict[str, Any]


def put(tree: Tree, key: str, value: Any) -> Iterator[Fault]:
    """Set a key, or one element of a list; a fault if the list is too short."""
    *sections, name = key.split(".", 2)[:2]
    table = tree.setdefault(sections[0], {}) if sections else tree
    if isinstance(table, dict):
        if key.count(".") < 2:
            table[name] = value
            return
        elements, index = _elements(tree, ".".join((*sections, name))), int(key.rsplit(".", 1)[1])
        if index < len(elements):
            table[name] = [*elements[:index], value, *elements[index + 1 :]]
        else:
            whole = key.rsplit(".", 1)[0]
            yield Fault(key, f"must be an element of {whole}, counted from 0; the list has {len(elements)}")


def put_default(tree: Tree, key: str, value: Any) -> None:
    """Set a key that is not set."""
    section, name = key.split(".")
    table = tree.setdefault(section, {})
    if isinstance(table, dict):
        table.setdefault(name, value)


def unset(tree: Tree, key: str) -> None:
    """Remove a key, so that it has its default."""
    *section, name = key.split(".")
    table = tree.get(section[0]) if section else tree
    if isinstance(table, dict):
        table.pop(name, None)


def _elements(tree: Tree, key: str) -> list[Any]:
    """The list at a key, or its default, which may depend on the number of layers."""
    section, name = key.split(".")
    value, network = tree[section].get(name), tree.get("network", {})
    if isinstance(value, list | tuple):
        return list(value)
    hidden = network.get("hidden") if isinstance(network, dict) else None
    widths = list(hidden) if isinstance(hidden, list | tuple) else list(NetworkKeys().hidden)
    defaults = {"network.hidden": widths, **dict.fromkeys(FACTORS, [1.0] * (len(widths) + 1))}
    if type(value) in (int, float):  # a bias constant of all layers
        defaults["starts.bias_constant"] = [value] * (len(widths) + 1)
    defaults["network.activation"] = [value or NetworkKeys().activation] * len(widths)
    return defaults.get(key, [])
