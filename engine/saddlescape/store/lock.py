"""One process at a time."""

import fcntl
import os
from pathlib import Path

from saddlescape.errors import LockedError


def lock(path: Path, what: Path) -> int:
    """Take the lock file `path`, which guards `what`, until the descriptor is closed; a kill closes it too.

    Raises
    ------
    LockedError
        If another process holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(descriptor), os.stat(path)):
            raise FileNotFoundError  # its holder took it away, and another may have made a new one
    except (BlockingIOError, FileNotFoundError):
        os.close(descriptor)
        raise LockedError(f"{what} is in use by another process; wait for it or choose another with -o") from None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
