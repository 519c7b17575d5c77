"""The tables of the pages are those that the words make."""

import tomllib

import pytest
from tables import PAGES, TABLES, written

from saddlescape.spec.keys import KEYS


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_tables_of_a_page_are_those_of_the_words(path):
    page = path.read_text(encoding="utf-8")
    assert page == written(page), "write them again: make tables"


def test_every_table_is_on_a_page_once():
    pages = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    assert [pages.count(f"<!-- table {table.__name__} -->") for table in TABLES] == [1] * len(TABLES)


@pytest.mark.parametrize("key", KEYS)
def test_the_page_tells_a_default_that_the_key_may_have(key):
    row = next(line for line in PAGES[0].read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{key}` |"))
    told, (model, name) = row.split(" | ")[2], KEYS[key]
    default = model.model_fields[name].default
    if default is None:
        assert told == "-"
    elif key == "record.fields":
        assert tuple(told.split()) == default
    else:
        value = tomllib.loads(f"value = {told}")["value"]
        assert (tuple(value) if isinstance(value, list) else value) == default
