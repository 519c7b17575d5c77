"""The file that libhdf5 writes to: it defers errors.

After a write that fails, libhdf5 (2.0) cannot close the file, and the process ends with a segmentation fault.
"""

import io
import os
from collections.abc import Callable
from typing import Any

from saddlescape.store.atomic import write_all


class DeferredErrors(io.FileIO):
    """An open file that stores the first error of a write; later writes stay in memory."""

    error: OSError | None = None

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "r+", closefd=False)
        self._unwritten: list[tuple[int, bytes]] = []

    def write(self, content: Any) -> int:
        start = self.tell()
        self._attempt(lambda: write_all(self.fileno(), content))
        if self.error is not None:
            self._unwritten.append((start, bytes(content)))
        return len(content)

    def readinto(self, buffer: Any) -> int:
        start = self.tell()
        super().readinto(buffer)
        for offset, content in self._unwritten:
            first, last = max(offset, start), min(offset + len(content), start + len(buffer))
            if first < last:
                buffer[first - start : last - start] = content[first - offset : last - offset]
        return len(buffer)

    def truncate(self, size: int | None = None) -> int:
        self._attempt(lambda: os.ftruncate(self.fileno(), size or 0))
        return size or 0

    def _attempt(self, change: Callable[[], None]) -> None:
        try:
            if self.error is None:
                change()
        except OSError as error:
            self.error = error.with_traceback(None)  # its frames would keep libhdf5 from closing the file

    def check(self) -> None:
        """Raise the stored error, if there is one."""
        if self.error is not None:
            raise self.error
