"""The objects of an HDF5 file by name, and their attributes.

References
----------
HDF5 File Format Specification 3.0, II.A "Superblock", III.A.1 "Version 1 B-trees", III.C "Symbol Table Nodes",
IV.A.1 "Data Object Header Prefix", IV.A.2 "Data Object Header Messages".
"""

import itertools
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
"""Numbers of messages."""
SHARED = 2
"""The flag of a message, or of a part of an attribute, that is kept elsewhere."""
MOST_OBJECTS = 1000
MOST_HEADER = 2**20
"""Objects of a group or attributes of an object, and bytes of an object's header, at most."""
MOST_FEW, MOST_TEXT = 2**16, 2**20
"""Bytes of an attribute of numbers, and of a text in one (a spec, of which a title is a part, has no more), at most."""
MOST_TEXTS = 2**26
"""Bytes of all texts of a dataset, at most."""
BY_NAME, ATTRIBUTES_BY_NAME = 5, 8
"""Types of B-trees."""


class Message(NamedTuple):
    """What an object's header says of it."""

    kind: int
    flags: int
    content: bytes


def root(raw: Raw) -> int:
    """Where the header of the root is; ValueError where it is no HDF5 file, or not all of one."""
    if raw(0, min(8, raw.size)) != SIGNATURE:
        raise ValueError("it is not HDF5: file signature not found")
    head = raw(0, 48)
    version = head[8]
    if version > 3:
        raise ValueError(f"HDF5 of version {version}")
    if version < 2:
        skipped = 4 * version
        head = raw(0, 72 + skipped)
        sizes, base, end, at = head[13:15], *(uint(head[n + skipped :][:8]) for n in (24, 40, 64))
    else:
        head = raw.block(0, 48, head[:8])
        sizes, base, end, at = head[9:11], *(uint(head[n:][:8]) for n in (12, 28, 36))
    if sizes != b"\x08\x08" or base:
        raise ValueError("its addresses are of another form")
    if end > raw.size:
        raise ValueError(f"truncated file: {raw.size} of {end} bytes are there")
    return at


def messages(raw: Raw, at: int) -> list[Message]:
    """All that the object's header at an address says."""
    if raw(at, 4) == b"OHDR":
        flags = raw(at, 6)[5]
        start, width = 6 + (16 if flags & 32 else 0) + (4 if flags & 16 else 0), 1 << (flags & 3)
        size = uint(raw(at + start, width))
        start += width
        parts, form, head = [_part(raw, at, start + size + 4, b"OHDR\x02")[start:]], "<BHB", 6 if flags & 4 else 4
    else:
        version, size = struct.unpack("<B7xI", raw(at, 12))
        if version != 1:
            raise ValueError(f"no object header at {at}")
        parts, form, head = [_part(raw, at + 16, size)], "<HHB", 8
    found, left = [], MOST_HEADER
    for part in parts:
        left -= len(part) + 64
        if left < 0:
            raise ValueError(f"the object header at {at} has no end")
        for message in _messages(part, struct.Struct(form), head):
            if message.kind == CONTINUED:
                at, size = struct.unpack_from("<QQ", message.content)
                parts.append(_part(raw, at, size) if head == 8 else _part(raw, at, size, b"OCHK")[4:])
            else:
                found.append(message)
    return found


def _part(raw: Raw, at: int, size: int, signature: bytes = b"") -> bytes:
    if size > MOST_HEADER:
        raise ValueError(f"the object header at {at} is too large")
    return raw.block(at, size, signature) if signature else raw(at, size)


def _messages(part: bytes, form: struct.Struct, head: int) -> Iterator[Message]:
    at = 0
    while at + head <= len(part):
        kind, length, flags = form.unpack_from(part, at)
        at += head
        if at + length > len(part):
            raise ValueError("a message is longer than its header")
        yield Message(kind, flags, part[at : at + length])
        at += length


def links(raw: Raw, said: list[Message]) -> dict[str, int | None]:
    """Where the headers of a group's objects are by their names; None for what is no object of the file itself."""
    found: list[tuple[str, int | None]] = [_link(message.content) for message in said if message.kind == LINK]
    for message in said:
        if message.kind == LINKS:
            fractal, tree = _dense(message.content, 8)
            found += map(_link, _kept(raw, fractal, tree, BY_NAME, 11, slice(4, 11)))
        if message.kind == SYMBOLS:
            found += itertools.islice(_symbols(raw, *struct.unpack_from("<QQ", message.content)), MOST_OBJECTS + 1)
    if len(found) > MOST_OBJECTS:
        raise ValueError(f"it has {len(found)} objects; a result has fewer than {MOST_OBJECTS}")
    if odd := [name for name, _ in found if not name.isprintable() or "/" in name or name in ("", ".", "..")]:
        raise ValueError(f"it has an object named {odd[0]!r:.80}")
    return dict(found)


def _dense(content: bytes, counter: int) -> tuple[int, int]:
    """Addresses of the heap and of the tree by name of what does not fit into a header."""
    at = 2 + (counter if content[1] & 1 else 0)
    return struct.unpack_from("<QQ", content, at)


