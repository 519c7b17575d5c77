"""The bytes of an HDF5 file that may come from a stranger, each read no more often than an honest file needs.

libhdf5 trusts what it finds: a stranger's file can overflow its heap or keep it busy for ever.  So it reads no file of
ours; this and the modules beside it do, in Python, which refuses what does not fit.

References
----------
HDF5 File Format Specification 3.0.  B. Jenkins (2006), "lookup3.c", hashlittle: the checksum of HDF5's metadata.
"""

import os
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any, Self

from saddlescape.errors import SaddlescapeError

OFTEN, BESIDE = 4, 2**20
"""Bytes that may be read of metadata: so many times the file, as each structure is its own, and so many more."""

NOWHERE = 2**64 - 1
"""The address of what is not there."""

WORDS = struct.Struct("<III")
MASK = 2**32 - 1


KEPT = 2**26
"""Bytes of decoded chunks that are kept in memory, but for the last one, at most."""


class Recent(OrderedDict[Any, bytes]):
    """Chunks of which only a part was wanted: a vast one is not to be inflated again for each."""

    def keep(self, key: Any, content: bytes) -> None:
        self[key] = content
        while len(self) > 1 and sum(map(len, self.values())) > KEPT:
            self.popitem(last=False)


class Raw:
    """Bytes of a file or of an image of one, by address; `checked` compares checksums of metadata too."""

    def __init__(self, content: bytes | None = None, descriptor: int = -1) -> None:
        self._content, self._descriptor, self.checked = content, descriptor, content is None
        self.size = os.fstat(descriptor).st_size if content is None else len(content)
        self._left = OFTEN * self.size + BESIDE
        self.heaps: dict[int, dict[int, tuple[int, int]]] = {}
        self.recent = Recent()

    @classmethod
    def of_file(cls, path: Path) -> Self:
        return cls(descriptor=os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK))

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()

    def values(self, at: int, size: int) -> bytes:
        """Bytes of values; ValueError beyond the end."""
        if not 0 <= at <= at + size <= self.size:
            raise ValueError(f"{size} bytes at {at} are beyond the end")
        if self._content is None and self._descriptor < 0:
            raise SaddlescapeError("this result is closed; open it again")
        found = os.pread(self._descriptor, size, at) if self._content is None else self._content[at : at + size]
        if len(found) != size:
            raise ValueError(f"{size} bytes at {at} are not to be had")
        return found

    def __call__(self, at: int, size: int) -> bytes:
        """Bytes of metadata; ValueError beyond the end, and where more is read than there can be."""
        self._left -= size + 1
        if self._left < 0:
            raise ValueError("its parts overlap")
        return self.values(at, size)

    def block(self, at: int, size: int, signature: bytes) -> bytes:
        """A structure of metadata without its checksum, the last of its bytes."""
        found = self(at, size)
        if size < 4 or not found.startswith(signature):
            raise ValueError(f"no {signature[:4].decode()} at {at}")
        self.compare(at, found[:-4], uint(found[-4:]))
        return found[:-4]

    def compare(self, at: int, content: bytes, checksum: int) -> None:
        """Raise ValueError where a structure is not what its checksum says."""
        if self.checked and lookup3(content) != checksum:
            raise ValueError(f"its metadata at {at} are damaged")


def uint(content: bytes) -> int:
    """An unsigned number."""
    return int.from_bytes(content, "little")


def lookup3(content: bytes) -> int:
    """The checksum of metadata."""
    a = b = c = (0xDEADBEEF + len(content)) & MASK
    padded = content + bytes(-len(content) % 12)
    last = len(padded) - 12
    for at, (x, y, z) in zip(range(0, len(padded), 12), WORDS.iter_unpack(padded), strict=True):
        a, b, c = a + x & MASK, b + y & MASK, c + z & MASK
        if at == last:
            return _final(a, b, c)
        a = (a - c & MASK) ^ (c << 4 & MASK | c >> 28)
        c = c + b & MASK
        b = (b - a & MASK) ^ (a << 6 & MASK | a >> 26)
        a = a + c & MASK
        c = (c - b & MASK) ^ (b << 8 & MASK | b >> 24)
        b = b + a & MASK
        a = (a - c & MASK) ^ (c << 16 & MASK | c >> 16)
        c = c + b & MASK
        b = (b - a & MASK) ^ (a << 19 & MASK | a >> 13)
        a = a + c & MASK
        c = (c - b & MASK) ^ (b << 4 & MASK | b >> 28)
        b = b + a & MASK
    return c


def _final(a: int, b: int, c: int) -> int:
    for left in ((14, 11, 25), (16, 4, 14)):
        c = (c ^ b) - (b << left[0] & MASK | b >> 32 - left[0]) & MASK
        a = (a ^ c) - (c << left[1] & MASK | c >> 32 - left[1]) & MASK
        b = (b ^ a) - (a << left[2] & MASK | a >> 32 - left[2]) & MASK
    return (c ^ b) - (b << 24 & MASK | b >> 8) & MASK
