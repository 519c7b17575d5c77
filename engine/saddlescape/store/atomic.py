"""Write a file so that it is there whole or not at all, also after a power cut."""

import contextlib
import fnmatch
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from saddlescape.errors import LockedError, RefusedError
from saddlescape.store.lock import held

PART, PIECES = "part", "pieces"
OURS = ".{}.saddlescape.{}"
"""How files are called that stand beside another for a while.  Nobody else's are, so they may be taken away."""


def beside(path: Path, what: str) -> Path:
    """A file of our own beside another: what is written of it so far (``part``), or what that is made of."""
    return path.with_name(OURS.format(path.name, what))


def listed(folder: Path, pattern: str) -> list[Path]:
    """Files of a folder by name, none if there is no folder; OSError if it may not be read, unlike `Path.glob`."""
    try:
        return sorted(folder / name for name in fnmatch.filter(os.listdir(folder), pattern))
    except (FileNotFoundError, NotADirectoryError):
        return []


def clear(folder: Path) -> None:
    """Take away what kills left half written in a folder; what another process is writing stays."""
    for what in (PART, "lock"):  # such locks were beside results that were being merged, in earlier versions
        for part in folder.glob(OURS.format("*", what)):
            with contextlib.suppress(PermissionError):
                _discard(part)


def _discard(part: Path) -> bool:
    """Take away what a kill left of a part, and the folder that goes with it; whether nobody is writing it."""
    try:
        if not stat.S_ISREG(part.lstat().st_mode):
            part.unlink()
            return True
        descriptor = os.open(part, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:  # or no more: another process has renamed or removed it since
        return True
    try:
        if ours := held(descriptor, part):
            shutil.rmtree(part.with_name(part.name.removesuffix(PART) + PIECES), ignore_errors=True)
            part.unlink()
        return ours
    finally:
        os.close(descriptor)


def write_atomic(path: Path, content: bytes) -> None:
    """Write `content` to `path`: beside it, synced, renamed over it, the folder synced.

    Raises
    ------
    OSError
        If the disk is full or the folder read-only; whatever was at `path` is then still there.
    LockedError
        If another process is writing `path`.
    """
    with replacing(path) as descriptor:
        write_all(descriptor, content)


def write_all(descriptor: int, content: bytes | memoryview) -> None:
    """Write all of `content`, in as many writes as the system takes."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


@contextlib.contextmanager
def creating(path: Path, over: bytes | None = None) -> Iterator[int]:
    """A descriptor of what is to be at `path`, a name that the user gave; see `replacing`.

    Nothing that is there is replaced, unless it is a file that begins with the bytes `over`.

    Raises
    ------
    RefusedError
        If something else is there.
    """
    clear(path.parent)
    with replacing(path, lambda: _refuse(path, over)) as descriptor:
        yield descriptor


def _refuse(path: Path, over: bytes | None) -> None:
    if os.path.lexists(path) and not (over and _begins(path, over)):
        raise RefusedError(f"{path} exists and is left alone; choose another name with -o")


def _begins(path: Path, head: bytes) -> bool:
    """Whether a path is that of a file, and no link, that begins with these bytes."""
    if not stat.S_ISREG(path.lstat().st_mode):
        return False
    with path.open("rb") as file:
        return file.read(len(head)) == head


@contextlib.contextmanager
def replacing(path: Path, check: Callable[[], None] = lambda: None) -> Iterator[int]:
    """A descriptor of a new file beside `path`, which is synced and takes its place on leaving, unless by an error.

    The new file is locked as long as it is open: a path has one writer.  ``check()`` may refuse, before and after.

    Raises
    ------
    LockedError
        If another process is writing `path`.
    """
    part = beside(path, PART)
    descriptor = _part(part, path)
    try:
        check()
        yield descriptor
        os.fsync(descriptor)
        check()
        os.replace(part, path)
        sync(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            if held(descriptor, part):
                part.unlink()
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise
    finally:
        os.close(descriptor)


def _part(part: Path, path: Path) -> int:
    """A new file of our own."""
    descriptor = -1
    try:
        if _discard(part):
            descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
            if held(descriptor, part):
                return descriptor
            os.close(descriptor)
    except FileExistsError:
        pass
    except OSError as error:
        error.filename = str(path)
        raise
    raise LockedError(f"another process is writing {path}; wait for it or choose another name with -o")


@contextlib.contextmanager
def pieces(path: Path) -> Iterator[Path]:
    """A folder for pieces of what is written to `path` meanwhile; one that a kill leaves goes with the part."""
    folder = beside(path, PIECES)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def own_folder(path: Path) -> None:
    """Make a folder in which we write, if it is not there.

    Raises
    ------
    RefusedError
        If it is a link, or no folder.
    """
    if path.is_symlink():
        raise RefusedError(f"{path} is a symbolic link, which is not written through; choose a folder with -o")
    if path.exists() and not path.is_dir():
        raise RefusedError(f"{path} is a file; choose another folder with -o")
    make_folder(path)


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