def _kept(raw: Raw, fractal: int, tree: int, kind: int, size: int, identifier: slice) -> list[bytes]:
    if NOWHERE in (fractal, tree):
        return []
    kept = heap.Fractal(raw, fractal)
    found: list[bytes] = []
    for record in heap.tree(raw, tree, kind, size):
        if len(found) > MOST_OBJECTS:
            break
        found.append(kept[record[identifier]])
    return found


def _link(content: bytes) -> tuple[str, int | None]:
    flags, at = content[1], 2
    kind = content[at] if flags & 8 else 0
    at += (1 if flags & 8 else 0) + (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
    width = 1 << (flags & 3)
    length, at = uint(content[at : at + width]), at + width
    name = content[at : at + length].decode()
    return name, None if kind else struct.unpack_from("<Q", content, at + length)[0]


def _symbols(raw: Raw, tree: int, names: int, above: int = 256) -> Iterator[tuple[str, int | None]]:
    """The objects of a group as files of old versions have them."""
    signature, kind, level, used = struct.unpack("<4sBBH", raw(tree, 8))
    if (signature, kind) != (b"TREE", 0) or level >= above:
        raise ValueError(f"no tree of objects at {tree}")
    signature, size, at = struct.unpack("<4s4xQ8xQ", raw(names, 32))
    if signature != b"HEAP" or size > MOST_HEADER:
        raise ValueError(f"no heap of names at {names}")
    words = raw(at, size)
    for (child,) in struct.iter_unpack("<8xQ", raw(tree + 24, 16 * used)):
        if level:
            yield from _symbols(raw, child, names, level)
            continue
        signature, number = struct.unpack("<4s2xH", raw(child, 8))
        if signature != b"SNOD" or number > MOST_OBJECTS:
            raise ValueError(f"no objects at {child}")
        for offset, header, cached in struct.iter_unpack("<QQI20x", raw(child + 8, 40 * number)):
            yield words[offset : words.index(b"\0", offset)].decode(), None if cached == 2 else header


class Attribute(NamedTuple):
    """An attribute as it is kept."""

    type: bytes
    shape: tuple[int, ...]
    data: bytes


def attributes(raw: Raw, said: list[Message]) -> dict[str, Attribute]:
    """The attributes of an object."""
    found = [message for message in said if message.kind == ATTRIBUTE]
    for message in (message for message in said if message.kind == ATTRIBUTES):
        fractal, tree = _dense(message.content, 2)
        kept = _kept(raw, fractal, tree, ATTRIBUTES_BY_NAME, 17, slice(0, 8))
        found += [Message(ATTRIBUTE, 0, content) for content in kept]
    if len(found) > MOST_OBJECTS:
        raise ValueError("it has too many attributes")
    if any(message.flags & SHARED for message in found):
        raise ValueError("it has attributes that are kept elsewhere")
    return dict(_attribute(message.content) for message in found)


def _attribute(content: bytes) -> tuple[str, Attribute]:
    version, flags, *lengths = struct.unpack_from("<BBHHH", content)
    if not 1 <= version <= 3 or (version > 1 and flags & 3):
        raise ValueError("an attribute is of another form")
    at, parts = 9 if version == 3 else 8, []
    for length in lengths:
        parts.append(content[at : at + length])
        at += -(-length // 8) * 8 if version == 1 else length
    name, kind, space = parts
    return name.rstrip(b"\0").decode(), Attribute(kind, dataspace(space), content[at:])


def value(raw: Raw, kept: Attribute) -> Any:
    """A number, a text, or a few of them; ValueError where it is something else."""
    its, size = datatype(kept.type), 1
    for length in kept.shape:
        size *= length
    if len(kept.shape) > 1 or size > MOST_FEW or (its.listed and its.dtype):
        raise ValueError("it must be a few numbers or a text")
    if its.listed:
        words = np.array(texts(raw, kept.data, size, MOST_TEXT), object)
        return words.reshape(kept.shape)[()]
    dtype = np.dtype(its.dtype)
    if size * dtype.itemsize > MOST_FEW:
        raise ValueError("it must be a few numbers or a text")
    return np.frombuffer(kept.data, dtype, size).astype(dtype.newbyteorder("=")).reshape(kept.shape)[()]


def lists(raw: Raw, content: bytes, count: int) -> Iterator[tuple[int, int, int]]:
    """Length, and where it is and how many bytes, of each of so many values that are kept in heaps."""
    if len(content) < count * LISTED:
        raise ValueError("values are missing")
    for length, at, number in struct.iter_unpack("<IQI", content[: count * LISTED]):
        if not length:
            yield 0, 0, 0
            continue
        if at not in raw.heaps:
            raw.heaps[at] = heap.objects(raw, at)
        yield length, *raw.heaps[at][number]


def texts(raw: Raw, content: bytes, count: int, most: int) -> list[str]:
    """So many texts, each of `most` bytes at most, and all together not many more."""
    found, left = [], MOST_TEXTS
    for length, at, size in lists(raw, content, count):
        left -= length
        if length > size or length > most or left < 0:
            raise ValueError(f"has a text of {length} bytes, which is too long")
        found.append(raw.values(at, length).decode())
    return found
