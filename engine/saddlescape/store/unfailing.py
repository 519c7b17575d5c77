"""The file that libhdf5 writes to.

A write that fails leaves libhdf5 (2.0) unable to close, and ends the process with a segmentation fault.
"""

import io
import os
from collections.abc import Callable
from typing import Any

from saddlescape.store.atomic import write_all


class Unfailing(io.FileIO):
    """An open file that keeps the first failure of a write; what is written from then on stays in memory."""

    failure: OSError | None = None

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "r+", closefd=False)
        self._unwritten: list[tuple[int, bytes]] = []

    def write(self, content: Any) -> int:
        start = self.tell()
        self._attempt(lambda: write_all(self.fileno(), content))
        if self.failure is not None:
            self._unwritten.append((start, bytes(content)))
        return len(content)

    def readinto(self, buffer: Any) -> int:
        start = self.tell()
        super().readinto(buffer)
        for at, content in self._unwritten:
            first, last = max(at, start), min(at + len(content), start + len(buffer))
            if first < last:
                buffer[first - start : last - start] = content[first - at : last - at]
        return len(buffer)

    def truncate(self, size: int | None = None) -> int:
        self._attempt(lambda: os.ftruncate(self.fileno(), size or 0))
        return size or 0

    def _attempt(self, change: Callable[[], None]) -> None:
        try:
            if self.failure is None:
                change()
        except OSError as failure:
            self.failure = failure.with_traceback(None)  # whose frames would keep libhdf5 from closing

    def check(self) -> None:
        """Raise what has failed."""
        if self.failure is not None:
            raise self.failure
