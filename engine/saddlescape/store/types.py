"""Datatypes and dataspaces of HDF5: only those that saddlescape writes.

References
----------
HDF5 File Format Specification 3.0, IV.A.2.b "The Dataspace Message", IV.A.2.d "The Datatype Message".
"""

import struct
from typing import Any, NamedTuple

import numpy as np

from saddlescape.store.raw import uint

INTEGER, FLOAT, TEXT, REFERENCE, VARIABLE = 0, 1, 3, 7, 9
"""Classes of types; values of the last have variable length and are stored in a global heap."""
LISTED = 16
"""Bytes of the reference to a value in a heap: its length, the address of the heap, its index in the heap."""
IEEE = {
    2: (0, 16, 10, 5, 0, 10, 15),
    4: (0, 32, 23, 8, 0, 23, 127),
    8: (0, 64, 52, 11, 0, 52, 1023),
}
"""Floats by size: bit offset, bits, offset and bits of the exponent, offset and bits of the mantissa, exponent bias."""
MAX_RANK = 32


class Type(NamedTuple):
    """The NumPy dtype of numbers or of text of fixed length; if `listed`, of the elements of lists (None: text)."""

    dtype: np.dtype[Any] | None
    listed: bool = False


def datatype(content: bytes) -> Type:
    """The type in a datatype message; ValueError if it is not supported."""
    kind, bits, size = content[0] & 15, uint(content[1:4]), uint(content[4:8])
    order = ">" if bits & 1 else "<"
    if kind == INTEGER and size in (1, 2, 4, 8) and struct.unpack_from("<HH", content, 8) == (0, 8 * size):
        return Type(np.dtype(f"{order}{'i' if bits & 8 else 'u'}{size}"))
    if kind == FLOAT and size in IEEE and not bits & 64 and struct.unpack_from("<HHBBBBI", content, 8) == IEEE[size]:
        return Type(np.dtype(f"{order}f{size}"))
    if kind == TEXT and 0 < size <= 2**16:
        return Type(np.dtype(f"S{size}"))
    if kind == VARIABLE and size == LISTED:
        base = content[8:]
        if bits & 15 == 1:
            return Type(None, listed=True)
        if base[0] & 15 == REFERENCE and not base[1] & 15 and uint(base[4:8]) == 8:
            return Type(np.dtype("<u8"), listed=True)
    raise ValueError("has a type other than numbers and text")


def dataspace(content: bytes) -> tuple[int, ...]:
    """The shape in a dataspace message; ValueError if there is none."""
    version, rank, _, kind = content[:4]
    start = {1: 8, 2: 4}.get(version)
    if start is None or rank > MAX_RANK or (version == 2 and kind > 1):
        raise ValueError("has no shape")
    return struct.unpack_from(f"<{rank}Q", content, start)
