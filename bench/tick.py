"""Find what limits the tick (a step of all lanes): its time if its code or one property of it is changed.

The rounds of all changes alternate on one core: the ratio is the median over rounds.  Some changes give wrong numbers,
such as products in place of quotients; they show what a change would be worth at most.
"""

import argparse
import contextlib
import ctypes
import re
import time

import numpy as np
import report
from cases import RATE, make_trainer, name, problem, starts
from llvmlite import binding, ir
from numba.core import cgutils

from saddlescape.kernels import elementary, network
from saddlescape.kernels.activations import ACTIVATIONS
from saddlescape.kernels.code import INDEX
from saddlescape.kernels.lanes import Lanes, LaneType, declared, fma
from saddlescape.kernels.limit import generated
from saddlescape.kernels.probe import register
from saddlescape.kernels.variant import Variant

ROUNDS, TICKS, PAGE = 1000, 2000, 4096
ROWS = 16
"""Rows of the limits and of the monitor, at least as many as the kernel uses."""


class Noted(dict):
    """Activations that note the first and the last index of the instructions of every call."""

    def __init__(self):
        super().__init__(ACTIVATIONS)
        self.calls = []

    def __getitem__(self, key):
        def call(z):
            code = z.builder.block.instructions
            first = len(code)
            pair = ACTIVATIONS[key](z)
            self.calls.append((code, first, len(code)))
            return pair

        return call


@contextlib.contextmanager
def interleaved(samples):
    """Alternate the instructions of the activations of this many samples, which otherwise follow each other."""
    noted = network.ACTIVATIONS = Noted()
    try:
        yield
    finally:
        network.ACTIVATIONS = ACTIVATIONS
    for k in reversed(range(0, len(noted.calls), samples)):
        parts = [code[first:last] for code, first, last in noted.calls[k : k + samples]]
        code, start, _ = noted.calls[k]
        for _, first, last in reversed(noted.calls[k : k + samples]):
            del code[first:last]
        code[start:start] = [instruction for turn in zip(*parts, strict=True) for instruction in turn]


@contextlib.contextmanager
def replaced(owner, attribute, value):
    """Another value of an attribute of a module or a class."""
    usual = getattr(owner, attribute)
    setattr(owner, attribute, value)
    try:
        yield
    finally:
        setattr(owner, attribute, usual)


def fewer_coefficients(n):
    """Polynomials of exp with `n` coefficients less, which are not accurate enough."""
    return replaced(elementary, "EXPM1", {dtype: values[:-n] for dtype, values in elementary.EXPM1.items()})


