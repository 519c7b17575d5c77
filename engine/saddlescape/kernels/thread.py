"""One thread of a device as one lane: `run_ticks` with the lane's state in the thread's own memory.

A launch runs every thread for a number of ticks.  Between launches, the state of all lanes is in arrays (rows, threads)
of the device; the thread copies its column to its own memory, which the compiler keeps in registers and local memory,
and back.  Threads take their starts from one counter (`tick.claim`), so the result of a run does not depend on the
number of threads: no run depends on its lane.

The addresses of all arrays, and the numbers that are no constants of the variant, are in one table of 64-bit words, in
the order of `TABLE`.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from llvmlite import ir
from numba import cfunc, types
from numba.core import cgutils
from numba.extending import intrinsic

from saddlescape.kernels.code import UNOPTIMIZED, allocate
from saddlescape.kernels.integrate import run_ticks as integrate_ticks
from saddlescape.kernels.measures import ROW
from saddlescape.kernels.state import (
    Counts,
    LaneState,
    MeasureArguments,
    Records,
    Runs,
    lane_dtypes,
    lane_rows,
    scratch_size,
)
from saddlescape.kernels.train import run_ticks as train_ticks
from saddlescape.kernels.variant import NetType, Variant


class Data(NamedTuple):
    """The samples."""

    X: Any
    T: Any


WORD, KEY, DOUBLE = types.int64, types.uint64, types.float64
WRITE_ROW = "saddlescape_write_row"
"""Symbol of `measures.write_row` in the module of a device."""

TABLE = (
    *(f"lanes.{name}" for name in LaneState._fields), *(f"runs.{name}" for name in Runs._fields),
    *(f"records.{name}" for name in Records._fields), *(f"measured.{name}" for name in MeasureArguments._fields),
    *(f"n.{name}" for name in Counts._fields), "X", "T",
)  # fmt: skip
"""Names of the words of the table."""


def arrays(element: Any, *fields: str) -> dict[str, Any]:
    """Numba types of arrays with the same elements."""
    return {field: types.CPointer(element) for field in fields}


def kinds(variant: Variant) -> dict[str, dict[str, Any]]:
    """Numba types of the fields of each structure."""
    number, time = getattr(types, variant.kind.dtype), DOUBLE if variant.flows else WORD
    return {
        "lanes": {name: types.CPointer(getattr(types, dtype)) for name, dtype in lane_dtypes(variant).items()},
        "runs": arrays(number, "theta", "hyperparameters") | arrays(WORD, "steps", "recorded") | arrays(KEY, "keys")
        | arrays(WORD, "events") | arrays(DOUBLE, "final", "times") | arrays(WORD, "next"),
        "records": arrays(time, "at") | arrays(DOUBLE, "measures") | arrays(number, "theta"),
        "measured": dict.fromkeys(MeasureArguments._fields, WORD) | arrays(WORD, "sizes", "widths", "odd")
        | arrays(DOUBLE, "scratch") | {"tolerance": DOUBLE},
        "n": dict.fromkeys(Counts._fields, WORD),
    }  # fmt: skip


def constants(variant: Variant) -> dict[str, int]:
    """The lengths of arrays that the variant determines, for a single lane."""
    rows, sizes = lane_rows(variant), variant.trainer.sizes
    return {
        "lanes": 1, "params": variant.n_params, "states": variant.n_states, "hyperparameters": rows["hyperparameters"],
        "layers": len(variant.layers), "samples": variant.samples, "inputs": sizes[0], "outputs": sizes[-1],
    }  # fmt: skip


def structure(cls: Any, fields: Mapping[str, Any], value: Callable[[Any, Any, str, Any], Any]) -> Any:
    """Intrinsic ``load(table)`` that returns a named tuple; ``value(builder, table, field, type)`` is each field."""
    result = types.NamedTuple([fields[name] for name in cls._fields], cls)

    @intrinsic
    def load(typingctx: Any, table: Any) -> Any:
        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            values = [value(builder, args[0], name, context.get_value_type(fields[name])) for name in cls._fields]
            return context.make_tuple(builder, result, values)

        return result(table), codegen

    return load


def from_table(prefix: str) -> Callable[[Any, Any, str, Any], Any]:
    """The value of a field: the word of the table under its name, as an address or a number."""

    def value(builder: Any, table: Any, field: str, kind: Any) -> Any:
        word = builder.load(builder.gep(table, [ir.Constant(ir.IntType(64), TABLE.index(prefix + field))]))
        if isinstance(kind, ir.PointerType):
            return builder.inttoptr(word, kind)
        return builder.bitcast(word, kind) if isinstance(kind, ir.DoubleType) else word

    return value


def own(rows: Mapping[str, int]) -> Callable[[Any, Any, str, Any], Any]:
    """The value of a field: the address of memory of the thread."""

    def value(builder: Any, table: Any, field: str, kind: Any) -> Any:
        return builder.bitcast(allocate(builder, kind.pointee, rows[field]), kind)

    return value


def copier(rows: Mapping[str, int], back: bool) -> Any:
    """Intrinsic ``copy(near, far, thread, threads)``: the thread's column to its own memory or, if `back`, from it."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        near, far, thread, threads = args
        for number, field in enumerate(LaneState._fields):
            here, there = (builder.extract_value(each, number) for each in (near, far))
            with cgutils.for_range(builder, ir.Constant(ir.IntType(64), rows[field])) as loop:
                far_index = builder.add(builder.mul(loop.index, threads), thread)
                own, shared = builder.gep(here, [loop.index]), builder.gep(there, [far_index])
                builder.store(builder.load(own if back else shared), shared if back else own)
        return context.get_dummy_value()

    @intrinsic
    def copy(typingctx: Any, near: Any, far: Any, thread: Any, threads: Any) -> Any:
        return types.void(near, far, WORD, WORD), codegen

    return copy


