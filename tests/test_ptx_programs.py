"""The translator of PTX to this CPU: branches, calls, memory and parts of registers."""

import numpy as np
import pytest
from ptx_kernels import kernel_text, run
from ptx_on_cpu import compile_ptx


def result_of(lines, operands=(0,), results=1, functions="", thread=(0, 1, 0, 1)):
    """The words that instructions write."""
    return run(compile_ptx(functions + kernel_text("k", lines)).kernel("k"), operands, results, thread)


def test_a_loop_ends_by_its_guard():
    lines = """
        ld.b64 %d2, [%d0];
        mov.b64 %d3, 0;
    $again:  // the sum of the numbers to n
        add.s64 %d3, %d3, %d2;
        add.s64 %d2, %d2, -1;
        setp.eq.b64 %p1, %d2, 0;
        @!%p1 bra $again;
        st.b64 [%d1], %d3;
    """
    assert result_of(lines, [100]) == [5050]


@pytest.mark.parametrize(("given", "stored"), [(0, [1, 4]), (1, [2, 3])])
def test_a_guard_skips_one_instruction(given, stored):
    lines = """
        ld.b64 %d2, [%d0];
        setp.ne.b64 %p1, %d2, 0;
        st.b64 [%d1], 1;
        @%p1 st.b64 [%d1], 2;
        st.b64 [%d1+8], 3;
        @%p1 ret;
        st.b64 [%d1+8], 4;
    """
    assert result_of(lines, [given], results=2) == stored


@pytest.mark.parametrize("index", range(3))
def test_an_indexed_branch_takes_a_label_of_its_table(index):
    lines = """
        ld.b32 %r1, [%d0];
        $table: .branchtargets
            $two,
            $zero,
            $one;
        brx.idx %r1, $table;
    $zero:
        mov.b64 %d2, 10;
        bra.uni $end;
    $one:
        mov.b64 %d2, 11;
        bra.uni $end;
    $two:
        mov.b64 %d2, 12;
    $end:
        st.b64 [%d1], %d2;
    """
    assert result_of(lines, [index]) == [[12, 10, 11][index]]


CALLED = """
.func (.param .b64 sum) far;
.func (.param .b64 sum) far(.param .b64 a, .param .b32 b)
{
    .reg .b32 %r<1>; .reg .b64 %d<2>;
    ld.param.b64 %d0, [a]; ld.param.b32 %r0, [b];
    cvt.s64.s32 %d1, %r0;
    add.s64 %d0, %d0, %d1;
    st.param.b64 [sum], %d0;
    ret;
}
.func pair(.param .align 8 .b8 both[16], .param .b64 to)
{
    .reg .b64 %d<4>;
    ld.param.v2.b64 {%d0, %d1}, [both]; ld.param.b64 %d2, [to];
    sub.s64 %d3, %d0, %d1;
    st.b64 [%d2], %d3;
    ret.uni;
}
"""


def test_calls_pass_parameters_and_results():
    lines = """
        ld.v2.b64 {%d2, %d3}, [%d0];
        { // two parameters
        .param .b64 param0; .param .b32 param1; .param .b64 retval0;
        cvt.u32.u64 %r1, %d3;
        st.param.b32 [param1], %r1;
        st.param.b64 [param0], %d2;
        call.uni (retval0), far, (param0, param1);
        ld.param.b64 %d4, [retval0];
        }
        { // the same name, another size
        .param .align 8 .b8 param0[16];
        .param .b64 param1;
        st.param.b64 [param0+8], %d3; st.param.b64 [param0], %d4;
        add.s64 %d5, %d1, 8;
        st.param.b64 [param1], %d5;
        call pair, (param0, param1);
        }
        st.b64 [%d1], %d4;
    """
    assert result_of(lines, [1000, 2**64 - 7], results=2, functions=CALLED) == [993, 1000]


def test_blocks_have_their_own_registers():
    lines = """
        ld.b64 %d2, [%d0];
        { .reg .b32 tmp; mov.b64 {tmp, %r1}, %d2; }
        { .reg .b64 %d2; mov.b64 %d2, 5; st.b64 [%d1+8], %d2; }
        mov.b64 %d3, {%r1, %r1};
        st.b64 [%d1], %d3;
        st.b64 [%d1+16], %d2;
    """.replace("tmp", "%tmp")
    assert result_of(lines, [0x0123456789ABCDEF], 3) == [0x0123456701234567, 5, 0x0123456789ABCDEF]


