"""Save a figure to a file, with what it shows and how it was made."""

import json
import math
import os
from pathlib import Path
from shlex import quote
from typing import Any

import matplotlib
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddlescape import __version__
from saddlescape.plots.common import figure_of
from saddlescape.plots.look import PlotError
from saddlescape.store import creating
from saddlescape.system.figures import HEADS, KEYWORD
from saddlescape.words.suggest import hint

DPI = 150
"""Pixels in an inch of a PNG file."""

SHARPEST = 1200

FILES: dict[Any, Any] = {"pdf.fonttype": 42, "ps.fonttype": 42, "svg.hashsalt": "saddlescape"}
"""Settings of Matplotlib: fonts that publishers accept, and ids that are the same each time."""


def save(figure: Figure | Axes, path: str | Path, dpi: float = DPI) -> Path:
    """Save `figure` as PNG, SVG or PDF, according to the extension of `path` (default PNG); return the path.

    A figure of results is saved with their digests, the version of saddlescape and the command that draws it, which
    `info` reads.  Fonts in PDF files are of type 42 (TrueType).  The same figure has the same bytes each time.

    Parameters
    ----------
    figure : a figure, or axes in it, as most plots return.
    path : the file; only an image of the same format is overwritten.
    dpi : pixels in an inch of a PNG file, and of images in the others.

    Raises
    ------
    PlotError
        If the extension is unknown, or `dpi` is out of range.
    RefusedError
        If the path exists and is not an image of the same format.
    LockedError
        If another process is writing it.
    """
    path, extension = checked(path, dpi)
    figure = figure_of(figure)
    metadata = _metadata(extension, _made(figure, path, dpi))
    with (
        creating(path, HEADS.get(extension)) as descriptor,
        os.fdopen(os.dup(descriptor), "wb") as file,
        rc_context(FILES),
    ):
        figure.savefig(file, format=extension, dpi=dpi, metadata=metadata)
    return path


def checked(path: str | Path, dpi: float = DPI) -> tuple[Path, str]:
    """The `path` of a figure, by default of a PNG file, and its extension; PlotError if it or `dpi` is wrong."""
    path = Path(path)
    path = path if path.suffix else path.with_name(f"{path.name}.png")
    extension = path.suffix[1:].lower()
    if extension not in HEADS:
        known = ", ".join(f".{known}" for known in HEADS)
        raise PlotError(f"{path}: must end in one of {known}; got {path.suffix!r}{hint(extension, HEADS)}")
    if isinstance(dpi, bool) or not isinstance(dpi, int | float) or not (math.isfinite(dpi) and 10 <= dpi <= SHARPEST):
        raise PlotError(f"dpi: must be a number from 10 to {SHARPEST}; got {dpi!r}")
    return path, extension


def _made(figure: Figure, path: Path, dpi: float) -> dict[str, str]:
    """What the figure shows; the command that draws it also says where it was saved."""
    made: dict[str, str] = dict(getattr(figure, "made", {}))
    if made.get("command", "").startswith("saddlescape plot "):
        made["command"] += f"{'' if dpi == DPI else f' --dpi {dpi:g}'} -o {quote(path.name)}"
    return made


def _metadata(extension: str, made: dict[str, str]) -> dict[str, Any]:
    creator = f"saddlescape {__version__}, Matplotlib {matplotlib.__version__}"
    formats: dict[str, tuple[str, dict[str, Any]]] = {
        "png": (KEYWORD, {"Software": creator}),
        "svg": ("Description", {"Creator": creator, "Date": None}),
        "pdf": ("Subject", {"Creator": creator, "CreationDate": None}),
    }
    own, others = formats[extension]
    return {**others, own: json.dumps(made)} if made else {**others}
