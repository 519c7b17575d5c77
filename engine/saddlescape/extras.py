"""Packages that only some uses need."""

from importlib import import_module
from typing import Any

from saddlescape.errors import SaddlescapeError


def needed(package: str, extra: str) -> Any:
    """Import a package that comes with an extra.

    Raises
    ------
    SaddlescapeError
        If it is not there, with the way to install it.
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as missing:
        if missing.name != package:
            raise
        raise SaddlescapeError(f"{package} is needed; install it with: pip install saddlescape[{extra}]") from None
