"""Differences between two resolved specs, for messages."""

from typing import Any

MAX_LENGTH = 60
"""Characters of a value in a message."""
CONTEXT = 18
"""Characters before the first difference of two long values."""


def differences(old: dict[str, Any], new: dict[str, Any]) -> dict[str, str]:
    """The keys whose values differ, each with its old and new value."""
    before, now = _flat(old), _flat(new)
    changed = [key for key in sorted(before | now) if before.get(key) != now.get(key)]
    return {key: _difference(before, now, key) for key in changed}


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


def _difference(before: dict[str, Any], now: dict[str, Any], key: str) -> str:
    """The values of a key; of long ones the part around the first difference."""
    texts = [repr(values[key]) if key in values else "nothing" for values in (before, now)]
    same = next((k for k, (a, b) in enumerate(zip(*texts, strict=False)) if a != b), min(map(len, texts)))
    first = max(0, same - CONTEXT) if max(map(len, texts)) > MAX_LENGTH else 0
    old, new = (f"{'...' if first else ''}{text[first:][:MAX_LENGTH]}" for text in texts)
    return f"was {old}, is now {new}"
