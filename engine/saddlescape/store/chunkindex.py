"""Where the chunks of a dataset are, read from the bytes of its file: libhdf5 takes five times as long to tell.

Only the form that we write is known (`schema.VERSIONS`).

References
----------
HDF5 File Format Specification 3.0, IV.A.1.b "Version 2 Data Object Header Prefix", IV.A.2.i "The Data Layout
Message", III.A.1 "Disk Format: Level 1A1 - Version 1 B-trees".
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

LAYOUT = 8
"""Number of the message of an object header that tells where the values are."""
CONTIGUOUS, CHUNKED = 1, 2
CHUNKS_OF_VALUES = 1
"""Of B-trees, those whose leaves are chunks."""
MESSAGE, HEAD, NODE = struct.Struct("<BH"), struct.Struct("<4sBBH"), 24
"""How a message and a node begin, and how many bytes come before the keys of a node."""


class Chunk(NamedTuple):
    """A chunk: the index of its first value, a bit for each filter that it skipped, and where its bytes are."""

    first: tuple[int, ...]
    mask: int
    at: int
    size: int


def chunks(content: bytes, header: int) -> Iterator[Chunk]:
    """The chunks of the dataset whose object header is at `header`, in C order; all of it where it has none.

    Raises
    ------
    ValueError, struct.error
        If there is none, or one of another form.
    """
    at = _layout(content, header)
    version, kind, rank = struct.unpack_from("<BBB", content, at)
    if (version, kind) == (3, CONTIGUOUS):
        yield Chunk((), 0, *struct.unpack_from("<QQ", content, at + 2))
    elif (version, kind) == (3, CHUNKED):
        (root,) = struct.unpack_from("<Q", content, at + 3)
        yield from _leaves(content, root, struct.Struct(f"<II{rank}QQ"))
    else:
        raise ValueError(f"a data layout of version {version} and class {kind}")


def _layout(content: bytes, header: int) -> int:
    if content[header : header + 5] != b"OHDR\x02":
        raise ValueError("no object header")
    flags = content[header + 5]
    width = 1 << (flags & 3)
    at = header + 6 + (16 if flags & 32 else 0) + (4 if flags & 16 else 0)
    end = at + width + int.from_bytes(content[at : at + width], "little")
    at += width
    while at < end:
        kind, length = MESSAGE.unpack_from(content, at)
        at += 6 if flags & 4 else 4
        if kind == LAYOUT:
            return at
        at += length
    raise ValueError("no data layout")


def _leaves(content: bytes, node: int, key: struct.Struct, above: int = 256) -> Iterator[Chunk]:
    signature, kind, level, used = HEAD.unpack_from(content, node)
    if (signature, kind) != (b"TREE", CHUNKS_OF_VALUES) or level >= above or not used:
        raise ValueError("no node of a B-tree of chunks")
    for at in range(node + NODE, node + NODE + used * key.size, key.size):
        size, mask, *first, child = key.unpack_from(content, at)
        if level:
            yield from _leaves(content, child, key, level)
        else:
            yield Chunk(tuple(first[:-1]), mask, child, size)  # of the bytes of a value, the last, it is the first
