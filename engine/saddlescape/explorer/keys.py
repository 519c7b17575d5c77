"""The keys of a spec that a page may change, made from the words of the spec."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from saddlescape.spec import Spec
from saddlescape.spec.checks import CHECKS, Idle
from saddlescape.spec.keys import KEYS
from saddlescape.spec.takes import bounds, is_integer, takes, words
from saddlescape.spec.values import as_json
from saddlescape.words.activations import ACTIVATIONS
from saddlescape.words.losses import LOSSES
from saddlescape.words.optimizers import OPTIMIZERS
from saddlescape.words.problems import PROBLEMS
from saddlescape.words.schedules import SCHEDULES

UNSET = ("schema", "title", "problem.file", "problem.test_file", "training.noise", "training.dropout")
"""Keys that a page cannot change, besides those of the starts and records: they change no run, name files, or make a
run depend on more than its start."""

SETTABLE = tuple(key for key in KEYS if key not in UNSET and not key.startswith(("starts.", "record.")))
"""Keys that a page may change."""

FIRST = (
    "training.learning_rate", "training.momentum", "training.time", "training.steps", "training.epochs",
    "network.hidden", "network.activation", "training.optimizer", "training.loss",
)  # fmt: skip
"""Keys that a page shows first, in this order."""

LISTS = ("network.hidden", "training.layer_rates")
"""Keys whose values are lists."""

CHOICES = {"training.batch": ("full", "online"), "network.activation": tuple(ACTIVATIONS)}
"""Words that do not follow from the type; others make a run depend on more than its start."""

SENTENCES: dict[str, dict[str, str]] = {
    "problem.name": {name: its.targets for name, its in PROBLEMS.items()},
    "network.activation": {name: its.formula for name, its in ACTIVATIONS.items()},
    "network.output": {name: its.formula for name, its in ACTIVATIONS.items()},
    "training.loss": {name: f"{its.term}; {its.reduction}" for name, its in LOSSES.items()},
    "training.optimizer": {name: its.step for name, its in OPTIMIZERS.items()},
    "training.schedule": {name: f"the learning rate times {its.factor}" for name, its in SCHEDULES.items()},
}
"""What the words of a key mean."""

NEEDED = {
    "problem.bits": 3, "problem.size": 4, "problem.samples": 60, "problem.inputs": 2, "problem.outputs": 1,
    "problem.hidden": 3, "training.schedule_steps": 100,
}  # fmt: skip
"""First values of keys that some words need."""

PLAIN = {
    "training.batch": ("number of samples per step, in order; online: one", '"full", "online" or a number'),
    "network.activation": ("activation of the hidden units", "an activation, or one for each hidden layer"),
}
"""Sentences and ranges of keys that take less here than in a spec, or whose range refers to a page."""


def fields(spec: Spec, axes: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The keys that a page may change and that the spec uses, with what a page needs to show them; the common first.

    Keys that are axes of the map, or lists with an element that is, are left out.
    """
    keys = [*FIRST, *(key for key in SETTABLE if key not in FIRST)]
    along = [key for key in keys if any(f"{axis}.".startswith(f"{key}.") for axis in axes)]
    return [_field(spec, key) for key in keys if key not in along and _applies(spec, key)]


def needed(key: str, word: Any) -> tuple[str, ...]:
    """Keys that a word of another key needs."""
    if key == "problem.name" and word in PROBLEMS:
        return tuple(f"problem.{name}" for name in PROBLEMS[word].keys)
    return ("training.schedule_steps",) if (key, word) == ("training.schedule", "step") else ()


def is_default(key: str, value: Any) -> bool:
    """Whether a value is the default of a key, whatever the optimizer is."""
    model, name = KEYS[key]
    other = any(name in its.defaults for its in OPTIMIZERS.values())
    return bool(value == as_json(model.model_fields[name].default) and not other)


def _value(spec: Spec, key: str) -> Any:
    section, name = key.split(".")
    return getattr(getattr(spec, section), name)


def _field(spec: Spec, key: str) -> dict[str, Any]:
    model, name = KEYS[key]
    field, value = model.model_fields[name], as_json(_value(spec, key))
    given = CHOICES.get(key) or words(field)
    sentence, range_ = PLAIN.get(key) or (_plain(field.description or ""), takes(field))
    number = "integer" if is_integer(field) else "number"
    kind = "check" if isinstance(value, bool) else "choice" if given else number
    if key in LISTS or isinstance(value, list):
        kind = "list"
    return {
        "key": key, "kind": "text" if key == "training.batch" else kind, "value": value, "sentence": sentence,
        "range": "" if kind in ("check", "choice") and key not in PLAIN else range_, "ends": bounds(field),
        "words": [[word, _plain(SENTENCES.get(key, {}).get(word, ""))] for word in given],
        "optional": field.default is None, "first": key in FIRST,
    }  # fmt: skip


def _plain(text: str) -> str:
    """A sentence of docs/spec.md without Markdown and without references to the rest of the page."""
    text = re.sub(r"; (below|\[below\]\(#[\w-]+\))$", "", text)
    return re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", text).translate({ord("`"): None, ord("*"): None})


def _applies(spec: Spec, key: str) -> bool:
    """Whether another value of a key would change something."""
    if key in ("training.steps", "training.epochs"):
        return (key == "training.epochs") == (spec.training.epochs is not None)
    if key == "problem.name" and spec.problem.file is not None:
        return False
    return not all(_is_idle(spec, key, value) for value in _others(spec, key))


def _others(spec: Spec, key: str) -> Iterator[Any]:
    """Some values of a key, valid or not, that show whether the spec uses it."""
    value, (model, name) = _value(spec, key), KEYS[key]
    if key.startswith("problem."):
        yield NEEDED.get(key, 0.5) if value is None else value
    elif given := CHOICES.get(key) or words(model.model_fields[name]):
        yield from (word for word in given if word != value)
    elif isinstance(value, bool):
        yield not value
    else:
        yield value + 1 if isinstance(value, int | float) else value if value is not None else ()


def _is_idle(spec: Spec, key: str, value: Any) -> bool:
    """Whether a value has no effect; only skip connections and keys of the problem need its data, which take time."""
    section, name = key.split(".")
    changed = spec.changed(section, **{name: value})
    has_data = section == "problem" or key == "network.skip"
    checks = (check for needs, check in CHECKS if has_data or "problem" not in needs)
    faults = (fault for check in checks for fault in check(changed, {key: ()}))
    return any(isinstance(fault, Idle) and fault.path == key for fault in faults)
