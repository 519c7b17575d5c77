"""Heaps of an HDF5 file: global heaps contain texts and lists, fractal heaps the links and attributes of large objects.

References
----------
HDF5 File Format Specification 3.0, III.A.2 "Version 2 B-trees", III.E "Global Heap", III.G "Fractal Heap".
"""

import struct
from collections.abc import Iterator
from functools import cached_property

from saddlescape.store.raw import NOWHERE, Raw, uint

HEADER = 16
"""Bytes before the objects of a global heap, and before the content of each object."""
MANAGED, HUGE = 0, 1
"""Kinds of objects of a fractal heap: inside its blocks, or outside and indexed by a B-tree of type `OF_HUGE`."""
OF_HUGE = 1
NODE = 10
"""Bytes of a B-tree node in addition to its records: signature, version, type and checksum."""


def objects(raw: Raw, address: int) -> dict[int, tuple[int, int]]:
    """Addresses and sizes of the objects of a global heap, by their index in the heap."""
    head, positions = raw(address, HEADER), {}
    if head[:8] != b"GCOL\x01\0\0\0":
        raise ValueError(f"no heap at {address}")
    content, offset = raw(address, uint(head[8:])), HEADER
    while offset + HEADER <= len(content):
        number, size = struct.unpack_from("<H6xQ", content, offset)
        offset += HEADER
        if not 0 <= size - (0 if number else HEADER) <= len(content) - offset:
            raise ValueError(f"the heap at {address} is damaged")
        if not number:  # the free space, which is the last object; its size includes its header
            break
        positions[number] = (address + offset, size)
        offset += -(-size // 8) * 8
    return positions


class Fractal:
    """A fractal heap without filters."""

    def __init__(self, raw: Raw, address: int) -> None:
        self._raw, self._address = raw, address
        head = raw.block(address, 146, b"FRHP\0")
        self._id_size, filters, self._flags, max_managed = struct.unpack_from("<HHBI", head, 5)
        self._huge, self._width, self._min_block, max_block, bits = struct.unpack_from("<Q80xHQQH", head, 22)
        self._root, self._rows = struct.unpack_from("<QH", head, 132)
        powers = all(size and not size & size - 1 for size in (self._width, self._min_block, max_block))
        if filters or not powers or not self._min_block <= max_block or not 0 < bits <= 64 or not max_managed:
            raise ValueError(f"FRHP at {address} has an unsupported form")
        self._offset_size = -(-bits // 8)
        self._length_size = min(-(-(max_block.bit_length() - 1) // 8), (max_managed.bit_length() - 1) // 8 + 1)
        self._direct_rows = (max_block // self._min_block).bit_length() + 1
        self._blocks: dict[tuple[int, int], bytes] = {}

    def __getitem__(self, identifier: bytes) -> bytes:
        """An object by its identifier."""
        kind, rest = identifier[0] >> 4, identifier[1:]
        if kind == MANAGED:
            offset, length = uint(rest[: self._offset_size]), uint(rest[self._offset_size :][: self._length_size])
            return self._managed(offset, length)
        if kind == HUGE and self._id_size < 17:
            address, length = self._huge_objects[uint(rest[: self._id_size - 1])]
            return self._raw(address, length)
        raise ValueError("an object of a heap has an unsupported form")

    @cached_property
    def _huge_objects(self) -> dict[int, tuple[int, int]]:
        """Addresses and lengths of the huge objects, by their identifiers."""
        records = (struct.unpack("<QQQ", record) for record in tree(self._raw, self._huge, OF_HUGE, 24))
        return {number: (address, length) for address, length, number in records}

    def _managed(self, offset: int, length: int) -> bytes:
        """The object at an offset of the heap: indirect blocks are followed down to the direct block with it."""
        address, rows, first, size = self._root, self._rows, 0, self._min_block
        while rows:
            row, column = self._cell(offset - first)
            size = self._min_block << max(0, row - 1)
            if row >= rows:
                break
            entry = 13 + self._offset_size + 8 * (row * self._width + column)
            indirect = self._indirect(address, 13 + self._offset_size + 8 * rows * self._width + 4)
            address = uint(indirect[entry:][:8])
            first += self._row_offset(row) + column * size
            rows = 0 if row < self._direct_rows else (size // (self._min_block * self._width)).bit_length()
        start = offset - first
        if not 0 <= start <= start + length <= size:
            raise ValueError("an object is beyond its heap")
        return self._direct(address, size)[start : start + length]

    def _row_offset(self, row: int) -> int:
        """Bytes of the rows of an indirect block before `row`."""
        return self._min_block * self._width << row - 1 if row else 0

    def _cell(self, offset: int) -> tuple[int, int]:
        """Row and column of the child that contains an offset of an indirect block."""
        row = (offset // (self._min_block * self._width)).bit_length()
        return row, (offset - self._row_offset(row)) // (self._min_block << max(0, row - 1))

    def _indirect(self, address: int, size: int) -> bytes:
        if (address, size) not in self._blocks:
            self._blocks[address, size] = self._raw.block(address, size, b"FHIB\0")
        return self._blocks[address, size]

    def _direct(self, address: int, size: int) -> bytes:
        if (address, size) not in self._blocks:
            content, head = self._raw(address, size), 13 + self._offset_size
            if self._flags & 2:  # the checksum is computed with zeros in its place
                zeroed = content[:head] + bytes(4) + content[head + 4 :]
                self._raw.compare(address, zeroed, uint(content[head : head + 4]))
            if content[:5] != b"FHDB\0" or uint(content[5:13]) != self._address:
                raise ValueError(f"FHDB at {address} belongs to another heap")
            self._blocks[address, size] = content
        return self._blocks[address, size]


def tree(raw: Raw, address: int, kind: int, size: int) -> Iterator[bytes]:
    """The records, of `size` bytes each, of a B-tree of version 2 and of type `kind`."""
    if address == NOWHERE:
        return
    head = struct.unpack_from("<BIHH2xQH", raw.block(address, 38, b"BTHD\0"), 5)
    tree_kind, node_size, record_size, depth, root, used = head
    if (tree_kind, record_size) != (kind, size) or depth > 8 or node_size > 2**16:
        raise ValueError(f"BTHD at {address} has an unsupported form")
    max_records = (node_size - NODE) // record_size
    count_size, totals, total_sizes = _size_of(max_records), [0], [0]
    for _ in range(depth):
        pointer = 8 + count_size + total_sizes[-1]
        records = (node_size - NODE - pointer) // (record_size + pointer)
        totals.append((records + 1) * (totals[-1] or max_records) + records)
        total_sizes.append(_size_of(totals[-1]))
    yield from _records(raw, root, used, depth, (kind, size, count_size, total_sizes))


def _records(raw: Raw, address: int, used: int, depth: int, form: tuple[int, int, int, list[int]]) -> Iterator[bytes]:
    """The records of a node at height `depth`, then those of its children."""
    kind, size, count_size, total_sizes = form
    pointer = 8 + count_size + total_sizes[depth - 1]
    children = used + 1 if depth else 0
    signature = b"BTIN\0" if depth else b"BTLF\0"
    content = raw.block(address, NODE + used * size + children * pointer, signature + bytes([kind]))[6:]
    yield from (content[n * size : (n + 1) * size] for n in range(used))
    for n in range(children):
        child = content[used * size + n * pointer :]
        yield from _records(raw, uint(child[:8]), uint(child[8 : 8 + count_size]), depth - 1, form)


def _size_of(maximum: int) -> int:
    """Bytes in which integers up to `maximum` are stored."""
    return max(0, maximum.bit_length() - 1) // 8 + 1
