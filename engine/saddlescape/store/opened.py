"""What is in a block's file.  It may come from a stranger: its hash says only that it came whole.

Its bytes are hashed, and then read without libhdf5.
"""

import itertools
import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.errors import CorruptError
from saddlescape.plan import Block, Plan
from saddlescape.store import chunkindex, chunks, guard, objects
from saddlescape.store.blocks import largest, name, number, part
from saddlescape.store.raw import Raw
from saddlescape.store.reading import unknown
from saddlescape.store.schema import FileVariable, variables
from saddlescape.store.source import Place
from saddlescape.system.software import versions

SMALL = 2**26
"""Bytes of a file that are read before it is asked how many a block may have."""


def stored(
    plan: Plan, path: Path, wanted: Sequence[FileVariable], note: Callable[[str], object] = str
) -> Iterator[tuple[int, tuple[int, ...], bytes]]:
    """The chunks of a block as they are, each with its variable's index in `wanted` and its place in the result.

    `note` is called with the stamp of the software that computed the block, "" where it has none.

    Raises
    ------
    CorruptError
        If the bytes are not what the block's name says, if it is no block of the plan, or if a chunk is not there.
    """
    raw, block, headers, stamp = _opened(plan, path)
    note(stamp)
    held = part(plan, block)
    with _refusing(path):
        for index, variable in enumerate(wanted):
            its = [held[dim] for dim in variable.dims]
            if not all(its):  # the block's share of the trajectories is none
                continue
            if (header := headers.get(variable.name)) is None:
                raise ValueError(f"it has no {variable.name}")
            for at, chunk in _chunks(raw, header, variable, its):
                yield index, at, chunk


def read(plan: Plan, path: Path, name: str, place: Place) -> npt.NDArray[Any]:
    """The values of a variable in a rectangle of the result that is within the block.

    Raises
    ------
    CorruptError
        As from `stored`, or if a chunk holds something else.
    """
    variable = next(variable for variable in variables(plan) if variable.name == name)
    values = np.empty([along.stop - along.start for along in place], variable.dtype)
    for _, at, chunk in stored(plan, path, [variable]):
        ends = zip(at, variable.chunk, place, strict=True)
        common = [(max(a, along.start), min(a + extent, along.stop)) for a, extent, along in ends]
        if all(a < b for a, b in common):
            found = _decoded(plan, path, variable, chunk)
            target = tuple(slice(a - along.start, b - along.start) for (a, b), along in zip(common, place, strict=True))
            values[target] = found[tuple(slice(a - first, b - first) for (a, b), first in zip(common, at, strict=True))]
    return values


def check(plan: Plan, path: Path) -> None:
    """Raise what `stored` and `read` would, if a file is no whole block of the plan under its own name."""
    its = variables(plan)
    for index, _, chunk in stored(plan, path, its):
        _decoded(plan, path, its[index], chunk)


def whole(plan: Plan, path: Path, note: Callable[[str], object] = str) -> bool:
    """Whether a file is a block of the plan under its own name, with all of its chunks; these are not inflated."""
    try:
        return all(True for _ in stored(plan, path, variables(plan), note))
    except CorruptError:
        return False


def _opened(plan: Plan, path: Path) -> tuple[Raw, Block, dict[str, int | None], str]:
    """A block's bytes, once it is known what they are; where in them its variables' object headers are; its stamp."""
    content = path.read_bytes() if path.is_file() and not _vast(plan, path) else b""
    if (its := number(path)) is None or path.name != name(its, content):
        raise _corrupt(path, "is not what its name says")
    if its >= plan.blocks or plan.digest.encode() not in content:  # libhdf5 takes longer to look the digest up
        raise _corrupt(path, "is of another spec")
    with _refusing(path):
        raw = Raw(content)
        said = objects.messages(raw, objects.root(raw))
        attributes = objects.attributes(raw, said)
        if _number(raw, attributes) != its:
            raise _corrupt(path, "is another block")
        return raw, plan.block(its), objects.links(raw, said), _stamp(raw, attributes)


def _vast(plan: Plan, path: Path) -> bool:
    return (size := path.stat().st_size) > SMALL and size > largest(plan)


def _stamp(raw: Raw, attributes: dict[str, objects.Attribute]) -> str:
    """The attribute ``software``; "" in blocks of before there was one."""
    found = objects.value(raw, attributes["software"]) if "software" in attributes else ""
    if not isinstance(found, str):
        raise ValueError(f"the software {found!r}")
    versions(found)
    return found


def _number(raw: Raw, attributes: dict[str, objects.Attribute]) -> int:
    """The attribute ``block``."""
    found = objects.value(raw, attributes["block"])
    if not isinstance(found, np.integer):
        raise ValueError(f"the number {found!r}")
    return int(found)


def _chunks(
    raw: Raw, header: int, variable: FileVariable, held: Sequence[range]
) -> Iterator[tuple[tuple[int, ...], bytes]]:
    first = [its.start for its in held]
    places = itertools.product(*(range(0, len(its), extent) for its, extent in zip(held, variable.chunk, strict=True)))
    layout = next(message.content for message in objects.messages(raw, header) if message.kind == objects.LAYOUT)
    for chunk, place in zip(chunkindex.chunks(raw, layout), places, strict=True):
        if chunk.first != place or chunk.mask:
            raise ValueError(f"{variable.name} has no chunk at {place} as we write it")
        if not 0 < chunk.size <= variable.most:
            raise ValueError(f"{variable.name} has a chunk of {chunk.size} bytes, which none has")
        yield tuple(map(operator.add, first, place)), raw.values(chunk.at, chunk.size)


def _decoded(plan: Plan, path: Path, variable: FileVariable, chunk: bytes) -> npt.NDArray[Any]:
    with _refusing(path):
        values = chunks.decoded(chunk, variable.chunk, np.dtype(variable.dtype))
        if unknown(variable.name, values, plan.shape[-1]):
            raise ValueError(f"{variable.name} has codes that this version doesn't know")
        return values


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except guard.ODD as error:
        guard.refused_by_system(error, path)
        raise _corrupt(path, f"is damaged ({guard.reason(error)})") from None


def _corrupt(path: Path, what: str) -> CorruptError:
    run = quote(str(path.parent.parent))
    return CorruptError(f"{path} {what}; remove it, and saddlescape resume {run} makes it again")
