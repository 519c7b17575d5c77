"""Estimate the cost of a sweep from its plan, and check in advance that it fits into memory and on the disk."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from saddlescape.errors import RefusedError
from saddlescape.kernels.batch import LANE_BYTES
from saddlescape.kernels.curvature import CHUNK
from saddlescape.kernels.network import TILE
from saddlescape.kernels.update_rules import RULES
from saddlescape.network.problems import KEPT
from saddlescape.plan import WHOLE, Plan, Shard
from saddlescape.spec import Spec, Sweep
from saddlescape.store import FileVariable, block_sizes, sizes, variables
from saddlescape.system import resources
from saddlescape.words.measures import AFTER, CURVATURE, TANGENT_KERNEL

COMPILER, A_KERNEL = 3 * 2**27, 2**23
"""Bytes of the interpreter, the libraries and a kernel while it is compiled; and of each kernel afterwards."""

A_STRUCTURE, A_VALUE, A_BLOCK = 2**13, 2**7, 2**10
"""Bytes of the spec of each structure, of a value of an axis, and of the name of a block."""

COPIES, OWN = 6, 32
"""Copies of its problem that a thread has in memory; and further copies if lanes shuffle or draw the samples."""

A_RUN, A_PARAMETER = 400, 72
"""Bytes, while a block is computed, for each run, and for each of its parameters."""

RECORDED, PATHS = 4, 3
"""Copies in memory, while a block is computed, of stored trajectories, and of parameters along them."""

A_FILE, A_VARIABLE, OTHERS = 2**12, 2**10, 2**17
"""Bytes of the metadata of HDF5 in a file, and for each variable; and of the other files of a run, without texts."""

PAGE, A_NAME, TEXTS = 2**12, 2**7, 8
"""Bytes of the smallest file, and of its name in the folder; and number of copies of the spec's text."""

SWITCHES = tuple(f"training.{name}" for name in ("weight_decay", "l1", "noise", "warmup", "dropout", "clip"))
"""Keys whose kernels differ between zero and other values."""

LESS = {
    "runs": ("starts.count", "lower starts.count or shorten an axis"),
    "record": ("record.runs", "lower record.runs or record fewer steps"),
    "theta": ("record.parameters", "set it to false, lower record.runs or record fewer steps"),
    "ends": ("record.final_parameters", "set it to false, lower starts.count or shorten an axis"),
    "kernels": ("axes", "shorten axes that change the network or how it is trained"),
}
"""For each part of the cost, the key that determines it, and what reduces it."""


@dataclass(frozen=True)
class Cost:
    """The size of a run; network-steps, memory and disk are upper bounds."""

    points: int
    runs: int
    blocks: int
    network_steps: int
    memory_bytes: int
    disk_bytes: int


