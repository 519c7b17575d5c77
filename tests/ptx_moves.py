"""PTX instructions in LLVM IR: moves, memory, branches and calls.

The address spaces of PTX are one memory here.  A misaligned address, an error on a GPU, is accepted.
"""

from typing import Any

from ptx_reader import UnknownInstruction
from ptx_translator import Translator, arguments, form, names


@form(r"mov\.(?:pred|[busf](16|32|64))")
def mov(to: Translator, match: Any, target: str, source: str) -> None:
    """Copy a value, or pack or unpack the parts of a register."""
    bits = int(match[1] or 1)
    if source.startswith("{"):
        to.write(target, bits, pack(to, bits, names(source)))
    elif target.startswith("{"):
        unpack(to, bits, names(target), source)
    else:
        to.write(target, bits, to.read(source, bits))


def pack(to: Translator, bits: int, parts: list[str]) -> str:
    """The parts as one integer, the lowest bits first."""
    part, value = bits // len(parts), "0"
    for index, name in enumerate(parts):
        piece = to.let(f"shl i{bits} {to.resized(to.read(name, part), part, bits)}, {index * part}")
        value = to.let(f"or i{bits} {value}, {piece}")
    return value


def unpack(to: Translator, bits: int, parts: list[str], source: str) -> None:
    """Set the parts to pieces of a value, the lowest bits first."""
    part, value = bits // len(parts), to.read(source, bits)
    for index, name in enumerate(parts):
        to.write(name, part, to.resized(to.let(f"lshr i{bits} {value}, {index * part}"), bits, part))


@form(r"cvta(?:\.to)?\.(?:local|global)\.u64")
def cvta(to: Translator, match: Any, target: str, source: str) -> None:
    """Convert an address between spaces."""
    to.write(target, 64, to.read(source, 64))


def elements(to: Translator, match: Any, memory: str, registers: str) -> list[tuple[str, str]]:
    """Pairs (register, pointer) of a load or a store of one, two or four values."""
    base, parts = to.address(memory), names(registers)
    if len(parts) != int(match["count"] or 1):
        raise UnknownInstruction(f"{match[0]} with {registers}")
    kind = f"i{match['bits']}"
    return [(name, to.let(f"getelementptr {kind}, ptr {base}, i64 {index}")) for index, name in enumerate(parts)]


@form(r"ld(?:\.param|\.local|\.global)?(?:\.v(?P<count>[24]))?\.(?P<kind>[busf])(?P<bits>8|16|32|64)")
def ld(to: Translator, match: Any, target: str, memory: str) -> None:
    """Load values; a wider register takes a signed value extended by its sign, another by zeros."""
    bits, extension = int(match["bits"]), "sext" if match["kind"] == "s" else "zext"
    pairs = elements(to, match, memory, target)
    values = [to.let(f"load i{bits}, ptr {pointer}, align 1") for _, pointer in pairs]
    for (register, _), value in zip(pairs, values, strict=True):
        to.write(register, bits, value, extension)


@form(r"st(?:\.param|\.local|\.global)?(?:\.v(?P<count>[24]))?\.[busf](?P<bits>8|16|32|64)")
def st(to: Translator, match: Any, memory: str, source: str) -> None:
    """Store values, of a wider register its lowest bits."""
    bits = int(match["bits"])
    for register, pointer in elements(to, match, memory, source):
        to.emit(f"store i{bits} {to.read(register, bits, wider=True)}, ptr {pointer}, align 1")


@form(r"atom(?:\.global)?\.add\.(?:u(32|64)|s(32))")
def atom_add(to: Translator, match: Any, target: str, memory: str, added: str) -> None:
    """Add to memory; return the value before."""
    bits, pointer = int(match[1] or match[2]), to.address(memory)
    to.write(target, bits, to.let(f"atomicrmw add ptr {pointer}, i{bits} {to.read(added, bits)} monotonic"))


@form(r"bra(?:\.uni)?")
def bra(to: Translator, match: Any, target: str) -> None:
    """Go to a label."""
    to.end(f'br label %"{target}"')


@form(r"brx\.idx(?:\.uni)?")
def brx(to: Translator, match: Any, index: str, table: str) -> None:
    """Go to a label of a table; an index beyond the table stops the process."""
    cases = " ".join(f'i32 {number}, label %"{label}"' for number, label in enumerate(to.function.tables[table]))
    beyond = to.fresh()
    to.emit(f"switch i32 {to.read(index, 32)}, label %{beyond} [{cases}]")
    to.lines.append(f"{beyond}:")
    to.trap()


@form("trap")
def trap(to: Translator, match: Any) -> None:
    """Stop the process."""
    to.trap()


@form(r"ret(?:\.uni)?|exit")
def ret(to: Translator, match: Any) -> None:
    """Return from a function, or end the thread in a kernel."""
    if match[0] == "exit" and not to.function.entry:
        raise UnknownInstruction("exit in a function")
    kind, value = to.result_type(), ""
    if to.function.results:
        value = to.let(f"load {kind}, ptr {to.variables[to.function.results[0].name]}")
    to.end(f"ret {kind} {value}")


@form(r"call(?:\.uni)?")
def call(to: Translator, match: Any, *operands: str) -> None:
    """Call a function by its name; its parameters and its result are variables."""
    results = names(operands[0]) if operands[0].startswith("(") else []
    name, *rest = operands[len(results) :]
    parameters = names(rest[0]) if rest else []
    sizes = [to.sizes[parameter] for parameter in parameters]
    function = to.functions.get(name)
    if function is None or sizes != [parameter.size for parameter in function.parameters]:
        raise UnknownInstruction(f"call of {name} with parameters of {sizes} bytes")
    values = [to.let(f"load i{8 * to.sizes[each]}, ptr {to.variables[each]}") for each in parameters]
    kind = f"i{8 * to.sizes[results[0]]}" if results else "void"
    text = f'call {kind} @"{name}"({arguments(list(zip(values, sizes, strict=True)))})'
    if results:
        to.emit(f"store {kind} {to.let(text)}, ptr {to.variables[results[0]]}")
    else:
        to.emit(text)
