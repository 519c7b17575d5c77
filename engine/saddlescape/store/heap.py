"""What HDF5 keeps in heaps: texts and lists in global heaps, the links and attributes of large objects in fractal ones.

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
"""Kinds of objects of a fractal heap: within its blocks, or by themselves and found by a B-tree of type 1."""
OF_HUGE = 1
NODE = 10
"""Bytes of a node of a B-tree that are no records: signature, version, type; and the checksum."""


def objects(raw: Raw, at: int) -> dict[int, tuple[int, int]]:
    """Where the objects of a global heap are, and their sizes, by their number."""
    head, found = raw(at, HEADER), {}
    if head[:8] != b"GCOL\x01\0\0\0":
        raise ValueError(f"no heap at {at}")
    content, position = raw(at, uint(head[8:])), HEADER
    while position + HEADER <= len(content):
        number, size = struct.unpack_from("<H6xQ", content, position)
        position += HEADER
        if not 0 <= size - (0 if number else HEADER) <= len(content) - position:
            raise ValueError(f"the heap at {at} is damaged")
        if not number:  # the free space, its header included, which is the last
            break
        found[number] = (at + position, size)
        position += -(-size // 8) * 8
    return found


class Fractal:
    """A fractal heap without filters."""

    def __init__(self, raw: Raw, at: int) -> None:
        self._raw, self._at = raw, at
        head = raw.block(at, 146, b"FRHP\0")
        self._id, filters, self._flags, most = struct.unpack_from("<HHBI", head, 5)
        self._huge, self._width, self._least, largest, bits = struct.unpack_from("<Q80xHQQH", head, 22)
        self._root, self._rows = struct.unpack_from("<QH", head, 132)
        powers = all(size and not size & size - 1 for size in (self._width, self._least, largest))
        if filters or not powers or not self._least <= largest or not 0 < bits <= 64 or not most:
            raise ValueError(f"FRHP at {at} is of another form")
        self._offset = -(-bits // 8)
        self._length = min(-(-(largest.bit_length() - 1) // 8), (most.bit_length() - 1) // 8 + 1)
        self._direct_rows = (largest // self._least).bit_length() + 1
        self._blocks: dict[tuple[int, int], bytes] = {}

    def __getitem__(self, identifier: bytes) -> bytes:
        """An object by its identifier."""
        kind, rest = identifier[0] >> 4, identifier[1:]
        if kind == MANAGED:
            offset, length = uint(rest[: self._offset]), uint(rest[self._offset :][: self._length])
            return self._managed(offset, length)
        if kind == HUGE and self._id < 17:
            at, length = self._by_number[uint(rest[: self._id - 1])]
            return self._raw(at, length)
        raise ValueError("an object of a heap is of another form")

    @cached_property
    def _by_number(self) -> dict[int, tuple[int, int]]:
        records = (struct.unpack("<QQQ", record) for record in tree(self._raw, self._huge, OF_HUGE, 24))
        return {number: (at, length) for at, length, number in records}

    def _managed(self, offset: int, length: int) -> bytes:
        address, rows, first, size = self._root, self._rows, 0, self._least
        while rows:
            row, column = self._place(offset - first)
            size = self._least << max(0, row - 1)
            if row >= rows:
                break
            entry = 13 + self._offset + 8 * (row * self._width + column)
            address = uint(self._block(address, 13 + self._offset + 8 * rows * self._width + 4, b"FHIB\0")[entry:][:8])
            first += self._before(row) + column * size
            rows = 0 if row < self._direct_rows else (size // (self._least * self._width)).bit_length()
        start = offset - first
        if not 0 <= start <= start + length <= size:
            raise ValueError("an object is beyond its heap")
        return self._direct(address, size)[start : start + length]

    def _before(self, row: int) -> int:
        """Bytes of the rows before one."""
        return self._least * self._width << row - 1 if row else 0

    def _place(self, offset: int) -> tuple[int, int]:
        """Row and column of the block that an offset within a block of blocks is in."""
        row = (offset // (self._least * self._width)).bit_length()
        return row, (offset - self._before(row)) // (self._least << max(0, row - 1))

    def _block(self, at: int, size: int, signature: bytes) -> bytes:
        if (at, size) not in self._blocks:
            self._blocks[at, size] = self._raw.block(at, size, signature)
        return self._blocks[at, size]

    def _direct(self, at: int, size: int) -> bytes:
        if (at, size) not in self._blocks:
            content, head = self._raw(at, size), 13 + self._offset
            if self._flags & 2:
                bare = content[:head] + bytes(4) + content[head + 4 :]
                self._raw.compare(at, bare, uint(content[head : head + 4]))
            if content[:5] != b"FHDB\0" or uint(content[5:13]) != self._at:
                raise ValueError(f"FHDB at {at} is of another heap")
            self._blocks[at, size] = content
        return self._blocks[at, size]


def tree(raw: Raw, at: int, kind: int, size: int) -> Iterator[bytes]:
    """The records, of `size` bytes, of a B-tree of version 2."""
    if at == NOWHERE:
        return
    found, node, record, depth, root, used = struct.unpack_from("<BIHH2xQH", raw.block(at, 38, b"BTHD\0"), 5)
    if (found, record) != (kind, size) or depth > 8 or node > 2**16:
        raise ValueError(f"BTHD at {at} is of another form")
    most = (node - NODE) // record
    counts, totals, widths = _width(most), [0], [0]
    for _ in range(depth):
        pointer = 8 + counts + widths[-1]
        here = (node - NODE - pointer) // (record + pointer)
        totals.append((here + 1) * (totals[-1] or most) + here)
        widths.append(_width(totals[-1]))
    yield from _records(raw, root, used, depth, (kind, size, counts, widths))


def _records(raw: Raw, at: int, used: int, depth: int, form: tuple[int, int, int, list[int]]) -> Iterator[bytes]:
    kind, size, counts, widths = form
    pointer = 8 + counts + widths[depth - 1]
    inner = (used + 1) * pointer if depth else 0
    signature = b"BTIN\0" if depth else b"BTLF\0"
    content = raw.block(at, NODE + used * size + inner, signature + bytes([kind]))[6:]
    yield from (content[n * size : (n + 1) * size] for n in range(used))
    for n in range(used + 1 if depth else 0):
        child = content[used * size + n * pointer :]
        yield from _records(raw, uint(child[:8]), uint(child[8 : 8 + counts]), depth - 1, form)


def _width(most: int) -> int:
    """Bytes that a number up to `most` is kept in."""
    return max(0, most.bit_length() - 1) // 8 + 1