def cost(plan: Plan, threads: int, shard: Shard = WHOLE) -> Cost:
    """The size of a plan, or of one shard of it; the runs of a shard are counted as if all its blocks were full."""
    blocks = len(shard.numbers(plan.blocks))
    share = blocks / plan.blocks
    runs = plan.runs if shard == WHOLE else min(plan.runs, blocks * math.prod(plan.tile))
    steps = sum(spec.steps for spec in plan.structures) * runs // len(plan.structures)
    needed = memory(plan, threads, shard), disk(plan, share, shard == WHOLE)
    return Cost(plan.runs // plan.count, runs, blocks, steps, *needed)


def check_room(plan: Plan, folder: Path, threads: int, shard: Shard = WHOLE) -> None:
    """Refuse a run that may not fit.

    Raises
    ------
    RefusedError
        With the key that costs most, the size that is needed, and the size that is available.
    """
    check_memory(plan, threads, shard)
    needed = cost(plan, threads, shard).disk_bytes
    _fit(plan, "disk", needed, resources.disk(folder), _parts(plan, sizes(plan)), ", or run shards elsewhere")


def check_memory(plan: Plan, threads: int, shard: Shard = WHOLE) -> None:
    """Refuse a run whose blocks may not fit into memory; see `check_room`."""
    fewer = f", or --threads below {threads}" if threads > 1 else ""
    parts = _parts(plan, block_sizes(plan)) | {"kernels": A_KERNEL * (len(kernels(plan.sweep)) - 1)}
    _fit(plan, "memory", memory(plan, threads, shard) - resources.resident(), resources.memory(), parts, fewer)


def _fit(plan: Plan, name: str, needed: int, room: resources.Room, parts: dict[str, int], remedies: str) -> None:
    if needed <= room.bytes:
        return
    key, remedy = LESS[max(parts, key=parts.__getitem__)]
    section, _, field = key.partition(".")
    sizes = {"starts.count": plan.shape, "axes": f"{len(kernels(plan.sweep))} kernels"}
    got = sizes[key] if key in sizes else getattr(getattr(plan.sweep.spec, section), field)
    needs = f"needs up to {readable(needed)} of {name}, {readable(room.bytes)} available ({room.limit})"
    raise RefusedError(f"{key}: {needs}; got {got}, {plan.runs} runs; {remedy}{remedies}")


def readable(size: float) -> str:
    """A number of bytes with a unit, such as ``1.5 GiB``."""
    power = max(0, min(6, int(math.log2(max(1, size)) // 10)))
    return f"{float(f'{size / 2 ** (10 * power):.3g}'):g} {('bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB')[power]}"


def memory(plan: Plan, threads: int, shard: Shard = WHOLE) -> int:
    """Bytes of the process while each thread computes a block, and finished blocks wait to be written."""
    stored = _parts(plan, block_sizes(plan))
    blocks = threads * _working(plan, stored) + 2 * (threads + 1) * sum(stored.values())
    lists = A_STRUCTURE * len(plan.structures) + A_VALUE * sum(len(axis.values) for axis in plan.sweep.axes)
    lists += A_BLOCK * len(shard.numbers(plan.blocks)) + A_KERNEL * len(kernels(plan.sweep))
    return COMPILER + lists + _problems(plan, threads) + blocks


def _problems(plan: Plan, threads: int) -> int:
    """Bytes of the problems: of all files, of the few other problems that are cached, and of the copies of threads."""
    specs = {spec.problem: spec for spec in plan.structures}.values()
    sizes = {s.problem: 8 * (s.samples + s.test_samples) * (s.sizes[0] + s.sizes[-1]) for s in specs}
    files = sum(size for problem, size in sizes.items() if problem.file is not None)
    random = [spec.batch * spec.epoch / spec.samples for spec in plan.structures if spec.order != "fixed"]
    own = math.ceil(OWN * max(random, default=0))
    return files + max(sizes.values()) * (min(KEPT, len(sizes)) + threads * (COPIES + own))


def kernels(sweep: Sweep) -> list[Spec]:
    """One spec for each kernel: each network and each training method has its own compiled code.

    Where axes contain both zero and nonzero values of a penalty, noise, the warm-up or `stop.gradient`, or the neutral
    value 1 of `bias_rate` and others, there is a kernel for either case.
    """
    axes = [sweep.numeric(key) for key in (*SWITCHES, "stop.gradient")] + [sweep.numeric("training.bias_rate") - 1]
    switched = 1 << sum(bool(values.any()) and not values.all() for values in axes)
    specs = {
        (
            *(*s.shape, s.activations, s.network.dtype, s.samples, s.training.loss),
            *(s.training.optimizer, s.training.schedule, s.training.layer_rates is None, s.batch, s.order),
            *(s.training.reduction, s.training.decay),
        ): s
        for s in sweep.structures
    }
    return list(specs.values()) * switched


def stored(plan: Plan) -> int:
    """Bytes of the variables of all runs before compression."""
    return sum(_parts(plan, sizes(plan)).values())


def _working(plan: Plan, stored: dict[str, int]) -> int:
    """Bytes of one block while it is computed, without the variables to store."""
    runs = math.prod(plan.tile) * (A_RUN + A_PARAMETER * plan.n_params)
    all_runs = -(-plan.tile[-1] // plan.trajectory_tile) if plan.per_outcome else 1  # until outcomes are known
    fixed = _lanes(plan) + _derived(plan)
    return fixed + runs + all_runs * (RECORDED * stored["record"] + PATHS * (stored["theta"] or _followed(plan)))


def _lanes(plan: Plan) -> int:
    """Bytes of the networks that a thread trains at once: parameters, gradients and the optimizer's states."""
    return max(
        LANE_BYTES * max(1, TILE // (s.batch or s.samples)) * s.n_params * (3 + RULES[s.training.optimizer].states)
        for s in plan.structures
    )


def _derived(plan: Plan) -> int:
    """Bytes of the Hessians and Jacobians that a thread has at once, of which it makes a copy."""
    hessians = max(LANE_BYTES // 8 * s.n_params**2 for s in plan.structures)
    path = block_sizes(plan)["record"] if plan.trajectories else 1
    jacobians = max(path * s.n_params * s.samples * s.sizes[-1] for s in plan.structures)
    parts = ((CURVATURE, hessians), (TANGENT_KERNEL, jacobians))
    return sum(2 * 8 * max(CHUNK, entries) for names, entries in parts if not {*names}.isdisjoint(plan.fields))


def _followed(plan: Plan) -> int:
    """Bytes of parameters along trajectories that are not stored, but from which measures are computed."""
    if {*AFTER}.isdisjoint(plan.fields) or not plan.trajectories:
        return 0
    tile, points = block_sizes(plan), [d.name for d in plan.dimensions[:-1]]
    paths = math.prod(tile[d] for d in (*points, "trajectory", "record"))
    return np.dtype(plan.dtype).itemsize * plan.n_params * paths


def disk(plan: Plan, share: float = 1.0, merged: bool = True) -> int:
    """Bytes of a share of the blocks, and of the result if `merged`."""
    lengths, own = sizes(plan), variables(plan)
    chunks = sum(_chunks(v, lengths) * v.max_size + _index(v, _chunks(v, lengths)) for v in own)
    block = A_FILE + PAGE + A_NAME + sum(A_VARIABLE + _index(v) + v.max_size * ("run" not in v.dims) for v in own)
    coordinates = sum(A_VARIABLE + _index(own[0]) + 16 * length for length in lengths.values())
    result = A_FILE + chunks + coordinates + len(own) * A_VARIABLE + A_NAME * plan.blocks
    texts = OTHERS + TEXTS * (len(plan.sweep.text) + A_VALUE * sum(len(axis.values) for axis in plan.sweep.axes))
    return int(share * (chunks + block * plan.blocks) + merged * result + texts)


def _chunks(variable: FileVariable, lengths: dict[str, int]) -> int:
    """Number of chunks of a variable whose dimensions have these lengths."""
    return math.prod(-(-lengths[d] // n) for d, n in zip(variable.dims, variable.chunk, strict=True))


def _index(variable: FileVariable, chunks: int = 1) -> int:
    """Bytes of the B-tree that indexes the chunks: nodes have up to 64 entries, and at least half as many."""
    node = 24 + 65 * (8 + 8 * (len(variable.dims) + 1)) + 64 * 8
    return node * (1 if chunks <= 64 else chunks // 31 + 2)


def _parts(plan: Plan, lengths: dict[str, int]) -> dict[str, int]:
    """Bytes of each part (`LESS`) of the variables if the dimensions have these lengths."""
    parts = dict.fromkeys(LESS, 0)
    for v in variables(plan):
        path, theta = "record" in v.dims, "parameter" in v.dims
        kind = "theta" if path and theta else "record" if path else "ends" if theta else "runs"
        parts[kind] += np.dtype(v.dtype).itemsize * math.prod(lengths[d] for d in v.dims)
    return parts
