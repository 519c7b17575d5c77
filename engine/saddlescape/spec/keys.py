"""The keys of a spec by their dotted paths."""

import difflib
import re
from collections.abc import Collection

from pydantic import BaseModel

from saddlescape.spec.model import ELEMENTS, Section, Spec

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


def nearest(word: str, known: Collection[str]) -> str:
    """``; did you mean 'x'?`` for the known word that is nearest, or the words there are."""
    close = difflib.get_close_matches(word, known, 1, 0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
