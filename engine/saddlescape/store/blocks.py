"""Block files: small HDF5 files, named by their hashes."""

import hashlib
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.plan import Block, Plan
from saddlescape.store.atomic import listed
from saddlescape.store.chunks import split
from saddlescape.store.container import Numbers, content
from saddlescape.store.schema import FileVariable, sizes, variables
from saddlescape.system.software import stamp

FOLDER = "blocks"
"""Folder of the blocks, in the folder of a run."""
FAILED = ".failed"
"""Suffix of the note with the error of a block that could not be computed."""


def ranges(plan: Plan, block: Block) -> dict[str, range]:
    """The block's indices along each dimension of the result."""
    indices = {name: range(length) for name, length in sizes(plan).items()}
    indices |= {d.name: range(a, b) for d, a, b in zip(plan.dimensions, block.start, block.stop, strict=True)}
    if "trajectory" in indices and not plan.per_outcome:
        runs = indices["run"]
        indices["trajectory"] = range(*np.searchsorted(plan.trajectory_run, (runs.start, runs.stop)).tolist())
    return indices


def max_size(plan: Plan) -> int:
    """Upper bound of the bytes of a block file: its chunks, and room for the metadata."""
    indices = ranges(plan, plan.block(0))
    counts = [[-(-len(indices[d]) // n) for d, n in zip(v.dims, v.chunk, strict=True)] for v in variables(plan)]
    chunks = zip(map(math.prod, counts), variables(plan), strict=True)
    return 2**16 + sum(2**16 + count * (variable.max_size + 512) for count, variable in chunks)


def encode(plan: Plan, block: Block, data: dict[str, npt.NDArray[Any]]) -> bytes:
    """The content of a block file; `data` contains every variable of the schema, in the shape of the block."""
    attributes: dict[str, int | str] = {"plan": plan.digest, "block": block.number, "software": stamp()}
    return content(attributes, [_numbers(row, data[row.name]) for row in variables(plan) if data[row.name].size])


def _numbers(variable: FileVariable, values: npt.NDArray[Any]) -> Numbers:
    encoded = list(split(values, variable.chunk, np.dtype(variable.dtype)))
    return Numbers(variable.name, variable.dtype, values.shape, variable.chunk, encoded)


def name(number: int, content: bytes) -> str:
    """Name of a block file: its number and the first 16 hex digits of its SHA-256."""
    return f"{number:06d}-{hashlib.sha256(content).hexdigest()[:16]}.h5"


def number(path: Path) -> int | None:
    """Number of a block according to the name of its file; None if this is not the name of a block."""
    match = re.fullmatch(r"([0-9]{6,})-[0-9a-f]{16}\.h5", path.name)
    return int(match[1]) if match else None


def files(folder: Path) -> list[Path]:
    """Files in the folder of a run that may be blocks, by their suffix."""
    return listed(folder / FOLDER, "*.h5")


def note(folder: Path, number: int) -> Path:
    """Path of the note that a block failed."""
    return folder / FOLDER / f"{number:06d}{FAILED}"


def notes(folder: Path) -> dict[int, Path]:
    """Notes of all failed blocks, by the number of the block."""
    paths = listed(folder / FOLDER, f"*{FAILED}")
    return {int(path.stem): path for path in paths if path.stem.isdecimal()}
