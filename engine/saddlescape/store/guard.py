"""Errors of malicious or damaged files as one line each."""

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
"""Exceptions that a malicious or damaged file can cause."""
OF_SYSTEM = frozenset(
    getattr(errno, name)
    for name in ("EACCES", "EPERM", "EAGAIN", "EINTR", "EIO", "EMFILE", "ENFILE", "ENOENT", "ENOMEM", "ESTALE")
)
"""Errors of the operating system that are not caused by the content of a file."""


@contextlib.contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turn exceptions while a file is read into CorruptError, and into RefusedError if memory does not suffice.

    Errors of the operating system stay OSError and name the file.
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
    """Raise OSError with the file's name if the error is the operating system's."""
    number = error.errno if isinstance(error, OSError) else None
    if number is not None and number in OF_SYSTEM:
        raise OSError(number, os.strerror(number), str(path)) from None


def reason(error: Exception) -> str:
    """The message of an error on one line, at most 200 characters."""
    return (" ".join(str(error).split()) or type(error).__name__)[:200]
