"""Machine code kept on disk, found again only by the very sources that made it.

Numba's cache watches only the file of the cached function, though code of other files is compiled into it, and an
index that names a class which is no more cannot be read at all.  So the name of every cached function, and with it
that of its files, carries a digest of all kernel sources.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit

SOURCES = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))).hexdigest()


def cached(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`numba.njit` with the disk cache; options as there."""

    def decorate(function: Callable[..., Any]) -> Any:
        function.__qualname__ += f"_{SOURCES[:16]}"
        return njit(error_model="numpy", cache=True, **options)(function)

    return decorate
