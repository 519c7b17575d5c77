"""One block as bytes: a small HDF5 file made in memory, named by its hash."""

import hashlib
import math
import re
import threading
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from saddlescape.plan import Block, Plan
from saddlescape.store import chunks
from saddlescape.store.atomic import listed
from saddlescape.store.schema import VERSIONS, create, sizes, variables
from saddlescape.system.software import stamp

FOLDER = "blocks"
"""Of the blocks, in the folder of a run."""
FAILED = ".failed"
"""Ending of the note that a block could not be computed, and why."""


def part(plan: Plan, block: Block) -> dict[str, range]:
    """What the block holds of each dimension of the result."""
    found = {name: range(length) for name, length in sizes(plan).items()}
    found |= {d.name: range(a, b) for d, a, b in zip(plan.dimensions, block.start, block.stop, strict=True)}
    if "trajectory" in found and not plan.per_outcome:
        runs = found["run"]
        found["trajectory"] = range(*np.searchsorted(plan.trajectory_run, (runs.start, runs.stop)).tolist())
    return found


def largest(plan: Plan) -> int:
    """Bytes that no block of the plan exceeds: its chunks, and room for where they are."""
    held = part(plan, plan.block(0))
    counts = [[-(-len(held[d]) // n) for d, n in zip(v.dims, v.chunk, strict=True)] for v in variables(plan)]
    chunks = zip(map(math.prod, counts), variables(plan), strict=True)
    return 2**16 + sum(2**16 + count * (variable.most + 512) for count, variable in chunks)


def encode(plan: Plan, block: Block, data: dict[str, npt.NDArray[Any]]) -> bytes:
    """The block's file; `data` holds every variable of the schema, shaped like the block's tile."""
    name = f"block on thread {threading.get_ident()}"  # HDF5 opens no name twice, not even in memory
    with h5py.File(name, "w", driver="core", backing_store=False, libver=VERSIONS) as file:
        file.attrs["plan"], file.attrs["block"], file.attrs["software"] = plan.digest, block.number, stamp()
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


def files(folder: Path) -> list[Path]:
    """What may be a block in the folder of a run, by its ending."""
    return listed(folder / FOLDER, "*.h5")


def note(folder: Path, number: int) -> Path:
    """Where the folder of a run has the note that a block failed."""
    return folder / FOLDER / f"{number:06d}{FAILED}"


def notes(folder: Path) -> dict[int, Path]:
    """Those that there are, by the number of the block."""
    found = listed(folder / FOLDER, f"*{FAILED}")
    return {int(path.stem): path for path in found if path.stem.isdecimal()}
