"""Memory and loops of generated code."""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from saddlescape.kernels.lanes import Lanes, LaneType, declared

INDEX = ir.IntType(64)
STACK = 64
"""Alignment of a function's stack: with less, vectors are spilled across cache lines."""

UNROLLED = 640
"""A loop is unrolled up to this many lane operations in all; beyond, compiling costs more than looping."""


class Index:
    """A loop counter; sums and products with Python integers stay as short as they can."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def __add__(self, other: "Index | int") -> "Index":
        if other == 0:
            return self
        return Index(self.builder, self.builder.add(self.value, as_value(other)))

    __radd__ = __add__

    def __mul__(self, other: int) -> "Index":
        return Index(self.builder, self.builder.mul(self.value, as_value(other)))

    __rmul__ = __mul__


def as_value(index: Index | int) -> Any:
    """LLVM value of an index."""
    return index.value if isinstance(index, Index) else ir.Constant(INDEX, index)


class Rows:
    """C-contiguous (rows, lanes) numbers in memory: ``rows[k]`` is loaded, ``rows[k] = lanes`` stored.

    Rows of different names are told to be different memory; LLVM may keep them in registers.
    """

    def __init__(self, builder: Any, kind: LaneType, address: Any, name: str) -> None:
        self.builder, self.kind, self.address = builder, kind, address
        self.name, self._align = name, 8 if kind.dtype == "float64" else 4
        self._regions = _regions(builder, name)

    def after(self, row: int) -> "Rows":
        """The rows from `row` on."""
        place = self.builder.gep(self.address, [as_value(row * self.kind.n)])
        return Rows(self.builder, self.kind, place, self.name)

    def scratch(self, rows: int) -> "Rows":
        """Rows on the stack, of the same kind of numbers."""
        return scratch(self.builder, self.kind, rows)

    def _at(self, row: Index | int) -> Any:
        offset = row * self.kind.n
        place = self.builder.gep(self.address, [as_value(offset)])
        return self.builder.bitcast(place, self.kind.numbers.as_pointer())

    def __getitem__(self, row: Index | int) -> Lanes:
        return Lanes(self.builder, self.kind, self._marked(self.builder.load(self._at(row), align=self._align)))

    def __setitem__(self, row: Index | int, lanes: Lanes) -> None:
        self._marked(self.builder.store(lanes.value, self._at(row), align=self._align))

    def _marked(self, instruction: Any) -> Any:
        own, others = self._regions
        instruction.set_metadata("alias.scope", own)
        instruction.set_metadata("noalias", others)
        return instruction


REGIONS = ("theta", "state", "grad", "data", "rates", "seen", "scratch", "direction", "column")


def _regions(builder: Any, name: str) -> tuple[Any, Any]:
    """Metadata of a region of memory: itself, and all the others (LLVM's scoped alias analysis)."""
    module = builder.module
    domain = module.add_metadata(["saddlescape"])
    scopes = {region: module.add_metadata([f"saddlescape {region}", domain]) for region in REGIONS}
    others = [scope for region, scope in scopes.items() if region != name]
    return module.add_metadata([scopes[name]]), module.add_metadata(others)


def scratch(builder: Any, kind: LaneType, rows: int) -> Rows:
    """Rows on the stack; those reached by constant indices alone end up in registers."""
    memory = cgutils.alloca_once(builder, ir.ArrayType(kind.numbers, max(1, rows)))
    return Rows(builder, kind, builder.bitcast(memory, kind.number.as_pointer()), "scratch")


class Words:
    """C-contiguous (rows, lanes) 64-bit words in memory: values are LLVM's."""

    def __init__(self, builder: Any, kind: LaneType, address: Any) -> None:
        self.builder, self.kind, self.address = builder, kind, address

    def _at(self, row: int) -> Any:
        place = self.builder.gep(self.address, [as_value(row * self.kind.n)])
        return self.builder.bitcast(place, self.kind.all(INDEX).as_pointer())

    def __getitem__(self, row: int) -> Any:
        return self.builder.load(self._at(row), align=8)

    def __setitem__(self, row: int, value: Any) -> None:
        self.builder.store(value, self._at(row), align=8)

    def of(self, number: Index | int) -> Any:
        """The number in every lane."""
        return splat(self.builder, as_value(number), self.kind, INDEX)


class Numbers(Rows):
    """Plain numbers in memory, each read into all lanes."""

    def __getitem__(self, row: Index | int) -> Lanes:
        place = self.builder.gep(self.address, [as_value(row)])
        number = self._marked(self.builder.load(place, align=self._align))
        return Lanes(self.builder, self.kind, splat(self.builder, number, self.kind))


def splat(builder: Any, number: Any, kind: LaneType, element: ir.Type | None = None) -> Any:
    """The LLVM value with `number` in every lane; `element` is its type, by default that of the lanes' numbers."""
    if kind.n == 1:
        return number
    vector = kind.all(element or kind.number)
    empty = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(empty, number, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), kind.n), [0] * kind.n)
    return builder.shuffle_vector(first, empty, zeros)


