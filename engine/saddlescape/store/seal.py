"""The seal at the end of a result file: the SHA-256 of all bytes before it, so that any change is detected.

HDF5 ignores bytes after its own.  ``head -c -72 result.h5 | sha256sum`` prints the same digest.
"""

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

from saddlescape.system.descriptors import read_at

PIECE = 2**22
"""Bytes that are hashed at once."""
MARK = b"sha256:"
CUT = "has no digest at its end: it was cut short or modified"
SIZE = len(MARK) + 64 + 1
"""Bytes of the seal: mark, hex digits, line feed."""


def seal(descriptor: int, size: int | None = None, after_piece: Callable[[], None] = lambda: None) -> bytes:
    """The seal of the first `size` bytes of a file, by default of all; ``after_piece()`` may raise to stop."""
    length = os.fstat(descriptor).st_size if size is None else size
    return MARK + _digest(descriptor, length, after_piece).encode() + b"\n"


def fault(descriptor: int) -> str:
    """The fault that the seal shows, for messages; "" if the seal matches the bytes before it."""
    size = os.fstat(descriptor).st_size - SIZE
    end = read_at(descriptor, SIZE, max(0, size))
    if not end.startswith(MARK):
        return CUT
    if end != seal(descriptor, size):
        return "does not match its digest (SHA-256): some of its bytes have changed"
    return ""


def written(path: Path) -> str:
    """The digest at the end of a result, as ``sha256:...``, without a check; "" if there is none."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - SIZE))
        end = file.read(SIZE)
    whole = re.fullmatch(MARK + rb"[0-9a-f]{64}\n", end)
    return end.decode().strip() if whole else ""


def _digest(descriptor: int, size: int, after_piece: Callable[[], None]) -> str:
    digest = hashlib.sha256()
    for start in range(0, size, PIECE):
        digest.update(read_at(descriptor, min(PIECE, size - start), start))
        after_piece()
    return digest.hexdigest()
