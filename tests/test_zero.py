"""Measured moves from exact zero agree with the derivatives at zero, and with docs/zero.md."""

from itertools import product

import pytest
from kernel_cases import ACTIVATIONS, slowly
from zero_table import AND_01, NEUTRAL, PAGE, XOR_01, cases, measured, page, predicted

EACH = list(cases())


def kernel(case):
    """What selects the kernel of a case: all but its targets."""
    return (*case[:3], *(case[4:] or (0,)))


KERNELS = list(dict.fromkeys(map(kernel, EACH)))


@pytest.mark.parametrize("case", slowly(EACH, quick=[case for case in EACH if kernel(case) in KERNELS[::5]]), ids=str)
def test_moves_from_zero_agree_with_the_derivatives(case):
    assert measured(*case) == predicted(*case)


OUTPUTS = list(product(("half_sse", "mse", "huber"), ACTIVATIONS))


@pytest.mark.parametrize("case", slowly(OUTPUTS, quick=[("huber", "silu"), ("mse", "sin")]), ids=str)
def test_moves_are_predicted_for_every_output_activation(case):
    loss, output = case
    assert measured("logistic", loss, output, XOR_01) == predicted("logistic", loss, output, XOR_01)


def test_held_biases_stay_at_zero():
    case, last = ("tanh", "half_sse", "logistic", AND_01, 0, "gd", False, False), (0.3, 0.0)
    assert [measured(*case, NEUTRAL, rate) for rate in last] == [predicted(*case, rate == 0) for rate in last]


@pytest.mark.parametrize("moves", [predicted, pytest.param(measured, marks=pytest.mark.slow)])
def test_the_page_is_up_to_date(moves):
    assert PAGE.read_text() == page(moves), "write it again: python tests/zero_table.py"
