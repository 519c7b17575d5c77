"""Text in HDF5 is kept in global heaps, which have no checksum; libhdf5 2.0 goes round for ever in a damaged one.

So they are walked here first.  They are looked for in all of a small file, and in what is no chunk of a large one.

References
----------
HDF5 File Format Specification 3.0, III.E "Global Heap".
"""

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

import h5py

SIGNATURE = b"GCOL\x01\0\0\0"
SMALL = 2**25
"""Bytes of a file that are searched to the last: a hundredth of a second."""

HEADER = 16
"""Bytes before the objects of a heap, and before the content of each object."""


def damaged(path: Path, file: h5py.File) -> bool:
    """Whether a heap in the file holds an object that cannot be."""
    with path.open("rb") as raw, mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as content:
        spans = [(0, len(content))] if len(content) <= SMALL else _between(_chunks(file), len(content))
        return any(_odd(content, at) for first, last in spans for at in _found(content, first, last))


def _found(content: mmap.mmap, first: int, last: int) -> Iterator[int]:
    at = content.find(SIGNATURE, first, last)
    while at >= 0:
        yield at
        at = content.find(SIGNATURE, at + 1, last)


def _odd(content: mmap.mmap, at: int) -> bool:
    end = at + int.from_bytes(content[at + 8 : at + 16], "little")
    position = at + HEADER
    while position + HEADER <= min(end, len(content)):
        index, size = struct.unpack_from("<H6xQ", content, position)
        length = HEADER + -(-size // 8) * 8 if index else size  # object 0 is the free space to the end
        if length < HEADER or position + length > end:
            return True
        position += length
    return end > len(content)


def _chunks(file: h5py.File) -> list[tuple[int, int]]:
    """Where chunks of values are, from and to, in order."""
    found: list[tuple[int, int]] = []
    for name in file:
        if file.get(name, getclass=True) is h5py.Dataset and file[name].chunks:
            file[name].id.chunk_iter(lambda chunk: found.append((chunk.byte_offset, chunk.byte_offset + chunk.size)))
    return sorted(found)


def _between(spans: list[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    first = 0
    for a, b in (*spans, (size, size)):
        if a > first:
            yield first, a
        first = max(first, b)
