"""Seconds until the PTX of a variant is there: of a new one, with other kernels on disk, and of one on disk."""

import itertools

import pytest
from cases import make_batch, make_trainer, problem, starts
from gpu_bits import variant_of

from saddlescape.kernels.ptx import ptx

UNITS = {"small": itertools.count(3), "wide": itertools.count(100)}


def variant(width="small", optimizer="gd"):
    """Return a variant that this process has not compiled."""
    sizes = (2, next(UNITS[width]), 1)
    return variant_of(make_trainer(sizes, optimizer), problem(sizes)[0], make_batch(starts(sizes, 1, "float64"), 1))


@pytest.mark.parametrize("optimizer", ["gd", "flow"])
@pytest.mark.parametrize("width", UNITS)
def test_ptx_of_a_new_variant(benchmark, width, optimizer):
    generate = ptx.__wrapped__  # without the disk
    text = benchmark.pedantic(
        generate, setup=lambda: ((variant(width, optimizer),), {}), rounds=5, warmup_rounds=1
    )
    assert ".visible .func" in text


def test_ptx_on_disk(benchmark):
    known = variant()
    text = ptx(known)
    assert benchmark.pedantic(ptx, (known,), rounds=20, warmup_rounds=1) == text
