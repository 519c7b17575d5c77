"""Write small HDF5 files with numbers and encoded chunks, without libhdf5, which takes 3 ms and 45 kB for a block.

Everything is written before the structure that refers to it; the superblock is completed at the end.  The structures
have no checksums: a block is named by its SHA-256.

References
----------
HDF5 File Format Specification 3.0, II.A "Superblock", III.A.1 "Version 1 B-trees", III.C "Symbol Table Entry",
IV.A.1.a "Version 1 Data Object Header Prefix", IV.A.2 "Data Object Header Messages".
"""

import functools
import itertools
import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from saddlescape.store.chunkindex import CHUNKED, CHUNKS_OF_VALUES, CONTIGUOUS, HEAD
from saddlescape.store.chunks import LEVEL
from saddlescape.store.objects import ATTRIBUTE, FILTERS, LAYOUT, LINK, LINKS, SIGNATURE, SPACE, TYPE
from saddlescape.store.raw import NOWHERE
from saddlescape.store.types import FLOAT, IEEE, INTEGER, TEXT

FILL, GROUP = 5, 10
"""Types of messages that are not read: the fill value, and estimates of the size of a group."""
SUPERBLOCK = struct.Struct("<8s8BHHIHH4QQQII16x")
"""The superblock of version 1, whose B-trees of chunks may have nodes of any size up to 2**16 - 2 chunks: 32 GB."""


class Numbers(NamedTuple):
    """A dataset: its chunks of shape `extents`, each with the index of its first value; a scalar is one chunk."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    extents: tuple[int, ...]
    chunks: Sequence[tuple[tuple[int, ...], bytes]]


def content(attributes: Mapping[str, int | str], datasets: Sequence[Numbers]) -> bytes:
    """The bytes of a file with these attributes and datasets at its root."""
    most = max((len(dataset.chunks) for dataset in datasets), default=0)
    half = max(2, -(-most // 2))  # a node has room for twice as many chunks; libhdf5 cannot add chunks if for only two
    parts, size, links = [bytes(SUPERBLOCK.size)], SUPERBLOCK.size, []
    for dataset in datasets:
        encoded = [chunk for _, chunk in dataset.chunks]
        *addresses, end = itertools.accumulate(map(len, encoded), initial=size)
        index = _index(dataset, addresses, 2 * half) if dataset.shape else b""
        before, after = _header_of(*dataset[1:4])
        header = before + _words(end if dataset.shape else size) + after
        links.append(_link(dataset.name, end + len(index)))
        parts += [*encoded, index, header]
        size = end + len(index) + len(header)
    group = [_message(LINKS, bytes(2) + _words(NOWHERE, NOWHERE)), _message(GROUP, bytes(2))]
    root = _header([*group, *itertools.starmap(_attribute, attributes.items()), *links])
    parts[0] = SUPERBLOCK.pack(
        *(SIGNATURE, 1, 0, 0, 0, 0, 8, 8, 0, 4, 16, 0, half, 0),
        *(0, NOWHERE, size + len(root), NOWHERE),
        *(0, size, 0, 0),
    )
    return b"".join([*parts, root])


def _words(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}Q", *numbers)


def _header(messages: Sequence[bytes]) -> bytes:
    size = sum(map(len, messages))
    return struct.pack("<BxHII4x", 1, len(messages), 1, size) + b"".join(messages)


def _message(kind: int, content: bytes) -> bytes:
    length = -(-len(content) // 8) * 8
    return struct.pack("<HHB3x", kind, length, 0) + content.ljust(length, b"\0")


def _link(name: str, address: int) -> bytes:
    return _message(LINK, bytes([1, 0, len(name)]) + name.encode() + _words(address))


def _attribute(name: str, value: int | str) -> bytes:
    """An attribute: int64, or text of fixed length."""
    data = value.encode() or b"\0" if isinstance(value, str) else struct.pack("<q", value)
    kind = struct.pack("<B3sI", 16 | TEXT, b"\x11\0\0", len(data)) if isinstance(value, str) else _type(np.dtype("i8"))
    space = b"\x02\0\0\0"
    head = struct.pack("<BBHHHB", 3, 0, len(name) + 1, len(kind), len(space), 0)
    return _message(ATTRIBUTE, head + name.encode() + b"\0" + kind + space + data)


def _type(dtype: np.dtype[np.generic]) -> bytes:
    size = dtype.itemsize
    if dtype.kind == "f":
        return struct.pack("<B3BI", 16 | FLOAT, 32, 8 * size - 1, 0, size) + struct.pack("<HHBBBBI", *IEEE[size])
    return struct.pack("<B3sIHH", 16 | INTEGER, b"\x08\0\0", size, 0, 8 * size)


@functools.lru_cache(maxsize=1024)
def _header_of(name: str, shape: tuple[int, ...], extents: tuple[int, ...]) -> tuple[bytes, bytes]:
    """The header of a dataset of the dtype `name`, before and after the address of its index, or of its value."""
    dtype, rank = np.dtype(name), len(shape)
    space = bytes([2, rank, rank > 0, rank > 0]) + _words(*shape, *(NOWHERE,) * rank)
    fill = b"\x03\x0b" if rank else b"\x03\x0a"
    messages = [_message(SPACE, space), _message(TYPE, _type(dtype)), _message(FILL, fill)]
    if rank:
        filters = struct.pack("<BB3HI3HI", 2, 2, 2, 1, 1, dtype.itemsize, 1, 1, 1, LEVEL)
        messages.append(_message(FILTERS, filters))
        start, end = bytes([3, CHUNKED, rank + 1]), struct.pack(f"<{rank + 1}I", *extents, dtype.itemsize)
    else:
        start, end = bytes([3, CONTIGUOUS]), _words(dtype.itemsize)
    layout = _message(LAYOUT, start + _words(0) + end)
    header = _header([*messages, layout])
    address = len(header) - len(layout) + len(_message(LAYOUT, b"")) + len(start)
    return header[:address], header[address + 8 :]


def _index(dataset: Numbers, addresses: Sequence[int], room: int) -> bytes:
    """A B-tree of one node with room for so many chunks; its last key is the end of the last chunk."""
    rank, width = len(dataset.shape), np.dtype(dataset.dtype).itemsize
    key = struct.Struct(f"<II{rank + 1}Q")
    node = [HEAD.pack(b"TREE", CHUNKS_OF_VALUES, 0, len(dataset.chunks)), _words(NOWHERE, NOWHERE)]
    for (first, chunk), address in zip(dataset.chunks, addresses, strict=True):
        node += [key.pack(len(chunk), 0, *first, 0), _words(address)]
    last, _ = dataset.chunks[-1]
    node.append(key.pack(0, 0, *(a + n for a, n in zip(last, dataset.extents, strict=True)), width))
    return b"".join(node).ljust(24 + room * (key.size + 8) + key.size, b"\0")
