"""Translate a PTX function into LLVM IR: registers, operands, blocks.

The instructions are in ptx_moves, ptx_integers and ptx_floats.  `form` registers the full opcodes that a function
translates, as a regular expression; every other opcode is refused.

PTX registers become variables of integers, which LLVM turns into values.  A register or a variable that is read before
it is written has all bits set, so that the result is always the same.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from ptx_reader import Function, Instruction, Label, UnknownInstruction

SPECIAL = {"%tid.x": "%tid", "%ntid.x": "%ntid", "%ctaid.x": "%ctaid", "%nctaid.x": "%nctaid"}
"""Special registers of 32 bits, which are the last arguments of every LLVM function."""

FLOAT = {32: "float", 64: "double"}
LITERAL = re.compile(r"(-?(?:0[xX][0-9A-Fa-f]+|0[bB][01]+|[1-9]\d*|0))U?|0[dD]([0-9A-Fa-f]{16})|0[fF]([0-9A-Fa-f]{8})")
ADDRESS = re.compile(r"\[\s*([%\w$.]+)\s*(?:\+\s*(-?\d+)\s*)?\]")

Translate = Callable[..., None]
"""``translate(translator, match, *operands)``, where `match` is the match of the pattern with the opcode."""

FORMS: list[tuple[re.Pattern[str], Translate]] = []


def form(pattern: str) -> Callable[[Translate], Translate]:
    """Register a function for the opcodes that match `pattern` as a whole."""

    def register(translate: Translate) -> Translate:
        FORMS.append((re.compile(pattern), translate))
        return translate

    return register


@cache
def known(opcode: str) -> tuple[Translate, Any]:
    """The function that translates an opcode, and the match of its pattern."""
    for pattern, translate in FORMS:
        if match := pattern.fullmatch(opcode):
            return translate, match
    raise UnknownInstruction(opcode)


def names(operand: str) -> list[str]:
    """The parts of ``{a, b}`` or ``(a, b)``, or the operand itself."""
    return [part.strip() for part in operand.strip("{}()").split(",") if part.strip()]


def literal(operand: str, bits: int) -> str:
    """A constant of LLVM; floating-point constants stand for their bits."""
    match = LITERAL.fullmatch(operand)
    if not match or (match[2] and bits != 64) or (match[3] and bits != 32):
        raise UnknownInstruction(f"operand {operand} where {bits} bits are needed")
    value = int(match[1], 0) if match[1] else int(match[2] or match[3], 16)
    if bits == 1:
        return "true" if value else "false"
    value &= (1 << bits) - 1
    return str(value - (value >> (bits - 1) << bits))


def arguments(variables: list[tuple[str, int]]) -> str:
    """Arguments of LLVM from their names and sizes in bytes, followed by the special registers."""
    special = (f"i32 {name}" for name in SPECIAL.values())
    return ", ".join([*(f"i{8 * size} {name}" for name, size in variables), *special])


class Translator:
    """Translates one function; `functions` are those it may call, by name."""

    def __init__(self, function: Function, functions: Mapping[str, Function]) -> None:
        self.function, self.functions = function, functions
        self.lines: list[str] = []
        self.count = 0
        variables = [*function.parameters, *function.results, *function.variables]
        self.variables = {variable.name: f"%v{number}" for number, variable in enumerate(variables)}
        self.sizes = {variable.name: variable.size for variable in variables}

    def translate(self) -> str:
        """The function in LLVM IR."""
        self.allocate()
        for item in self.function.body:
            if isinstance(item, Label):
                self.label(f'"{item.name}"')
            else:
                self.instruction(item)
        self.trap()
        linkage = "" if self.function.visible else "internal "
        return "\n".join([f"define {linkage}{self.prototype()} {{", *self.lines, "  unreachable", "}"])

    def declaration(self) -> str:
        """The declaration of the function in LLVM IR."""
        return f"declare {self.prototype()}"

    def prototype(self) -> str:
        """Result type, name and parameters."""
        parameters = [(f"%p{number}", parameter.size) for number, parameter in enumerate(self.function.parameters)]
        return f'{self.result_type()} @"{self.function.name}"({arguments(parameters)})'

    def allocate(self) -> None:
        """Memory of the variables and registers, with all bits set; the parameters with their values."""
        variables = [*self.function.parameters, *self.function.results, *self.function.variables]
        for variable in variables:
            pointer = self.variables[variable.name]
            self.emit(f"{pointer} = alloca [{variable.size} x i8], align {variable.align}")
            self.emit(f"call void @llvm.memset.p0.i64(ptr {pointer}, i8 -1, i64 {variable.size}, i1 false)")
        for name, bits in self.function.registers.items():
            self.emit(f'%"{name}" = alloca i{bits}')
            self.emit(f'store i{bits} -1, ptr %"{name}"')
        for number, parameter in enumerate(self.function.parameters):
            self.emit(f"store i{8 * parameter.size} %p{number}, ptr {self.variables[parameter.name]}")

    def result_type(self) -> str:
        """The LLVM type of the result."""
        return f"i{8 * self.function.results[0].size}" if self.function.results else "void"

    def instruction(self, instruction: Instruction) -> None:
        """Translate an instruction, which its guard may skip."""
        translate, match = known(instruction.opcode)
        if not instruction.guard:
            translate(self, match, *instruction.operands)
            return
        guard, yes, no = self.read(instruction.guard, 1), self.fresh(), self.fresh()
        targets = (no, yes) if instruction.negated else (yes, no)
        self.emit(f"br i1 {guard}, label %{targets[0]}, label %{targets[1]}")
        self.lines.append(f"{yes}:")
        translate(self, match, *instruction.operands)
        self.label(no)

    # ---- lines of LLVM IR

    def fresh(self) -> str:
        """A new name."""
        self.count += 1
        return f"t{self.count}"

    def emit(self, text: str) -> None:
        """Add an LLVM instruction."""
        self.lines.append(f"  {text}")

    def let(self, text: str) -> str:
        """Add an LLVM instruction; return the name of its value."""
        name = f"%{self.fresh()}"
        self.emit(f"{name} = {text}")
        return name

    def label(self, name: str) -> None:
        """Begin a block, which the block before it enters."""
        self.emit(f"br label %{name}")
        self.lines.append(f"{name}:")

    def end(self, text: str) -> None:
        """Add the last instruction of a block; code that follows without a label is never reached."""
        self.emit(text)
        self.lines.append(f"{self.fresh()}:")

    def trap(self) -> None:
        """Stop the process."""
        self.emit("call void @llvm.trap()")
        self.end("unreachable")

    # ---- operands

    def register(self, name: str, bits: int, wider: bool) -> int:
        """The width of a register, which must be `bits` or, if allowed, more."""
        own = self.function.registers.get(name, 0)
        if own < bits or (own > bits and not wider):
            raise UnknownInstruction(f"operand {name} of {own} bits where {bits} are needed")
        return own

    def read(self, operand: str, bits: int, wider: bool = False) -> str:
        """An operand as an integer; a `wider` register is truncated."""
        if operand in SPECIAL and bits == 32:
            return SPECIAL[operand]
        if operand in self.variables and bits == 64:
            return self.let(f"ptrtoint ptr {self.variables[operand]} to i64")
        if not operand.startswith("%"):
            return literal(operand, bits)
        own = self.register(operand, bits, wider)
        return self.resized(self.let(f'load i{own}, ptr %"{operand}"'), own, bits)

    def write(self, operand: str, bits: int, value: str, extension: str = "") -> None:
        """Set a register; with an `extension` (``sext``, ``zext``), it may be wider than the value."""
        if operand != "_":
            own = self.register(operand, bits, bool(extension))
            self.emit(f'store i{own} {self.resized(value, bits, own, extension)}, ptr %"{operand}"')

    def resized(self, value: str, bits: int, to: int, extension: str = "zext") -> str:
        """An integer truncated or extended."""
        if bits == to:
            return value
        return self.let(f"{'trunc' if bits > to else extension} i{bits} {value} to i{to}")

    def read_float(self, operand: str, bits: int) -> str:
        """An operand as a floating-point number."""
        return self.let(f"bitcast i{bits} {self.read(operand, bits)} to {FLOAT[bits]}")

    def write_float(self, operand: str, bits: int, text: str) -> None:
        """Set a register to the floating-point value of an LLVM instruction."""
        self.write(operand, bits, self.let(f"bitcast {FLOAT[bits]} {self.let(text)} to i{bits}"))

    def address(self, operand: str) -> str:
        """The pointer of ``[base+offset]``."""
        match = ADDRESS.fullmatch(operand)
        if not match:
            raise UnknownInstruction(f"operand {operand}")
        base = self.variables.get(match[1]) or self.let(f"inttoptr i64 {self.read(match[1], 64)} to ptr")
        return self.let(f"getelementptr i8, ptr {base}, i64 {match[2] or 0}")
