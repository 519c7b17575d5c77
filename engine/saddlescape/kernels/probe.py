"""What this machine does at most: lane operations that wait for nothing, timed."""

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba.core import cgutils

from saddlescape.kernels.code import INDEX, Rows
from saddlescape.kernels.lanes import Kind, Lanes, fma

CHAINS = 12
"""Independent results in flight: enough to hide latencies, and within the 16 registers of AVX2."""

LOOPS, TRIALS, TRIES = 500, 1000, 3
"""Rounds of one timed call (some microseconds, mostly undisturbed), calls, and passes; the fastest count."""

SHORT, LONG = 4, 16
"""Operations on each chain in rounds whose difference is free of the loop's own cost."""


@dataclass(frozen=True)
class Mix:
    """Operations of one round on each chain, and divides beside them on chains of their own."""

    fused: int = 0
    add: int = 0
    logic: int = 0
    divides: int = 0

    @property
    def operations(self) -> int:
        return CHAINS * (self.fused + self.add + self.logic) + self.divides


def register() -> int:
    """Bytes of the widest vector register."""
    features = binding.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx") else 16


def _fused(a: Lanes, b: Lanes) -> Lanes:
    return fma(a, b, b)


def _sum(a: Lanes, b: Lanes) -> Lanes:
    return a + b


def _logic(a: Lanes, b: Lanes) -> Lanes:
    """An integer sum: unlike logic proper, LLVM can neither fold nor merge it."""
    words = [a.builder.bitcast(lanes.value, a.kind.words) for lanes in (a, b)]
    return Lanes(a.builder, a.kind, a.builder.bitcast(a.builder.add(*words), a.kind.numbers))


def _round(mix: Mix, chains: list[Lanes], quotients: list[Lanes], one: Lanes) -> None:
    """Append one round; the lists receive the new values."""
    for at in range(max(mix.fused, mix.add, mix.logic)):
        for operation, times in ((_fused, mix.fused), (_sum, mix.add), (_logic, mix.logic)):
            chains[:] = [operation(old, one) if at < times else old for old in chains]
    for k in range(mix.divides):
        quotients[k] = one / quotients[k]


def _module(mix: Mix, kind: Kind) -> ir.Module:
    """``probe(memory, times)``: the rounds, on values from memory and back to it."""
    module = ir.Module("probe")
    of = ir.FunctionType(ir.VoidType(), [kind.number.as_pointer(), INDEX])
    function = ir.Function(module, of, "probe")
    builder = ir.IRBuilder(function.append_basic_block())
    rows = Rows(builder, kind, function.args[0], "scratch")
    one, count = rows[0], CHAINS + mix.divides
    kept = [cgutils.alloca_once_value(builder, rows[1 + k].value) for k in range(count)]
    with cgutils.for_range(builder, function.args[1]):
        values = [Lanes(builder, kind, builder.load(place)) for place in kept]
        chains, quotients = values[:CHAINS], values[CHAINS:]
        _round(mix, chains, quotients, one)
        for place, value in zip(kept, chains + quotients, strict=True):
            builder.store(value.value, place)
    for k, place in enumerate(kept):
        rows[1 + k] = Lanes(builder, kind, builder.load(place))
    builder.ret_void()
    return module


def _compiled(module: ir.Module) -> tuple[Any, Callable[[int, int], None]]:
    """(owner of the machine code, function)."""
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


def nanoseconds(mix: Mix, dtype: str) -> float:
    """Time of one round of the mix on whole registers: the fastest of many calls."""
    kind = Kind(dtype, register() // np.dtype(dtype).itemsize)
    engine, probe = _compiled(_module(mix, kind))
    memory = np.ones((1 + CHAINS + mix.divides, kind.n), dtype=dtype)
    best = float("inf")
    for _ in range(TRIALS):
        began = time.perf_counter()
        probe(memory.ctypes.data, LOOPS)
        best = min(best, time.perf_counter() - began)
    del engine
    return best / LOOPS * 1e9


@dataclass(frozen=True)
class Rates:
    """Nanoseconds that an operation on one register takes, where many are in flight.

    `arithmetic` is a mean over fused operations and sums in equal parts, `mixed` over these and logic.  `occupied` is
    the time for which a divide beside them keeps fused operations from starting.
    """

    fused: float
    add: float
    arithmetic: float
    mixed: float
    divide: float
    occupied: float


def _each(dtype: str, **parts: int) -> float:
    """Time of one operation of a mix with these parts."""
    many = sum(parts.values())
    rounds = [nanoseconds(Mix(**{k: v * n // many for k, v in parts.items()}), dtype) for n in (SHORT, LONG)]
    return (rounds[1] - rounds[0]) / (CHAINS * (LONG - SHORT))


def _occupied(fused: int, divides: int, dtype: str) -> float:
    more = nanoseconds(Mix(fused=fused, divides=divides), dtype) - nanoseconds(Mix(fused=fused), dtype)
    return max(0.0, more / divides)


def _rates(dtype: str) -> tuple[float, ...]:
    divides = [nanoseconds(Mix(divides=n), dtype) for n in (SHORT, 2 * SHORT)]
    return (
        _each(dtype, fused=1), _each(dtype, add=1), _each(dtype, fused=1, add=1), _each(dtype, fused=2, add=1, logic=1),
        (divides[1] - divides[0]) / SHORT, min(_occupied(8, 2, dtype), _occupied(16, 4, dtype)),
    )  # fmt: skip


def rates(dtype: str) -> Rates:
    """The machine's rates: the best of a few tries, a second or two in all."""
    return Rates(*map(min, zip(*(_rates(dtype) for _ in range(TRIES)), strict=True)))
