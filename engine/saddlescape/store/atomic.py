"""Write a file so that it is there whole or not at all, also after a power cut."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def write_atomic(path: Path, content: bytes) -> None:
    """Write `content` to `path`: beside it, synced, renamed over it, the folder synced.

    Raises
    ------
    OSError
        If the disk is full or the folder read-only; whatever was at `path` is then still there.
    """
    with replacing(path) as part:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; on leaving it is synced and replaces `path`, on an error it is removed."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    try:
        yield part
        sync(part)
        os.replace(part, path)
        sync(path.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def sync(path: Path) -> None:
    """Force a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
