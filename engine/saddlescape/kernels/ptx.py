"""PTX of the program of a thread (thread.py), from the LLVM IR that Numba compiles, by the NVPTX backend of llvmlite.

NVVM, the compiler of numba.cuda, fuses multiplications and additions, and no public option stops it.  The PTX made
here contains only operations that are rounded to nearest (`.rn`), which ptxas keeps, and no `.ftz` and no `.approx`.
Neither a GPU nor a CUDA toolkit is needed.
"""

import re
from functools import cache
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import cfunc
from numba.core import event

from saddlescape.kernels import measures
from saddlescape.kernels.caching import kept
from saddlescape.kernels.code import UNOPTIMIZED
from saddlescape.kernels.thread import WRITE_ROW, program
from saddlescape.kernels.variant import Variant

TRIPLE = "nvptx64-nvidia-cuda"
ARCHITECTURE, VERSION = "sm_75", "6.3"
"""The oldest GPUs and the version of the instruction set for which there is PTX; later ones run it, too."""

ENTRY = "saddlescape_run"
"""Name of the function ``run(thread, threads, ticks, table)``: 64-bit integers, the last an address (thread.py)."""

WORD = ir.IntType(64)


@cache
def target() -> Any:
    """The machine for which LLVM generates code."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    features = "+ptx" + VERSION.replace(".", "")
    return llvm.Target.from_triple(TRIPLE).create_target_machine(cpu=ARCHITECTURE, features=features, opt=3)


def parsed(text: str) -> Any:
    """An LLVM module for the device."""
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = TRIPLE, str(target().target_data)
    return module


def function_of(compiled: Any) -> tuple[Any, Any]:
    """(module, function) that a C callback of Numba wraps."""
    module = parsed(re.sub(rf"\b{UNOPTIMIZED}\b", "", compiled.inspect_llvm()))
    return module, module.get_function(compiled.native_name.removeprefix("cfunc."))


def declare(module: ir.Module, function: Any) -> ir.Function:
    """Declare a function of Numba: two pointers for its value and its error, then its arguments."""
    kinds = [_kind(argument.type) for argument in function.arguments]
    return ir.Function(module, ir.FunctionType(ir.IntType(32), kinds), function.name)


def _kind(kind: Any) -> ir.Type:
    name = str(kind)
    return {"double": ir.DoubleType(), "i64": WORD}.get(name) or ir.IntType(8).as_pointer()


def call(builder: ir.IRBuilder, function: ir.Function, arguments: Any) -> None:
    """Call a function of Numba, whose value is none; the error model of the kernels raises no error."""
    ignored = [builder.bitcast(builder.alloca(WORD), kind) for kind in function.function_type.args[:2]]
    builder.call(function, [*ignored, *arguments])


def glue(function: Any, name: str) -> str:
    """The visible function `name`, which passes its arguments to one of Numba, and the square root of C.

    `ENTRY` returns 0, because numba.cuda declares a function of type void as one that returns 64 bits.
    """
    module = ir.Module()
    of_numba = declare(module, function)
    result = WORD if name == ENTRY else ir.VoidType()
    visible = ir.Function(module, ir.FunctionType(result, of_numba.function_type.args[2:]), name)
    builder = ir.IRBuilder(visible.append_basic_block())
    call(builder, of_numba, visible.args)
    builder.ret(ir.Constant(WORD, 0)) if name == ENTRY else builder.ret_void()

    double = ir.DoubleType()
    root = ir.Function(module, ir.FunctionType(double, [double]), "sqrt")
    builder = ir.IRBuilder(root.append_basic_block())
    builder.ret(builder.call(module.declare_intrinsic("llvm.sqrt", [double]), root.args))
    return str(module)


def assembly(compiled: Any, name: str) -> str:
    """PTX with the visible function `name`, which a C callback of Numba wraps."""
    module, function = function_of(compiled)
    module.link_in(parsed(glue(function, name)))
    for each in module.functions:
        if not each.is_declaration and each.name != name:
            each.linkage = "internal"
    machine = target()
    passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    manager = passes.getModulePassManager()
    manager.add_global_dead_code_eliminate_pass()
    manager.run(module, passes)
    module.verify()
    return re.sub(r"^\s*//.*\n", "", machine.emit_assembly(module), flags=re.M)


@kept
def measures_ptx() -> str:
    """PTX of `measures.write_row`, the function `WRITE_ROW`, which the PTX of every variant calls."""
    return assembly(cfunc(measures.ROW, error_model="numpy")(measures.write_row), WRITE_ROW)


@kept
def ptx(variant: Variant) -> str:
    """PTX of a variant of one lane, with the function `ENTRY`; it is to be linked with `measures_ptx`."""
    llvm.add_symbol(WRITE_ROW, measures.address())  # Numba also makes code for this processor
    with event.trigger_event("numba:compile"):
        return assembly(program(variant), ENTRY)