def write_row_address(builder: Any) -> Any:
    """Address of the symbol `WRITE_ROW`, which is linked later."""
    function = builder.module.globals.get(WRITE_ROW)
    if function is None:
        element = {types.int64: ir.IntType(64), types.float64: ir.DoubleType()}
        arguments = [element[a] if a in element else element[a.dtype].as_pointer() for a in ROW.args]
        function = ir.Function(builder.module, ir.FunctionType(ir.VoidType(), arguments), WRITE_ROW)
    return builder.ptrtoint(function, ir.IntType(64))


def argument(variant: Variant) -> Any:
    """Intrinsic that returns the argument whose Numba type is the variant.

    It keeps LLVM from optimizing the function for this processor, on which it never runs; `ptx.assembly` lets it again.
    """

    @intrinsic
    def net(typingctx: Any) -> Any:
        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            for name in ("noinline", UNOPTIMIZED):
                builder.function.attributes.add(name)
            return context.get_dummy_value()

        return NetType(variant)(), codegen

    return net


def program(variant: Variant) -> Any:
    """The compiled C callback ``program(thread, threads, ticks, table)`` of one lane of a variant."""
    types_of, rows, fixed = kinds(variant), lane_rows(variant), constants(variant)

    def near_value(builder: Any, table: Any, field: str, kind: Any) -> Any:
        if field == "measure":
            return write_row_address(builder)
        return own({"scratch": scratch_size(variant)})(builder, table, field, kind)

    def measured_value(builder: Any, table: Any, field: str, kind: Any) -> Any:
        local = field in ("measure", "scratch")
        return (near_value if local else from_table("measured."))(builder, table, field, kind)

    def count(builder: Any, table: Any, field: str, kind: Any) -> Any:
        return ir.Constant(kind, fixed[field]) if field in fixed else from_table("n.")(builder, table, field, kind)

    net, load, store = argument(variant), copier(rows, False), copier(rows, True)
    near = structure(LaneState, types_of["lanes"], own(rows))
    far = structure(LaneState, types_of["lanes"], from_table("lanes."))
    runs_of = structure(Runs, types_of["runs"], from_table("runs."))
    records_of = structure(Records, types_of["records"], from_table("records."))
    measured_of = structure(MeasureArguments, types_of["measured"], measured_value)
    counts_of = structure(Counts, types_of["n"], count)
    number = getattr(types, variant.kind.dtype)
    data = structure(Data, arrays(number, "X", "T"), from_table(""))
    run_ticks = integrate_ticks if variant.flows else train_ticks

    def run(thread, threads, ticks, table):
        lanes, all_lanes, samples = near(table), far(table), data(table)
        load(lanes, all_lanes, thread, threads)
        run_ticks(
            net(), samples.X, samples.T, lanes, runs_of(table), records_of(table), measured_of(table),
            counts_of(table), ticks,
        )  # fmt: skip
        store(lanes, all_lanes, thread, threads)

    return cfunc(types.void(WORD, WORD, WORD, types.CPointer(KEY)), error_model="numpy")(run)
