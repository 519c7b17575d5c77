"""One process at a time."""

import fcntl
import os
from pathlib import Path

from saddlescape.errors import LockedError


def lock(path: Path, what: Path, elsewhere: str) -> int:
    """Take the lock file `path`, which guards `what`, until the descriptor is closed; a kill closes it too.

    `elsewhere` tells what can be done but wait.

    Raises
    ------
    LockedError
        If another process holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    if not held(descriptor, path):
        os.close(descriptor)
        raise LockedError(f"{what} is in use by another process; wait for it{elsewhere}")
    return descriptor


def held(descriptor: int, path: Path) -> bool:
    """Take the lock of an open file; whether it is ours now, and the file is still the one at `path`."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except (BlockingIOError, FileNotFoundError):  # its holder may have taken it away, or given it its name
        return False
