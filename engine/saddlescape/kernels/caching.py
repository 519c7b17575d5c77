"""Machine code kept on disk, found again only by the very sources that made it.

Numba's cache watches only the file of the cached function, though code of other files is compiled into it, and an
index that names a class which is no more cannot be read at all.  So the name of every cached function, and with it
that of its files, carries a digest of all kernel sources; files with another digest are removed.

It also counts the files of a function, so that two processes which compile at once may give one file to two kernels,
and the one that is written first then runs the machine code of the other.  So a file has the digest of what it is the
code of in its name, and that of its bytes in front of these: a torn one is as good as none.
"""

import contextlib
import functools
import hashlib
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba import njit
from numba.core.caching import IndexDataCacheFile
from numba.core.ccallback import CFunc
from numba.core.sigutils import normalize_signature

_FILES = sorted(Path(__file__).parent.glob("*.py"))
SOURCES = hashlib.sha256(b"".join(path.read_bytes() for path in _FILES)).hexdigest()[:16]
DIGEST = 32
"""Bytes of a SHA-256."""


class Files(IndexDataCacheFile):
    """The files of one function's machine code, one for each key: signature, processor and bytecode."""

    def save(self, key: Any, data: Any) -> None:
        """Keep the code of a key; where there is no room for it, it is compiled again the next time."""
        content = self._dump(data)
        with contextlib.suppress(OSError), self._open_for_write(self.path(key)) as file:
            file.write(hashlib.sha256(content).digest() + content)

    def load(self, key: Any) -> Any:
        """The code of a key, or None."""
        try:
            stored = self.path(key).read_bytes()
        except OSError:
            return None
        digest, content = stored[:DIGEST], stored[DIGEST:]
        return pickle.loads(content) if hashlib.sha256(content).digest() == digest else None

    def path(self, key: Any) -> Path:
        """Where the code of a key is."""
        its = hashlib.sha256(repr((numba.__version__, key)).encode()).hexdigest()[:32]
        return Path(self._cache_path) / self._data_name_pattern.replace("{number:d}", its)


def cached(signature: Any = None, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`numba.njit` with the disk cache, or with a signature `numba.cfunc`; options as there."""

    def decorate(function: Callable[..., Any]) -> Any:
        function.__qualname__ = f"{function.__name__}_{SOURCES}"
        options["error_model"] = "numpy"
        if signature is None:
            compiled = njit(**options)(function)
        else:
            compiled = CFunc(function, normalize_signature(signature), locals={}, options=options)
        compiled.enable_caching()
        numbas = compiled._cache._cache_file
        compiled._cache._cache_file = Files(numbas._cache_path, numbas._index_name[: -len(".nbi")], None)
        remove_stale(numbas._cache_path)
        if signature is not None:
            compiled.compile()
        return compiled

    return decorate


@functools.cache
def remove_stale(folder: str) -> None:
    """Remove the machine code of other sources; a process that still runs them compiles again what it misses."""
    for path in Path(folder).glob("*.nb[ic]*"):
        digest = re.search(r"_([0-9a-f]{16})-\d", path.name)
        if digest and digest[1] != SOURCES:
            with contextlib.suppress(OSError):
                path.unlink()
