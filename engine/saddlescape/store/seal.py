"""The end of a result file: the SHA-256 of all bytes before it, so that any byte that changes is noticed.

HDF5 ignores what follows the file it has written.  ``head -c -72 result.h5 | sha256sum`` checks it without us.
"""

import hashlib
import os
from collections.abc import Callable

PIECE = 2**22
MARK = b"sha256:"
CUT = "has no digest at its end: it was cut short, or written to since it was made"
SIZE = len(MARK) + 64 + 1


def seal(descriptor: int, size: int | None = None, after_piece: Callable[[], None] = lambda: None) -> bytes:
    """What is to follow the first `size` bytes of a file, by default all; ``after_piece()`` may raise to end it."""
    whole = os.fstat(descriptor).st_size if size is None else size
    return MARK + _digest(descriptor, whole, after_piece).encode() + b"\n"


def fault(descriptor: int) -> str:
    """What is wrong with the end of a result file; empty where it fits all bytes before it."""
    size = os.fstat(descriptor).st_size - SIZE
    end = os.pread(descriptor, SIZE, max(0, size))
    if not end.startswith(MARK):
        return CUT
    if end != seal(descriptor, size):
        return "is not what its digest (SHA-256) says: bytes of it have changed since it was made"
    return ""


def _digest(descriptor: int, size: int, after_piece: Callable[[], None]) -> str:
    digest = hashlib.sha256()
    for at in range(0, size, PIECE):
        digest.update(os.pread(descriptor, min(PIECE, size - at), at))
        after_piece()
    return digest.hexdigest()
