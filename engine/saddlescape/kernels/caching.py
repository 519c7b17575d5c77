"""The disk cache of machine code, which is used only by the sources that it was compiled from.

Numba's cache checks only the file of the cached function, although code of other files is compiled into it, and cannot
read an index that refers to a class that no longer exists.  So the name of every cached function, and thereby of its
files, contains a digest of all kernel sources; files with another digest are removed.

Numba also numbers the files of a function.  Two processes that compile at the same time may give one number to two
kernels, and one process would then run the machine code of the other.  So the name of a file contains the digest of the
kernel's key, and the file starts with a digest of its content; a file with another content is ignored.

If no folder is writable, every process compiles its kernels and one warning is printed.
"""

import contextlib
import functools
import hashlib
import os
import pickle
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba import njit
from numba.core import config
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    IndexDataCacheFile,
    InTreeCacheLocator,
    NullCache,
    UserProvidedCacheLocator,
    UserWideCacheLocator,
)  # fmt: skip
from numba.core.ccallback import CFunc
from numba.core.sigutils import normalize_signature

from saddlescape.errors import RefusedError, SaddlescapeWarning

if config.DISABLE_JIT:
    raise RefusedError("NUMBA_DISABLE_JIT is set, but the kernels must be compiled; unset it")

_FILES = sorted(Path(__file__).parent.glob("*.py"))
SOURCES = hashlib.sha256(b"".join(path.read_bytes() for path in _FILES)).hexdigest()[:16]
DIGEST = 32
"""Length of a SHA-256 digest in bytes."""

MAX_BYTES = 2**30
"""Maximum size of the cache in bytes, about ten thousand kernels; a starting process removes older files."""

WARNED = "SADDLESCAPE_CACHE_WARNING_SHOWN"
"""Environment variable that is set after the warning; processes inherit it, so only one of them warns."""

UNWRITABLE = "no folder for it is writable"


def warn_once(reason: object) -> None:
    """Warn that machine code cannot be cached, once in this process and the processes that it starts."""
    if WARNED not in os.environ:
        os.environ[WARNED] = "1"
        message = f"machine code cannot be cached ({reason}), so each process compiles its kernels, which takes seconds"
        warnings.warn(f"{message}; set NUMBA_CACHE_DIR to a writable folder", SaddlescapeWarning, 2)


@contextlib.contextmanager
def continue_on_error(*_: object) -> Iterator[None]:
    """Context in which an OSError only causes the warning: the kernel is compiled again next time."""
    try:
        yield
    except OSError as error:
        warn_once(error.strerror or error)


class NoCache(NullCache):
    """The cache that is used when no folder is writable."""

    def load_overload(self, *_: Any) -> None:
        warn_once(UNWRITABLE)


class KernelFiles(IndexDataCacheFile):
    """The files with the machine code of one function, one per key: signature, processor and bytecode."""

    def save(self, key: Any, data: Any) -> None:
        """Write the machine code of a key; after an error, such as a full disk, it is compiled again next time."""
        content = self._dump(data)
        with continue_on_error(), self._open_for_write(self.path(key)) as file:
            file.write(hashlib.sha256(content).digest() + content)

    def load(self, key: Any) -> Any:
        """The machine code of a key, or None."""
        try:
            stored = self.path(key).read_bytes()
        except OSError:
            return None
        with contextlib.suppress(OSError):
            os.utime(self.path(key))  # the least recently used files are removed first
        digest, content = stored[:DIGEST], stored[DIGEST:]
        return pickle.loads(content) if hashlib.sha256(content).digest() == digest else None

    def path(self, key: Any) -> Path:
        """The file with the machine code of a key."""
        digest = hashlib.sha256(repr((numba.__version__, llvmlite.__version__, key)).encode()).hexdigest()[:32]
        return Path(self._cache_path) / self._data_name_pattern.replace("{number:d}", digest)


class UserCacheLocator(UserWideCacheLocator):
    """The user's cache folder; not used without a home folder, where Numba would create a folder named ``~``."""

    def ensure_cache_path(self) -> None:
        if not os.path.isabs(self._cache_path):
            raise FileNotFoundError(self._cache_path)
        super().ensure_cache_path()


class CacheImpl(CompileResultCacheImpl):
    """The folders for machine code; Numba uses the first one that is writable."""

    _locator_classes = (UserProvidedCacheLocator, InTreeCacheLocator, UserCacheLocator)


class DiskCache(FunctionCache):
    """The machine code of one function on disk; raises RuntimeError if no folder is writable."""

    _impl_class = CacheImpl
    _guard_against_spurious_io_errors = staticmethod(continue_on_error)

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = KernelFiles(self._cache_path, self._impl.filename_base, None)
        prune(self._cache_path)


def cached(signature: Any = None, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`numba.njit`, or `numba.cfunc` if a signature is given, with the disk cache; takes the same options."""

    def decorate(function: Callable[..., Any]) -> Any:
        function.__qualname__ = f"{function.__name__}_{SOURCES}"
        all_options = {**options, "error_model": "numpy"}
        if signature is None:
            compiled = njit(**all_options)(function)
        else:
            compiled = CFunc(function, normalize_signature(signature), locals={}, options=all_options)
        try:
            compiled._cache = DiskCache(function)
        except RuntimeError:
            compiled._cache = NoCache()
        if signature is not None:
            compiled.compile()
        return compiled

    return decorate


def kept(function: Callable[..., str]) -> Callable[..., str]:
    """Keep the texts that a function returns in the disk cache, by its arguments, whose `repr` must determine them."""
    function.__qualname__ = f"{function.__name__}_{SOURCES}"
    try:
        files = DiskCache(function)._cache_file
    except RuntimeError:
        return function

    @functools.wraps(function)
    def load(*arguments: Any) -> str:
        text = files.load(arguments)
        if text is None:
            text = function(*arguments)
            files.save(arguments, text)
        return str(text)

    return load


def announce() -> None:
    """Warn if machine code cannot be cached, before processes start that would all warn."""
    try:
        DiskCache(announce)
    except RuntimeError:
        warn_once(UNWRITABLE)


@functools.cache
def prune(folder: str) -> None:
    """Remove the machine code of other sources and, beyond `MAX_BYTES` in total, the least recently used files.

    A process that still needs a removed file compiles its kernel again.
    """
    size = 0
    for _, path in sorted(((_last_use(path), path) for path in Path(folder).glob("*.nb[ic]*")), reverse=True):
        digest = re.search(r"_([0-9a-f]{16})-\d", path.name)
        if not digest:  # a file of another package
            continue
        with contextlib.suppress(OSError):
            size += path.stat().st_size * (digest[1] == SOURCES)
            if digest[1] != SOURCES or size > MAX_BYTES:
                path.unlink()


def _last_use(path: Path) -> float:
    """Time at which a file was last written or read; 0 if another process has removed it."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
