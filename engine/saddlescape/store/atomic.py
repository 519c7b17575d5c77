"""Write a file so that it is there whole or not at all, also after a power cut."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

PART = "part"
OURS = ".{}.saddlescape.{}"
"""How files are called that stand beside another for a while.  Nobody else's are, so they may be taken away."""


def beside(path: Path, what: str) -> Path:
    """A file of our own beside another: what is written of it so far (``part``), or its lock."""
    return path.with_name(OURS.format(path.name, what))


def clear(folder: Path) -> None:
    """Take away what a kill left half written in a folder."""
    for part in folder.glob(OURS.format("*", PART)):
        part.unlink()


def write_atomic(path: Path, content: bytes) -> None:
    """Write `content` to `path`: beside it, synced, renamed over it, the folder synced.

    Raises
    ------
    OSError
        If the disk is full or the folder read-only; whatever was at `path` is then still there.
    """
    with replacing(path) as descriptor:
        write_all(descriptor, content)


def write_all(descriptor: int, content: bytes | memoryview) -> None:
    """Write all of `content`, in as many writes as the system takes."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[int]:
    """A descriptor of a new file beside `path`, which is synced and takes its place on leaving, unless by an error."""
    part = beside(path, PART)
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        yield descriptor
        os.fsync(descriptor)
        os.replace(part, path)
        sync(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            part.unlink()
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing; also after a power cut they are there."""
    if not path.parent.exists():
        make_folder(path.parent)
    path.mkdir(exist_ok=True)
    with contextlib.suppress(PermissionError):  # of a folder that is not ours to read, and so was there before
        sync(path.parent)


def sync(path: Path) -> None:
    """Force the names in a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
