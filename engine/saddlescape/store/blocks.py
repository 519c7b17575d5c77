"""One block as bytes: a small HDF5 file made in memory, named by its hash."""

import hashlib
import io
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from saddlescape.plan import Block, Plan
from saddlescape.store.schema import VERSIONS, create, variables


def trajectories(plan: Plan, block: Block) -> tuple[int, int]:
    """The block's share of the trajectory dimension, from and to."""
    first, last = np.searchsorted(plan.trajectory_run, [block.start[-1], block.stop[-1]])
    return int(first), int(last)


def offset(plan: Plan, block: Block, dims: tuple[str, ...]) -> tuple[int, ...]:
    """Where the block's part of a variable begins in the merged one."""
    first = dict(zip((d.name for d in plan.dimensions), block.start, strict=True))
    first["trajectory"] = trajectories(plan, block)[0]
    return tuple(first.get(d, 0) for d in dims)


def encode(plan: Plan, block: Block, data: dict[str, npt.NDArray[Any]]) -> bytes:
    """The block's file; `data` holds every variable of the schema, shaped like the block's tile."""
    with h5py.File("block", "w", driver="core", backing_store=False, libver=VERSIONS) as file:
        file.attrs["plan"], file.attrs["block"] = plan.digest, block.number
        for variable in variables(plan):
            values = data[variable.name]
            if values.size:
                create(file, variable, values.shape, resizable=True)[...] = values
        file.flush()
        return bytes(file.id.get_file_image())


def name(number: int, content: bytes) -> str:
    """File name of a block: its number and the first 16 hex digits of its SHA-256."""
    return f"{number:06d}-{hashlib.sha256(content).hexdigest()[:16]}.h5"


def belongs(plan: Plan, number: int, file: h5py.File) -> bool:
    """Whether an open block is block `number` of this plan, whatever its file is called."""
    return bool(file.attrs.get("plan") == plan.digest and file.attrs.get("block") == number)


def whole(plan: Plan, path: Path) -> bool:
    """Whether a file is a block of the plan, undamaged and under its own name."""
    number = path.name.split("-")[0]
    content = path.read_bytes()
    if not number.isdecimal() or path.name != name(int(number), content):
        return False
    with opened(content) as file:
        return belongs(plan, int(number), file)


def opened(content: bytes) -> h5py.File:
    """The block's file, from bytes whose hash has been checked."""
    return h5py.File(io.BytesIO(content), "r")