def test_local_memory_takes_vectors_and_parts():
    lines = """
        .local .align 16 .b8 depot[32];
        .reg .b64 %SP; .reg .b64 %SPL;
        mov.b64 %SPL, depot;
        cvta.local.u64 %SP, %SPL;
        ld.v4.b32 {%r1, %r2, %r3, %r4}, [%d0];
        st.local.v4.b32 [%SPL], {%r4, %r3, %r2, %r1};
        ld.b64 %d2, [%SP + 8];
        st.b64 [%d1], %d2;
        st.local.b8 [depot+1], %r1;
        add.s64 %d3, %SP, 16;
        ld.local.b32 %r5, [%d3+-16];
        st.b32 [%d1+8], %r5;
    """
    assert result_of(lines, [0x2_0000_0001, 0x4_0000_0003], 2) == [0x1_0000_0002, 0x0104]


def test_a_wider_register_takes_a_value_by_its_sign():
    lines = """
        ld.s8 %r1, [%d0]; st.b32 [%d1], %r1;
        ld.u8 %r1, [%d0]; st.b32 [%d1+8], %r1;
        ld.b32 %r2, [%d0];
        cvt.s8.s32 %r1, %r2; st.b32 [%d1+16], %r1;
        cvt.u8.s32 %r1, %r2; st.b32 [%d1+24], %r1;
        cvt.s64.s8 %d2, %r2; st.b64 [%d1+32], %d2;
        cvt.rzi.s16.f64 %r1, 0dC008000000000000; st.b32 [%d1+40], %r1;
    """
    minus = 2**32 - 128
    assert result_of(lines, [0x180], 6) == [minus, 128, minus, 128, 2**64 - 128, 2**32 - 3]


def test_literals_and_parts_of_registers():
    lines = """
        mov.b64 %d2, -2; st.b64 [%d1], %d2;
        mov.b64 %d2, 0d3FF8000000000000; st.b64 [%d1+8], %d2;
        mov.b32 %r2, 0f3FC00000; st.b32 [%d1+16], %r2;
        and.b32 %r2, %r2, 0xFF000000U; st.b32 [%d1+24], %r2;
        mov.pred %p1, -1; mov.pred %p2, 0; xor.pred %p3, %p1, %p2;
        selp.b64 %d2, 0x10, 0b11, %p3; st.b64 [%d1+32], %d2;
        mov.b64 {%r3, _}, %d2; st.b32 [%d1+40], %r3;
        mov.b32 {%h1, %h2}, 0x12345678; mov.b64 %d3, {%h2, %h1, %h1, %h2}; st.b64 [%d1+48], %d3;
        st.b64 [%d1+56], %d9;
    """
    written = [2**64 - 2, 0x3FF8 << 48, 0x3FC00000, 0x3F000000, 16, 16, 0x1234567856781234, 2**64 - 1]
    assert result_of(lines, results=8) == written


def test_special_registers_are_arguments():
    lines = """
        mov.u32 %r1, %tid.x; mov.u32 %r2, %ntid.x; mov.u32 %r3, %ctaid.x; mov.u32 %r4, %nctaid.x;
        mad.lo.s32 %r5, %r3, %r2, %r1; mul.lo.s32 %r6, %r4, %r2;
        st.v2.b32 [%d1], {%r5, %r6};
    """
    assert result_of(lines, thread=(3, 32, 5, 10)) == [320 << 32 | 163]


def test_an_atomic_sum_returns_the_value_before():
    lines = """
        ld.global.b64 %d2, [%d0];
        atom.global.add.u64 %d3, [%d1], %d2;
        st.b64 [%d1+8], %d3;
        cvt.u32.u64 %r1, %d2;
        atom.add.u32 _, [%d1+16], %r1;
    """
    kernel = compile_ptx(kernel_text("k", lines)).kernel("k")
    operands, out = np.array([7], np.uint64), np.zeros(3, np.uint64)
    for _ in range(3):
        kernel(operands.ctypes.data, out.ctypes.data, 0, 1, 0, 1)
    assert out.tolist() == [21, 14, 21]


def test_a_division_without_a_defined_result_does_not_stop_the_process():
    lines = """
        ld.v2.b64 {%d2, %d3}, [%d0];
        div.s64 %d4, %d2, 0; rem.u64 %d5, %d2, 0; div.s64 %d6, %d3, -1;
        st.v2.b64 [%d1], {%d4, %d5}; st.b64 [%d1+16], %d6;
    """
    assert result_of(lines, [9, 1 << 63], 3)[1] == 9


def test_a_visible_function_is_called_without_a_kernel():
    text = """
    .version 6.3
    .target sm_75
    .address_size 64
    .common .global .align 8 .u64 unused;
    .visible .func (.param .b64 half) halve(.param .b64 a) /* with the
    special registers */ {
        .reg .b64 %d<2>;
        .pragma "nounroll";
        ld.param.b64 %d0, [a];
        shr.u64 %d1, %d0, 1;
        st.param.b64 [half], %d1;
        ret;
    }"""
    module = compile_ptx(text)
    assert module.kernel("halve")(85, 0, 1, 0, 1) == 42
