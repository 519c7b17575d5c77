"""Exact zero stays zero where the mathematics says so, and moves where it says so; docs/zero.md tells."""

import pytest
from zero_table import PAGE, cases, measured, page, predicted


@pytest.mark.parametrize("case", list(cases()), ids=str)
def test_what_moves_from_zero_is_what_the_derivatives_say(case):
    assert measured(*case) == predicted(*case)


def test_the_page_says_what_was_measured():
    assert PAGE.read_text() == page(), "write it again: python tests/zero_table.py"
