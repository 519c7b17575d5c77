"""SIMD values of generated code: `n` numbers of one dtype, one per lane, in one LLVM vector.

The hot loop is generated: a function over `Lanes` runs in Python once for each variant that is compiled, and each
operator in it appends one LLVM instruction.  Numba infers no types here, so a variant compiles in about a second, and
the instructions are exactly those written: one IEEE operation per lane, in the order written, without fast-math or
contraction; every fused multiply-add is explicit.  The bits of a lane do not depend on the number of lanes.  A Python
number in an expression takes the dtype of the other operand, so float32 and float64 never mix.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

FLOAT = {"float64": ir.DoubleType(), "float32": ir.FloatType()}
SUFFIX = {"float64": "f64", "float32": "f32"}
MANTISSA = {"float64": 52, "float32": 23}
BIAS = {"float64": 1023, "float32": 127}
HALF_ROOT = {"float64": 0x3FE6A09E667F3BCD, "float32": 0x3F3504F3}
"""Bits of sqrt(1/2)."""

MAGIC = {"float64": 1.5 * 2.0**52, "float32": 1.5 * 2.0**23}
"""The sum of this and a number has the nearest integer in its low mantissa bits."""

BIASED_MAGIC = {dtype: magic + BIAS[dtype] for dtype, magic in MAGIC.items()}
"""The sum of this and an integer k has the exponent bits of 2**k in its low mantissa bits."""


@dataclass(frozen=True)
class LaneType:
    """Dtype and number of lanes; one lane is a scalar, because LLVM cannot lower a vector of one mask bit."""

    dtype: str
    n: int

    @property
    def number(self) -> ir.Type:
        """LLVM type of the number of one lane."""
        return FLOAT[self.dtype]

    @property
    def numbers(self) -> ir.Type:
        """LLVM type of the numbers of all lanes."""
        return self.all(self.number)

    @property
    def word(self) -> ir.Type:
        """LLVM type of an integer as wide as a number."""
        return ir.IntType(64 if self.dtype == "float64" else 32)

    @property
    def words(self) -> ir.Type:
        """LLVM type of one word per lane."""
        return self.all(self.word)

    def all(self, element: ir.Type) -> ir.Type:
        """LLVM type of one `element` per lane."""
        return element if self.n == 1 else ir.VectorType(element, self.n)

    def constant(self, llvm_type: ir.Type, value: float) -> ir.Constant:
        """The same constant in every lane of a value of the LLVM type."""
        return ir.Constant(llvm_type, value if self.n == 1 else [value] * self.n)


class Lanes:
    """One number per lane."""

    def __init__(self, builder: Any, kind: LaneType, value: Any) -> None:
        self.builder, self.kind, self.value = builder, kind, value

    @property
    def dtype(self) -> str:
        return self.kind.dtype

    def like(self, number: float) -> "Lanes":
        """The same number in every lane."""
        return Lanes(self.builder, self.kind, self.kind.constant(self.kind.numbers, float(number)))

    def broadcast(self, other: "Lanes | float") -> Any:
        """LLVM value of an operand; a Python number is broadcast to all lanes."""
        return other.value if isinstance(other, Lanes) else self.like(other).value

    def _new(self, value: Any) -> "Lanes":
        return Lanes(self.builder, self.kind, value)

    def __add__(self, other: "Lanes | float") -> "Lanes":
        return self._new(self.builder.fadd(self.value, self.broadcast(other)))

    def __radd__(self, other: float) -> "Lanes":
        return self._new(self.builder.fadd(self.broadcast(other), self.value))

    def __sub__(self, other: "Lanes | float") -> "Lanes":
        return self._new(self.builder.fsub(self.value, self.broadcast(other)))

    def __rsub__(self, other: float) -> "Lanes":
        return self._new(self.builder.fsub(self.broadcast(other), self.value))

    def __mul__(self, other: "Lanes | float") -> "Lanes":
        return self._new(self.builder.fmul(self.value, self.broadcast(other)))

    def __rmul__(self, other: float) -> "Lanes":
        return self._new(self.builder.fmul(self.broadcast(other), self.value))

    def __truediv__(self, other: "Lanes | float") -> "Lanes":
        return self._new(self.builder.fdiv(self.value, self.broadcast(other)))

    def __rtruediv__(self, other: float) -> "Lanes":
        return self._new(self.builder.fdiv(self.broadcast(other), self.value))

    def __neg__(self) -> "Lanes":
        return self._new(self.builder.fneg(self.value))

    def __abs__(self) -> "Lanes":
        return _intrinsic("fabs", self, self.value)

    def fma(self, b: "Lanes | float", c: "Lanes | float") -> "Lanes":
        return _intrinsic("fma", self, self.value, self.broadcast(b), self.broadcast(c))

    def copysign(self, sign: "Lanes") -> "Lanes":
        return _intrinsic("copysign", self, self.value, sign.value)

    def sqrt(self) -> "Lanes":
        return _intrinsic("sqrt", self, self.value)

    def select(self, mask: "Mask", other: "Lanes | float") -> "Lanes":
        return self._new(self.builder.select(mask.value, self.value, self.broadcast(other)))

    def _ordered(self, sign: str, other: "Lanes | float") -> "Mask":
        return Mask(self.builder, self.builder.fcmp_ordered(sign, self.value, self.broadcast(other)))

    def __lt__(self, other: "Lanes | float") -> "Mask":
        return self._ordered("<", other)

    def __le__(self, other: "Lanes | float") -> "Mask":
        return self._ordered("<=", other)

    def __gt__(self, other: "Lanes | float") -> "Mask":
        return self._ordered(">", other)


class Mask:
    """One bit per lane; a comparison with NaN is false."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def __and__(self, other: "Mask") -> "Mask":
        return Mask(self.builder, self.builder.and_(self.value, other.value))

    def __or__(self, other: "Mask") -> "Mask":
        return Mask(self.builder, self.builder.or_(self.value, other.value))

    def __invert__(self) -> "Mask":
        return Mask(self.builder, self.builder.not_(self.value))

    def any(self) -> Any:
        """LLVM bit: whether the mask is true in at least one lane."""
        if not isinstance(self.value.type, ir.VectorType):
            return self.value
        word = ir.IntType(self.value.type.count)
        return self.builder.icmp_unsigned("!=", self.builder.bitcast(self.value, word), ir.Constant(word, 0))


