"""How fast a tick could be: its lane operations, counted as LLVM simplifies them, and what this machine does of each.

The bound takes the hot loop's arithmetic alone: loads, stores, latencies and all scalar code are free.
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
from saddlescape.kernels.probe import Rates, rates, register
from saddlescape.kernels.variant import NetType, Trainer, Variant
from saddlescape.system.arithmetic import ieee

FUSED, ADD, DIVIDE, LOGIC = "multiply/fma", "add", "divide", "compare/blend/logic"
CLASSES = (FUSED, ADD, DIVIDE, LOGIC)
OPCODES = {
    "fmul": FUSED, "mul": FUSED, "fadd": ADD, "fsub": ADD, "sitofp": ADD, "uitofp": ADD, "fdiv": DIVIDE,
    **dict.fromkeys(("fcmp", "select", "icmp", "and", "or", "shl", "lshr", "ashr", "add", "sub"), LOGIC),
}  # fmt: skip
"""Free are fneg, which folds into a fused multiply-add, xor, which folds into an or, and what renames or loads."""

CALLS = {
    "fma": FUSED, "sqrt": DIVIDE,
    **dict.fromkeys(("fabs", "copysign", "minnum", "maxnum", "floor", "rint", "fshl"), LOGIC),
}  # fmt: skip


def generated(variant: Variant) -> ir.Module:
    """The tick of a variant as a module of its own, before any optimisation: one function for each intrinsic."""
    module = ir.Module("tick")
    module.triple = binding.get_process_triple()
    once = (flow.attempt,) if variant.flows else (tick.step,)
    for intrinsic in once if variant.flows or variant.trainer.batch else (tick.evaluate, *once):
        parameters = len(inspect.signature(intrinsic._defn).parameters) - 2
        number = variant.kind.number.as_pointer()
        function = ir.Function(module, ir.FunctionType(INDEX, [number] * parameters), intrinsic._name)
        builder = ir.IRBuilder(function.append_basic_block())
        _, codegen = intrinsic._defn(None, NetType(variant), *[None] * parameters)
        found = codegen(None, builder, None, [None, *function.args])
        builder.ret(found if found.type == INDEX else builder.zext(found, INDEX))
    return module


def simplified(module: ir.Module) -> binding.ModuleRef:
    """The module without its scratch memory and what folds away; its loops stay as they were written."""
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
    """How often each block runs: the product of the trip counts of the loops (of cgutils.for_range) around it."""
    blocks = {block.name: list(block.instructions)[-1] for block in function.blocks}
    after = {name: [o.name for o in jump.operands if o.name in blocks] for name, jump in blocks.items()}
    found = dict.fromkeys(blocks, 1)
    for head, jump in blocks.items():
        if head.startswith("for.cond"):
            for block in _body(head, after):
                found[block] *= _trips(str(next(iter(jump.operands))))
    return found


def _trips(condition: str) -> int:
    found = re.search(r"icmp [a-z ]+ i64 .*, (\d+)$", condition)
    if found is None:
        raise ValueError(f"a loop of the tick must have a constant length; its condition is {condition.strip()!r}")
    return int(found[1])


def _body(head: str, after: dict[str, list[str]]) -> set[str]:
    """Blocks of the loop with this head, which itself is left out; a branch names its true successor last."""
    inside: set[str] = set()
    queue = after[head][-1:]
    while queue:
        block = queue.pop()
        if block not in inside and block != head:
            inside.add(block)
            queue += after[block]
    return inside


def _class(code: binding.ValueRef) -> str | None:
    """Port class of an instruction over lanes; None where it takes no slot."""
    if not code.type.is_vector:
        return None
    operands = list(code.operands)
    if code.opcode == "call":
        return CALLS[operands[-1].name.split(".")[1]]
    if code.opcode == "select" and _is_extremum(operands):
        return None
    return OPCODES.get(code.opcode)


def _is_extremum(operands: list[binding.ValueRef]) -> bool:
    """Whether comparison and select make one minimum or maximum: it counts as the comparison alone."""
    mask, *values = operands
    names = [f"%{value.name}" if value.name else str(value).split("> ", 1)[1] for value in values]
    compared = str(mask).split("> ", 1)[-1]
    return " fcmp " in str(mask) and compared in (", ".join(names), ", ".join(reversed(names)))


def operations(module: binding.ModuleRef) -> Counter[str]:
    """Lane operations of all functions of a simplified module, by port class."""
    found: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    for function in (function for function in module.functions if not function.is_declaration):  # callers first
        often = weights(function)
        for block in function.blocks:
            times = often[block.name] * max(1, calls[function.name])
            for code in block.instructions:
                found[_class(code) or ""] += times
                if code.opcode == "call":
                    calls[list(code.operands)[-1].name] += times
    return Counter({name: found[name] for name in CLASSES})


@dataclass(frozen=True)
class Limit:
    """Operations of a tick by class, the machine's rates, and the network-steps a second that they allow one core."""

    operations: Counter[str]
    rates: Rates
    steps_per_second: float


def nanoseconds(operations: Counter[str], rates: Rates) -> float:
    """Least time of the operations on one register each: what the scarcest resource needs."""
    fused, add, divide, logic = (operations[name] for name in CLASSES)
    occupied = divide * rates.occupied
    return max(
        fused * rates.fused + occupied,
        (fused + add) * rates.arithmetic + occupied,
        (fused + add + logic) * rates.mixed + occupied,
        divide * rates.divide,
    )


@ieee()
def limit(trainer: Trainer, samples: int, dtype: str, machine: Rates | None = None) -> Limit:
    """The bound for the steps of a trainer on one core of this machine; `machine` spares measuring it again."""
    machine = machine or rates(dtype)
    lanes = register() // np.dtype(dtype).itemsize
    variant = Variant(trainer, samples, False, LaneType(dtype, lanes))
    counted = operations(simplified(generated(variant)))
    return Limit(counted, machine, lanes * variant.batches[1] / nanoseconds(counted, machine) * 1e9)
