"""Objects of an HDF5 file by name, and their attributes.

References
----------
HDF5 File Format Specification 3.0, II.A "Superblock", III.A.1 "Version 1 B-trees", III.C "Symbol Table Nodes",
IV.A.1 "Data Object Header Prefix", IV.A.2 "Data Object Header Messages".
"""

import itertools
import math
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from saddlescape.store import heap
from saddlescape.store.raw import NOWHERE, Raw, uint
from saddlescape.store.types import LISTED, dataspace, datatype

SIGNATURE = b"\x89HDF\r\n\x1a\n"
SPACE, LINKS, TYPE, LINK, EXTERNAL, LAYOUT, FILTERS = 1, 2, 3, 6, 7, 8, 11
ATTRIBUTE, CONTINUED, SYMBOLS, ATTRIBUTES = 12, 16, 17, 21
"""Types of messages."""
SHARED = 2
"""Flag of a message, or of a part of an attribute, that is stored elsewhere."""
MAX_OBJECTS = 1000
MAX_HEADER = 2**20
"""Limits: objects of a group or attributes of an object, and bytes of an object header."""
MAX_NUMBERS, MAX_TEXT = 2**16, 2**20
"""Limits in bytes: a numeric attribute, and a text in an attribute; a title is no longer than a spec may be."""
MAX_TEXTS = 2**26
"""Limit in bytes: all texts of a dataset."""
BY_NAME, ATTRIBUTES_BY_NAME = 5, 8
"""Types of B-trees."""


class Message(NamedTuple):
    """A message in an object header."""

    kind: int
    flags: int
    content: bytes


def root(raw: Raw) -> int:
    """The address of the root group's header; ValueError if the file is not HDF5, or truncated."""
    if raw(0, min(8, raw.size)) != SIGNATURE:
        raise ValueError("it is not HDF5: file signature not found")
    head = raw(0, 48)
    version = head[8]
    if version > 3:
        raise ValueError(f"HDF5 superblock of version {version}")
    if version < 2:
        skipped = 4 * version
        head = raw(0, 72 + skipped)
        sizes, base, end, address = head[13:15], *(uint(head[n + skipped :][:8]) for n in (24, 40, 64))
    else:
        head = raw.block(0, 48, head[:8])
        sizes, base, end, address = head[9:11], *(uint(head[n:][:8]) for n in (12, 28, 36))
    if sizes != b"\x08\x08" or base:
        raise ValueError("its addresses have an unsupported form")
    if end > raw.size:
        raise ValueError(f"truncated file: it has {raw.size} of {end} bytes")
    return address


def messages(raw: Raw, address: int) -> list[Message]:
    """All messages of the object header at an address."""
    if raw(address, 4) == b"OHDR":
        flags = raw(address, 6)[5]
        start, width = 6 + (16 if flags & 32 else 0) + (4 if flags & 16 else 0), 1 << (flags & 3)
        size = uint(raw(address + start, width))
        start += width
        parts = [_part(raw, address, start + size + 4, b"OHDR\x02")[start:]]
        form, head = "<BHB", 6 if flags & 4 else 4
    else:
        version, size = struct.unpack("<B7xI", raw(address, 12))
        if version != 1:
            raise ValueError(f"no object header at {address}")
        parts, form, head = [_part(raw, address + 16, size)], "<HHB", 8
    header, left = [], MAX_HEADER
    for part in parts:
        left -= len(part) + 64
        if left < 0:
            raise ValueError(f"the object header at {address} has no end")
        for message in _messages(part, struct.Struct(form), head):
            if message.kind == CONTINUED:
                address, size = struct.unpack_from("<QQ", message.content)
                parts.append(_part(raw, address, size) if head == 8 else _part(raw, address, size, b"OCHK")[4:])
            else:
                header.append(message)
    return header


def _part(raw: Raw, address: int, size: int, signature: bytes = b"") -> bytes:
    if size > MAX_HEADER:
        raise ValueError(f"the object header at {address} is too large")
    return raw.block(address, size, signature) if signature else raw(address, size)


def _messages(part: bytes, form: struct.Struct, head: int) -> Iterator[Message]:
    offset = 0
    while offset + head <= len(part):
        kind, length, flags = form.unpack_from(part, offset)
        offset += head
        if offset + length > len(part):
            raise ValueError("a message is longer than its header")
        yield Message(kind, flags, part[offset : offset + length])
        offset += length


def links(raw: Raw, header: list[Message]) -> dict[str, int | None]:
    """Addresses of the headers of a group's objects, by name; None for soft and external links."""
    pairs: list[tuple[str, int | None]] = [_link(message.content) for message in header if message.kind == LINK]
    for message in header:
        if message.kind == LINKS:
            pairs += map(_link, _dense(raw, message.content, 8, BY_NAME, 11, slice(4, 11)))
        if message.kind == SYMBOLS:
            pairs += itertools.islice(_symbols(raw, *struct.unpack_from("<QQ", message.content)), MAX_OBJECTS + 1)
    if len(pairs) > MAX_OBJECTS:
        raise ValueError(f"it has {len(pairs)} objects; a result has fewer than {MAX_OBJECTS}")
    if odd := [name for name, _ in pairs if not name.isprintable() or "/" in name or name in ("", ".", "..")]:
        raise ValueError(f"it has an object named {odd[0]!r:.80}")
    return dict(pairs)