def subroutine(
    builder: Any, name: str, types: Sequence[ir.Type], body: Callable[..., None]
) -> Callable[[Any, Sequence[Any]], None]:
    """A function of its own: ``call(builder, arguments)`` runs ``body(its builder, arguments)``, generated once."""
    function = ir.Function(builder.module, ir.FunctionType(ir.VoidType(), types), builder.module.get_unique_name(name))
    function.linkage = "internal"
    function.attributes.add("noinline")
    function.attributes.alignstack = STACK
    inside = ir.IRBuilder(function.append_basic_block())
    body(inside, function.args)
    inside.ret_void()
    return lambda outside, arguments: outside.call(function, arguments)


def repeat(builder: Any, n: int, body: Callable[[Any], None], operations: int) -> None:
    """``for i in range(n): body(i)``, unrolled where `n` times the body's lane operations are few."""
    if n == 1 or n * operations <= UNROLLED:
        for i in range(n):
            body(i)
        return
    with cgutils.for_range(builder, ir.Constant(INDEX, n)) as loop:
        body(Index(builder, loop.index))


def fold(
    like: Rows, n: int, first: Sequence[Lanes], step: Callable[[Any, list[Lanes]], list[Lanes]]
) -> list[Lanes]:
    """``for i in range(1, n): values = step(i, values)``, starting from the values `first`; the last values.

    The values are numbers of the kind of those in the rows `like`.
    """
    if n * len(first) <= UNROLLED // 8:
        values = list(first)
        for i in range(1, n):
            values = step(i, values)
        return values
    kept, builder = like.scratch(len(first)), like.builder
    _keep(kept, first)
    with cgutils.for_range(builder, ir.Constant(INDEX, n - 1)) as loop:
        _keep(kept, step(Index(builder, loop.index) + 1, [kept[k] for k in range(len(first))]))
    return [kept[k] for k in range(len(first))]


def _keep(rows: Rows, values: Sequence[Lanes]) -> None:
    for k, value in enumerate(values):
        rows[k] = value


class Difference:
    """The bits in which pairs of lanes differ, gathered over any number of pairs, after those set in `first`."""

    def __init__(self, first: Lanes) -> None:
        self.builder, self.kind = first.builder, first.kind
        self._bits = cgutils.alloca_once(self.builder, self.kind.words)
        self.builder.store(self._word(first), self._bits)

    def _word(self, lanes: Lanes) -> Any:
        return self.builder.bitcast(lanes.value, self.kind.words)

    def add(self, a: Lanes, b: Lanes) -> None:
        bits = self.builder.or_(self.builder.load(self._bits), self.builder.xor(self._word(a), self._word(b)))
        self.builder.store(bits, self._bits)

    @property
    def lanes(self) -> Lanes:
        """The bits as numbers: in a lane without a difference, plus zero."""
        return Lanes(self.builder, self.kind, self.builder.bitcast(self.builder.load(self._bits), self.kind.numbers))

    def none(self) -> Any:
        """LLVM bit: whether there is a lane without a difference.

        The least of the words is compared with zero: a comparison of each word would be taken apart by LLVM into
        one of each pair, which costs many times as much.
        """
        word, bits = self.kind.word, self.builder.load(self._bits)
        if self.kind.n > 1:
            name = f"llvm.vector.reduce.umin.v{self.kind.n}i{word.width}"
            bits = self.builder.call(declared(self.builder, name, word, [self.kind.words]), [bits])
        return self.builder.icmp_unsigned("==", bits, ir.Constant(word, 0))
