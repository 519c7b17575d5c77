"""The keys of a spec by their dotted paths."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from saddlescape.errors import Fault
from saddlescape.spec.model import ELEMENTS, Spec
from saddlescape.spec.values import Section, extra_of
from saddlescape.words.suggest import hint, nearest

SECTIONS: dict[str, type[Section]] = {
    name: field.annotation
    for name, field in Spec.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
}
KEYS: dict[str, tuple[type[BaseModel], str]] = {
    "schema": (Spec, "schema_version"),
    "title": (Spec, "title"),
    **{f"{name}.{key}": (model, key) for name, model in SECTIONS.items() for key in model.model_fields},
}
"""Every key of a spec by its dotted path: the class it belongs to and its field."""


FIRST_NAMES = {
    f"{section}.{once}": f"{section}.{name}"
    for section, model in SECTIONS.items()
    for name, field in model.model_fields.items()
    if (once := extra_of(field).get("once"))
}
"""Names that keys had in the first version: results of specs that use them for an axis do, too."""

ALIASES = {**FIRST_NAMES, "training.lr": "training.learning_rate"}
"""Other names of keys."""


def rename(tree: dict[str, Any]) -> Iterator[Fault]:
    """Put keys under their names; a fault where one is there under two."""
    for alias, key in ALIASES.items():
        section, name = alias.split(".")
        table, new = tree.get(section), key.split(".")[1]
        if isinstance(table, dict) and name in table:
            if new in table:
                yield Fault(alias, f"is another name of {key}, which is there, too; leave one out")
            table[new] = table.pop(name)


def is_key(path: str) -> bool:
    """Whether it is a key, or an element of a list of `ELEMENTS`: ``network.hidden.0``."""
    whole, _, place = path.rpartition(".")
    return path in KEYS or (whole in ELEMENTS and re.fullmatch(r"0|[1-9]\d{0,4}", place, re.ASCII) is not None)


def nearest_key(path: str) -> str:
    """``; did you mean 'x'?`` for the key or the section of a spec that is meant, or else those there are."""
    if "." in path:
        return nearest(path, KEYS)
    roots = (*SECTIONS, "axes", "schema", "title")
    return hint(path, (*roots, *KEYS)) or nearest(path, roots)
