"""Save a figure to a file."""

import os
from pathlib import Path

from matplotlib.figure import Figure

from saddlescape.store import creating

HEADS = {"png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-", "svg": b"<?xml"}
"""First bytes of an image file, by extension."""


def save(figure: Figure, path: Path, dpi: int = 150) -> Path:
    """Save a figure as PNG, SVG or PDF, according to the extension of the path (default PNG); return the path.

    Raises
    ------
    RefusedError
        If the path exists and is not an image of the same format.
    LockedError
        If another process is writing it.
    ValueError
        If the extension is unknown.
    """
    path = path if path.suffix else path.with_name(f"{path.name}.png")
    extension = path.suffix[1:].lower()
    with creating(path, HEADS.get(extension)) as descriptor, os.fdopen(os.dup(descriptor), "wb") as file:
        figure.savefig(file, format=extension, dpi=dpi)
    return path
