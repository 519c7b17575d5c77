"""The machine code of training kernels as text, for this processor or for another.

Numba keeps no text of machine code that it loads from the disk, so the kernel is compiled again, without the cache.
"""

import re
from typing import Any

import llvmlite.binding as llvm
import numpy.typing as npt
from numba import njit, typeof
from numba.core.registry import cpu_target

from saddlescape.errors import RefusedError
from saddlescape.kernels.batch import Batch, arguments, empty_lanes
from saddlescape.kernels.integrate import integrate
from saddlescape.kernels.train import advance
from saddlescape.kernels.variant import Net, Trainer
from saddlescape.system.arguments import ArgumentError

ARM64 = "aarch64-linux-gnu"

_OWN = r"define [^\n]*@NRT_decref\(.*?\n}\n"
"""Numba's count of references, which LLVM has already translated to instructions of this processor."""


def optimized(trainer: Trainer, X: npt.NDArray[Any], T: npt.NDArray[Any], batch: Batch) -> str:
    """The optimized LLVM IR of the kernel that trains the batch: the module of `advance`, or `integrate` for flow."""
    variant, *arrays = arguments(trainer, X, T, batch, None)
    x, target, runs, records, measured = arrays
    entry = integrate if variant.flows else advance
    compiled = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)(entry.py_func)
    values = (Net(variant), x, target, empty_lanes(variant), runs, records, measured, 1)
    signature = tuple(typeof(value) for value in values)
    compiled.compile(signature)
    return str(compiled.inspect_llvm(compiled.signatures[0]))


def assembly(code: str, triple: str | None = None) -> str:
    """Machine code of LLVM IR, with LLVM's comments on loops and spills.

    Parameters
    ----------
    code : LLVM IR that was optimized for this processor.
    triple : a target for arm64, such as `ARM64`; by default this processor, as Numba sets LLVM up.

    Raises
    ------
    ArgumentError
        If the target is not for arm64.
    RefusedError
        If the IR contains instructions that only this processor has.
    """
    if triple is None:
        return _emitted(cpu_target.target_context.codegen()._tm, llvm.parse_assembly(code))
    if not re.fullmatch(r"(aarch64|arm64)-[\w-]+", triple):  # LLVM aborts the process for some others
        raise ArgumentError(f"target must be one of LLVM's for arm64, such as {ARM64}; got {triple!r}")
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(triple).create_target_machine(opt=3)
    module = llvm.parse_assembly(re.sub(_OWN, "declare void @NRT_decref(ptr)\n", code, flags=re.S))
    if own := re.search(r" call .*@(llvm\.(?:x86|aarch64|arm)\.[\w.]+)\(", str(module)):
        raise RefusedError(f"this kernel has {own[1]}, which only this processor has; leave out the target")
    module.triple, module.data_layout = triple, str(machine.target_data)
    return _emitted(machine, module)


def _emitted(machine: Any, module: Any) -> str:
    machine.set_asm_verbosity(True)
    try:
        return str(machine.emit_assembly(module))
    finally:
        machine.set_asm_verbosity(False)
