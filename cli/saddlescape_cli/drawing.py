"""Commands that draw need matplotlib, which is an extra."""

from collections.abc import Iterator
from contextlib import contextmanager

from saddlescape.errors import SaddlescapeError


@contextmanager
def drawing(command: str) -> Iterator[None]:
    """Around imports of what draws: SaddlescapeError with the remedy where matplotlib is missing."""
    try:
        yield
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != "matplotlib":
            raise
        raise SaddlescapeError(f"{command}: needs matplotlib; install it with: pip install saddlescape[plot]") from None
