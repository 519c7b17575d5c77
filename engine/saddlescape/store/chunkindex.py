"""Addresses and filters of the values of a dataset.

Only the forms of HDF5 that libraries write with `schema.VERSIONS` are supported.

References
----------
HDF5 File Format Specification 3.0, IV.A.2.i "The Data Layout Message", IV.A.2.l "The Data Storage - Filter Pipeline
Message", III.A.1 "Disk Format: Level 1A1 - Version 1 B-trees".
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from saddlescape.store.raw import NOWHERE, Raw, uint

CONTIGUOUS, CHUNKED = 1, 2
"""Classes of data layouts."""
CHUNKS_OF_VALUES = 1
"""Type of the B-trees whose leaves are chunks."""
HEAD, NODE = struct.Struct("<4sBBH"), 24
"""The first fields of a B-tree node, and the bytes before its keys."""


class Chunk(NamedTuple):
    """The index of a chunk's first value, a bit mask of the filters that it skipped, and its address and size."""

    first: tuple[int, ...]
    mask: int
    address: int
    size: int


def extents(layout: bytes) -> tuple[int, ...] | None:
    """The shape of a chunk and the bytes of a value; None for a contiguous dataset."""
    version, kind, rank = layout[:3]
    if (version, kind) == (3, CHUNKED) and rank > 1:
        return struct.unpack_from(f"<{rank}I", layout, 11)
    if kind == CONTIGUOUS and version in (3, 4):
        return None
    if kind == CHUNKED:
        raise ValueError(f"has a data layout of version {version} and class {kind}, which is not supported")
    raise ValueError("must have its values in the file, contiguous or in chunks")


def chunks(raw: Raw, layout: bytes) -> Iterator[Chunk]:
    """The chunks of a dataset, in C order; a contiguous dataset is one chunk.

    Raises
    ------
    ValueError, struct.error
        If the layout is not supported or damaged.
    """
    if (lengths := extents(layout)) is None:
        return iter([Chunk((), 0, *struct.unpack_from("<QQ", layout, 2))])
    root = uint(layout[3:11])
    return _leaves(raw, root, struct.Struct(f"<II{len(lengths)}QQ")) if root != NOWHERE else iter(())


def _leaves(raw: Raw, node: int, key: struct.Struct, level_above: int = 256) -> Iterator[Chunk]:
    signature, kind, level, used = HEAD.unpack(raw(node, HEAD.size))
    if (signature, kind) != (b"TREE", CHUNKS_OF_VALUES) or level >= level_above or not used:
        raise ValueError("no node of a B-tree of chunks")
    for size, mask, *first, child in key.iter_unpack(raw(node + NODE, used * key.size)):
        if level:
            yield from _leaves(raw, child, key, level)
        else:
            yield Chunk(tuple(first[:-1]), mask, child, size)  # the last index counts bytes within a value: always 0


def filters(content: bytes) -> list[int]:
    """Numbers of the filters that were applied to the chunks, in this order."""
    version, count = content[:2]
    offset, numbers = {1: 8, 2: 2}[version], []
    for _ in range(count):
        number, length = struct.unpack_from("<HH", content, offset)
        if version == 2 and number < 256:  # HDF5's own filters have no name, and no field for its length
            length, offset = 0, offset - 2
        (values,) = struct.unpack_from("<H", content, offset + 6)
        offset += 8 + length + 4 * values + (4 if version == 1 and values % 2 else 0)
        numbers.append(number)
    return numbers
