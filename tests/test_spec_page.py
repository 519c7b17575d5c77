"""The page of the spec's keys: every key of the model is there, with its default and its words."""

import re
import tomllib
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest

from saddlescape.spec.axes import FIXED, KINDS, MAX_DIMENSIONS
from saddlescape.spec.designs import Design
from saddlescape.spec.keys import KEYS
from saddlescape.spec.model import ELEMENTS
from saddlescape.spec.sweep import MAX_STRUCTURES
from saddlescape.words.activations import ACTIVATIONS

PAGE = (Path(__file__).parents[1] / "docs/spec.md").read_text()
WITHOUT = ("-", "drawn", "all 1")
"""What the page says in place of a default where leaving a key out is a choice of its own."""


def rows():
    """(type, default) of each key in the first table; a row may have several keys that share a section."""
    found = {}
    for line in re.findall(r"^\| `.*", PAGE.split("## ")[0], re.MULTILINE):
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        names = re.findall(r"`([\w.]+)`", cells[0])
        defaults = cells[2].split(", ") if len(names) > 1 and cells[2].count(",") else [cells[2]] * len(names)
        for name, default in zip(names, defaults, strict=True):
            whole = names[0].split(".")[0] + name if name.startswith(".") else name
            assert whole not in found
            found[whole] = cells[1], default
    return found


ROWS = rows()


def default_of(key):
    model, name = KEYS[key]
    return model.model_fields[name].default


def words_of(annotation):
    """The words that a key takes."""
    if get_origin(annotation) is Literal:
        return [word for word in get_args(annotation) if isinstance(word, str)]
    return [word for part in get_args(annotation) for word in words_of(part)]


def test_the_page_has_the_keys_of_the_model_and_no_others():
    assert ROWS.keys() == KEYS.keys()


@pytest.mark.parametrize("key", KEYS)
def test_the_page_tells_the_default(key):
    told, default = ROWS[key][1], default_of(key)
    if default is None:
        assert told in WITHOUT
    elif isinstance(default, tuple) and isinstance(default[0], str):
        assert told.split() == list(default)
    else:
        value = tomllib.loads(f"value = {told}")["value"]
        assert (tuple(value) if isinstance(value, list) else value) == default


@pytest.mark.parametrize("key", KEYS)
def test_the_page_tells_the_words_that_a_key_takes(key):
    model, name = KEYS[key]
    words, told = words_of(model.model_fields[name].annotation), ROWS[key][0]
    if words == list(ACTIVATIONS):
        assert told == "an activation"
        told = PAGE.split("## Activations")[1].split("`")[1]
    elif "measures.md" in told:
        told = (Path(__file__).parents[1] / "docs/measures.md").read_text()
    assert set(words) <= set(re.findall(r"\w+", told))


def test_the_page_tells_what_an_axis_may_be():
    axes = PAGE.split("## Axes")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+) =", axes, re.MULTILINE)) == set(KINDS)
    designs = re.findall(r"^\| `(?:random|sobol) = {(.*?)}`", axes, re.MULTILINE)
    assert [told.split(", ") for told in designs] == 2 * [[f.alias or name for name, f in Design.model_fields.items()]]
    for key in (*FIXED, *(f"`{key}." for key in ELEMENTS), str(MAX_STRUCTURES), f"{MAX_DIMENSIONS} dimensions"):
        assert key in axes
