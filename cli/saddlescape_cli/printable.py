"""Print titles, specs and notes from untrusted files so that the terminal does not obey their control characters."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters except tab and line feed, characters that change the direction of text, and surrogates."""


def printable(text: str) -> str:
    """The text with control characters replaced by U+FFFD."""
    return CONTROL.sub("\ufffd", text)


class Printable:
    """A text stream that replaces control characters, except those in `allowed`."""

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
    """Replace control characters in all output; stderr allows CR, for the progress bar."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Printable(sys.stdout), Printable(sys.stderr, "\r")
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
