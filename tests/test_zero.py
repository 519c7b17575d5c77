"""Measured moves from exact zero agree with the derivatives at zero, and with docs/zero.md."""

import pytest
from kernel_cases import ACTIVATIONS
from zero_table import AND_01, NEUTRAL, PAGE, XOR_01, cases, measured, page, predicted

SLOW = [pytest.param(loss, marks=pytest.mark.slow) for loss in ("half_sse", "mse")]


EACH = [c if n % 4 == 0 else pytest.param(c, marks=pytest.mark.slow) for n, c in enumerate(cases())]


@pytest.mark.parametrize("case", EACH, ids=str)
def test_moves_from_zero_agree_with_the_derivatives(case):
    assert measured(*case) == predicted(*case)


@pytest.mark.parametrize("output", ACTIVATIONS)
@pytest.mark.parametrize("loss", [*SLOW, "huber"])
def test_moves_are_predicted_for_every_output_activation(output, loss):
    assert measured("logistic", loss, output, XOR_01) == predicted("logistic", loss, output, XOR_01)


def test_held_biases_stay_at_zero():
    case, last = ("tanh", "half_sse", "logistic", AND_01, 0, "gd", False, False), (0.3, 0.0)
    assert [measured(*case, NEUTRAL, rate) for rate in last] == [predicted(*case, rate == 0) for rate in last]


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == page(), "write it again: python tests/zero_table.py"
