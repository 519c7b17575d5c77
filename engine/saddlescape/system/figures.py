"""What a figure that saddlescape saved tells about itself: the metadata of PNG, SVG and PDF files."""

import html
import json
import re
from pathlib import Path

from saddlescape.errors import SaddlescapeError

HEADS = {"png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-", "svg": b"<?xml"}
"""First bytes of an image file, by extension."""

KEYWORD = "saddlescape"
"""Keyword of the text chunk in a PNG file."""

PART = 2**20
"""Bytes at the beginning or the end of a file that are searched."""

ESCAPES = {b"n": b"\n", b"r": b"\r"}


class FigureError(SaddlescapeError):
    """A file is no figure that saddlescape saved."""

    exit_code = 2


def is_figure(path: Path) -> bool:
    """Whether a file is an image, or has the extension of one."""
    return path.is_file() and (path.suffix[1:].lower() in HEADS or _format(path) is not None)


def read(path: str | Path) -> dict[str, str]:
    """What the figure at `path`, which saddlescape saved, shows and how it was made, by name.

    Raises
    ------
    FigureError
        If the file does not exist, or is no such figure.
    """
    path = Path(path)
    if not path.is_file():
        raise FigureError(f"{path}: must be a PNG, SVG or PDF figure that saddlescape saved; there is no such file")
    extension = _format(path)
    readers = {"png": _of_png, "svg": _of_svg, "pdf": _of_pdf}
    try:
        made = json.loads(readers[extension](path)) if extension else None
    except (ValueError, RecursionError):
        made = None
    if not isinstance(made, dict) or not {"version", "kind"} <= made.keys():
        there = f"it is {extension.upper()}, without the data that saddlescape adds" if extension else "it is no image"
        remedy = "give the result that it shows, or plot this result again"
        raise FigureError(f"{path}: must be a PNG, SVG or PDF figure that saddlescape saved; {there}; {remedy}")
    return {str(name): str(value) for name, value in made.items()}


def _format(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(8)
    return next((extension for extension, first in HEADS.items() if head.startswith(first)), None)


def _of_png(path: Path) -> bytes:
    """The text chunk of a PNG file, before its pixels (PNG specification, 11.3.4)."""
    with path.open("rb") as file:
        file.seek(8)
        while len(start := file.read(8)) == 8 and start[4:] not in (b"IDAT", b"IEND"):
            size = int.from_bytes(start[:4])
            content = file.read(min(size, PART))
            if start[4:] == b"tEXt" and content.startswith(KEYWORD.encode() + b"\0"):
                return content.partition(b"\0")[2]
            file.seek(size - len(content) + 4, 1)
    return b""


def _of_svg(path: Path) -> bytes:
    """The description in the metadata at the beginning of an SVG file."""
    with path.open("rb") as file:
        found = re.search(rb"<dc:description>([^<]*)</dc:description>", file.read(PART))
    return html.unescape(found[1].decode(errors="replace")).encode() if found else b""


def _of_pdf(path: Path) -> bytes:
    """The subject in the Info dictionary at the end of a PDF file, a literal string (ISO 32000-1, 7.3.4.2)."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - PART))
        found = re.search(rb"/Subject \(((?:[^\\()]|\\.)*)\)", file.read(), re.DOTALL)
    text = found[1] if found else b""
    return re.sub(rb"\\(.)", lambda at: ESCAPES.get(at[1], at[1]), text, flags=re.DOTALL)
