"""The machine code of training kernels: what `bench --asm` tells of it, and code for arm64, which nothing here can run.

The bits of a result are the same on every machine if each operation of the LLVM IR is one instruction that IEEE 754
defines: none is fused with another, approximated, or left to a library of the system.
"""

import platform
import re
from collections import Counter

import pytest
from click.testing import CliRunner

import saddlescape as ss
from saddlescape.errors import RefusedError
from saddlescape.kernels import machine_code
from saddlescape.kernels.instructions import parts
from saddlescape.kernels.machine_code import ARM64, assembly
from saddlescape.runs.machine_code import machine_code as of_spec
from saddlescape.system.arguments import ArgumentError
from saddlescape.words.optimizers import OPTIMIZERS
from saddlescape_cli.asm import COLUMNS
from saddlescape_cli.main import cli

APPLE = "arm64-apple-macosx"
NEON = 16
"""Bytes of a register."""

VECTOR = r"{}(?:\.\d[ds]\t|\tv)"
OPERATIONS = {
    "fused": (r"call .*@llvm\.fma\.", r"fml[as]|fn?madd|fn?msub"), "multiply": (r"= fmul <", VECTOR.format("fmul")),
    "add": (r"= fadd <", VECTOR.format("fadd")), "divide": (r"= fdiv <", VECTOR.format("fdiv")),
}  # fmt: skip
"""Patterns of operations in LLVM IR, and on arm64.  Not counted: differences, which also become `fabd`, and operations
on scalars except fused ones, as LLVM duplicates and joins pieces of scalar code."""

OF_NUMBA = r"_?(_ZN|NRT_|numba_|mem(set|cpy|move)$|malloc$|free$|bzero$|gradient$)"
"""Functions that a kernel calls: its own, those of Numba's run-time library, and those that move memory."""


@pytest.fixture(scope="module")
def ir():
    return of_spec(ss.load("xor").at((10,)), llvm=True)


def registers(line):
    """Registers of NEON that a value of this line of LLVM IR takes; a scalar takes one."""
    vector = re.search(r"<(\d+) x (float|double)>", line)
    return max(1, int(vector[1]) * {"float": 4, "double": 8}[vector[2]] // NEON) if vector else 1


def in_ir(text):
    return {
        name: sum(registers(line) for line in text.splitlines() if re.search(pattern, line))
        for name, (pattern, _) in OPERATIONS.items()
    }


def in_assembly(text):
    return {name: len(re.findall(rf"^\t(?:{its})", text, re.M)) for name, (_, its) in OPERATIONS.items()}


def check_arm64(ir, target):
    """Each operation of the LLVM IR is one instruction, and nothing else enters a result."""
    text = assembly(ir, target)
    assert in_assembly(text) == in_ir(ir)
    called = set(re.findall(r"^\tbl\t(\S+)", text, re.M))
    assert not {name for name in called if not re.match(OF_NUMBA, name)}
    assert not re.search(r"^\t(frecp|frsqrt)", text, re.M)  # approximations
    assert not re.search(r"^\tfcvt[a-z]*[su]", text, re.M)  # to integers: what is too large differs from x86
    assert "fpcr" not in text.lower()  # subnormal numbers and the rounding mode
    return text


@pytest.mark.parametrize("target", [ARM64, pytest.param(APPLE, marks=pytest.mark.slow)])
def test_machine_code_for_arm64_has_the_operations_of_the_ir(ir, target):
    (loop,) = parts(check_arm64(ir, target))
    assert loop.width == NEON
    assert loop.counts["fused"] == in_ir(ir)["fused"]


def test_contraction_and_calls_of_the_mathematical_library_would_be_seen(ir):
    contracting = re.sub(r"= (fmul|fadd|fsub) ", r"= \1 contract ", ir)
    relaxed = assembly(contracting.replace("@llvm.fabs.v8f64", "@llvm.exp.v8f64"), ARM64)
    assert in_assembly(relaxed)["fused"] > in_ir(ir)["fused"]
    assert not re.search(r"= f\w+ (fast|contract|reassoc|nnan|ninf|nsz|arcp|afn) ", ir)

    called = re.findall(r"^\tbl\t(\S+)", relaxed, re.M)
    assert {name for name in called if not re.match(OF_NUMBA, name)} == {"exp"}


CASES = [
    *({"training.optimizer": name} for name in OPTIMIZERS if name not in ("flow", "momentum", "nesterov")),
    {"network.dtype": "float32"}, {"network.hidden": [8, 8]}, {"training.batch": "online", "training.steps": 400},
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case.values())))
def test_machine_code_for_arm64_of_other_kernels(case):
    unset = ["training.momentum="] if "training.optimizer" in case else []
    sweep = ss.load("xor", [*unset, *(f"{key}={value!r}" for key, value in case.items())])
    check_arm64(of_spec(sweep.at((10,)), llvm=True), ARM64)


@pytest.mark.slow
def test_machine_code_for_arm64_of_the_gradient_flow():
    unset = [f"{key}=" for key in ("training.steps", "training.learning_rate", "training.momentum", "record.steps")]
    sweep = ss.load("xor", [*unset, "training.optimizer='flow'", "training.time=10.0"])
    text = check_arm64(of_spec(sweep.at((10,)), llvm=True), ARM64)
    assert [part.name for part in parts(text)] == ["loop over ticks", "gradient"]


