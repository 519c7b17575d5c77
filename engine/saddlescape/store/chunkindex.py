"""Where the values of a dataset are, and how they are filtered.

Only the forms that libraries write at our `schema.VERSIONS` are known.

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
CHUNKS_OF_VALUES = 1
"""Of B-trees, those whose leaves are chunks."""
HEAD, NODE = struct.Struct("<4sBBH"), 24
"""How a node begins, and how many bytes come before its keys."""


class Chunk(NamedTuple):
    """A chunk: the index of its first value, a bit for each filter that it skipped, and where its bytes are."""

    first: tuple[int, ...]
    mask: int
    at: int
    size: int


def extents(layout: bytes) -> tuple[int, ...] | None:
    """Lengths of a chunk and the bytes of a value; None where all values are together."""
    version, kind, rank = layout[:3]
    if (version, kind) == (3, CHUNKED) and rank > 1:
        return struct.unpack_from(f"<{rank}I", layout, 11)
    if kind == CONTIGUOUS and version in (3, 4):
        return None
    if kind == CHUNKED:
        raise ValueError(f"a data layout of version {version} and class {kind}")
    raise ValueError("its values must be in the file, by themselves")


def chunks(raw: Raw, layout: bytes) -> Iterator[Chunk]:
    """The chunks of a dataset of this layout, in C order; all of it where it has none.

    Raises
    ------
    ValueError, struct.error
        If it has another form.
    """
    if (lengths := extents(layout)) is None:
        yield Chunk((), 0, *struct.unpack_from("<QQ", layout, 2))
    elif (root := uint(layout[3:11])) != NOWHERE:
        yield from _leaves(raw, root, struct.Struct(f"<II{len(lengths)}QQ"))


def _leaves(raw: Raw, node: int, key: struct.Struct, above: int = 256) -> Iterator[Chunk]:
    signature, kind, level, used = HEAD.unpack(raw(node, HEAD.size))
    if (signature, kind) != (b"TREE", CHUNKS_OF_VALUES) or level >= above or not used:
        raise ValueError("no node of a B-tree of chunks")
    for size, mask, *first, child in key.iter_unpack(raw(node + NODE, used * key.size)):
        if level:
            yield from _leaves(raw, child, key, level)
        else:
            yield Chunk(tuple(first[:-1]), mask, child, size)  # of the bytes of a value, the last, it is the first


def filters(content: bytes) -> list[int]:
    """Numbers of the filters that chunks have gone through, in order."""
    version, count = content[:2]
    at, found = {1: 8, 2: 2}[version], []
    for _ in range(count):
        number, length = struct.unpack_from("<HH", content, at)
        if version == 2 and number < 256:  # a filter of HDF5 itself, which has no name
            length, at = 0, at - 2
        (values,) = struct.unpack_from("<H", content, at + 6)
        at += 8 + length + 4 * values + (4 if version == 1 and values % 2 else 0)
        found.append(number)
    return found
