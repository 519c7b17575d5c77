"""Apply overrides such as ``training.learning_rate=0.1`` to the tree of a spec."""

import contextlib
import json
import re
from collections.abc import Sequence

from saddlescape.errors import Fault
from saddlescape.spec.axes import axis_of, fits
from saddlescape.spec.axis_overrides import PREFIX, key_of, put_axis, remove_axis, tables_of
from saddlescape.spec.keys import ALIASES, is_key, similar_key
from saddlescape.spec.toml import value_of
from saddlescape.spec.tree import Tree, put, unset

ALTERNATIVES = {
    "training.epochs": "training.steps",
    "training.steps": "training.epochs",
    "problem.name": "problem.file",
    "problem.file": "problem.name",
}
"""Keys that replace each other: an override of one of them unsets the other."""


def override(tree: Tree, overrides: Sequence[str]) -> tuple[set[str], list[Fault]]:
    """Apply the overrides to `tree`; the keys that they set, except those of axes, and their faults."""
    keys: set[str] = set()
    faults = []
    for text in overrides:
        key, equals, value = (part.strip() for part in text.partition("="))
        key = ALIASES.get(key, key)
        axes = {key_of(table) for table in tables_of(tree)}
        axis = next((name for name in (key, key.rpartition(".")[0]) if name in axes), None)
        if not equals:
            faults.append(Fault(key, "must be KEY=VALUE, for example training.learning_rate=0.1"))
        elif key.startswith(PREFIX):
            its = key.removeprefix(PREFIX)
            faults += put_axis(tree, ALIASES.get(its, its), value)
        elif not is_key(key):
            faults.append(Fault(key, f"is not a key{similar_key(key)}"))
        elif axis == key and not value:
            remove_axis(tree, key)
        elif axis is not None:
            remedy = f"change it with --axis {axis}=VALUES, or remove it with --set {axis}="
            faults.append(Fault(key, f"is an axis of this sweep; {remedy}"))
        elif not value and key.count(".") < 2:
            unset(tree, key)
            keys.discard(key)
        elif isinstance(tree.get(key.split(".")[0], {}), dict) or "." not in key:
            try:
                faults += put(tree, key, value_of(value))
                keys.add(key)
            except ValueError:
                requirement = f"must be set to a TOML value or a bare word; got {value!r:.80}"
                faults.append(Fault(key, requirement + _remedy(key, value)))
    for key in keys & ALTERNATIVES.keys():
        if ALTERNATIVES[key] not in keys:
            unset(tree, ALTERNATIVES[key])
    return keys, faults


def _remedy(key: str, text: str) -> str:
    """How to write a value that is not TOML, if what was meant can be guessed."""
    words = re.sub(r"[A-Za-z_][\w.-]*", lambda word: json.dumps(word[0]), text)
    inner = words.strip("()[]{}")
    for value in (words, f"[{inner}]", inner.replace(",", "."), json.dumps(text, ensure_ascii=False)):
        with contextlib.suppress(ValueError):
            if fits(key, value_of(value)):
                shell = "; the shell removes quotes" if '"' in value else ""
                return f"{shell}; write '{key}={value}'"
    with contextlib.suppress(ValueError):
        return axis_of(key, [value_of(part.strip()) for part in text.split(",")])
    return ""
