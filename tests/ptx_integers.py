"""PTX instructions in LLVM IR: integers, bits and bytes."""

from typing import Any

from ptx_reader import UnknownInstruction
from ptx_translator import Translator, form

UNSIGNED = {"lo": "ult", "ls": "ule", "hi": "ugt", "hs": "uge"}


@form(r"(add|sub)\.[su](16|32|64)")
@form(r"(and|or|xor)\.(?:pred|b(16|32|64))")
def integer_operation(to: Translator, match: Any, target: str, a: str, b: str) -> None:
    """Operations that LLVM has by the same name."""
    bits = int(match[2] or 1)
    to.write(target, bits, to.let(f"{match[1]} i{bits} {to.read(a, bits)}, {to.read(b, bits)}"))


@form(r"not\.(?:pred|b(16|32|64))")
def complement(to: Translator, match: Any, target: str, a: str) -> None:
    """The complement of all bits."""
    bits = int(match[1] or 1)
    to.write(target, bits, to.let(f"xor i{bits} {to.read(a, bits)}, -1"))


@form(r"(mul|mad)\.(lo|hi)\.([su])(16|32|64)")
@form(r"(mul|mad)\.(wide)\.([su])(16|32)")
def product(to: Translator, match: Any, target: str, a: str, b: str, *added: str) -> None:
    """The lower or upper half of a product, or all of it, and a sum with it."""
    part, extension, bits = match[2], f"{match[3].replace('u', 'z')}ext", int(match[4])
    if len(added) != (match[1] == "mad"):
        raise UnknownInstruction(f"{match[0]} with {len(added)} addends")
    x, y = (to.resized(to.read(operand, bits), bits, 2 * bits, extension) for operand in (a, b))
    value, size = to.let(f"mul i{2 * bits} {x}, {y}"), 2 * bits
    if part == "hi":
        value = to.let(f"lshr i{size} {value}, {bits}")
    if part != "wide":
        value, size = to.resized(value, size, bits), bits
    for addend in added:
        value = to.let(f"add i{size} {value}, {to.read(addend, size)}")
    to.write(target, size, value)


@form(r"(div|rem)\.([su])(16|32|64)")
def quotient(to: Translator, match: Any, target: str, a: str, b: str) -> None:
    """Quotient or remainder; where PTX promises no value (0 as divisor, overflow), all bits set and the dividend."""
    name, sign, bits = match[1], match[2], int(match[3])
    kind = f"i{bits}"
    x, y = to.read(a, bits), to.read(b, bits)
    bad = to.let(f"icmp eq {kind} {y}, 0")
    if sign == "s":
        minus, least = to.let(f"icmp eq {kind} {y}, -1"), to.let(f"icmp eq {kind} {x}, {-(1 << (bits - 1))}")
        bad = to.let(f"or i1 {bad}, {to.let(f'and i1 {minus}, {least}')}")
    safe = to.let(f"select i1 {bad}, {kind} 1, {kind} {y}")
    value = to.let(f"{sign}{name} {kind} {x}, {safe}")
    to.write(target, bits, to.let(f"select i1 {bad}, {kind} {'-1' if name == 'div' else x}, {kind} {value}"))


@form(r"(min|max)\.([su])(16|32|64)")
def extremum(to: Translator, match: Any, target: str, a: str, b: str) -> None:
    """The smaller or the larger integer."""
    kind, bits = f"i{match[3]}", int(match[3])
    value = f"call {kind} @llvm.{match[2]}{match[1]}.{kind}({kind} {to.read(a, bits)}, {kind} {to.read(b, bits)})"
    to.write(target, bits, to.let(value))


@form(r"(abs|neg)\.s(16|32|64)")
def signed_operation(to: Translator, match: Any, target: str, a: str) -> None:
    """The absolute value or the negative of an integer."""
    kind, bits = f"i{match[2]}", int(match[2])
    x = to.read(a, bits)
    text = f"sub {kind} 0, {x}" if match[1] == "neg" else f"call {kind} @llvm.abs.{kind}({kind} {x}, i1 false)"
    to.write(target, bits, to.let(text))


@form(r"popc\.b(32|64)")
def count_of_ones(to: Translator, match: Any, target: str, a: str) -> None:
    """The number of bits that are set, in 32 bits."""
    kind, bits = f"i{match[1]}", int(match[1])
    count = to.let(f"call {kind} @llvm.ctpop.{kind}({kind} {to.read(a, bits)})")
    to.write(target, 32, to.resized(count, bits, 32))


def smallest(to: Translator, amount: str, limit: int) -> str:
    """An unsigned integer of 32 bits, at most `limit`."""
    return to.let(f"call i32 @llvm.umin.i32(i32 {amount}, i32 {limit})")


def shifted(to: Translator, operation: str, bits: int, value: str, amount: str) -> str:
    """A value shifted by up to its width, all bits of which are then shifted out; larger amounts mean the width."""
    double, extension = 2 * bits, "sext" if operation == "ashr" else "zext"
    wide, by = to.resized(value, bits, double, extension), to.resized(smallest(to, amount, bits), 32, double)
    return to.resized(to.let(f"{operation} i{double} {wide}, {by}"), double, bits)


