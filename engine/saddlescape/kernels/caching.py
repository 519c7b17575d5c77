"""Machine code kept on disk, found again only by the very sources that made it.

Numba's cache watches only the file of the cached function, though code of other files is compiled into it, and an
index that names a class which is no more cannot be read at all.  So the name of every cached function, and with it
that of its files, carries a digest of all kernel sources; files with another digest are removed.

It also counts the files of a function, so that two processes which compile at once may give one file to two kernels,
and the one that is written first then runs the machine code of the other.  So a file has the digest of what it is the
code of in its name, and that of its bytes in front of these: a torn one is as good as none.

Where nothing can be kept, kernels are compiled in each process, which is told once.
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
    raise RefusedError("NUMBA_DISABLE_JIT is set, and kernels are nothing unless they are compiled; unset it")

_FILES = sorted(Path(__file__).parent.glob("*.py"))
SOURCES = hashlib.sha256(b"".join(path.read_bytes() for path in _FILES)).hexdigest()[:16]
DIGEST = 32
"""Bytes of a SHA-256."""

MOST = 2**30
"""Bytes of machine code that a process which starts leaves on the disk: that used last, some ten thousand kernels."""

TOLD = "SADDLESCAPE_TOLD_OF_CACHE"
"""Variable of the environment, which processes inherit, so that one of them all warns."""

UNWRITABLE = "no folder for it can be written"


def tell(why: object) -> None:
    """Warn that machine code is not kept, once in this process and those that it starts."""
    if TOLD not in os.environ:
        os.environ[TOLD] = "1"
        message = f"machine code cannot be kept ({why}), so each process compiles its kernels, which takes seconds"
        warnings.warn(f"{message}; set NUMBA_CACHE_DIR to a folder that can be written", SaddlescapeWarning, 2)


@contextlib.contextmanager
def going_on(*_: object) -> Iterator[None]:
    """A disk that fails costs time, and nothing else."""
    try:
        yield
    except OSError as failure:
        tell(failure.strerror or failure)


class Nowhere(NullCache):
    """The cache where no folder can be written."""

    def load_overload(self, *_: Any) -> None:
        tell(UNWRITABLE)


class Files(IndexDataCacheFile):
    """The files of one function's machine code, one for each key: signature, processor and bytecode."""

    def save(self, key: Any, data: Any) -> None:
        """Keep the code of a key; where there is no room for it, it is compiled again the next time."""
        content = self._dump(data)
        with going_on(), self._open_for_write(self.path(key)) as file:
            file.write(hashlib.sha256(content).digest() + content)

    def load(self, key: Any) -> Any:
        """The code of a key, or None."""
        try:
            stored = self.path(key).read_bytes()
        except OSError:
            return None
        with contextlib.suppress(OSError):
            os.utime(self.path(key))  # what is used last stays longest
        digest, content = stored[:DIGEST], stored[DIGEST:]
        return pickle.loads(content) if hashlib.sha256(content).digest() == digest else None

    def path(self, key: Any) -> Path:
        """Where the code of a key is."""
        its = hashlib.sha256(repr((numba.__version__, llvmlite.__version__, key)).encode()).hexdigest()[:32]
        return Path(self._cache_path) / self._data_name_pattern.replace("{number:d}", its)


class Home(UserWideCacheLocator):
    """The user's folder for caches; none where there is no home, and numba would take one named ``~`` for it."""

    def ensure_cache_path(self) -> None:
        if not os.path.isabs(self._cache_path):
            raise FileNotFoundError(self._cache_path)
        super().ensure_cache_path()


class Impl(CompileResultCacheImpl):
    """Where machine code may be kept, the first folder that can be written."""

    _locator_classes = (UserProvidedCacheLocator, InTreeCacheLocator, Home)


class Kept(FunctionCache):
    """The machine code of one function on disk; RuntimeError where it can be written nowhere."""

    _impl_class = Impl
    _guard_against_spurious_io_errors = staticmethod(going_on)

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = Files(self._cache_path, self._impl.filename_base, None)
        tidy(self._cache_path)


def cached(signature: Any = None, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`numba.njit` with the disk cache, or with a signature `numba.cfunc`; options as there."""

    def decorate(function: Callable[..., Any]) -> Any:
        function.__qualname__ = f"{function.__name__}_{SOURCES}"
        its = {**options, "error_model": "numpy"}
        if signature is None:
            compiled = njit(**its)(function)
        else:
            compiled = CFunc(function, normalize_signature(signature), locals={}, options=its)
        try:
            compiled._cache = Kept(function)
        except RuntimeError:
            compiled._cache = Nowhere()
        if signature is not None:
            compiled.compile()
        return compiled

    return decorate


def announce() -> None:
    """Warn, if there is reason, before processes are started that would all warn."""
    try:
        Kept(announce)
    except RuntimeError:
        tell(UNWRITABLE)


@functools.cache
def tidy(folder: str) -> None:
    """Remove the machine code of other sources, and beyond `MOST` bytes that which was not used for longest.

    A process that still runs it compiles again what it misses.
    """
    kept = 0
    for _, path in sorted(((_used(path), path) for path in Path(folder).glob("*.nb[ic]*")), reverse=True):
        digest = re.search(r"_([0-9a-f]{16})-\d", path.name)
        if not digest:  # not ours
            continue
        with contextlib.suppress(OSError):
            kept += path.stat().st_size * (digest[1] == SOURCES)
            if digest[1] != SOURCES or kept > MOST:
                path.unlink()


def _used(path: Path) -> float:
    """When machine code was last written or read; never, where another process removed it meanwhile."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
