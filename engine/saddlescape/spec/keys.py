"""The keys of a spec by their dotted paths, their other names, and what kind of key each is."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from saddlescape.errors import Fault
from saddlescape.spec.spec import Spec
from saddlescape.spec.values import Activation, NonNegative, Section, Width, extra_of
from saddlescape.words.optimizers import HYPERPARAMETERS
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
"""Each key of a spec by its dotted path: its class and the name of its field."""

EVENTS = ("stop.solved", "events.accuracy", "events.loss")
"""Keys of the events that make a run solved; `events.accuracy` has a default that depends on the problem."""

NUMERIC = (
    "starts.scale",
    *(f"training.{name}" for name, its in HYPERPARAMETERS.items() if its.by_run),
    "training.schedule_decay",
    "training.schedule_steps",
    "training.warmup",
    "training.bias_rate",
    "training.dropout",
    "stop.solved",
    "stop.gradient",
    "stop.diverged",
    "starts.centre",
    "starts.bias_scale",
    "starts.bias_constant",
    *EVENTS[1:],
)
"""Keys that only change a number of a run, but not the network, its data or its kernel; so do those of `BY_LAYER`."""

FACTORS = ("training.layer_rates", "starts.layer_scales")
"""Keys with one factor for each layer of weights, 1 by default."""

BY_LAYER = (*FACTORS, "starts.bias_constant")
"""Keys with one number for each layer of weights."""


def is_number(key: str) -> bool:
    """Whether a key only changes a number of a run: one of `NUMERIC`, or the number of one layer."""
    return key in NUMERIC or key.rpartition(".")[0] in BY_LAYER


ELEMENTS: dict[str, Any] = {
    "network.hidden": Width,
    "network.activation": Activation,
    "starts.base": float,
    "starts.direction": float,
    **dict.fromkeys(FACTORS, NonNegative),
    "starts.bias_constant": float,
}
"""Keys that are lists, with the types of their elements; an element is a key too: ``network.hidden.0``."""

FIRST_NAMES = {
    f"{section}.{once}": f"{section}.{name}"
    for section, model in SECTIONS.items()
    for name, field in model.model_fields.items()
    if (once := extra_of(field).get("once"))
}
"""Names that keys had in the first version; if a spec uses one for an axis, so does its result."""

ALIASES = {**FIRST_NAMES, "training.lr": "training.learning_rate", "events.solved": "stop.solved"}
"""Other names of keys."""


def rename(tree: dict[str, Any]) -> Iterator[Fault]:
    """Replace other names of keys in `tree`; a fault for each key that is set under two names."""
    for alias, key in ALIASES.items():
        (section, name), (target, new) = alias.split("."), key.split(".")
        table, other = tree.get(section), tree.get(target, {})
        if isinstance(table, dict) and name in table and isinstance(other, dict):
            if new in other:
                yield Fault(alias, f"is another name of {key}, which is also set; leave one out")
            tree.setdefault(target, other)[new] = table.pop(name)


def is_key(path: str) -> bool:
    """Whether a path is a key, or an element of a list in `ELEMENTS`, such as ``network.hidden.0``."""
    whole, _, index = path.rpartition(".")
    return path in KEYS or (whole in ELEMENTS and re.fullmatch(r"0|[1-9]\d{0,4}", index, re.ASCII) is not None)


def similar_key(path: str) -> str:
    """``; did you mean 'x'?`` for the key that `path` resembles, or else all keys."""
    element = re.sub(r"\[(\d+)\]$", r".\1", path)  # network.hidden[0] is what messages call network.hidden.0
    return f"; did you mean {element!r}?" if is_key(element) else nearest(path, KEYS)


def nearest_key(path: str) -> str:
    """``; did you mean 'x'?`` for the key or section that `path` resembles, or else the keys or sections of a spec."""
    if "." in path:
        return similar_key(path)
    roots = (*SECTIONS, "axes", "schema", "title")
    return hint(path, (*roots, *KEYS)) or nearest(path, roots)
