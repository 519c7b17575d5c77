"""The PTX of a variant of each kind, and of the measures."""

from functools import partial

import test_bits
from kernel_cases import XOR

from saddlescape.kernels.lanes import LaneType
from saddlescape.kernels.ptx import measures_ptx, ptx
from saddlescape.kernels.variant import Variant


def text_of(trainer, batch):
    """PTX for a trainer of XOR."""
    return ptx(Variant(trainer, len(XOR), bool((batch.gradient > 0).any()), LaneType(batch.theta.dtype.name, 1)))


TEXTS = {name: partial(text_of, *case) for name, case in test_bits.CASES.items()} | {"measures": measures_ptx}
