"""One block as bytes: a small HDF5 file made in memory, named by its hash."""

import hashlib
import io
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from saddlescape.errors import CorruptError
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


def number(path: Path) -> int | None:
    """Number of the block that a file by its name is; None where the name is no block's."""
    found = re.fullmatch(r"([0-9]{6,})-[0-9a-f]{16}\.h5", path.name)
    return int(found[1]) if found else None


def opened(plan: Plan, path: Path) -> h5py.File:
    """A block of the plan, opened once its bytes are known to be what its name says.

    Raises
    ------
    CorruptError
        If they are not, or if it is no block of the plan.
    """
    content = path.read_bytes() if path.is_file() else b""
    if (its := number(path)) is None or path.name != name(its, content):
        raise CorruptError(f"{path} is not what its name says; go on with: saddlescape resume {path.parent.parent}")
    try:
        file = h5py.File(io.BytesIO(content), "r")
        if file.attrs.get("plan") == plan.digest and file.attrs.get("block") == its:
            return file
        file.close()
    except OSError:
        pass
    raise CorruptError(f"{path} is of another spec; go on with: saddlescape resume {path.parent.parent}")


def whole(plan: Plan, path: Path) -> bool:
    """Whether a file is a block of the plan, undamaged and under its own name."""
    try:
        opened(plan, path).close()
    except CorruptError:
        return False
    return True
