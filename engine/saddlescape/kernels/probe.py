"""The peak throughput of this machine: times of independent lane operations."""

import ctypes
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import binding, ir
from numba.core import cgutils

from saddlescape.kernels.code import INDEX, Rows
from saddlescape.kernels.lanes import Lanes, LaneType, fma
from saddlescape.system.arithmetic import ieee

CHAINS = 12
"""Independent dependency chains: enough to hide latencies, and they fit the 16 registers of AVX2."""

LOOPS, CALLS, PASSES = 500, 100, 15
"""Rounds per timed call (some microseconds, mostly undisturbed), calls per pass (the fastest counts), passes."""

SHORT, LONG = 4, 16
"""Operations per chain in a short and a long round; the difference of their times excludes the cost of the loop."""


@dataclass(frozen=True)
class Mix:
    """Operations per chain in one round, and divisions per round, each on a chain of its own."""

    fused: int = 0
    add: int = 0
    logic: int = 0
    divides: int = 0


def register() -> int:
    """Size of the widest vector register in bytes."""
    features = binding.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx") else 16


def _fused(a: Lanes, b: Lanes) -> Lanes:
    return fma(a, b, b)


def _sum(a: Lanes, b: Lanes) -> Lanes:
    return a + b


def _logic(a: Lanes, b: Lanes) -> Lanes:
    """An integer sum, which LLVM can neither fold nor merge, unlike a logical operation."""
    words = [a.builder.bitcast(lanes.value, a.kind.words) for lanes in (a, b)]
    return Lanes(a.builder, a.kind, a.builder.bitcast(a.builder.add(*words), a.kind.numbers))


def _round(mix: Mix, chains: list[Lanes], quotients: list[Lanes], one: Lanes) -> None:
    """Append one round of instructions; the lists are updated in place."""
    for index in range(max(mix.fused, mix.add, mix.logic)):
        for operation, times in ((_fused, mix.fused), (_sum, mix.add), (_logic, mix.logic)):
            chains[:] = [operation(old, one) if index < times else old for old in chains]
    for k in range(mix.divides):
        quotients[k] = one / quotients[k]


def _module(mix: Mix, kind: LaneType) -> ir.Module:
    """Module with ``probe(memory, times)``: it loads values from memory, runs the rounds and stores the values."""
    module = ir.Module("probe")
    signature = ir.FunctionType(ir.VoidType(), [kind.number.as_pointer(), INDEX])
    function = ir.Function(module, signature, "probe")
    builder = ir.IRBuilder(function.append_basic_block())
    rows = Rows(builder, kind, function.args[0], "scratch")
    one, count = rows[0], CHAINS + mix.divides
    variables = [cgutils.alloca_once_value(builder, rows[1 + k].value) for k in range(count)]
    with cgutils.for_range(builder, function.args[1]):
        values = [Lanes(builder, kind, builder.load(variable)) for variable in variables]
        chains, quotients = values[:CHAINS], values[CHAINS:]
        _round(mix, chains, quotients, one)
        for variable, value in zip(variables, chains + quotients, strict=True):
            builder.store(value.value, variable)
    for k, variable in enumerate(variables):
        rows[1 + k] = Lanes(builder, kind, builder.load(variable))
    builder.ret_void()
    return module


def _compiled(module: ir.Module) -> tuple[Any, Callable[[int, int], None]]:
    """(engine that owns the machine code, function)."""
    features = binding.get_host_cpu_features().flatten()
    target = binding.Target.from_default_triple()
    machine = target.create_target_machine(cpu=binding.get_host_cpu_name(), features=features, opt=3, jit=True)
    parsed = binding.parse_assembly(str(module))
    manager = binding.create_new_module_pass_manager()
    manager.add_sroa_pass()
    manager.run(parsed, binding.create_pass_builder(machine, binding.create_pipeline_tuning_options()))
    engine = binding.create_mcjit_compiler(parsed, machine)
    engine.finalize_object()
    address = engine.get_function_address("probe")
    return engine, ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(address)


def nanoseconds(mixes: list[Mix], dtype: str) -> Iterator[dict[Mix, float]]:
    """For each pass, the nanoseconds of one round of each mix on whole registers: the minimum over many calls."""
    kind = LaneType(dtype, register() // np.dtype(dtype).itemsize)
    probes = {mix: _compiled(_module(mix, kind)) for mix in mixes}
    memory = np.ones((1 + CHAINS + max(mix.divides for mix in mixes), kind.n), dtype=dtype)
    for _ in range(PASSES):
        yield {mix: min(_seconds(probe, memory) for _ in range(CALLS)) / LOOPS * 1e9
               for mix, (_, probe) in probes.items()}  # fmt: skip


def _seconds(probe: Callable[[int, int], None], memory: npt.NDArray[Any]) -> float:
    began = time.perf_counter()
    probe(memory.ctypes.data, LOOPS)
    return time.perf_counter() - began


@dataclass(frozen=True)
class OperationTimes:
    """Nanoseconds per operation on one register when many independent operations are in flight.

    `arithmetic` is the mean for equal numbers of fused operations and sums, `mixed` the mean for these and logic.
    `occupied` is the time during which a concurrent division keeps fused operations from starting.
    """

    fused: float
    add: float
    arithmetic: float
    mixed: float
    divide: float
    occupied: float


_PARTS = {"fused": (1, 0, 0), "add": (0, 1, 0), "arithmetic": (1, 1, 0), "mixed": (2, 1, 1)}
"""Proportions of fused operations, sums and logic."""

_CONCURRENT = (Mix(fused=8, divides=2), Mix(fused=16, divides=4))


def _mix(parts: tuple[int, int, int], operations: int) -> Mix:
    return Mix(*(operations * part // sum(parts) for part in parts))


_DIVIDES = (Mix(divides=SHORT), Mix(divides=2 * SHORT))
_PAIRS = {name: (_mix(parts, SHORT), _mix(parts, LONG)) for name, parts in _PARTS.items()}


def _derived(times_of: dict[Mix, float]) -> tuple[float, ...]:
    """The fields of `OperationTimes`, computed from the times of one pass."""
    each = [(times_of[b] - times_of[a]) / (CHAINS * (LONG - SHORT)) for a, b in _PAIRS.values()]
    occupied = [(times_of[mix] - times_of[replace(mix, divides=0)]) / mix.divides for mix in _CONCURRENT]
    return *each, (times_of[_DIVIDES[1]] - times_of[_DIVIDES[0]]) / SHORT, max(0.0, min(occupied))


@ieee()
def operation_times(dtype: str) -> OperationTimes:
    """Measure the operation times at the current clock frequency: medians over passes, in a second or two."""
    alone = [replace(mix, divides=0) for mix in _CONCURRENT]
    mixes = dict.fromkeys([*_DIVIDES, *_CONCURRENT, *alone, *(mix for pair in _PAIRS.values() for mix in pair)])
    passes = [_derived(times_of) for times_of in nanoseconds(list(mixes), dtype)]
    return OperationTimes(*map(median, zip(*passes, strict=True)))
