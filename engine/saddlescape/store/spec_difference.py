"""Differences between two resolved specs, for messages."""

from typing import Any

MAX_LENGTH = 60
"""Characters of a value in a message."""
CONTEXT = 18
"""Characters before the first difference of two long values."""


def differences(old: dict[str, Any], new: dict[str, Any]) -> dict[str, str]:
    """The keys whose values differ, each with its old and new value."""
    return {key: f"was {before}, is now {now}" for key, (before, now) in side_by_side(old, new).items()}


def side_by_side(one: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """The keys whose values differ, each with both values; of long ones the part around the first difference."""
    values, others = _flat(one), _flat(other)
    changed = [key for key in sorted(values | others) if values.get(key) != others.get(key)]
    return {
        key: _shortened(*(repr(each[key]) if key in each else "nothing" for each in (values, others)))
        for key in changed
    }


def _flat(tree: Any) -> dict[str, Any]:
    """The values in nested tables and lists by their paths, such as ``axes[0].values[3]``."""
    values: dict[str, Any] = {}
    left = [("", tree)]
    while left:
        path, value = left.pop()
        if isinstance(value, dict):
            left += [(f"{path}.{key}".removeprefix("."), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            left += [(f"{path}[{index}]", inner) for index, inner in enumerate(value)]
        else:
            values[path] = value
    return values


def _shortened(a: str, b: str) -> tuple[str, str]:
    """Two texts; of long ones the part around the first difference."""
    same = next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    first = max(0, same - CONTEXT) if max(len(a), len(b)) > MAX_LENGTH else 0
    one, other = (f"{'...' if first else ''}{text[first:][:MAX_LENGTH]}" for text in (a, b))
    return one, other
