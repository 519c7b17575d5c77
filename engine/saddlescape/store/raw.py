"""Bytes of an HDF5 file that may be malicious; the metadata read is limited to what an honest file needs.

libhdf5 trusts the file: a malicious one can overflow its heap or keep it busy for ever.  So libhdf5 never reads a file;
this module and the modules on top of it do, in Python, and refuse what is inconsistent.

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
from saddlescape.system.descriptors import READ, read_at

MAX_REREADS, MAX_EXTRA = 4, 2**20
"""Limit of the metadata read: so many times the size of the file, and so many bytes more."""

NOWHERE = 2**64 - 1
"""The undefined address."""

MAX_CACHED = 2**26
"""Bytes of decoded chunks kept in memory, at most, except for the most recent chunk."""


class Recent(OrderedDict[Any, bytes]):
    """Cache of decoded chunks of which only a part was read, so that none is inflated once for each part."""

    def keep(self, key: Any, content: bytes) -> None:
        """Add a chunk; the oldest ones are removed to make room."""
        self[key] = content
        while len(self) > 1 and sum(map(len, self.values())) > MAX_CACHED:
            self.popitem(last=False)


class Raw:
    """Bytes by address, of an open file or of the content of one; `checked`: compare the checksums of metadata."""

    def __init__(self, content: bytes | None = None, descriptor: int = -1) -> None:
        self._content, self._descriptor, self.checked = content, descriptor, content is None
        self.size = os.fstat(descriptor).st_size if content is None else len(content)
        self._left = MAX_REREADS * self.size + MAX_EXTRA
        self.heaps: dict[int, dict[int, tuple[int, int]]] = {}
        self.recent = Recent()

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """Open a file."""
        return cls(descriptor=os.open(path, READ))

    def close(self) -> None:
        """Close the file."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()

    def values(self, address: int, size: int) -> bytes:
        """Bytes of values; ValueError if they extend beyond the end of the file, SaddlescapeError if it is closed."""
        if not 0 <= address <= address + size <= self.size:
            raise ValueError(f"{size} bytes at {address} are beyond the end")
        if self._content is not None:
            return self._content[address : address + size]
        if self._descriptor < 0:
            raise SaddlescapeError("this result is closed; open it again")
        content = read_at(self._descriptor, size, address)
        if len(content) != size:
            raise ValueError(f"{size} bytes at {address} cannot be read")
        return content

    def __call__(self, address: int, size: int) -> bytes:
        """Bytes of metadata; ValueError beyond the end of the file, or if the limit of metadata is exceeded."""
        self._left -= size + 1
        if self._left < 0:
            raise ValueError("its parts overlap")
        return self.values(address, size)

    def block(self, address: int, size: int, signature: bytes) -> bytes:
        """A structure of metadata without its checksum, the last four bytes."""
        content = self(address, size)
        if size < 4 or not content.startswith(signature):
            raise ValueError(f"no {signature[:4].decode()} at {address}")
        self.compare(address, content[:-4], uint(content[-4:]))
        return content[:-4]

    def compare(self, address: int, content: bytes, checksum: int) -> None:
        """Raise ValueError if a structure does not match its checksum."""
        if self.checked and lookup3(content) != checksum:
            raise ValueError(f"its metadata at {address} are damaged")


def uint(content: bytes) -> int:
    """An unsigned little-endian integer."""
    return int.from_bytes(content, "little")


WORDS = struct.Struct("<III")
MASK = 2**32 - 1
MIX, FINAL = (4, 6, 8, 16, 19, 4), (14, 11, 25, 16, 4, 14, 24)
"""Bits of the rotations of lookup3, in its order."""


def lookup3(content: bytes) -> int:
    """The checksum of metadata; the three words exchange their roles after each rotation."""
    a = b = c = (0xDEADBEEF + len(content)) & MASK
    triples = list(WORDS.iter_unpack(content + bytes(-len(content) % 12)))
    for number, (x, y, z) in enumerate(triples, 1):
        a, b, c = a + x & MASK, b + y & MASK, c + z & MASK
        for bits in MIX if number < len(triples) else ():
            mixed = (a - c & MASK) ^ (c << bits & MASK | c >> 32 - bits)
            a, b, c = b, c + b & MASK, mixed
    for bits in FINAL if triples else ():
        a, b, c = b, (c ^ b) - (b << bits & MASK | b >> 32 - bits) & MASK, a
    return b
