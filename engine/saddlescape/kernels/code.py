"""Memory and loops of generated code."""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from saddlescape.kernels.lanes import Lanes, LaneType, declared

INDEX = ir.IntType(64)
STACK = 64
"""Alignment of a function's stack: with less, vectors are spilled across cache lines."""

STACKED = 2**17
"""Bytes of an array on the stack, at most (`borrowed`)."""

UNROLLED = 640
"""A loop is unrolled if it has at most this many lane operations in total; longer code costs too much compilation."""


class Index:
    """A loop counter; adding the Python integer 0 generates no instruction."""

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
    """A C-contiguous array (rows, lanes) in memory: ``rows[k]`` loads a row, ``rows[k] = lanes`` stores it.

    LLVM is told that arrays of different names do not overlap, so it may keep rows in registers.
    """

    def __init__(self, builder: Any, kind: LaneType, address: Any, name: str) -> None:
        self.builder, self.kind, self.address = builder, kind, address
        self.name, self._align = name, 8 if kind.dtype == "float64" else 4
        self._regions = _regions(builder, name)

    def from_row(self, row: int) -> "Rows":
        """The rows from `row` on."""
        address = self.builder.gep(self.address, [as_value(row * self.kind.n)])
        return Rows(self.builder, self.kind, address, self.name)

    def scratch(self, rows: int) -> "Rows":
        """Rows on the stack, of the same lane type."""
        return scratch(self.builder, self.kind, rows)

    def borrowed(self, rows: int) -> tuple["Rows", Callable[[], None]]:
        """Rows of the same lane type, and a function that generates their release (`borrowed`)."""
        return borrowed(self.builder, self.kind, rows)

    def _pointer(self, row: Index | int) -> Any:
        address = self.builder.gep(self.address, [as_value(row * self.kind.n)])
        return self.builder.bitcast(address, self.kind.numbers.as_pointer())

    def __getitem__(self, row: Index | int) -> Lanes:
        return Lanes(self.builder, self.kind, self._tagged(self.builder.load(self._pointer(row), align=self._align)))

    def __setitem__(self, row: Index | int, lanes: Lanes) -> None:
        self._tagged(self.builder.store(lanes.value, self._pointer(row), align=self._align))

    def _tagged(self, instruction: Any) -> Any:
        own, others = self._regions
        instruction.set_metadata("alias.scope", own)
        instruction.set_metadata("noalias", others)
        return instruction


REGIONS = ("theta", "state", "grad", "data", "hyperparameters", "monitor", "scratch", "direction", "column")
"""Names of arrays that do not overlap."""


def _regions(builder: Any, name: str) -> tuple[Any, Any]:
    """Metadata for LLVM's scoped alias analysis: the scope of the named array, and those of all others."""
    module = builder.module
    domain = module.add_metadata(["saddlescape"])
    scopes = {region: module.add_metadata([f"saddlescape {region}", domain]) for region in REGIONS}
    others = [scope for region, scope in scopes.items() if region != name]
    return module.add_metadata([scopes[name]]), module.add_metadata(others)


def scratch(builder: Any, kind: LaneType, rows: int) -> Rows:
    """Rows on the stack; rows whose indices are all constant become registers."""
    memory = allocate(builder, kind.numbers, rows)
    return Rows(builder, kind, builder.bitcast(memory, kind.number.as_pointer()), "scratch")


def allocate(builder: Any, element: ir.Type, size: int) -> Any:
    """An array on the stack, not initialized; Numba's `alloca_once` would set it to zero, element by element."""
    with builder.goto_entry_block():
        return builder.alloca(ir.ArrayType(element, max(1, size)))


def borrowed(builder: Any, kind: LaneType, rows: int) -> tuple[Rows, Callable[[], None]]:
    """Rows on the stack, or on the heap if they are large, and a function that generates the code that releases them.

    Threads may have stacks of 2 MiB, and a single lane never has large rows.
    """
    size = rows * kind.n * (8 if kind.dtype == "float64" else 4)
    if size <= STACKED:
        return scratch(builder, kind, rows), lambda: None
    byte = ir.IntType(8).as_pointer()
    memory = builder.call(declared(builder, "malloc", byte, [INDEX]), [ir.Constant(INDEX, size + STACK)])
    address = builder.add(builder.ptrtoint(memory, INDEX), ir.Constant(INDEX, STACK - 1))
    aligned = builder.inttoptr(builder.and_(address, ir.Constant(INDEX, -STACK)), kind.number.as_pointer())
    release = declared(builder, "free", ir.VoidType(), [byte])
    return Rows(builder, kind, aligned, "scratch"), lambda: builder.call(release, [memory])


