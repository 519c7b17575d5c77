"""Result files may come from strangers: whatever is wrong with one is told in a line."""

import contextlib
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


@contextlib.contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Whatever fails within is the fault of the file: CorruptError; RefusedError where memory does not suffice."""
    try:
        yield
    except SaddlescapeError:
        raise
    except MemoryError:
        raise RefusedError(f"{path} does not fit into memory; read a part of it") from None
    except ODD as error:
        raise CorruptError(f"{path} is damaged, or no result of saddlescape ({reason(error)})") from None


def reason(error: Exception) -> str:
    """What is wrong with a file, in some words of one line."""
    return (" ".join(str(error).split()) or type(error).__name__)[:200]
