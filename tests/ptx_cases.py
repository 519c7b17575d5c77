"""PTX instructions with operands, and functions of Python and NumPy that give their results.

The types of a row are those of the result and the operands.
"""

import math
import operator
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np

SPECIAL = (0.0, -0.0, math.inf, -math.inf, math.nan)
FLOATS = {
    "f64": (*SPECIAL, 1.0, -1.5, 1 / 3, 49.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308),
    "f32": (*SPECIAL, 1.0, -1.5, 1 / 3, 49.0, 1.4e-45, -1.4e-45, 1.1754944e-38, 3.4028235e38),
}
"""Special, normal and subnormal numbers, the smallest normal and the largest finite number."""

FUSED = (
    (1 + 2.0**-9, 1 - 2.0**-9, -1.0), (1 + 2.0**-13, 1 - 2.0**-13, -1.0), (1 + 2.0**-30, 1 - 2.0**-30, -1.0),
    (1.0, 1.0, -1.0), (-1.0, 0.0, 0.0), (math.inf, 0.0, 1.0), (5e-324, 0.5, 5e-324), (1e308, 10.0, -math.inf),
    (1e308, 2.0, -1e308), (2.0, math.nan, 1.0),
)  # fmt: skip
HALVES = (*SPECIAL, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999999999999994, 1e300, 5e-324)
BEYOND = (*SPECIAL, 0.9, -0.9, 2.5, -3.5, 2.0**31, 2.0**32, 2.0**63, 2.0**64, -(2.0**31) - 1, -(2.0**64))
INTEGERS = (0, 1, -1, 7, -7, 2**15 - 1, -(2**15), 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 2**40 + 5)
INEXACT = (2**24 + 1, 2**53 + 1, 2**62 + 2**38 + 1)
"""Integers that float32 or float64 rounds, the last one differently in two steps."""

