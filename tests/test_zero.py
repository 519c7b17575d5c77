"""Exact zero stays zero where the mathematics says so, and moves where it says so; docs/zero.md tells."""

import pytest
from kernel_cases import ACTIVATIONS
from zero_table import PAGE, XOR_01, cases, measured, page, predicted


@pytest.mark.parametrize("case", list(cases()), ids=str)
def test_what_moves_from_zero_is_what_the_derivatives_say(case):
    assert measured(*case) == predicted(*case)


@pytest.mark.parametrize("output", ACTIVATIONS)
@pytest.mark.parametrize("loss", ["half_sse", "mse", "huber"])
def test_what_moves_from_zero_is_predicted_for_every_activation_of_the_outputs(output, loss):
    assert measured("logistic", loss, output, XOR_01) == predicted("logistic", loss, output, XOR_01)


def test_the_page_says_what_was_measured():
    assert PAGE.read_text() == page(), "write it again: python tests/zero_table.py"
