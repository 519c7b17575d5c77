"""Locks: one process at a time."""

import fcntl
import os
from pathlib import Path

from saddlescape.errors import LockedError


def lock(path: Path, target: Path, remedy: str) -> int:
    """Lock the file `path`, which guards `target`; returns the descriptor, and closing it, as a kill does, unlocks.

    `remedy`: what the user can do other than wait, for the message.

    Raises
    ------
    LockedError
        If another process has the lock.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    if not acquire(descriptor, path):
        os.close(descriptor)
        raise LockedError(f"{target} is in use by another process; wait for it{remedy}")
    return descriptor


def acquire(descriptor: int, path: Path) -> bool:
    """Try to lock an open file; True if it is locked, and still the file at `path`."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except (BlockingIOError, FileNotFoundError):  # the process that had the lock may have removed or renamed it
        return False
