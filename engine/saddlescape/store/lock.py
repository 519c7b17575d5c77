"""Locks: one process at a time."""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from saddlescape.errors import LockedError
from saddlescape.system.descriptors import READ, WRITE

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
    msvcrt: Any = import_module("msvcrt")

LOCKED_BYTE = 2**30
"""The byte that is locked on Windows, beyond the end of a lock file: no other process can read locked bytes."""

MOVES_OPEN_FILES = fcntl is not None
"""Whether an open file can be renamed and deleted."""


def lock(path: Path, target: Path, remedy: str) -> int:
    """Lock the file `path`, which guards `target`; returns the descriptor, and closing it, as a kill does, unlocks.

    `remedy`: what the user can do other than wait, for the message.

    Raises
    ------
    LockedError
        If another process has the lock.
    """
    descriptor = os.open(path, WRITE | os.O_CREAT, 0o666)
    if not acquire(descriptor, path):
        os.close(descriptor)
        raise LockedError(f"{target} is in use by another process; wait for it{remedy}")
    return descriptor


def acquire(descriptor: int, path: Path) -> bool:
    """Try to lock an open file; True if it is locked, and still the file at `path`."""
    return _locks(descriptor) and is_at(descriptor, path)


def is_at(descriptor: int, path: Path) -> bool:
    """Whether a path still leads to this open file; another process may have renamed or removed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def is_locked(path: Path) -> bool:
    """Whether another process has locked the file at `path`; False if there is none, or it cannot be read."""
    try:
        descriptor = os.open(path, READ)
    except OSError:
        return False
    try:
        return not _locks(descriptor, shared=True)
    finally:
        os.close(descriptor)


def _locks(descriptor: int, shared: bool = False) -> bool:
    """Try to lock an open file, which must not be locked through this descriptor; locks of Windows are never shared."""
    try:
        if fcntl:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        else:
            os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True
    except (BlockingIOError, PermissionError):  # the latter on Windows
        return False
