"""Optional packages."""

from collections.abc import Iterator
from contextlib import contextmanager

from saddlescape.errors import MissingExtraError


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Context for imports of the packages of an extra.

    Raises
    ------
    MissingExtraError
        If a package is not installed; the message says how to install it.
    """
    try:
        yield
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if package == "saddlescape":
            raise
        message = f'{package} is needed; install it with: pip install "saddlescape[{name}]"'
        raise MissingExtraError(message, name=package) from None
