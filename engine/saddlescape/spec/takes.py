"""What values a key takes: its words, its bounds, and both as text."""

import json
from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from saddlescape.spec.values import OneOf, extra_of

ENDS = ("ge", "gt", "le", "lt")
"""Pydantic's names of bounds: at least, greater than, at most, less than."""


def words(field: FieldInfo) -> tuple[str, ...]:
    """The words of a key; none if it takes others than words."""
    annotation, metadata = _inmost(field)
    listed = [each.words for each in metadata if isinstance(each, OneOf)]
    return listed[0] if listed else get_args(annotation) if get_origin(annotation) is Literal else ()


def bounds(field: FieldInfo) -> dict[str, float]:
    """The bounds of a number, or of each number of a list, by their names: ge, gt, le and lt."""
    return _bounds(_inmost(field)[1])


def is_integer(field: FieldInfo) -> bool:
    """Whether a key takes integers."""
    return _inmost(field)[0] is int


def takes(field: FieldInfo) -> str:
    """Type and range of a key."""
    annotation, _ = _inmost(field)
    if text := extra_of(field).get("takes"):
        return str(text)
    if given := words(field):
        return ", ".join(map(json.dumps, given)) if get_origin(annotation) is Literal else " ".join(given)
    return "boolean" if annotation is bool else _range({name: _number(end) for name, end in bounds(field).items()})


def _inmost(field: FieldInfo) -> tuple[Any, Sequence[Any]]:
    """The type of a value, or of an element, without None, and what is annotated of it."""
    annotation: Any = field.annotation
    metadata: Sequence[Any] = field.metadata
    while get_args(annotation) and get_origin(annotation) is not Literal and not _says(metadata):
        annotation, *metadata = get_args(annotation)
    return annotation, metadata


def _says(metadata: Sequence[Any]) -> bool:
    return bool(_bounds(metadata)) or any(isinstance(each, OneOf) for each in metadata)


def _bounds(metadata: Sequence[Any]) -> dict[str, float]:
    inner = [each for outer in metadata for each in (outer, *getattr(outer, "metadata", ()))]
    return {name: getattr(each, name) for each in inner for name in ENDS if hasattr(each, name)}


def _number(value: float) -> str:
    for power, text in ((2**63 - 1, "2^63 - 1"), (10**12, "10^12"), (10**9, "10^9")):
        if value == power:
            return text
    return f"{value:g}"


def _range(ends: dict[str, str]) -> str:
    match ends:
        case {"ge": low, "le": high}:
            return f"{low} to {high}"
        case {"gt": low, "le": high}:
            return f"> {low}, at most {high}"
        case {"ge": low, "lt": high}:
            return f"{low} to less than {high}"
        case {"gt": low, "lt": high}:
            return f"> {low}, less than {high}"
        case {"gt": low}:
            return f"> {low}"
        case {"ge": low}:
            return f">= {low}"
    raise ValueError(f"no words for {ends}")
