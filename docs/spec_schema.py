"""The JSON Schema of a spec (draft 7), from the same declarations that check it; `make tables` writes it."""

import json
import re
from pathlib import Path
from typing import Any

from saddlescape.spec.axes import FIXED
from saddlescape.spec.designs import DESIGNS, MAX_VALUES, Design
from saddlescape.spec.keys import ALIASES, ELEMENTS, KEYS
from saddlescape.spec.sections import PerOutcome
from saddlescape.spec.spec import Spec
from saddlescape.spec.values import BATCHES, ORDERS
from saddlescape.words.activations import ACTIVATIONS

PATH = Path(__file__).parents[1] / "data/spec.schema.json"
DRAFT = "http://json-schema.org/draft-07/schema#"
Node = dict[str, Any]

LIMITS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
"""Limits that pydantic does not translate where a value is converted before it is checked."""

OURS = ("later", "once", "takes", "title")


def enum(words: Any) -> Node:
    """Return the schema of one of the words."""
    return {"enum": list(words)}


def listed(items: Node, **limits: Any) -> Node:
    """Return the schema of a list."""
    return {"type": "array", "items": items, **limits}


def recorded(spacing: str, items: str) -> Node:
    """Return the schema of recorded steps, epochs or times."""
    word = {"type": "string", "pattern": f"^(log|{spacing}):[0-9]+$"}
    return {"anyOf": [word, listed({"type": items, "minimum": 0})]}


def table(**properties: Node) -> Node:
    """Return the schema of a table that needs all these keys."""
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def of_model(model: Any) -> Node:
    """Return the schema of a class of keys, without references."""
    schema = model.model_json_schema(ref_template="{model}")
    return cleaned(schema, schema.pop("$defs", {}))


def cleaned(node: Any, models: Node) -> Any:
    """Return a schema of pydantic without references, null, which TOML lacks, and what editors do not need."""
    if isinstance(node, list):
        return [cleaned(each, models) for each in node]
    if not isinstance(node, dict):
        return node
    choices = [each for each in node.get("anyOf", []) if each != {"type": "null"}]
    if len(choices) == 1:
        node = {name: value for name, value in node.items() if name != "anyOf"} | choices[0]
    node = models.get(node.get("$ref"), {}) | {name: value for name, value in node.items() if name != "$ref"}
    if node.get("default", 0) is None or isinstance(node.get("default"), dict):
        del node["default"]
    if takes := node.get("takes") if isinstance(node.get("takes"), str) else "":
        node["description"] = f"{node['description']} ({takes})"
    if isinstance(node.get("description"), str):
        node["description"] = re.sub(r"\[(.+?)\]\(.+?\)", r"\1", node["description"])
    named = node.pop("properties", {})
    node = {LIMITS.get(name, name): cleaned(value, models) for name, value in node.items() if name not in OURS}
    return node | ({"properties": {name: cleaned(each, models) for name, each in named.items()}} if named else {})


SIZE = {"type": "integer", "minimum": 1}
BY_HAND: dict[str, Node] = {
    "network.activation": {"anyOf": [enum(ACTIVATIONS), listed(enum(ACTIVATIONS), maxItems=8)]},
    "starts.bias_constant": {"anyOf": [{"type": "number"}, listed({"type": "number"}, minItems=1)]},
    "training.batch": {"anyOf": [enum(BATCHES), SIZE, table(size=SIZE, order=enum(ORDERS))]},
    "record.steps": recorded("every", "integer"),
    "record.epochs": recorded("every", "integer"),
    "record.times": recorded("linear", "number"),
    "record.runs": {"anyOf": [enum(["all"]), {"type": "integer", "minimum": 0}, of_model(PerOutcome)]},
}
"""Keys whose values are checked by a function of their own."""


def of_axis() -> Node:
    """Return the schema of an axis."""
    keys = [key for key in KEYS if key not in FIXED and not key.startswith("record.")]
    element = {"type": "string", "pattern": rf"^({'|'.join(map(re.escape, ELEMENTS))})\.[0-9]+$"}
    span = {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3}
    kinds: Node = {
        "values": {"type": "array", "minItems": 1, "maxItems": MAX_VALUES, "description": "the values"},
        "linspace": span | {"description": "from, to, n: evenly spaced values"},
        "logspace": span | {"description": "from, to, n: values with equal quotients"},
        **{name: of_model(Design) for name in DESIGNS},
    }
    name = {"type": "string", "description": "axes with the same name vary together"}
    return {
        "type": "object",
        "properties": {"key": {"anyOf": [enum([*keys, *ALIASES]), element]}, **kinds, "zip": name},
        "required": ["key"],
        "additionalProperties": False,
        "oneOf": [{"required": [kind]} for kind in kinds],
    }  # fmt: skip


def schema() -> Node:
    """Return the schema of a spec."""
    whole = of_model(Spec)
    for key, node in BY_HAND.items():
        section, name = key.split(".")
        its = whole["properties"][section]["properties"]
        its[name] = {"description": its[name]["description"], **node}
    for alias, key in ALIASES.items():
        (section, name), (target, new) = alias.split("."), key.split(".")
        its = whole["properties"][target]["properties"][new]
        whole["properties"][section]["properties"][name] = its | {"description": f"another name of {key}"}
    whole["properties"]["axes"] = listed(of_axis(), description="keys that vary, in a grid unless they are zipped")
    named = {"title": "a sweep of saddlescape", "description": "docs/spec.md explains the keys"}
    return {"$schema": DRAFT, **whole, **named}


def text() -> str:
    """Return the schema as it is written."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
