"""Atomic writes: after a crash or a power cut, a file is either complete or absent."""

import contextlib
import fnmatch
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from saddlescape.errors import LockedError, RefusedError
from saddlescape.store.lock import MOVES_OPEN_FILES, acquire, is_at
from saddlescape.system.descriptors import READ, SYNCS_FOLDERS, WRITE

PART, PIECES = "part", "pieces"
TEMPORARY = ".{}.saddlescape.{}"
"""Names of temporary files.  No other program uses such names, so these files may be deleted."""


def temporary(path: Path, kind: str) -> Path:
    """Path of a temporary file for `path`, in the same folder: its content so far (`PART`) or its `PIECES`."""
    return path.with_name(TEMPORARY.format(path.name, kind))


def listed(folder: Path, pattern: str) -> list[Path]:
    """Files in a folder, sorted; empty if there is no folder.  OSError if it is not readable, unlike `Path.glob`."""
    try:
        return sorted(folder / name for name in fnmatch.filter(os.listdir(folder), pattern))
    except (FileNotFoundError, NotADirectoryError):
        return []


def clear(folder: Path) -> None:
    """Delete the temporary files that a kill left in a folder; those of running processes stay."""
    for kind in (PART, "lock"):  # earlier versions left such locks when results were merged
        for path in folder.glob(TEMPORARY.format("*", kind)):
            with contextlib.suppress(PermissionError):
                _discard(path)


def _discard(part: Path) -> bool:
    """Delete a temporary file and its folder of pieces, unless a process is writing it; False if one is."""
    try:
        if not stat.S_ISREG(part.lstat().st_mode):
            part.unlink()
            return True
        file = _Open(os.open(part, WRITE))
    except FileNotFoundError:  # it did not exist, or another process has renamed or deleted it
        return True
    with contextlib.closing(file):
        if acquire(file.descriptor, part):
            shutil.rmtree(part.with_name(part.name.removesuffix(PART) + PIECES), ignore_errors=True)
            file.release()
            return remove(part)
        return False


def remove(path: Path) -> bool:
    """Delete a file; False if Windows does not, because a process has opened it."""
    try:
        path.unlink(missing_ok=True)
    except PermissionError:
        if MOVES_OPEN_FILES:
            raise
        return False
    return True


class _Open:
    """An open file, closed at the end, or on Windows before it is renamed or deleted."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def release(self) -> None:
        """Close the file if an open file can neither be renamed nor deleted."""
        if not MOVES_OPEN_FILES:
            self.close()

    def close(self) -> None:
        """Close the file, and thereby unlock it; a second call does nothing."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def write_atomic(path: Path, content: bytes) -> None:
    """Write `content` to `path`: to a temporary file, which is synced and renamed; the folder is synced, too.

    Raises
    ------
    OSError
        If the disk is full or the folder read-only; a file that was at `path` is unchanged.
    LockedError
        If another process is writing `path`.
    """
    with replacing(path) as descriptor:
        write_all(descriptor, content)


def write_all(descriptor: int, content: bytes | memoryview) -> None:
    """Write all of `content`, in as many system calls as needed."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


@contextlib.contextmanager
def creating(path: Path, over: bytes | None = None) -> Iterator[int]:
    """Open a new file that becomes `path`, a name given by the user; see `replacing`.

    Nothing that exists is replaced, except a file that begins with the bytes `over`.

    Raises
    ------
    RefusedError
        If something else exists at `path`.
    """
    clear(path.parent)
    with replacing(path, lambda: _refuse(path, over)) as descriptor:
        yield descriptor


def _refuse(path: Path, over: bytes | None) -> None:
    if os.path.lexists(path) and not (over and _begins(path, over)):
        raise RefusedError(f"{path} exists and is left alone; choose another name with -o")


def _begins(path: Path, head: bytes) -> bool:
    """Whether `path` is a regular file, not a link, that begins with these bytes."""
    if not stat.S_ISREG(path.lstat().st_mode):
        return False
    with path.open("rb") as file:
        return file.read(len(head)) == head


@contextlib.contextmanager
def replacing(path: Path, check: Callable[[], None] = lambda: None) -> Iterator[int]:
    """Open a temporary file, which is synced and renamed to `path` at the end, or deleted after an error.

    The file is locked while it is open, so a path has one writer.  ``check()`` may raise, before and after.

    Raises
    ------
    LockedError
        If another process is writing `path`.
    """
    part = temporary(path, PART)
    file = _Open(_open_part(part, path))
    try:
        check()
        yield file.descriptor
        os.fsync(file.descriptor)
        check()
        file.release()
        move(part, path)
        sync(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            if file.descriptor < 0 or is_at(file.descriptor, part):
                file.release()
                part.unlink()
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise
    finally:
        file.close()


def move(part: Path, path: Path) -> None:
    """Rename a file, also over another one.

    Raises
    ------
    LockedError
        If Windows does not, because a process has opened one of them, or has deleted the temporary file `part`.
    """
    try:
        os.replace(part, path)
    except (FileNotFoundError, PermissionError):
        if MOVES_OPEN_FILES:
            raise
        where = "here or in another process"
        raise LockedError(f"{path} is open or being written, {where}; close it and try again") from None


def _open_part(part: Path, path: Path) -> int:
    """Create and lock the temporary file `part` for `path`."""
    descriptor = -1
    try:
        if _discard(part):
            descriptor = os.open(part, WRITE | os.O_CREAT | os.O_EXCL, 0o666)
            if acquire(descriptor, part):
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
    """Create a temporary folder while `path` is written; if a kill leaves it, it is deleted with the temporary file."""
    folder = temporary(path, PIECES)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def own_folder(path: Path) -> None:
    """Create a folder to write in, if it does not exist.

    Raises
    ------
    RefusedError
        If the path is a link, or not a folder.
    """
    if path.is_symlink():
        raise RefusedError(f"{path} is a symbolic link, which is not written through; give a folder in its place")
    if path.exists() and not path.is_dir():
        raise RefusedError(f"{path} is a file; choose another folder with -o")
    make_folder(path)


def make_folder(path: Path) -> None:
    """Create a folder and its missing parents; they are synced, so they exist after a power cut."""
    if not path.parent.exists():
        make_folder(path.parent)
    path.mkdir(exist_ok=True)
    with contextlib.suppress(PermissionError):  # a parent that is not readable existed before
        sync(path.parent)


def sync(path: Path) -> None:
    """Force the names in a folder to the disk, if the system can."""
    if not SYNCS_FOLDERS:
        return
    descriptor = os.open(path, READ)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
