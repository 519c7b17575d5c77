"""Machine code kept on disk, found again only by the very sources that made it.

Numba's cache watches only the file of the cached function, though code of other files is compiled into it, and an
index that names a class which is no more cannot be read at all.  So the name of every cached function, and with it
that of its files, carries a digest of all kernel sources; files with another digest are removed.
"""

import contextlib
import functools
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import cfunc, njit

_FILES = sorted(Path(__file__).parent.glob("*.py"))
SOURCES = hashlib.sha256(b"".join(path.read_bytes() for path in _FILES)).hexdigest()[:16]


def cached(signature: Any = None, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`numba.njit` with the disk cache, or with a signature `numba.cfunc`; options as there."""

    def decorate(function: Callable[..., Any]) -> Any:
        function.__qualname__ = f"{function.__name__}_{SOURCES}"
        compiler = njit if signature is None else functools.partial(cfunc, signature)
        compiled = compiler(error_model="numpy", cache=True, **options)(function)
        remove_stale((compiled._cache if signature else compiled.stats).cache_path)
        return compiled

    return decorate


@functools.cache
def remove_stale(folder: str) -> None:
    """Remove the machine code of other sources; a process that still runs them compiles again what it misses."""
    for path in Path(folder).glob("*.nb[ic]"):
        digest = re.search(r"_([0-9a-f]{16})-\d", path.name)
        if digest and digest[1] != SOURCES:
            with contextlib.suppress(OSError):
                path.unlink()