def declared(builder: Any, name: str, result: ir.Type, operands: Sequence[ir.Type]) -> ir.Function:
    """The LLVM intrinsic of this name, declared in the module."""
    return builder.module.globals.get(name) or ir.Function(builder.module, ir.FunctionType(result, operands), name)


def _intrinsic(name: str, x: Lanes, *operands: Any) -> Lanes:
    kind, builder = x.kind, x.builder
    full = f"llvm.{name}.{f'v{kind.n}' if kind.n > 1 else ''}{SUFFIX[kind.dtype]}"
    function = declared(builder, full, kind.numbers, [kind.numbers] * len(operands))
    return Lanes(builder, kind, builder.call(function, operands))


def fma(a: Lanes, b: Lanes | float, c: Lanes | float) -> Lanes:
    """a * b + c, rounded once."""
    return a.fma(b, c)


def sqrt(x: Lanes) -> Lanes:
    """Square root, correctly rounded; NaN for negative numbers."""
    return x.sqrt()


def copysign(magnitude: Lanes, sign: Lanes) -> Lanes:
    """The magnitude with the sign bit of `sign`."""
    return magnitude.copysign(sign)


def select(mask: Mask, a: Lanes, b: Lanes | float) -> Lanes:
    """`a` where the mask is true, else `b`."""
    return a.select(mask, b)


def larger(a: Lanes, b: Lanes) -> Lanes:
    """The larger of two magnitudes; `a` if `b` is NaN.

    A single lane, a thread of a device, may have `b` then: LLVM would turn the first form into max of PTX, which does
    not distinguish the zeros.  No result depends on it, since the loss is NaN, too, or the gradient is checked again.
    """
    return select(b <= a, a, b) if a.kind.n == 1 else select(a < b, b, a)


def power_of_two(shifted: Lanes) -> Lanes:
    """2**k, where `shifted` is k + BIASED_MAGIC."""
    builder, kind = shifted.builder, shifted.kind
    bits = builder.shl(builder.bitcast(shifted.value, kind.words), kind.constant(kind.words, MANTISSA[kind.dtype]))
    return Lanes(builder, kind, builder.bitcast(bits, kind.numbers))


def exponent(x: Lanes) -> tuple[Lanes, Lanes]:
    """(k, 2**-k) such that x 2**-k is between sqrt(1/2) and sqrt(2), for positive normal x."""
    builder, kind = x.builder, x.kind
    bias, mantissa = BIAS[kind.dtype], MANTISSA[kind.dtype]

    def word(value: int) -> Any:
        return kind.constant(kind.words, value)

    def lanes(bits: Any) -> Lanes:
        return Lanes(builder, kind, builder.bitcast(bits, kind.numbers))

    bits = builder.add(builder.bitcast(x.value, kind.words), word((bias << mantissa) - HALF_ROOT[kind.dtype]))
    biased = builder.lshr(bits, word(mantissa))
    shrink = lanes(builder.shl(builder.sub(word(2 * bias), biased), word(mantissa)))
    magic = builder.bitcast(x.like(MAGIC[kind.dtype]).value, kind.words)
    return lanes(builder.add(biased, magic)) - (MAGIC[kind.dtype] + bias), shrink
