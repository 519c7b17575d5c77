"""A thread of a device computes the bits of a lane: the PTX of every kind of kernel, run on this CPU."""

import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace
from multiprocessing import get_context

import numpy as np
import pytest
import test_bits
from kernel_cases import EACH_ONCE, PAIRS, PRODUCT, TARGET, XOR, arguments, make_batch, slowly
from llvmlite import ir
from ptx_texts import TEXTS
from standin import StandIn

from saddlescape.errors import DeviceError
from saddlescape.kernels import Trainer, device_needs, train
from saddlescape.kernels.code import allocate
from saddlescape.kernels.lanes import LaneType
from saddlescape.kernels.measures import FIELDS
from saddlescape.kernels.ptx import ARCHITECTURE, VERSION, measures_ptx, ptx
from saddlescape.kernels.variant import Variant
from saddlescape.runs.device_check import check_sample

ROUNDED = re.compile(r"(add|sub|mul|fma|div|rcp|sqrt)\.rn\.f(32|64)")
EXACT = re.compile(r"(abs|neg|copysign|selp|mov|setp\.\w+)\.f(32|64)|cvt(\.rn|\.rzi)?\.[a-z]\d+\.[a-z]\d+")


def same(expected, actual):
    """Names of the arrays that differ in a bit."""
    names = [field.name for field in fields(expected)]
    return [name for name in names if getattr(expected, name).tobytes() != getattr(actual, name).tobytes()]


def expect_bits_of_a_lane(case, **options):
    trainer, X, T, batch = arguments(case, runs=7, steps=40, **options)
    batch = replace(batch, fields=FIELDS, tolerance=0.1)
    assert not same(train(trainer, X, T, batch), train(trainer, X, T, batch, device=StandIn()))
    expect_rounded_to_nearest(ptx(Variant(trainer, len(X), False, LaneType(batch.theta.dtype.name, 1))))


def expect_rounded_to_nearest(text):
    opcodes = set(re.findall(r"^\s+(?:@!?%\w+\s+)?([a-z][\w.]*\.f(?:32|64)[\w.]*)\s", text, re.M))
    assert {"mul.rn.f64", "mul.rn.f32"} & opcodes
    assert not [opcode for opcode in opcodes if not (ROUNDED.fullmatch(opcode) or EXACT.fullmatch(opcode))]
    assert f".target {ARCHITECTURE}\n" in text
    assert f".version {VERSION}\n" in text


@pytest.mark.device
@pytest.mark.parametrize("case", [*EACH_ONCE, *slowly(PAIRS)], ids=str)
def test_a_thread_computes_the_bits_of_a_lane(case):
    expect_bits_of_a_lane(case)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"clip": True, "bias_rate": True}, {"batch": 2, "sampled": True}], ids=str)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_thread_clips_and_draws_as_a_lane(dtype, options):
    expect_bits_of_a_lane(("tanh", "half_sse", "momentum", (3,), dtype), **options)


