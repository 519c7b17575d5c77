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

from saddlescape.kernels import measures
from saddlescape.kernels.caching import kept
from saddlescape.kernels.thread import WRITE_ROW, program
from saddlescape.kernels.variant import Variant

TRIPLE = "nvptx64-nvidia-cuda"
ARCHITECTURE, ISA = "sm_75", "+ptx63"
ENTRY = "saddlescape_run"
"""Name of the function ``run(thread, threads, ticks, table)``, four 64-bit integers; the table is in thread.py."""

WORD = ir.IntType(64)


@cache
def target() -> Any:
    """The machine for which LLVM generates code."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    return llvm.Target.from_triple(TRIPLE).create_target_machine(cpu=ARCHITECTURE, features=ISA, opt=3)


def parsed(text: str) -> Any:
    """An LLVM module for the device."""
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = TRIPLE, str(target().target_data)
    return module


def source(compiled: Any) -> str:
    """Name and LLVM IR of the function that a C callback of Numba wraps."""
    return compiled.native_name.removeprefix("cfunc.") + "\n" + compiled.inspect_llvm()


@kept
def measures_source() -> str:
    """The source of `measures.write_row`, which all variants share."""
    return source(cfunc(measures.ROW, error_model="numpy")(measures.write_row))


def function_of(source: str) -> tuple[Any, Any]:
    """(module, function) of a source."""
    name, _, text = source.partition("\n")
    module = parsed(text)
    return module, module.get_function(name)


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


def glue(thread: Any, row: Any) -> str:
    """The functions `ENTRY` and `WRITE_ROW`, which call those of Numba, and the square root of C."""
    module = ir.Module()
    nothing, double = ir.VoidType(), ir.DoubleType()
    numba_thread, numba_row = declare(module, thread), declare(module, row)

    entry = ir.Function(module, ir.FunctionType(nothing, [WORD] * 4), ENTRY)
    builder = ir.IRBuilder(entry.append_basic_block())
    *numbers, table = entry.args
    call(builder, numba_thread, [*numbers, builder.inttoptr(table, numba_thread.function_type.args[-1])])
    builder.ret_void()

    write = ir.Function(module, ir.FunctionType(nothing, numba_row.function_type.args[2:]), WRITE_ROW)
    builder = ir.IRBuilder(write.append_basic_block())
    call(builder, numba_row, write.args)
    builder.ret_void()

    root = ir.Function(module, ir.FunctionType(double, [double]), "sqrt")
    builder = ir.IRBuilder(root.append_basic_block())
    builder.ret(builder.call(module.declare_intrinsic("llvm.sqrt", [double]), root.args))
    return str(module)


def linked(variant: Variant) -> Any:
    """The LLVM module of a variant, optimized for the device."""
    llvm.add_symbol(WRITE_ROW, measures.address())  # Numba also makes code for this processor
    module, thread = function_of(source(program(variant)))
    row_module, row = function_of(measures_source())
    text = glue(thread, row)
    for other in (row_module, parsed(text)):
        module.link_in(other)
    for function in module.functions:
        if not function.is_declaration and function.name != ENTRY:
            function.linkage = "internal"
    machine = target()
    passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    manager = passes.getModulePassManager()
    manager.add_global_dead_code_eliminate_pass()
    manager.run(module, passes)
    module.verify()
    return module


@kept
def ptx(variant: Variant) -> str:
    """PTX of a variant of one lane, with the function `ENTRY`."""
    text: str = target().emit_assembly(linked(variant))
    return re.sub(r"^\s*//.*\n", "", text, flags=re.M)
