"""The tables of the pages are up to date with the vocabulary."""

import tomllib

import pytest
from tables import PAGES, TABLES, written

from saddlescape.spec.keys import KEYS


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_tables_of_a_page_are_up_to_date(path):
    page = path.read_text(encoding="utf-8")
    assert page == written(page), "write them again: make tables"


def test_every_table_is_on_a_page_once():
    pages = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    assert [pages.count(f"<!-- table {table.__name__} -->") for table in TABLES] == [1] * len(TABLES)


@pytest.mark.parametrize("key", KEYS)
def test_a_default_on_the_page_is_the_default_of_the_key(key):
    row = next(line for line in PAGES[0].read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{key}` |"))
    default_text, (model, name) = row.split(" | ")[2], KEYS[key]
    default = model.model_fields[name].default
    if default is None:
        assert default_text == "-"
    elif key == "record.fields":
        assert tuple(default_text.split()) == default
    else:
        value = tomllib.loads(f"value = {default_text}")["value"]
        assert (tuple(value) if isinstance(value, list) else value) == default
