"""Parse the TOML of a spec, within limits of its size and depth."""

import re
import tomllib
from typing import Any

from saddlescape.spec.tree import Tree

MAX_DEPTH, MAX_KEYS = 16, 1000

STRINGS = re.compile(
    r'''"""(?:\\.|(?!""")[^\\])*+(?:"""|\Z)|"(?:\\.|[^"\\\n])*+"?'''
    r"""|'{3}(?:(?!'{3}).)*+(?:'{3}|\Z)|'[^'\n]*+'?|#[^\n]*+""",
    re.DOTALL,
)
"""Strings and comments of TOML."""
DEEP = re.compile(rf"""(?<![\w-])(?:(?:[\w-]++|["'])[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}}""")
"""A dotted key of more parts than a spec has, in a text whose strings are replaced by their first quotes."""


def parse_toml(text: str) -> Tree:
    """The table that a TOML text contains; ValueError if it is not TOML, nested too deeply, or has too many keys."""
    too_deep = ValueError(f"nested more than {MAX_DEPTH} deep")
    if DEEP.search(STRINGS.sub(lambda match: match[0][:1], text)):  # tomllib takes time quadratic in the length
        raise too_deep
    try:
        tree = tomllib.loads(text)
    except RecursionError:
        raise too_deep from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{error}{_line(str(error), text)}") from None
    level: list[Any] = [tree]
    keys = 0
    for _ in range(MAX_DEPTH):
        tables = [item for item in level if isinstance(item, dict | list)]
        keys += sum(len(item) for item in tables if isinstance(item, dict))
        level = [inner for item in tables for inner in (item.values() if isinstance(item, dict) else item)]
    if level:
        raise too_deep
    if keys > MAX_KEYS:  # a suggestion for an unknown key takes milliseconds
        raise ValueError(f"more than {MAX_KEYS} keys")
    return tree


def _line(message: str, text: str) -> str:
    """The line of a text that a message of `tomllib` tells by its number, as an addition to the message."""
    told = re.search(r"\(at line (\d+),", message)
    return f": {text.split(chr(10))[int(told[1]) - 1].strip()!r:.80}" if told else ""


def value_of(text: str) -> Any:
    """A TOML value, or a bare word as a string; ValueError if the text is neither."""
    try:
        document = parse_toml(f"v = {text}")
    except ValueError:
        if not re.fullmatch(r"[\w./\\:-]+", text):
            raise
        return text
    if list(document) != ["v"]:
        raise ValueError(text)
    return document["v"]
