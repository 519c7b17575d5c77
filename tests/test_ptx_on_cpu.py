"""The translator of PTX to this CPU: each instruction against Python and NumPy, what it refuses, and mutants."""

import re

import numpy as np
import pytest
from ptx_cases import bits, dtype, rows
from ptx_kernels import kernel_text, number, register, run, typed, words
from ptx_on_cpu import UnknownInstruction, compile_ptx, llvm_ir
from ptx_reader import read

ROWS = list(rows())


def instruction_text(name, opcode, types):
    """A kernel that applies one instruction to words of an array."""
    result, *kinds = types
    operands, lines = [register(kind, index + 3) for index, kind in enumerate(kinds)], []
    for index, (kind, operand) in enumerate(zip(kinds, operands, strict=True)):
        if kind == "pred":
            lines += [f"ld.u8 %r2, [%d0+{8 * index}];", f"setp.ne.b32 {operand}, %r2, 0;"]
        else:
            lines.append(f"ld.b{bits(kind)} {operand}, [%d0+{8 * index}];")
    target = register(result, 2)
    lines.append(f"{opcode} {target}, {', '.join(operands)};")
    if result == "pred":
        return kernel_text(name, *lines, f"selp.b32 %r2, 1, 0, {target};", "st.b8 [%d1], %r2;")
    return kernel_text(name, *lines, f"st.b{bits(result)} [%d1], {target};")


TEXT = "\n".join(instruction_text(f"k{index}", row.opcode, row.types) for index, row in enumerate(ROWS))
"""A kernel for each instruction."""

FAST = {"fast", "nnan", "ninf", "nsz", "arcp", "contract", "afn", "reassoc"}
"""Flags of LLVM that allow other bits."""


@pytest.fixture(scope="module")
def kernels():
    """The module of the kernels."""
    return compile_ptx(TEXT)


@pytest.mark.parametrize("index", range(len(ROWS)), ids=[row.opcode for row in ROWS])
def test_an_instruction_gives_what_the_ptx_isa_says(kernels, index):
    row, kernel = ROWS[index], kernels.kernel(f"k{index}")
    result, *kinds = row.types
    with np.errstate(all="ignore"):
        operands = [tuple(map(typed, values, kinds)) for values in row.values]
        expected = words([typed(row.function(*values), result) for values in operands], result)
    columns = [words(column, kind) for column, kind in zip(zip(*operands, strict=True), kinds, strict=True)]
    given, out = np.stack(columns, axis=1), np.zeros(len(operands), np.uint64)
    for each in range(len(operands)):
        kernel(given[each:].ctypes.data, out[each:].ctypes.data, 0, 1, 0, 1)
    got = words([number(value, result) for value in out], result)
    wrong = np.flatnonzero(got != expected)
    assert not wrong.size, [(operands[each], hex(got[each]), hex(expected[each])) for each in wrong]


def test_llvm_must_keep_every_bit():
    words_of_ir = set(llvm_ir({function.name: function for function in read(TEXT)}).split())
    assert {"fadd", "fmul", "fdiv"} < words_of_ir
    assert not words_of_ir & FAST


REFUSED = """
add.f64 add.f32 sub.f64 mul.f32 div.f64 sqrt.f32 fma.f64 mad.rn.f64 add.rz.f64 fma.rm.f64 mul.rn.ftz.f32
fma.rn.ftz.f32 fma.rn.sat.f32 abs.ftz.f32 neg.ftz.f32 div.approx.f32 div.full.f32 sqrt.approx.f32 rcp.approx.ftz.f64
rsqrt.approx.f64 max.f64 min.f32 max.NaN.f32 ex2.approx.f32 lg2.approx.f32 sin.approx.f32 tanh.approx.f32 add.rn.f16
fma.rn.bf16 setp.lt.ftz.f32 setp.lt.and.f64 setp.lo.s32 setp.lt.b64 cvt.f32.f64 cvt.rz.f32.f64 cvt.rn.ftz.f32.f64
cvt.rzi.ftz.s32.f32 cvt.sat.u8.s32 cvt.s32.f32 cvt.f64.s64 cvt.rn.f16.f32 add.cc.u32 add.sat.s32 mul.wide.u64
mul24.lo.s32 prmt.b32.f4e ld.volatile.b64 ld.shared.b64 ld.v3.b32 ld.v2.b128 st.relaxed.b64 atom.cas.b64 atom.add.f64
red.add.u64 bar.sync shfl.sync.idx.b32 vote.sync.any.pred bra.divergent exit.uni frobnicate.b64
"""


