"""Read PTX, the assembly language of NVIDIA's GPUs: functions with their variables, registers, labels and instructions.

Names that a nested block declares are made unique in their function, so that blocks need no further attention.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
HEADER = re.compile(
    r"(?:\.(?P<linkage>visible|weak|extern)\s+)?\.(?P<kind>func|entry)\s+(?:\((?P<results>[^)]*)\)\s*)?"
    r"(?P<name>[\w$]+)\s*(?:\((?P<parameters>[^)]*)\))?\s*(?P<end>[;{])"
)
GLOBAL = re.compile(r"(?:\.(?:visible|weak|extern|common)\s+)?\.(?:global|const)\s[^;]*;")
PREAMBLE = re.compile(r"\.(?:version|target|address_size)\s[^\n]*")
VARIABLE = re.compile(r"\.(?:param|local)\s+(?:\.align\s+(\d+)\s+)?\.[busf](\d+)\s+([\w$]+)(?:\[(\d+)\])?")
REGISTERS = re.compile(r"\.reg\s+\.(pred|[busf]\d+)\s+(.*)", re.S)
IGNORED = re.compile(r"\.(?:loc|pragma)\s.*", re.S)
STATEMENT = re.compile(
    r"\s*(?:(?P<brace>[{}])|(?P<table>[\w$]+)\s*:\s*\.branchtargets\s(?P<targets>[^;]*);"
    r"|(?P<label>[\w$]+)\s*:|(?P<text>[^;]+);)"
)
INSTRUCTION = re.compile(
    r"(?:@(?P<negated>!?)(?P<guard>%[\w$]+)\s+)?(?P<opcode>[a-z][\w.:]*)(?P<operands>(?:\s.*)?)", re.S
)
OPERAND = re.compile(r"\{[^}]*\}|\([^)]*\)|\[[^\]]*\]|[^,\s]+")
NAME = re.compile(r"[%$A-Za-z_][\w$]*")


class UnknownInstruction(ValueError):
    """An instruction or a declaration whose meaning this tool does not know or does not accept."""


class Variable(NamedTuple):
    """Memory of the spaces ``.param`` and ``.local``; `size` and `align` in bytes."""

    name: str
    size: int
    align: int


class Label(NamedTuple):
    """The target of a branch."""

    name: str


class Instruction(NamedTuple):
    """An instruction; it is skipped where the predicate register `guard` is false, or true if `negated`."""

    opcode: str
    operands: tuple[str, ...]
    guard: str = ""
    negated: bool = False


@dataclass
class Function:
    """A function, or a kernel if `entry`; `registers` maps names to widths in bits, `tables` to the labels of ``brx``.

    A `visible` function can be called from outside.
    """

    name: str
    entry: bool
    visible: bool
    results: list[Variable]
    parameters: list[Variable]
    registers: dict[str, int] = field(default_factory=dict)
    variables: list[Variable] = field(default_factory=list)
    tables: dict[str, list[str]] = field(default_factory=dict)
    body: list[Label | Instruction] = field(default_factory=list)


def width(kind: str) -> int:
    """Bits of a type such as ``pred``, ``b8`` or ``f64``."""
    return 1 if kind == "pred" else int(kind[1:])


def variable(text: str) -> Variable:
    """The declaration of a variable."""
    match = VARIABLE.fullmatch(text.strip())
    if not match:
        raise UnknownInstruction(text)
    align, bits, name, count = match.groups()
    return Variable(name, int(bits) // 8 * int(count or 1), int(align or int(bits) // 8))


def variables(text: str | None) -> list[Variable]:
    """Declarations separated by commas."""
    return [variable(part) for part in (text or "").split(",") if part.strip()]


def register_names(text: str) -> Iterator[str]:
    """The names that ``%SP``, ``a, b`` or ``%r<3>`` declares."""
    for name in text.split(","):
        stem, _, count = name.strip().rstrip(">").partition("<")
        yield from (f"{stem}{index}" for index in range(int(count))) if count else (stem,)


class BodyReader:
    """Reads the statements of a function into it."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.scopes: list[dict[str, str]] = [{}]
        self.count = 0

    def declare(self, name: str) -> str:
        """Return the unique name of `name` in the innermost block."""
        unique = name if len(self.scopes) == 1 else f"{name}.{self.count}"
        self.scopes[-1][name] = unique
        return unique

    def resolve(self, text: str) -> str:
        """Replace names by their unique names."""
        if len(self.scopes) == 1:
            return text
        names: Mapping[str, str] = {key: value for scope in self.scopes for key, value in scope.items()}
        return NAME.sub(lambda match: names.get(match[0], match[0]), text)

    def read(self, text: str, position: int) -> int:
        """Read statements from behind the opening brace; return the position behind the closing brace."""
        while self.scopes:
            match = STATEMENT.match(text, position)
            if not match:
                raise UnknownInstruction(f"{self.function.name} has no end")
            position = match.end()
            if match["brace"]:
                self.block(match["brace"] == "{")
            elif match["table"]:
                self.function.tables[match["table"]] = NAME.findall(match["targets"])
            elif match["label"]:
                self.function.body.append(Label(match["label"]))
            else:
                self.statement(match["text"].strip())
        return position

    def block(self, opens: bool) -> None:
        """Enter or leave a block."""
        if opens:
            self.count += 1
            self.scopes.append({})
        else:
            self.scopes.pop()

    def statement(self, text: str) -> None:
        """Add a declaration or an instruction."""
        if match := REGISTERS.fullmatch(text):
            names = (self.declare(name) for name in register_names(match[2]))
            self.function.registers.update(dict.fromkeys(names, width(match[1])))
        elif text.startswith((".param", ".local")):
            declared = variable(text)
            self.function.variables.append(declared._replace(name=self.declare(declared.name)))
        elif match := INSTRUCTION.fullmatch(text):
            operands = OPERAND.findall(self.resolve(match["operands"]))
            guard = self.resolve(match["guard"] or "")
            self.function.body.append(Instruction(match["opcode"], tuple(operands), guard, bool(match["negated"])))
        elif not IGNORED.fullmatch(text):
            raise UnknownInstruction(text)


def header(match: re.Match[str]) -> Function:
    """A function without its body."""
    entry, results, parameters = match["kind"] == "entry", variables(match["results"]), variables(match["parameters"])
    return Function(match["name"], entry, entry or match["linkage"] == "visible", results, parameters)


def read(text: str) -> list[Function]:
    """The functions that PTX defines, without those that it only declares; global variables are left out."""
    text, position, functions = COMMENT.sub(" ", text).strip(), 0, []
    while position < len(text):
        if match := HEADER.match(text, position):
            position = match.end()
            if match["end"] == "{":
                functions.append(header(match))
                position = BodyReader(functions[-1]).read(text, position)
        elif match := PREAMBLE.match(text, position) or GLOBAL.match(text, position):
            position = match.end()
        else:
            raise UnknownInstruction(text[position : position + 80].split("\n")[0])
        position = len(text) - len(text[position:].lstrip())
    return functions
