"""What is printed may hold what a stranger wrote: titles, specs, notes.  A terminal is to obey none of it."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but for tab and line feed, those that change the direction of text, and what is no text."""


def printable(text: str) -> str:
    """A text in which what a terminal would obey is marked instead."""
    return OBEYED.sub("\ufffd", text)


class Printable:
    """A stream of text that prints nothing that a terminal would obey; `allowed` but for that."""

    def __init__(self, stream: Any, allowed: str = "") -> None:
        self._stream, self._allowed = stream, allowed

    def write(self, text: str) -> int:
        parts = re.split(f"([{self._allowed}])", text) if self._allowed else [text]
        self._stream.write("".join(part if part == self._allowed else printable(part) for part in parts))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def cleaned() -> Iterator[None]:
    """Let whatever is printed be printable; on stderr the progress bar goes back to the start of its line."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Printable(sys.stdout), Printable(sys.stderr, "\r")
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