@pytest.mark.parametrize("opcode", REFUSED.split())
def test_an_instruction_is_refused_by_its_name(opcode):
    with pytest.raises(UnknownInstruction, match=f"^{re.escape(opcode)}$"):
        compile_ptx(kernel_text("k", f"{opcode} %d2, %d3, %d4;"))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("add.s64 %d2, %r3, %d4;", "%r3 of 32 bits where 64"),
        ("add.s32 %d2, %r3, %r4;", "%d2 of 64 bits where 32"),
        ("add.s64 %d2, %d3, %unknown;", "%unknown of 0 bits"),
        ("mov.b32 %r2, 0d3FF0000000000000;", "0d3FF0000000000000"),
        ("add.rn.f64 %d2, %d3, 1.0;", "1.0"),
        ("mov.u32 %r2, %laneid;", "%laneid"),
        ("mov.b64 %d2, elsewhere;", "elsewhere"),
        ("ld.v2.b64 {%d2, %d3, %d4}, [%d0];", "ld.v2.b64"),
        ("call.uni elsewhere;", "call of elsewhere"),
        (".shared .align 8 .b8 memory[8];", "shared"),
        ("mul.lo.s64 %d2, %d3, %d4, %d5;", "mul.lo.s64"),
        ("setp.lt.f64 %p1|%p2, %d2, %d3;", "%p1|%p2"),
    ],
)
def test_an_operand_or_a_declaration_is_refused(lines, message):
    with pytest.raises(UnknownInstruction, match=re.escape(message)):
        compile_ptx(kernel_text("k", lines))


SUMS = {
    "f64": (1 + 2.0**-30, 1 - 2.0**-30, -1.0, -(2.0**-60)),
    "f32": (1 + 2.0**-13, 1 - 2.0**-13, -1.0, -(2.0**-26)),
}
"""a, b, c, and the exact a * b + c, which is 0 with two roundings."""


def text_of(kind, *instructions):
    """A kernel of three operands; A, B, C and X stand for registers."""
    names = dict(zip("ABCX", (register(kind, index) for index in range(2, 6)), strict=True))
    lines = [f"ld.b{bits(kind)} {names[name]}, [%d0+{8 * index}];" for index, name in enumerate("ABC")]
    lines += [re.sub("[ABCX]", lambda match: names[match[0]], line.format(kind)) for line in instructions]
    return kernel_text("k", *lines, f"st.b{bits(kind)} [%d1], {names['X']};")


def evaluated(text, kind, *values):
    """The value of a kernel."""
    return number(run(compile_ptx(text).kernel("k"), words(values, kind))[0], kind)


@pytest.mark.parametrize("kind", SUMS)
def test_a_fused_pair_is_seen_and_none_is_made(kind):
    *values, exact = SUMS[kind]
    two = text_of(kind, "mul.rn.{} X, A, B;", "add.rn.{} X, X, C;")
    one = text_of(kind, "fma.rn.{} X, A, B, C;")
    assert evaluated(two, kind, *values) == 0
    assert evaluated(one, kind, *values) == exact


@pytest.mark.parametrize("kind", SUMS)
def test_an_inexact_quotient_is_seen(kind):
    a, b = np.array([5, 3], dtype(kind))
    divided = text_of(kind, "div.rn.{} X, A, B;")
    mutant = text_of(kind, "rcp.rn.{} X, B;", "mul.rn.{} X, A, X;")
    assert evaluated(divided, kind, a, b, 0) == a / b
    assert evaluated(mutant, kind, a, b, 0) == a * (1 / b) != a / b