@pytest.mark.slow
@pytest.mark.parametrize("part", PRODUCT)
def test_every_thread_computes_the_bits_of_a_lane(part):
    """In a separate process per part, because a process keeps its compiled code in memory."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(expect_all, PRODUCT[part]).result()


def expect_all(cases):
    for case in cases:
        expect_bits_of_a_lane(case)


@pytest.mark.parametrize("grid", [(1, 1), (3, 32)], ids=str)
@pytest.mark.parametrize("case", test_bits.CASES)
def test_bits_do_not_depend_on_the_number_of_threads(case, grid):
    trainer, batch = test_bits.CASES[case]
    device = StandIn(size=grid)
    trained = train(trainer, XOR, TARGET, batch, device=device)
    assert test_bits.bits(trained) == test_bits.expected(case)
    assert device.launches > 1


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("scale", [1e-320, 1e30, 1e160, 1e308])
def test_subnormal_and_overflowing_numbers_have_the_same_bits(dtype, scale):
    trainer = Trainer((2, 2, 1), True, ("relu", "linear"), "half_sse", "momentum", weight_decay=True)
    with np.errstate(over="ignore", under="ignore"):
        theta = (np.random.default_rng(5).normal(0, 1, (9, 9)) * scale).astype(dtype)
    batch = replace(make_batch(theta, 20, learning_rate=1.0), diverged=np.full(9, np.inf))
    expected = train(trainer, XOR, TARGET, batch)
    assert not same(expected, train(trainer, XOR, TARGET, batch, device=StandIn()))
    assert np.isnan(expected.final).any() == (scale > np.sqrt(float(np.finfo(dtype).max)) / 10)


@pytest.mark.parametrize("name", TEXTS)
def test_operations_of_ptx_are_rounded_to_nearest(name):
    expect_rounded_to_nearest(TEXTS[name]())


@pytest.mark.parametrize("case", test_bits.CASES)
def test_the_own_memory_of_a_thread_is_estimated_from_above(case):
    trainer, batch = test_bits.CASES[case]
    text = ptx(Variant(trainer, len(XOR), True, LaneType(batch.theta.dtype.name, 1))) + measures_ptx()
    stacks = sum(map(int, re.findall(r"\.local .*__local_depot\d+\[(\d+)\]", text)))
    own = device_needs(trainer, XOR, TARGET, test_bits.subset(batch, np.zeros(1, dtype=int))).own
    assert stacks <= own < 5 * stacks


def test_the_gradients_of_a_flow_share_one_function():
    """Copies of it in `evaluate`, `attempt` and `interpolate` tripled the time until the PTX was there."""
    assert set(re.findall(r"^\.func (gradient[^\s(]*)", TEXTS["flow"](), re.M)) == {"gradient"}


def fused(text):
    """The PTX with sums of products fused, where the sum follows within a few instructions."""
    product = r"(mul\.rn\.f64 \t(%\w+), (\S+), (\S+);\n(?:.*\n){0,40}?)\tadd\.rn\.f64 \t(%\w+), \2, (\S+);"
    return re.sub(product, r"\1\tfma.rn.f64 \t\5, \3, \4, \6;", text)


def reciprocal(text):
    """The PTX with products in place of quotients."""
    quotient = r"div\.rn\.f64 \t(%\w+), (%\w+), (%\w+);"
    return re.sub(quotient, r"rcp.rn.f64 \t\1, \3;\n\tmul.rn.f64 \t\1, \2, \1;", text)


@pytest.mark.parametrize("mutant", [fused, reciprocal])
def test_ptx_with_other_rounding_is_seen(mutant):
    class Mutant(StandIn):
        def text(self, variant):
            text = super().text(variant)
            assert mutant(text) != text
            return mutant(text)

    trainer, batch = test_bits.CASES["full batch"]
    assert test_bits.bits(train(trainer, XOR, TARGET, batch, device=Mutant())) != test_bits.expected("full batch")


class Inexact(StandIn):
    """A device that changes the last bit of the loss of every run."""

    name = "cuda:0 (wrong)"

    def get(self, address, array):
        super().get(address, array)
        if array.shape[1:] == (4,) and array.dtype == np.float64:  # the final measures
            array[:, 1] = np.nextafter(array[:, 1], 1)


def test_a_device_that_computes_other_bits_is_found():
    trainer, batch = test_bits.CASES["full batch"]
    exact, wrong = (train(trainer, XOR, TARGET, batch, device=device) for device in (StandIn(), Inexact()))
    assert same(exact, wrong) == ["final"]
    check_sample(StandIn(), trainer, XOR, TARGET, batch, exact)
    with pytest.raises(DeviceError, match=r"cuda:0 \(wrong\) computed other bits than this processor"):
        check_sample(Inexact(), trainer, XOR, TARGET, batch, wrong)


def test_memory_of_a_thread_is_not_initialized():
    """Setting thousands of numbers to zero one by one took LLVM minutes."""
    function = ir.Function(ir.Module(), ir.FunctionType(ir.VoidType(), []), "f")
    allocate(ir.IRBuilder(function.append_basic_block()), ir.DoubleType(), 8385)
    assert "[8385 x double]" in str(function)
    assert "store" not in str(function)
