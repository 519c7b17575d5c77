"""Read block files, which may be malicious even if their hashes are correct.

The bytes are hashed, and then read without libhdf5.
"""

import itertools
import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.errors import CorruptError
from saddlescape.plan import Block, Plan
from saddlescape.store import chunkindex, chunks, guard, objects
from saddlescape.store.blocks import max_size, name, number, ranges
from saddlescape.store.raw import Raw
from saddlescape.store.result_file import has_unknown_codes
from saddlescape.store.schema import FileVariable, variables
from saddlescape.store.source import Region
from saddlescape.system.shell import quote
from saddlescape.system.software import versions

UNCHECKED_SIZE = 2**26
"""Bytes up to which a file is read without comparing its size with the largest possible block."""


def stored(
    plan: Plan, path: Path, wanted: Sequence[FileVariable], on_stamp: Callable[[str], object] = str
) -> Iterator[tuple[int, tuple[int, ...], bytes]]:
    """The encoded chunks of a block: for each, the index of its variable in `wanted`, its offset in the result, bytes.

    ``on_stamp(stamp)`` is called with the stamp of the software that computed the block, "" if it has none.

    Raises
    ------
    CorruptError
        If the block does not match its name, does not belong to the plan, or lacks a chunk.
    """
    raw, block, headers, stamp = _open(plan, path)
    on_stamp(stamp)
    indices = ranges(plan, block)
    with _refusing(path):
        for index, variable in enumerate(wanted):
            along = [indices[dim] for dim in variable.dims]
            if not all(along):  # the block contains no trajectory
                continue
            if (header := headers.get(variable.name)) is None:
                raise ValueError(f"it has no {variable.name}")
            for offset, chunk in _chunks(raw, header, variable, along):
                yield index, offset, chunk


def read(plan: Plan, path: Path, name: str, region: Region) -> npt.NDArray[Any]:
    """The values of a variable in a rectangle of the result that lies within the block.

    Raises
    ------
    CorruptError
        As for `stored`, or if a chunk cannot be decoded.
    """
    variable = next(variable for variable in variables(plan) if variable.name == name)
    values = np.empty([along.stop - along.start for along in region], variable.dtype)
    for _, offset, chunk in stored(plan, path, [variable]):
        ends = zip(offset, variable.chunk, region, strict=True)
        common = [(max(a, along.start), min(a + extent, along.stop)) for a, extent, along in ends]
        if all(a < b for a, b in common):
            decoded = _decoded(plan, path, variable, chunk)
            inner = tuple(slice(a - first, b - first) for (a, b), first in zip(common, offset, strict=True))
            outer = tuple(slice(a - s.start, b - s.start) for (a, b), s in zip(common, region, strict=True))
            values[outer] = decoded[inner]
    return values


def check(plan: Plan, path: Path) -> None:
    """Raise CorruptError, as `stored` and `read` would, unless a file is a complete block of the plan."""
    all_variables = variables(plan)
    for index, _, chunk in stored(plan, path, all_variables):
        _decoded(plan, path, all_variables[index], chunk)


def is_complete(plan: Plan, path: Path, on_stamp: Callable[[str], object] = str) -> bool:
    """Whether a file is a block of the plan with the correct name and all chunks; they are not decoded."""
    try:
        return all(True for _ in stored(plan, path, variables(plan), on_stamp))
    except CorruptError:
        return False


def _open(plan: Plan, path: Path) -> tuple[Raw, Block, dict[str, int | None], str]:
    """The bytes of a block file, its block, the addresses of its variables' headers, and its stamp."""
    content = path.read_bytes() if path.is_file() and not _too_large(plan, path) else b""
    if (block_number := number(path)) is None or path.name != name(block_number, content):
        raise _corrupt(path, "does not match its name")
    if block_number >= plan.blocks or plan.digest.encode() not in content:  # faster than reading the attribute
        raise _corrupt(path, "belongs to another spec")
    with _refusing(path):
        raw = Raw(content)
        header = objects.messages(raw, objects.root(raw))
        attributes = objects.attributes(raw, header)
        if _number(raw, attributes) != block_number:
            raise _corrupt(path, "contains another block")
        return raw, plan.block(block_number), objects.links(raw, header), _stamp(raw, attributes)


def _too_large(plan: Plan, path: Path) -> bool:
    return (size := path.stat().st_size) > UNCHECKED_SIZE and size > max_size(plan)


def _stamp(raw: Raw, attributes: dict[str, objects.Attribute]) -> str:
    """The attribute ``software``; "" for older blocks, which do not have it."""
    stamp = objects.value(raw, attributes["software"]) if "software" in attributes else ""
    stamp = stamp.decode() if isinstance(stamp, bytes) else stamp
    if not isinstance(stamp, str):
        raise ValueError(f"the software {stamp!r}")
    versions(stamp)
    return stamp


def _number(raw: Raw, attributes: dict[str, objects.Attribute]) -> int:
    """The attribute ``block``."""
    value = objects.value(raw, attributes["block"])
    if not isinstance(value, np.integer):
        raise ValueError(f"the number {value!r}")
    return int(value)


def _chunks(
    raw: Raw, header: int, variable: FileVariable, indices: Sequence[range]
) -> Iterator[tuple[tuple[int, ...], bytes]]:
    first = [along.start for along in indices]
    starts = (range(0, len(along), extent) for along, extent in zip(indices, variable.chunk, strict=True))
    layout = next(message.content for message in objects.messages(raw, header) if message.kind == objects.LAYOUT)
    for chunk, start in zip(chunkindex.chunks(raw, layout), itertools.product(*starts), strict=True):
        if chunk.first != start or chunk.mask:
            raise ValueError(f"{variable.name} has no chunk at {start} of the expected form")
        if not 0 < chunk.size <= variable.max_size:
            raise ValueError(f"{variable.name} has a chunk of {chunk.size} bytes, which is impossible")
        yield tuple(map(operator.add, first, start)), raw.values(chunk.address, chunk.size)


def _decoded(plan: Plan, path: Path, variable: FileVariable, chunk: bytes) -> npt.NDArray[Any]:
    with _refusing(path):
        values = chunks.decoded(chunk, variable.chunk, np.dtype(variable.dtype))
        if has_unknown_codes(variable.name, values, plan.shape[-1]):
            raise ValueError(f"{variable.name} has codes unknown to this version")
        return values


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn exceptions while a block is read into CorruptError."""
    try:
        yield
    except guard.ODD as error:
        guard.refused_by_system(error, path)
        raise _corrupt(path, f"is damaged ({guard.reason(error)})") from None


def _corrupt(path: Path, fault: str) -> CorruptError:
    run = quote(str(path.parent.parent))
    return CorruptError(f"{path} {fault}; remove it, and saddlescape resume {run} computes it again")