@form(r"(shl)\.b(32|64)")
@form(r"(shr)\.[bu](32|64)")
@form(r"(shr\.s)(32|64)")
def shift(to: Translator, match: Any, target: str, a: str, amount: str) -> None:
    """Shift; amounts beyond the width mean the width."""
    bits, operation = int(match[2]), {"shl": "shl", "shr": "lshr", "shr.s": "ashr"}[match[1]]
    to.write(target, bits, shifted(to, operation, bits, to.read(a, bits), to.read(amount, 32)))


def joined(to: Translator, low: str, high: str) -> str:
    """Two operands of 32 bits as an integer of 64."""
    lower, upper = (to.resized(to.read(operand, 32), 32, 64) for operand in (low, high))
    return to.let(f"or i64 {to.let(f'shl i64 {upper}, 32')}, {lower}")


@form(r"shf\.([lr])\.(wrap|clamp)\.b32")
def funnel_shift(to: Translator, match: Any, target: str, low: str, high: str, amount: str) -> None:
    """Shift 64 bits left or right by up to 32; return the upper or the lower half."""
    value, count = joined(to, low, high), to.read(amount, 32)
    count = to.let(f"and i32 {count}, 31") if match[2] == "wrap" else smallest(to, count, 32)
    by = to.resized(count, 32, 64)
    if match[1] == "l":
        value = to.let(f"lshr i64 {to.let(f'shl i64 {value}, {by}')}, 32")
    else:
        value = to.let(f"lshr i64 {value}, {by}")
    to.write(target, 32, to.resized(value, 64, 32))


@form(r"bfe\.([su])(32|64)")
def bit_field(to: Translator, match: Any, target: str, a: str, position: str, length: str) -> None:
    """Bits from a position on, as a signed or an unsigned integer; only the lowest bytes of both numbers count."""
    bits, right = int(match[2]), {"s": "ashr", "u": "lshr"}[match[1]]
    first, count = (to.let(f"and i32 {to.read(operand, 32)}, 255") for operand in (position, length))
    unused = to.let(f"sub i32 {bits}, {smallest(to, count, bits)}")
    value = shifted(to, right, bits, to.read(a, bits), first)
    to.write(target, bits, shifted(to, right, bits, shifted(to, "shl", bits, value, unused), unused))


@form(r"prmt\.b32")
def permute(to: Translator, match: Any, target: str, low: str, high: str, selector: str) -> None:
    """Four of eight bytes, chosen by the digits of a selector; its highest bit fills the byte with its sign."""
    value, digits, result = joined(to, low, high), to.resized(to.read(selector, 32), 32, 64), "0"
    for place in range(4):
        digit = to.let(f"lshr i64 {digits}, {4 * place}")
        by = to.let(f"shl i64 {to.let(f'and i64 {digit}, 7')}, 3")
        byte = to.resized(to.let(f"lshr i64 {value}, {by}"), 64, 8)
        spread = to.resized(to.let(f"lshr i64 {digit}, 3"), 64, 1)
        chosen = to.let(f"select i1 {spread}, i8 {to.let(f'ashr i8 {byte}, 7')}, i8 {byte}")
        piece = to.let(f"shl i32 {to.resized(chosen, 8, 32)}, {8 * place}")
        result = to.let(f"or i32 {result}, {piece}")
    to.write(target, 32, result)


@form(r"setp\.(eq|ne)\.([bsu])(16|32|64)")
@form(r"setp\.(lt|le|gt|ge)\.([su])(16|32|64)")
@form(r"setp\.(lo|ls|hi|hs)\.(u)(16|32|64)")
def compare_integers(to: Translator, match: Any, target: str, a: str, b: str) -> None:
    """Compare signed or unsigned integers."""
    name, bits = match[1], int(match[3])
    condition = name if name in ("eq", "ne") else UNSIGNED.get(name, match[2] + name)
    to.write(target, 1, to.let(f"icmp {condition} i{bits} {to.read(a, bits)}, {to.read(b, bits)}"))


@form(r"selp\.[busf](16|32|64)")
def select(to: Translator, match: Any, target: str, a: str, b: str, chosen: str) -> None:
    """The first operand where a predicate is true, else the second."""
    bits = int(match[1])
    x, y, predicate = to.read(a, bits), to.read(b, bits), to.read(chosen, 1)
    to.write(target, bits, to.let(f"select i1 {predicate}, i{bits} {x}, i{bits} {y}"))


@form(r"cvt\.([su])(8|16|32|64)\.([su])(8|16|32|64)")
def resize(to: Translator, match: Any, target: str, source: str) -> None:
    """An integer truncated or extended; a wider register takes it extended too."""
    from_bits, to_bits = int(match[4]), int(match[2])
    extension = {"s": "sext", "u": "zext"}
    value = to.resized(to.read(source, from_bits, wider=True), from_bits, to_bits, extension[match[3]])
    to.write(target, to_bits, value, extension[match[1]])