def horner(x, coefficients):
    """Polynomial by Horner's scheme: the fewest operations, one after the other."""
    value = x.like(coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = fma(x, value, coefficient)
    return value


def newton(a, b):
    """a / b with the same bits for normal numbers: Newton's method from AVX-512's approximation of 14 bits."""
    kind, mask = b.kind, ir.IntType(b.kind.n)
    full = f"llvm.x86.avx512.rcp14.{'pd' if kind.dtype == 'float64' else 'ps'}.512"
    approximate = declared(b.builder, full, kind.numbers, [kind.numbers, kind.numbers, mask])
    inverse = Lanes(b.builder, kind, b.builder.call(approximate, [b.value, b.value, ir.Constant(mask, -1)]))
    for _ in range(3 if kind.dtype == "float64" else 1):
        inverse = fma(inverse, fma(-b, inverse, 1.0), inverse)
    quotient = a * inverse
    return fma(fma(-b, quotient, a), inverse, quotient)


def module(sizes, dtype, registers, change):
    """Return ``run(ticks, theta, stepped, grad, limits, monitor, X, T)`` as LLVM code.

    Each tick evaluates `theta` and steps `stepped`: the ticks depend on each other only if both are one array.
    """
    kind = LaneType(dtype, registers * register() // np.dtype(dtype).itemsize)
    with change:
        code = generated(Variant(make_trainer(sizes), len(problem(sizes)[0]), False, kind))
    for function in code.functions:
        if not function.is_declaration:
            function.attributes.add("noinline")
    number = kind.number.as_pointer()
    run = ir.Function(code, ir.FunctionType(ir.VoidType(), [INDEX] + [number] * 7), "run")
    builder = ir.IRBuilder(run.append_basic_block())
    ticks, theta, stepped, grad, limits, monitor, X, T = run.args
    with cgutils.for_range(builder, ticks):
        builder.call(code.globals["evaluate"], [theta, grad, limits, monitor, X, T])
        builder.call(code.globals["step"], [stepped, theta, grad, limits, monitor, theta, X, T])
    builder.ret_void()
    return str(code)


def compiled(code, features=""):
    """Return (machine code as text, engine, function) of LLVM code, with more features of the processor or without."""
    target, host = binding.Target.from_default_triple(), binding.get_host_cpu_features().flatten()
    options = {"cpu": binding.get_host_cpu_name(), "features": host + features, "opt": 3, "jit": True}
    machine, parsed = target.create_target_machine(**options), binding.parse_assembly(code)
    tuning = binding.create_pipeline_tuning_options(speed_level=3)
    tuning.slp_vectorization = tuning.loop_vectorization = False
    passes = binding.create_pass_builder(machine, tuning)
    passes.getModulePassManager().run(parsed, passes)
    text = machine.emit_assembly(parsed)
    engine = binding.create_mcjit_compiler(parsed, machine)
    engine.finalize_object()
    return text, engine, ctypes.CFUNCTYPE(None, INDEX_C, *[ctypes.c_void_p] * 7)(engine.get_function_address("run"))


INDEX_C = ctypes.c_int64
PATTERNS = {
    "arithmetic and logic": r"\tv(?!div|mov|[a-z]*broadcast)\S+\t", "divisions": r"\tvdiv",
    "reloads": r"\tv\S+\t-?\d*\(%rsp\)", "spills": r"\tvmov\S+\t%[xyz]mm\d+, -?\d*\(%rsp\)",
    "moves": r"\tvmov\S+\t%[xyz]mm\d+, %[xyz]mm",
}  # fmt: skip


def counts(text, registers):
    """Numbers of vector instructions per register of networks, by class."""
    return [round(len(re.findall(pattern, text)) / registers) for pattern in PATTERNS.values()]


def call(function, sizes, dtype, registers, independent=False, offset=0):
    """Return (function that runs `TICKS` ticks and returns the nanoseconds of one register of networks, parameters).

    The arrays begin at this offset in a page of memory.
    """
    X, T = (values.astype(dtype).ravel() for values in problem(sizes))
    lanes = registers * register() // np.dtype(dtype).itemsize
    theta = np.repeat(starts(sizes, 1, dtype).T, lanes, axis=1)
    rows = [len(theta), len(theta), len(theta), ROWS, ROWS]
    memory = np.zeros(2 * PAGE + sum(rows) * lanes * theta.itemsize, dtype=np.uint8)
    memory = memory[-memory.ctypes.data % PAGE + offset :][: sum(rows) * lanes * theta.itemsize].view(dtype)
    arrays = np.split(memory.reshape(-1, lanes), np.cumsum(rows)[:-1])
    arrays[0][:], arrays[1][:] = theta, theta
    arrays[3][:5] = np.array([-np.inf, -np.inf, np.inf, -1, RATE])[:, None]
    if not independent:
        arrays[1] = arrays[0]
    addresses = [array.ctypes.data for array in (*arrays, X, T)]

    def run(keep=(X, T, memory)):
        began = time.perf_counter()
        function(TICKS // registers, *addresses)
        return (time.perf_counter() - began) / (TICKS // registers) / registers * 1e9

    return run, arrays[0]


def variations(sizes, dtype):
    """Yield (description, code of the tick, registers per value, features, other arguments of `call`)."""

    def code(change=None, registers=1):
        return module(sizes, dtype, registers, change or contextlib.nullcontext())

    usual = code()
    yield "the kernel", usual, 1, "", {}
    yield "the same once more", usual, 1, "", {}
    yield "arrays 1088 bytes further in their page", usual, 1, "", {"offset": 1088}
    yield "arrays 2112 bytes further in their page", usual, 1, "", {"offset": 2112}
    yield "ticks that do not depend on each other", usual, 1, "", {"independent": True}
    yield "products in place of quotients", re.sub(r"\bfdiv\b", "fmul", usual), 1, "", {}
    if register() == 64:
        yield "quotients by Newton's method", code(replaced(Lanes, "__truediv__", newton)), 1, "", {}
    yield "one coefficient of exp less", code(fewer_coefficients(1)), 1, "", {}
    yield "two coefficients of exp less", code(fewer_coefficients(2)), 1, "", {}
    yield "Horner's scheme", code(replaced(elementary, "polynomial", horner)), 1, "", {}
    yield "activations of 2 samples interleaved", code(interleaved(2)), 1, "", {}
    yield "activations of 4 samples interleaved", code(interleaved(4)), 1, "", {}
    yield "tiles of 2 samples", code(replaced(network, "TILE", 2)), 1, "", {}
    yield "2 registers a value", code(registers=2), 2, "", {}
    yield "4 registers a value", code(registers=4), 4, "", {}
    yield "2 registers a value, 4 samples interleaved", code(interleaved(4), 2), 2, "", {}
    if register() == 64:
        yield "2 registers of 32 bytes a value, without AVX-512", usual, 1, ",-avx512f,-evex512", {}


def measure(sizes, dtype, rounds):
    """Return {description: (counts, least nanoseconds, median ratio to the kernel)}."""
    runs, data, engines = {}, {}, []
    for label, code, registers, features, more in variations(sizes, dtype):
        text, engine, function = compiled(code, features)
        engines.append(engine)
        runs[label], _ = call(function, sizes, dtype, registers, **more)
        data[label] = counts(text, registers)
    times = [[run() for run in runs.values()] for _ in range(rounds)]
    ratios = np.median(np.array(times) / np.array(times)[:, :1], axis=0)
    least = np.min(times, axis=0)
    return {label: (*data[label], float(t), float(r)) for label, t, r in zip(runs, least, ratios, strict=True)}


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sizes", default="2-2-1", help="layer sizes")
    options.add_argument("--quick", action="store_true", help="few rounds; to test the benchmark")
    arguments, before, data = options.parse_args(), report.machine(), {}
    sizes = tuple(map(int, arguments.sizes.split("-")))
    for dtype in ("float64", "float32"):
        data[dtype] = measure(sizes, dtype, 3 if arguments.quick else ROUNDS)
    heads = [f"{name(sizes)}, per register of networks", *PATTERNS, "ns a tick", "ratio"]
    rows = [[f"{dtype}: {label}", *row] for dtype, values in data.items() for label, row in values.items()]
    report.save("tick", data, report.table(heads, rows), before)


if __name__ == "__main__":
    main()
