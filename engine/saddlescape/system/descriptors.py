"""Open files by descriptor, with what Linux, macOS and Windows have.

Windows has no `os.pread` and other flags, and translates line ends unless a file is opened as binary.
"""

import os
import threading

_SEEKING = threading.Lock()


def _flags(*names: str) -> int:
    """Flags of `os.open`, as far as this system has them; bytes are not translated, and no other process inherits."""
    present = {getattr(os, name, 0) for name in (*names, "O_CLOEXEC", "O_NOINHERIT", "O_BINARY")}
    return sum(present)  # each flag is a bit of its own


READ = _flags("O_RDONLY", "O_NONBLOCK")
"""Flags to read a file; another process may have put a pipe in its place, which must not block."""

WRITE = _flags("O_RDWR", "O_NOFOLLOW")
"""Flags to write a file, not through a link.  Windows follows links, so compare the file with its path (`is_at`)."""

SYNCS_FOLDERS = hasattr(os, "O_DIRECTORY")
"""Whether names can be forced to the disk; Windows opens no folder, and writes names to its journal by itself."""


def read_at(descriptor: int, size: int, start: int) -> bytes:
    """Up to `size` bytes of an open file from `start` on, as `os.pread` reads them: its position stays."""
    if hasattr(os, "pread"):
        return os.pread(descriptor, size, start)
    with _SEEKING:
        before = os.lseek(descriptor, 0, os.SEEK_CUR)
        try:
            os.lseek(descriptor, start, os.SEEK_SET)
            return os.read(descriptor, size)
        finally:
            os.lseek(descriptor, before, os.SEEK_SET)