class Words:
    """A C-contiguous array (rows, lanes) of 64-bit words in memory; its values are LLVM values."""

    def __init__(self, builder: Any, kind: LaneType, address: Any) -> None:
        self.builder, self.kind, self.address = builder, kind, address

    def _pointer(self, row: int) -> Any:
        address = self.builder.gep(self.address, [as_value(row * self.kind.n)])
        return self.builder.bitcast(address, self.kind.all(INDEX).as_pointer())

    def __getitem__(self, row: int) -> Any:
        return self.builder.load(self._pointer(row), align=8)

    def __setitem__(self, row: int, value: Any) -> None:
        self.builder.store(value, self._pointer(row), align=8)

    def of(self, number: Index | int) -> Any:
        """LLVM value with the number in every lane."""
        return splat(self.builder, as_value(number), self.kind, INDEX)


class Broadcast(Rows):
    """A one-dimensional array in memory: ``rows[k]`` broadcasts number `k` to all lanes."""

    def __getitem__(self, row: Index | int) -> Lanes:
        address = self.builder.gep(self.address, [as_value(row)])
        number = self._tagged(self.builder.load(address, align=self._align))
        return Lanes(self.builder, self.kind, splat(self.builder, number, self.kind))


def splat(builder: Any, number: Any, kind: LaneType, element: ir.Type | None = None) -> Any:
    """LLVM value with `number` in every lane; `element` is its type, by default the type of `kind`'s numbers."""
    if kind.n == 1:
        return number
    vector = kind.all(element or kind.number)
    empty = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(empty, number, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), kind.n), [0] * kind.n)
    return builder.shuffle_vector(first, empty, zeros)


def keep_apart(function: Any, kind: LaneType) -> None:
    """Keep a function out of its caller, with a stack aligned for vectors; a single lane needs neither."""
    if kind.n > 1:
        function.attributes.add("noinline")
        function.attributes.alignstack = STACK


UNOPTIMIZED = "optnone"
"""Attribute of LLVM: the function is not optimized."""


def subroutine(
    builder: Any, kind: LaneType, name: str, types: Sequence[ir.Type], body: Callable[..., None]
) -> Callable[[Any, Sequence[Any]], None]:
    """Generate a function with the code of ``body(builder, arguments)``; returns ``call(builder, arguments)``.

    If the module has a function of this name, that one is called.
    """
    function = builder.module.globals.get(name)
    if function is None:
        function = ir.Function(builder.module, ir.FunctionType(ir.VoidType(), types), name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        if UNOPTIMIZED in builder.function.attributes:
            function.attributes.add(UNOPTIMIZED)
        keep_apart(function, kind)
        inside = ir.IRBuilder(function.append_basic_block())
        body(inside, function.args)
        inside.ret_void()
    return lambda caller, arguments: caller.call(function, arguments)


def in_code(kind: LaneType, operations: int, weight: int) -> int:
    """Lane operations of the body of a loop that mostly loads and stores, as `repeat` counts them.

    For a single lane they count `weight` times.  Its rows are in memory in any case, and two compilers read its code;
    for a network of 2-100-1 units unrolled loops took them seconds.
    """
    return operations * weight if kind.n == 1 else operations


def repeat(builder: Any, n: int, body: Callable[[Any], None], operations: int) -> None:
    """``for i in range(n): body(i)``, unrolled if `n` times the lane operations of the body are few."""
    if n == 1 or n * operations <= UNROLLED:
        for i in range(n):
            body(i)
        return
    with cgutils.for_range(builder, ir.Constant(INDEX, n)) as loop:
        body(Index(builder, loop.index))


def fold(
    like: Rows, n: int, first: Sequence[Lanes], step: Callable[[Any, list[Lanes]], list[Lanes]]
) -> list[Lanes]:
    """The last values of ``for i in range(1, n): values = step(i, values)``, which starts with the values `first`.

    The values have the lane type of the rows `like`.
    """
    if n * len(first) <= UNROLLED // 8:
        values = list(first)
        for i in range(1, n):
            values = step(i, values)
        return values
    memory, builder = like.scratch(len(first)), like.builder
    _store(memory, first)
    with cgutils.for_range(builder, ir.Constant(INDEX, n - 1)) as loop:
        _store(memory, step(Index(builder, loop.index) + 1, [memory[k] for k in range(len(first))]))
    return [memory[k] for k in range(len(first))]


def _store(rows: Rows, values: Sequence[Lanes]) -> None:
    for k, value in enumerate(values):
        rows[k] = value


class Difference:
    """The bits in which pairs of values differ, OR-ed over any number of pairs and with the bits of `first`."""

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
        """The bits reinterpreted as numbers: +0.0 in a lane without a difference."""
        return Lanes(self.builder, self.kind, self.builder.bitcast(self.builder.load(self._bits), self.kind.numbers))

    def any_equal(self) -> Any:
        """LLVM bit: whether at least one lane has no difference.

        The smallest word is compared with zero, because LLVM would split a comparison of each word into one comparison
        per pair, which costs many times as much.
        """
        word, bits = self.kind.word, self.builder.load(self._bits)
        if self.kind.n > 1:
            name = f"llvm.vector.reduce.umin.v{self.kind.n}i{word.width}"
            bits = self.builder.call(declared(self.builder, name, word, [self.kind.words]), [bits])
        return self.builder.icmp_unsigned("==", bits, ir.Constant(word, 0))
