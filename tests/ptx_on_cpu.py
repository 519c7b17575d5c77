"""Run PTX on this CPU: a test of PTX without a GPU.

Each instruction becomes LLVM IR with exactly the meaning that the PTX ISA gives it.  Instructions whose result a
compiler for a GPU may change (operations without a rounding mode), approximations, and everything unknown are refused
with `UnknownInstruction`.  LLVM compiles the IR without fast-math flags, so it neither fuses nor reorders operations;
it only turns variables into values and simplifies instructions, which takes less time than it saves.

One call runs one thread, in the floating-point environment of the caller, which must be the default one.  Threads that
wait for one another cannot be run.
"""

import ctypes
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import llvmlite.binding as llvm
import ptx_floats
import ptx_integers
import ptx_moves
from ptx_reader import Function, UnknownInstruction, read
from ptx_translator import SPECIAL, Translator

__all__ = ["Module", "UnknownInstruction", "compile_ptx", "llvm_ir"]

INSTRUCTIONS = (ptx_moves, ptx_integers, ptx_floats)
"""Modules that register the instructions."""


class Module:
    """Compiled PTX."""

    def __init__(self, engine: Any, functions: dict[str, Function], other: "Module | None" = None) -> None:
        self.engine, self.functions = engine, functions
        self.other = other  # keeps its code in memory

    def kernel(self, name: str) -> Any:
        """The C function ``kernel(*parameters, tid, ntid, ctaid, nctaid)`` that runs one thread of a kernel.

        Visible functions can be called in the same way.  Parameters and results are words of the width of their PTX
        types: addresses, integers, and the bits of floating-point numbers.  The last four arguments are the special
        registers, integers of 32 bits.
        """
        words, function = {4: ctypes.c_uint32, 8: ctypes.c_uint64}, self.functions[name]
        parameters = [words[parameter.size] for parameter in function.parameters]
        result = words[function.results[0].size] if function.results else None
        prototype = ctypes.CFUNCTYPE(result, *parameters, *[ctypes.c_uint32] * len(SPECIAL))
        kernel: Any = prototype(self.engine.get_function_address(name))
        kernel.module = self  # keeps the code in memory
        return kernel


def target_machine() -> Any:
    """A new target machine for this processor; an engine owns its machine."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features().flatten()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(cpu=llvm.get_host_cpu_name(), features=features, opt=0, jit=True)


def llvm_ir(functions: dict[str, Function], external: Mapping[str, Function] = MappingProxyType({})) -> str:
    """LLVM IR of PTX functions, which may call `external` ones."""
    declared = [Translator(function, {}).declaration() for function in external.values()]
    known = {**external, **functions}
    return "\n".join([*declared, *(Translator(function, known).translate() for function in functions.values())])


def compile_ptx(text: str, other: Module | None = None) -> Module:
    """Compile PTX for this CPU, which may call visible functions of another module.

    Raises
    ------
    UnknownInstruction
        For what the PTX may not contain.
    """
    functions, machine = {function.name: function for function in read(text)}, target_machine()
    external = {name: function for name, function in other.functions.items() if function.visible} if other else {}
    module = llvm.parse_assembly(llvm_ir(functions, external))
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    module.verify()
    passes = llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.add_instruction_combine_pass()
    passes.run(module, llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options()))
    engine = llvm.create_mcjit_compiler(module, machine)
    for name in external:
        engine.add_global_mapping(module.get_function(name), other.engine.get_function_address(name))
    engine.finalize_object()
    return Module(engine, functions, other)