AMOUNTS = (0, 1, 31, 32, 33, 63, 64, 65, 2**31, 2**32 - 1)
FIELDS = tuple(product((0, 3, 31, 32, 63, 64, 255, 256), (0, 1, 9, 32, 64, 300)))
ROUND = {"rni": np.rint, "rzi": np.trunc, "rmi": np.floor, "rpi": np.ceil}
ORDER = {"eq": operator.eq, "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge}
UNSIGNED_ORDER = {"lo": operator.lt, "ls": operator.le, "hi": operator.gt, "hs": operator.ge}


class Row(NamedTuple):
    """An instruction and what it does to values."""

    opcode: str
    types: tuple[str, ...]
    values: list[tuple[Any, ...]]
    function: Callable[..., Any]


def row(opcode: str, types: str, values: Iterable[Any], function: Callable[..., Any]) -> Row:
    """A row; values that are no tuples are those of a single operand."""
    return Row(
        opcode, tuple(types.split()), [each if isinstance(each, tuple) else (each,) for each in values], function
    )


def bits(kind: str) -> int:
    """The width of a type."""
    return 1 if kind == "pred" else int(kind[1:])


def wrapped(value: int, kind: str) -> int:
    """An integer reduced to the range of a type."""
    size = bits(kind)
    value &= (1 << size) - 1
    return value - (1 << size) if kind[0] == "s" and value >> (size - 1) else value


def integers(kind: str, values: Iterable[int] = INTEGERS) -> list[int]:
    """Different integers of a type."""
    return sorted({wrapped(value, kind) for value in values})


def dtype(kind: str) -> str:
    """The type of NumPy."""
    return f"{kind[0].replace('s', 'i')}{bits(kind) // 8}"


def choose(a: Any, b: Any, first: int) -> Any:
    """The result of ``selp``."""
    return a if first else b


def times_plus(a: int, b: int, c: int) -> int:
    """The result of ``mad``."""
    return a * b + c


def fused(*numbers: Any) -> float:
    """The sum a * b + c rounded once."""
    a, b, c = map(float, numbers)
    if not all(map(math.isfinite, (a, b, c))):
        return c if math.isfinite(a) and math.isfinite(b) else a * b + c
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    return float(exact) if exact else a * b + c


def quotient(a: int, b: int) -> int:
    """The quotient truncated towards zero."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def unordered(order: Callable[[Any, Any], bool], a: Any, b: Any) -> bool:
    """A comparison that is true with a NaN."""
    return bool(order(a, b) or a != a or b != b)


def clamped(whole: Callable[[Any], Any], kind: str, of_nan: int, value: Any) -> int:
    """A number rounded to an integer in the range of a type."""
    low = -(1 << (bits(kind) - 1)) if kind[0] == "s" else 0
    high = low + (1 << bits(kind)) - 1
    if math.isnan(value):
        return of_nan
    return (high if value > 0 else low) if math.isinf(value) else min(max(low, int(whole(value))), high)


def shifted(shift: Callable[[int, int], int], size: int, value: int, amount: int) -> int:
    """A value shifted; amounts from the width on shift out all bits."""
    return shift(value, min(amount, size))


def field(kind: str, a: int, position: int, length: int) -> int:
    """The bits of a field, by the definition in the PTX ISA."""
    position, length, last = position & 255, length & 255, bits(kind) - 1
    sign = 0 if kind[0] == "u" or length == 0 else a >> min(position + length - 1, last) & 1
    inside = [index < length and position + index <= last for index in range(bits(kind))]
    return sum((a >> (position + index) & 1 if use else sign) << index for index, use in enumerate(inside))


def permuted(a: int, b: int, selector: int) -> int:
    """Bytes of two words chosen by digits."""
    source, result = (b << 32 | a).to_bytes(8, "little"), []
    for place in range(4):
        digit = selector >> 4 * place & 15
        byte = source[digit & 7]
        result.append(byte >> 7 and 255 if digit & 8 else byte)
    return int.from_bytes(bytes(result), "little")


def funnel(left: bool, wraps: bool, low: int, high: int, amount: int) -> int:
    """One half of 64 bits shifted."""
    count, value = amount & 31 if wraps else min(amount, 32), high << 32 | low
    return (value << count) >> 32 if left else value >> count


def float_rows(kind: str) -> Iterator[Row]:
    """Arithmetic and comparisons."""
    one, two, values = f"{kind} {kind}", f"{kind} {kind} {kind}", FLOATS[kind]
    pairs = list(product(values, repeat=2))
    yield row(f"add.rn.{kind}", two, pairs, operator.add)
    yield row(f"sub.rn.{kind}", two, pairs, operator.sub)
    yield row(f"mul.rn.{kind}", two, pairs, operator.mul)
    yield row(f"div.rn.{kind}", two, pairs, operator.truediv)
    yield row(f"fma.rn.{kind}", f"{two} {kind}", FUSED, fused)
    yield row(f"sqrt.rn.{kind}", one, values, np.sqrt)
    yield row(f"rcp.rn.{kind}", one, values, np.reciprocal)
    yield row(f"neg.{kind}", one, values, operator.neg)
    yield row(f"abs.{kind}", one, values, abs)
    yield row(f"copysign.{kind}", two, product(SPECIAL[:-1], values), lambda sign, a: np.copysign(a, sign))
    yield row(f"selp.{kind}", f"{two} pred", [(1.5, -0.0, 1), (1.5, -0.0, 0)], choose)
    compared = f"pred {one}"
    for name, order in ORDER.items():
        yield row(f"setp.{name}.{kind}", compared, pairs, order)
        yield row(f"setp.{name}u.{kind}", compared, pairs, partial(unordered, order))
    yield row(f"setp.ne.{kind}", compared, pairs, lambda a, b: a < b or a > b)
    yield row(f"setp.neu.{kind}", compared, pairs, operator.ne)
    yield row(f"setp.num.{kind}", compared, pairs, lambda a, b: a == a and b == b)
    yield row(f"setp.nan.{kind}", compared, pairs, lambda a, b: a != a or b != b)


def conversion_rows(kind: str) -> Iterator[Row]:
    """Conversions from and to floating-point numbers."""
    for name, whole in ROUND.items():
        yield row(f"cvt.{name}.{kind}.{kind}", f"{kind} {kind}", HALVES, whole)
        for to in ("s16", "u16", "s32", "u32", "s64", "u64"):
            of_nan = 1 << (bits(to) - 1) if 64 in (bits(kind), bits(to)) else 0
            yield row(f"cvt.{name}.{to}.{kind}", f"{to} {kind}", BEYOND, partial(clamped, whole, to, of_nan))
    for source in ("s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64"):
        values = integers(source, (*INTEGERS, *INEXACT))
        yield row(
            f"cvt.rn.{kind}.{source}", f"{kind} {source}", values,
            lambda a, source=source: np.array(a, dtype(source)).astype(dtype(kind)),
        )  # fmt: skip


def logical_rows(kind: str) -> Iterator[Row]:
    """Operations on bits."""
    one, two, values = f"{kind} {kind}", f"{kind} {kind} {kind}", integers(kind)
    pairs = list(product(values, repeat=2))
    yield row(f"and.{kind}", two, pairs, operator.and_)
    yield row(f"or.{kind}", two, pairs, operator.or_)
    yield row(f"xor.{kind}", two, pairs, operator.xor)
    yield row(f"not.{kind}", one, values, operator.invert)
    if kind != "pred":
        yield row(f"selp.{kind}", f"{two} pred", [(1, 2, 0), (1, 2, 1)], choose)
        yield row(f"setp.eq.{kind}", f"pred {one}", pairs, operator.eq)
        yield row(f"setp.ne.{kind}", f"pred {one}", pairs, operator.ne)


def integer_rows(kind: str) -> Iterator[Row]:
    """Arithmetic and comparisons of integers."""
    size, one, two, values = bits(kind), f"{kind} {kind}", f"{kind} {kind} {kind}", integers(kind)
    pairs = list(product(values, repeat=2))
    yield row(f"add.{kind}", two, pairs, operator.add)
    yield row(f"sub.{kind}", two, pairs, operator.sub)
    yield row(f"mul.lo.{kind}", two, pairs, operator.mul)
    yield row(f"mul.hi.{kind}", two, pairs, lambda a, b: a * b >> size)
    yield row(f"mad.lo.{kind}", f"{two} {kind}", [(a, b, -5) for a, b in pairs], times_plus)
    if size < 64:
        wide = f"{kind[0]}{2 * size}"
        yield row(f"mul.wide.{kind}", f"{wide} {one}", pairs, operator.mul)
        yield row(f"mad.wide.{kind}", f"{wide} {one} {wide}", [(a, b, 2**31 - 9) for a, b in pairs], times_plus)
    defined = [(a, b) for a, b in pairs if b and wrapped(quotient(a, b), kind) == quotient(a, b)]
    yield row(f"div.{kind}", two, defined, quotient)
    yield row(f"rem.{kind}", two, defined, lambda a, b: a - b * quotient(a, b))
    yield row(f"min.{kind}", two, pairs, min)
    yield row(f"max.{kind}", two, pairs, max)
    for name, order in (ORDER | {"ne": operator.ne} | (UNSIGNED_ORDER if kind[0] == "u" else {})).items():
        yield row(f"setp.{name}.{kind}", f"pred {one}", pairs, order)
    if kind[0] == "s":
        yield row(f"neg.{kind}", one, values, operator.neg)
        yield row(f"abs.{kind}", one, values, abs)


def shift_rows(size: int) -> Iterator[Row]:
    """Shifts and fields of bits."""
    unsigned, signed = f"u{size}", f"s{size}"
    for opcode, kind, shift in (
        (f"shl.b{size}", unsigned, operator.lshift), (f"shr.b{size}", unsigned, operator.rshift),
        (f"shr.u{size}", unsigned, operator.rshift), (f"shr.s{size}", signed, operator.rshift),
    ):  # fmt: skip
        yield row(opcode, f"{kind} {kind} u32", product(integers(kind), AMOUNTS), partial(shifted, shift, size))
    values = [(a, *each) for a in integers(unsigned) for each in FIELDS]
    for kind in (unsigned, signed):
        yield row(f"bfe.{kind}", f"{kind} {unsigned} u32 u32", values, partial(field, kind))
    yield row(f"popc.b{size}", f"u32 {unsigned}", integers(unsigned), int.bit_count)


def byte_rows() -> Iterator[Row]:
    """Funnel shifts and permutations of bytes."""
    halves = [(0x89ABCDEF, 0x01234567, amount) for amount in AMOUNTS]
    for left, wraps in product((True, False), repeat=2):
        opcode = f"shf.{'l' if left else 'r'}.{'wrap' if wraps else 'clamp'}.b32"
        yield row(opcode, "u32 u32 u32 u32", halves, partial(funnel, left, wraps))
    words = [(0x84038281, 0x14939211, digits) for digits in (0x3210, 0x7654, 0x0123, 0x8F1C, 0x5555, 0xFFFF9BDE)]
    yield row("prmt.b32", "u32 u32 u32 u32", words, permuted)


def rows() -> Iterator[Row]:
    """All rows."""
    for kind in FLOATS:
        yield from (*float_rows(kind), *conversion_rows(kind))
    yield row("cvt.f64.f32", "f64 f32", FLOATS["f32"], np.float64)
    yield row("cvt.rn.f32.f64", "f32 f64", (*FLOATS["f64"], 1 + 2.0**-24, 1 + 3 * 2.0**-24, 1e-40), np.float32)
    for kind in ("pred", "b16", "b32", "b64"):
        yield from logical_rows(kind)
    for size in (16, 32, 64):
        yield from (*integer_rows(f"s{size}"), *integer_rows(f"u{size}"))
    yield from (*shift_rows(32), *shift_rows(64), *byte_rows())
    for source, to in product(("s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64"), repeat=2):
        yield row(f"cvt.{to}.{source}", f"{to} {source}", integers(source, (*INTEGERS, 200, -200)), int)
