"""PTX instructions in LLVM IR: floating-point numbers.

Operations are known only with the rounding mode `.rn`: without a rounding mode they may be fused.  The maximum and the
minimum are unknown too.  The payload and the sign of a NaN that an operation returns are this processor's; the PTX ISA
promises none.
"""

from typing import Any

from ptx_reader import UnknownInstruction
from ptx_translator import FLOAT, Translator, form

ORDERED = {"eq": "oeq", "ne": "one", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "num": "ord"}
UNORDERED = {"equ": "ueq", "neu": "une", "ltu": "ult", "leu": "ule", "gtu": "ugt", "geu": "uge", "nan": "uno"}
ROUNDED = {"rni": "roundeven", "rzi": "trunc", "rmi": "floor", "rpi": "ceil"}


@form(r"(add|sub|mul|div)\.rn\.f(32|64)")
def float_operation(to: Translator, match: Any, target: str, a: str, b: str) -> None:
    """Operations rounded to nearest."""
    bits = int(match[2])
    x, y = to.read_float(a, bits), to.read_float(b, bits)
    to.write_float(target, bits, f"f{match[1]} {FLOAT[bits]} {x}, {y}")


@form(r"(fma|sqrt)\.rn\.f(32|64)")
@form(r"(abs)\.f(32|64)")
def float_function(to: Translator, match: Any, target: str, *operands: str) -> None:
    """Functions that LLVM has as intrinsic functions."""
    bits, name = int(match[2]), match[1].replace("abs", "fabs")
    if len(operands) != (3 if name == "fma" else 1):
        raise UnknownInstruction(f"{match[0]} of {len(operands)} operands")
    values = ", ".join(f"{FLOAT[bits]} {to.read_float(operand, bits)}" for operand in operands)
    to.write_float(target, bits, f"call {FLOAT[bits]} @llvm.{name}.f{bits}({values})")


@form(r"rcp\.rn\.f(32|64)")
def reciprocal(to: Translator, match: Any, target: str, a: str) -> None:
    """The reciprocal rounded to nearest."""
    bits = int(match[1])
    to.write_float(target, bits, f"fdiv {FLOAT[bits]} 1.0, {to.read_float(a, bits)}")


@form(r"neg\.f(32|64)")
def negative(to: Translator, match: Any, target: str, a: str) -> None:
    """The number with the other sign."""
    bits = int(match[1])
    to.write_float(target, bits, f"fneg {FLOAT[bits]} {to.read_float(a, bits)}")


@form(r"copysign\.f(32|64)")
def copysign(to: Translator, match: Any, target: str, sign: str, magnitude: str) -> None:
    """The second operand with the sign of the first."""
    bits = int(match[1])
    kind, x, y = FLOAT[bits], to.read_float(magnitude, bits), to.read_float(sign, bits)
    to.write_float(target, bits, f"call {kind} @llvm.copysign.f{bits}({kind} {x}, {kind} {y})")


@form(rf"setp\.({'|'.join(ORDERED | UNORDERED)})\.f(32|64)")
def compare_floats(to: Translator, match: Any, target: str, a: str, b: str) -> None:
    """Compare; with a NaN, ordered comparisons are false, unordered ones true."""
    bits, condition = int(match[2]), (ORDERED | UNORDERED)[match[1]]
    x, y = to.read_float(a, bits), to.read_float(b, bits)
    to.write(target, 1, to.let(f"fcmp {condition} {FLOAT[bits]} {x}, {y}"))


@form(r"cvt\.rn\.f(32|64)\.([su])(8|16|32|64)")
def integer_to_float(to: Translator, match: Any, target: str, source: str) -> None:
    """An integer rounded to nearest."""
    bits, from_bits = int(match[1]), int(match[3])
    value = to.read(source, from_bits, wider=True)
    to.write_float(target, bits, f"{match[2]}itofp i{from_bits} {value} to {FLOAT[bits]}")


@form(r"cvt\.(rni|rzi|rmi|rpi)\.([su])(16|32|64)\.f(32|64)")
def float_to_integer(to: Translator, match: Any, target: str, source: str) -> None:
    """A number rounded to an integer and clamped to the range of its type."""
    sign, bits, from_bits = match[2], int(match[3]), int(match[4])
    kind, number = FLOAT[from_bits], to.read_float(source, from_bits)
    whole = to.let(f"call {kind} @llvm.{ROUNDED[match[1]]}.f{from_bits}({kind} {number})")
    value = to.let(f"call i{bits} @llvm.fpto{sign}i.sat.i{bits}.f{from_bits}({kind} {whole})")
    # PTX ISA: a NaN becomes 0 where neither the number nor the integer has 64 bits, elsewhere the highest bit alone.
    of_nan = -(1 << (bits - 1)) if 64 in (bits, from_bits) else 0
    is_nan = to.let(f"fcmp uno {kind} {number}, 0.0")
    value = to.let(f"select i1 {is_nan}, i{bits} {of_nan}, i{bits} {value}")
    to.write(target, bits, value, "sext" if sign == "s" else "zext")


@form(r"cvt\.(rni|rzi|rmi|rpi)\.f(32|64)\.f\2")
def round_to_integer(to: Translator, match: Any, target: str, source: str) -> None:
    """A number rounded to an integer, as a number of the same type."""
    bits = int(match[2])
    operand = to.read_float(source, bits)
    to.write_float(target, bits, f"call {FLOAT[bits]} @llvm.{ROUNDED[match[1]]}.f{bits}({FLOAT[bits]} {operand})")


@form(r"cvt\.f64\.f32")
def widen(to: Translator, match: Any, target: str, source: str) -> None:
    """A number of single precision in double precision."""
    to.write_float(target, 64, f"fpext float {to.read_float(source, 32)} to double")


@form(r"cvt\.rn\.f32\.f64")
def narrow(to: Translator, match: Any, target: str, source: str) -> None:
    """A number of double precision rounded to single precision."""
    to.write_float(target, 32, f"fptrunc double {to.read_float(source, 64)} to float")
