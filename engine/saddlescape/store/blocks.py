"""One block as bytes: a small HDF5 file made in memory, named by its hash."""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from saddlescape.errors import CorruptError
from saddlescape.plan import Block, Plan
from saddlescape.store import chunks
from saddlescape.store.schema import VERSIONS, create, variables


def first(plan: Plan, block: Block) -> dict[str, int]:
    """Where the block's part of the merged variables begins, along each dimension that blocks cut."""
    trajectory = int(np.searchsorted(plan.trajectory_run, block.start[-1]))
    return {**dict(zip((d.name for d in plan.dimensions), block.start, strict=True)), "trajectory": trajectory}


def encode(plan: Plan, block: Block, data: dict[str, npt.NDArray[Any]]) -> bytes:
    """The block's file; `data` holds every variable of the schema, shaped like the block's tile."""
    name = f"block on thread {threading.get_ident()}"  # HDF5 opens no name twice, not even in memory
    with h5py.File(name, "w", driver="core", backing_store=False, libver=VERSIONS) as file:
        file.attrs["plan"], file.attrs["block"] = plan.digest, block.number
        for variable in variables(plan):
            values = data[variable.name]
            if values.size:
                dataset = create(file, variable, values.shape, resizable=True)
                chunks.write(dataset, values)
                dataset.flush()  # else chunks lie where they do by when the last reference is gone, as with a profiler
        file.flush()
        return bytes(file.id.get_file_image())


def name(number: int, content: bytes) -> str:
    """File name of a block: its number and the first 16 hex digits of its SHA-256."""
    return f"{number:06d}-{hashlib.sha256(content).hexdigest()[:16]}.h5"


def number(path: Path) -> int | None:
    """Number of the block that a file by its name is; None where the name is no block's."""
    found = re.fullmatch(r"([0-9]{6,})-[0-9a-f]{16}\.h5", path.name)
    return int(found[1]) if found else None


@contextmanager
def opened(plan: Plan, path: Path) -> Iterator[tuple[bytes, h5py.h5f.FileID]]:
    """A block of the plan: its bytes, once they are known to be what its name says, and the HDF5 file that they are.

    Raises
    ------
    CorruptError
        If they are not, or if it is no block of the plan.
    """
    content = path.read_bytes() if path.is_file() else b""
    if (its := number(path)) is None or path.name != name(its, content):
        raise CorruptError(f"{path} is not what its name says; go on with: saddlescape resume {path.parent.parent}")
    try:
        file = h5py.h5f.open_file_image(content)
        belongs = _attribute(file, "plan") == plan.digest.encode() and _attribute(file, "block") == its
    except (OSError, ValueError, KeyError):
        belongs = False
    if not belongs:
        raise CorruptError(f"{path} is of another spec; go on with: saddlescape resume {path.parent.parent}")
    with closing(file):
        yield content, file


def _attribute(file: h5py.h5f.FileID, name: str) -> Any:
    """A scalar, read some five times as quickly as through h5py's names."""
    attribute = h5py.h5a.open(file, name.encode())
    value = np.empty((), attribute.dtype)
    attribute.read(value)
    return value[()]


def whole(plan: Plan, path: Path) -> bool:
    """Whether a file is a block of the plan, undamaged and under its own name."""
    try:
        with opened(plan, path):
            return True
    except CorruptError:
        return False