def test_code_of_this_processor_only_is_refused_for_another(ir):
    own = ir.replace("call <8 x double> @llvm.fma.v8f64", "call <8 x double> @llvm.x86.fma.v8f64", 1)
    with pytest.raises(RefusedError, match=r"has llvm\.x86"):
        assembly(own + "\ndeclare <8 x double> @llvm.x86.fma.v8f64(<8 x double>, <8 x double>, <8 x double>)\n", ARM64)
    with pytest.raises(ArgumentError, match="arm64, such as aarch64-linux-gnu; got 'riscv64'"):
        assembly(ir, "riscv64")


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the patterns are for x86-64")
def test_the_loop_of_this_processor_is_found_and_counted(ir):
    text = assembly(ir)
    (loop,) = parts(text)
    lines = text.splitlines()[loop.first - 1 : loop.last]
    assert sum("Loop Header: Depth=1" in line for line in lines) == 1
    fused = sum(bool(re.search(r"\tv?fn?m(add|sub)\d+p", line)) for line in lines)
    assert loop.counts["fused"] == fused == in_ir(ir)["fused"] * NEON // loop.width
    assert loop.counts["divide"] == 12 * 64 // loop.width  # 3 units of 4 samples


TOLD = """\
	jmp	.LBB0_2
.LBB0_1:                                # %a
                                        #   Parent Loop BB0_2 Depth=1
                                        # =>  This Inner Loop Header: Depth=2
	vfmadd231pd	%ymm1, %ymm2, %ymm3
	vmovupd	%ymm3, (%rax)
# %bb.3:                                # %b
                                        #   in Loop: Header=BB0_1 Depth=2
	vaddpd	32(%rsp), %ymm1, %ymm2  # 32-byte Folded Reload
	vmovups	%ymm2, 64(%rsp)         # 32-byte Spill
	addq	$8, %rax
.LBB0_2:                                # %c
                                        # =>This Loop Header: Depth=1
                                        #     Child Loop BB0_1 Depth 2
	vdivpd	(%rcx), %ymm1, %ymm2
	vaddsd	%xmm1, %xmm2, %xmm3
# %bb.5:                                # %e
                                        #   in Loop: Header=BB0_1 Depth=2
	vsqrtpd	%ymm1, %ymm2
.LBB0_4:                                # %d
                                        # =>This Inner Loop Header: Depth=1
	vmulpd	%ymm1, %ymm2, %ymm3
"""


def test_instructions_of_a_known_loop_are_counted():
    (loop,) = parts(TOLD)
    assert (loop.first, loop.last, loop.width) == (2, 19, 32)
    told = {"fused": 1, "stores": 1, "add": 1, "reloads": 1, "spills": 1, "divide": 1, "loads": 1, "sqrt": 1}
    assert +Counter({kind: n for kind, n in loop.counts.items() if kind and kind != "all"}) == Counter(told)


def bench(*arguments):
    return CliRunner().invoke(cli, ["bench", "xor", *map(str, arguments)])


def test_bench_writes_machine_code_and_tells_where_its_loop_is(ir, tmp_path, monkeypatch):
    monkeypatch.setattr("saddlescape.runs.machine_code.optimized", lambda *_: ir)
    out = tmp_path / "kernel.s"
    printed = bench("--asm", out, "--target", ARM64).stdout.splitlines()
    assert printed[0].split()[3:] == ["lines", "bytes", *COLUMNS]
    assert printed[1].split()[4:6] == ["16", str(in_ir(ir)["fused"])]
    assert printed[-1] == str(out)
    first = int(printed[1].split()[3].split("-")[0])
    assert out.read_text().splitlines()[first - 1].startswith((".LBB", "// %bb"))
    shown = bench("--target", ARM64, "--asm")
    assert shown.stdout == out.read_text()
    assert shown.stderr.splitlines() == printed[:-1]
    assert "got 'mine.toml'; the spec comes before --asm" in bench("--asm", "mine.toml").stderr
    assert "left alone" in bench("--asm", out).stderr
    assert bench("--asm", tmp_path / "kernel.ll").exit_code == 0
    assert (tmp_path / "kernel.ll").read_text() == ir
    assert "leave out --target" in bench("--asm", tmp_path / "other.ll", "--target", ARM64).stderr
    assert "--target belongs to --asm" in bench("--target", ARM64).stderr
    assert "--asm does not go with --device" in bench("--device", "cuda", "--asm").stderr


LOOP = """define i64 @f(i64 %n) {
  br label %loop
loop:
  %k = phi i64 [ 0, %0 ], [ %next, %loop ]
  %next = add i64 %k, 3
  %again = icmp ult i64 %next, %n
  br i1 %again, label %loop, label %end
end:
  ret i64 %next
}
"""


def test_comments_are_only_for_the_text():
    assert "Loop Header" in assembly(LOOP)
    usual = machine_code.cpu_target.target_context.codegen()._tm
    assert "Loop Header" not in usual.emit_assembly(machine_code.llvm.parse_assembly(LOOP))
