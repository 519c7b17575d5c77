"""An upper bound of the training speed, from the lane operations of a tick and this machine's time for each.

Operations are counted after LLVM has simplified the code.  The bound includes only the arithmetic of the hot loop, not
loads, stores, latencies or scalar code.
"""

import inspect
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
from llvmlite import binding, ir

from saddlescape.kernels import flow, tick
from saddlescape.kernels.code import INDEX
from saddlescape.kernels.lanes import LaneType
from saddlescape.kernels.probe import OperationTimes, operation_times, register
from saddlescape.kernels.variant import NetType, Trainer, Variant
from saddlescape.system.arithmetic import ieee

FUSED, ADD, DIVIDE, LOGIC = "multiply/fma", "add", "divide", "compare/blend/logic"
CLASSES = (FUSED, ADD, DIVIDE, LOGIC)
OPCODES = {
    "fmul": FUSED, "mul": FUSED, "fadd": ADD, "fsub": ADD, "sitofp": ADD, "uitofp": ADD, "fdiv": DIVIDE,
    **dict.fromkeys(("fcmp", "select", "icmp", "and", "or", "shl", "lshr", "ashr", "add", "sub"), LOGIC),
}  # fmt: skip
"""Port class by opcode.  Not counted: fneg (folds into a fused multiply-add), xor (folds into an or), casts, loads."""

CALLS = {
    "fma": FUSED, "sqrt": DIVIDE,
    **dict.fromkeys(("fabs", "copysign", "minnum", "maxnum", "floor", "rint", "fshl"), LOGIC),
}  # fmt: skip


def generated(variant: Variant) -> ir.Module:
    """The tick of a variant as a separate LLVM module before optimization, with one function for each intrinsic."""
    module = ir.Module("tick")
    module.triple = binding.get_process_triple()
    once = (flow.attempt,) if variant.flows else (tick.step,)
    for intrinsic in once if variant.flows or not variant.evaluates_every_tick else (tick.evaluate, *once):
        parameters = len(inspect.signature(intrinsic._defn).parameters) - 2
        number = variant.kind.number.as_pointer()
        function = ir.Function(module, ir.FunctionType(INDEX, [number] * parameters), intrinsic._name)
        builder = ir.IRBuilder(function.append_basic_block())
        _, codegen = intrinsic._defn(None, NetType(variant), *[None] * parameters)
        result = codegen(None, builder, None, [None, *function.args])
        builder.ret(result if result.type == INDEX else builder.zext(result, INDEX))
    return module


def simplified(module: ir.Module) -> binding.ModuleRef:
    """The module without stack memory, redundant and dead code; its loops are not transformed."""
    parsed = binding.parse_assembly(str(module))
    machine = binding.Target.from_default_triple().create_target_machine()
    options = binding.create_pipeline_tuning_options(speed_level=0)
    passes = binding.create_pass_builder(machine, options)
    manager = binding.create_new_module_pass_manager()
    for add in ("sroa", "instruction_combine", "new_gvn", "dead_store_elimination", "aggressive_dce"):
        getattr(manager, f"add_{add}_pass")()
    manager.run(parsed, passes)
    return parsed


def weights(function: binding.ValueRef) -> dict[str, int]:
    """How often each block runs: the product of the trip counts of the loops (cgutils.for_range) that contain it."""
    blocks = {block.name: list(block.instructions)[-1] for block in function.blocks}
    successors = {name: [o.name for o in jump.operands if o.name in blocks] for name, jump in blocks.items()}
    runs = dict.fromkeys(blocks, 1)
    for head, jump in blocks.items():
        if head.startswith("for.cond"):
            for block in _body(head, successors):
                runs[block] *= _trips(str(next(iter(jump.operands))))
    return runs


def _trips(condition: str) -> int:
    bound = re.search(r"icmp [a-z ]+ i64 .*, (\d+)$", condition)
    if bound is None:
        raise ValueError(f"a loop of the tick must have a constant length; its condition is {condition.strip()!r}")
    return int(bound[1])


def _body(head: str, successors: dict[str, list[str]]) -> set[str]:
    """Blocks of the loop with this head, without the head; a branch lists its true successor last."""
    inside: set[str] = set()
    queue = successors[head][-1:]
    while queue:
        block = queue.pop()
        if block not in inside and block != head:
            inside.add(block)
            queue += successors[block]
    return inside


def _class(code: binding.ValueRef) -> str | None:
    """Port class of an instruction over lanes; None if it is not counted."""
    if not code.type.is_vector:
        return None
    operands = list(code.operands)
    if code.opcode == "call":
        return CALLS[operands[-1].name.split(".")[1]]
    if code.opcode == "select" and _is_extremum(operands):
        return None
    return OPCODES.get(code.opcode)


def _is_extremum(operands: list[binding.ValueRef]) -> bool:
    """Whether comparison and select form a minimum or maximum, which counts as one operation, the comparison."""
    mask, *values = operands
    names = [f"%{value.name}" if value.name else str(value).split("> ", 1)[1] for value in values]
    compared = str(mask).split("> ", 1)[-1]
    return " fcmp " in str(mask) and compared in (", ".join(names), ", ".join(reversed(names)))


def operations(module: binding.ModuleRef) -> Counter[str]:
    """Lane operations of all functions of a simplified module, by port class."""
    counts: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    for function in (function for function in module.functions if not function.is_declaration):  # callers first
        runs = weights(function)
        for block in function.blocks:
            times = runs[block.name] * max(1, calls[function.name])
            for code in block.instructions:
                counts[_class(code) or ""] += times
                if code.opcode == "call":
                    calls[list(code.operands)[-1].name] += times
    return Counter({name: counts[name] for name in CLASSES})


@dataclass(frozen=True)
class Limit:
    """Operations of a tick by class, the machine's operation times, and the resulting bound for one core."""

    operations: Counter[str]
    times: OperationTimes
    steps_per_second: float


def nanoseconds(operations: Counter[str], times: OperationTimes) -> float:
    """Lower bound of the time of the operations on one register each: the time of the scarcest resource."""
    fused, add, divide, logic = (operations[name] for name in CLASSES)
    occupied = divide * times.occupied
    return max(
        fused * times.fused + occupied,
        (fused + add) * times.arithmetic + occupied,
        (fused + add + logic) * times.mixed + occupied,
        divide * times.divide,
    )


@ieee()
def limit(trainer: Trainer, samples: int, dtype: str, times: OperationTimes | None = None) -> Limit:
    """The upper bound of network-steps per second on one core of this machine; `times` are measured if not given."""
    times = times or operation_times(dtype)
    lanes = register() // np.dtype(dtype).itemsize
    variant = Variant(trainer, samples, False, LaneType(dtype, lanes))
    counted = operations(simplified(generated(variant)))
    return Limit(counted, times, lanes * variant.batches[1] / nanoseconds(counted, times) * 1e9)
