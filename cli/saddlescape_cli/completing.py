"""What a shell offers for arguments: names of sweeps, and keys of a spec with their words."""

import json
from functools import cache
from typing import Any

import click
from click.shell_completion import CompletionItem

from saddlescape.system import bundled


def spec_name(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the bundled sweeps, or else files."""
    names = [CompletionItem(name) for name in bundled.sweeps() if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="file")]


@cache
def _sections() -> dict[str, dict[str, Any]]:
    tables = json.loads(bundled.schema().read_text(encoding="utf-8"))["properties"]
    return {name: table["properties"] for name, table in tables.items() if "properties" in table}


def _words(key: str) -> list[str]:
    """The words that a key can have."""
    section, _, name = key.partition(".")
    its = _sections().get(section, {}).get(name, {})
    words = [word for each in (its, *its.get("anyOf", [])) for word in each.get("enum", [])]
    return ["true", "false"] if its.get("type") == "boolean" else words


def key_and_value(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the keys of a spec and, after the key, its words."""
    key, equals, value = incomplete.partition("=")
    if equals:
        done, comma, last = value.rpartition(",")
        return [CompletionItem(f"{key}={done}{comma}{word}") for word in _words(key) if word.startswith(last)]
    keys = [f"{section}.{name}" for section, table in _sections().items() for name in table]
    return [CompletionItem(f"{each}=") for each in keys if each.startswith(key)]
