"""The keys of a spec by their dotted paths."""

import re

from pydantic import BaseModel

from saddlescape.spec.model import ELEMENTS, Spec
from saddlescape.spec.values import Section
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
