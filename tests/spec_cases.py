"""The spec of a sweep so small that a test can run it; an axis or a [record] may follow."""

import pytest

TINY = """schema = 1
title = "tiny"
[problem]
name = "xor"
[network]
hidden = [2]
[starts]
kind = "normal"
count = 10
seed = 1
[training]
learning_rate = 0.5
steps = 20
"""

MEASURED = TINY.replace('"xor"', '"xor"\ntest_fraction = 0.25').replace("[2]", '[2]\nactivation = "relu"')
"""A sweep that has every measure."""

DRAWN = 'kind = "normal"\ncount = 10\nseed = 1\n'
"""Its starts, to be replaced by those of a slice."""

PRODUCT = """[network]
hidden = [1]
activation = "linear"
output = "linear"
bias = false
"""
"""Of one input and one output: what it says of input 1 is the product of its two weights."""

ON_FILE = """
[problem]
file = "{file}"
[network]
hidden = [3]
activation = "tanh"
output = "{output}"
"""
"""The head of a spec with a data file; more keys of the network, and other tables, may follow."""


def blocks_of(work):
    """A fixture: the module's plans are cut into blocks of so many network-steps."""

    @pytest.fixture(autouse=True, scope="module")
    def small_blocks():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("saddlescape.plan.plan.BLOCK_WORK", work)
            yield

    return small_blocks
