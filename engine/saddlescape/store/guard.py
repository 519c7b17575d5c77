"""Result files may come from strangers: whatever is wrong with one is told in a line."""

import contextlib
import errno
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from saddlescape.errors import CorruptError, RefusedError, SaddlescapeError

ODD = (
    *(OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError),
    *(struct.error, zlib.error),
)
"""What is raised at a file that is not as it should be."""
OF_SYSTEM = frozenset(
    getattr(errno, name)
    for name in ("EACCES", "EPERM", "EAGAIN", "EINTR", "EIO", "EMFILE", "ENFILE", "ENOENT", "ENOMEM", "ESTALE")
)
"""Errors of the system, which say nothing of what is in a file."""


@contextlib.contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Whatever fails within is the fault of the file: CorruptError; RefusedError where memory does not suffice.

    What the system refuses stays an OSError, of that file.
    """
    try:
        yield
    except SaddlescapeError:
        raise
    except MemoryError:
        raise RefusedError(f"{path} does not fit into memory; read a part of it") from None
    except ODD as error:
        refused_by_system(error, path)
        raise CorruptError(f"{path} is damaged, or no result of saddlescape ({reason(error)})") from None


def refused_by_system(error: Exception, path: Path) -> None:
    """Raise what the system said of a file, if it was the system that failed."""
    number = error.errno if isinstance(error, OSError) else None
    if number is not None and number in OF_SYSTEM:
        raise OSError(number, os.strerror(number), str(path)) from None


def reason(error: Exception) -> str:
    """What is wrong with a file, in some words of one line."""
    return (" ".join(str(error).split()) or type(error).__name__)[:200]