def _dense(raw: Raw, content: bytes, counter: int, kind: int, size: int, identifier: slice) -> list[bytes]:
    """Links or attributes in a fractal heap, at most one more than the limit.

    A B-tree of type `kind` lists them by name; each of its records has `size` bytes, and in them the identifier.
    """
    offset = 2 + (counter if content[1] & 1 else 0)
    fractal, tree = struct.unpack_from("<QQ", content, offset)
    if NOWHERE in (fractal, tree):
        return []
    objects, records = heap.Fractal(raw, fractal), heap.tree(raw, tree, kind, size)
    return [objects[record[identifier]] for record in itertools.islice(records, MAX_OBJECTS + 1)]


def _link(content: bytes) -> tuple[str, int | None]:
    flags, offset = content[1], 2
    kind = content[offset] if flags & 8 else 0
    offset += (1 if flags & 8 else 0) + (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
    width = 1 << (flags & 3)
    length, offset = uint(content[offset : offset + width]), offset + width
    name = content[offset : offset + length].decode()
    return name, None if kind else struct.unpack_from("<Q", content, offset + length)[0]


def _symbols(raw: Raw, tree: int, names: int, level_above: int = 256) -> Iterator[tuple[str, int | None]]:
    """The links of a group in the format before HDF5 1.8: a B-tree, with the names in a local heap."""
    signature, kind, level, used = struct.unpack("<4sBBH", raw(tree, 8))
    if (signature, kind) != (b"TREE", 0) or level >= level_above:
        raise ValueError(f"no tree of objects at {tree}")
    signature, size, address = struct.unpack("<4s4xQ8xQ", raw(names, 32))
    if signature != b"HEAP" or size > MAX_HEADER:
        raise ValueError(f"no heap of names at {names}")
    text = raw(address, size)
    for (child,) in struct.iter_unpack("<8xQ", raw(tree + 24, 16 * used)):
        if level:
            yield from _symbols(raw, child, names, level)
            continue
        signature, number = struct.unpack("<4s2xH", raw(child, 8))
        if signature != b"SNOD" or number > MAX_OBJECTS:
            raise ValueError(f"no objects at {child}")
        for offset, header, cached in struct.iter_unpack("<QQI20x", raw(child + 8, 40 * number)):
            yield text[offset : text.index(b"\0", offset)].decode(), None if cached == 2 else header


class Attribute(NamedTuple):
    """An attribute, not decoded: its datatype message, its shape and its bytes."""

    type: bytes
    shape: tuple[int, ...]
    data: bytes


def attributes(raw: Raw, header: list[Message]) -> dict[str, Attribute]:
    """The attributes of an object, by name."""
    rows = [message for message in header if message.kind == ATTRIBUTE]
    for message in (message for message in header if message.kind == ATTRIBUTES):
        dense = _dense(raw, message.content, 2, ATTRIBUTES_BY_NAME, 17, slice(0, 8))
        rows += [Message(ATTRIBUTE, 0, content) for content in dense]
    if len(rows) > MAX_OBJECTS:
        raise ValueError("it has too many attributes")
    if any(message.flags & SHARED for message in rows):
        raise ValueError("it has attributes that are stored elsewhere")
    return dict(_attribute(message.content) for message in rows)


def _attribute(content: bytes) -> tuple[str, Attribute]:
    version, flags, *lengths = struct.unpack_from("<BBHHH", content)
    if not 1 <= version <= 3 or (version > 1 and flags & 3):
        raise ValueError("an attribute has an unsupported form")
    offset, parts = 9 if version == 3 else 8, []
    for length in lengths:
        parts.append(content[offset : offset + length])
        offset += -(-length // 8) * 8 if version == 1 else length
    name, type_message, space_message = parts
    return name.rstrip(b"\0").decode(), Attribute(type_message, dataspace(space_message), content[offset:])


def value(raw: Raw, attribute: Attribute) -> Any:
    """The value of an attribute: a number, a text or a short vector; ValueError if it is something else."""
    kind, shape = datatype(attribute.type), attribute.shape
    size = math.prod(shape)
    if len(shape) > 1 or size > MAX_NUMBERS or (kind.listed and kind.dtype):
        raise ValueError("it must be a few numbers or a text")
    if kind.listed:
        return np.array(texts(raw, attribute.data, size, MAX_TEXT), object).reshape(shape)[()]
    dtype = np.dtype(kind.dtype)
    if size * dtype.itemsize > MAX_NUMBERS:
        raise ValueError("it must be a few numbers or a text")
    return np.frombuffer(attribute.data, dtype, size).astype(dtype.newbyteorder("=")).reshape(shape)[()]


def lists(raw: Raw, content: bytes, count: int) -> Iterator[tuple[int, int, int]]:
    """Length, address and size in bytes of each of `count` values in heaps, from the references to them."""
    if len(content) < count * LISTED:
        raise ValueError("values are missing")
    for length, address, number in struct.iter_unpack("<IQI", content[: count * LISTED]):
        if not length:
            yield 0, 0, 0
            continue
        if address not in raw.heaps:
            raw.heaps[address] = heap.objects(raw, address)
        yield length, *raw.heaps[address][number]


def texts(raw: Raw, content: bytes, count: int, max_size: int) -> list[str]:
    """`count` texts in heaps, each of at most `max_size` bytes and together of at most `MAX_TEXTS`."""
    words, left = [], MAX_TEXTS
    for length, address, size in lists(raw, content, count):
        left -= length
        if length > size or length > max_size or left < 0:
            raise ValueError(f"has a text of {length} bytes, which is too long")
        words.append(raw.values(address, length).decode())
    return words
