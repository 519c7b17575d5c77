"""Docstrings of this project for numpydoc: plain text with `code`, and entries like ``name : what it is``."""

import re
from itertools import pairwise

ENTRY = re.compile(r"^(\*{0,2}\w[\w, ]*) : (.*)$")
"""An argument, attribute or error, and the first line of its description."""

LISTS, LINKS = ("Parameters", "Attributes", "Returns", "Yields", "Raises"), ("Functions", "Modules")


def as_numpydoc(app, what, name, obj, options, lines):
    """Put each description on a line of its own, as numpydoc expects a type after a colon; mark plain text as such."""
    section, told = "", []
    for line, below in pairwise((*lines, "")):
        if below and set(below) == {"-"}:
            section = line
        entry = ENTRY.match(line) if section in LISTS + LINKS else None
        if section == "Examples":
            told.append(line)
        elif entry:
            told += [f"`{entry[1]}`" if section in LINKS else entry[1], f"    {plain(entry[2])}"]
        else:
            told.append(plain(line))
    lines[:] = told


def plain(line):
    """Protect what reStructuredText would take for markup outside of `code`: ``|x|``, ``*``, and initials as items."""
    text = "".join(
        part if part.startswith("`") else re.sub(r"[|*]|(?<=\w)_(?!\w)", r"\\\g<0>", part)
        for part in re.split(r"(`+[^`]+`+)", line)
    )
    return re.sub(r"^(\s*\w)\. ", r"\1\\. ", text)


LIKE = "_Buffer | _SupportsArray[dtype[Any]] | _NestedSequence[_SupportsArray[dtype[Any]]] | complex | bytes | str"
"""How NumPy's ArrayLike begins when it is written out."""


def shorter(app, what, name, obj, options, signature, returns):
    """Write arrays in signatures as ``ndarray[float64]`` and ``ArrayLike``."""
    return tuple(text and _short(text) for text in (signature, returns))


def _short(text):
    text = re.sub(r"~(?:numpy|typing|collections)\.(?:\w+\.)*(\w+)", r"\1", text)
    text = text.replace(f"{LIKE} | _NestedSequence[complex | bytes | str]", "ArrayLike")
    return re.sub(r"ndarray\[tuple\[Any, \.\.\.\], dtype\[(\w+)\]\]", r"ndarray[\1]", text)
