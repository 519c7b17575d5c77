"""Save a figure to a file."""

import os
from pathlib import Path

from matplotlib.figure import Figure

from saddlescape.store import creating

HEADS = {"png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-", "svg": b"<?xml"}
"""How pictures begin, by the ending of their names."""


def save(figure: Figure, path: Path, dpi: int = 150) -> Path:
    """Save a figure as PNG, SVG or PDF, by the extension of its name (PNG without one), and return its path.

    Raises
    ------
    RefusedError
        If the path exists and is not a picture of the same kind.
    LockedError
        If another process is writing it.
    ValueError
        If the extension is unknown.
    """
    path = path if path.suffix else path.with_name(f"{path.name}.png")
    ending = path.suffix[1:].lower()
    with creating(path, HEADS.get(ending)) as descriptor, os.fdopen(os.dup(descriptor), "wb") as file:
        figure.savefig(file, format=ending, dpi=dpi)
    return path
