"""Text that is broken into lines, or shrunk, by the measured width of its letters."""

import re
from collections.abc import Sequence

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath

LINES = 2
"""Number of lines of a title in full size, beside one for each list below it; a longer one is shrunk."""

SHARE = 0.9
"""Share of the available width that lines fill."""

MOST = 12
"""Maximum number of lines of a title; the rest of a title of many hundred letters is cut off."""

WORD = re.compile(r"(?:(?<!\\)\$.*?(?<!\\)\$|\S)+")
"""A word: spaces in a formula do not end it."""

ENTRY = re.compile(r"(?:(?<!\\)\$.*?(?<!\\)\$|.)+?(?:[,;](?= )|$)")
"""An entry of a list, up to its comma or semicolon."""


def points_of(size: str | float) -> float:
    """A font size in points, such as "medium" or `rcParams` have it."""
    return FontProperties(size=size).get_size_in_points()


def width_of(text: str, points: float) -> float:
    """Width of a line of text in inches; ``$...$`` is a formula."""
    formula = bool(re.search(r"(?<!\\)\$", text))
    shown = text if formula else text.replace(r"\$", "$")
    width, _, _ = TextToPath().get_text_width_height_descent(shown, FontProperties(size=points), formula)
    return float(width) / 72


def lines_of(text: str, inches: float, points: float) -> list[str]:
    """Break text at spaces into lines of at most `inches` if its words allow it, as few and as even as possible."""
    words = [part for word in WORD.findall(text) for part in _pieces(word, inches, points)]
    lines = _filled(words, inches, points)
    for share in (0.5, 0.6, 0.7, 0.8, 0.9):
        even = _filled(words, share * inches, points)
        if len(even) == len(lines):
            return even
    return lines


def list_lines(text: str, inches: float, points: float) -> list[str]:
    """Break a list at its commas, if its entries are short enough, or else at spaces."""
    entries = [entry.strip() for entry in ENTRY.findall(text)]
    if all(width_of(entry, points) <= inches for entry in entries):
        return _filled(entries, inches, points)
    return lines_of(text, inches, points)


def _filled(words: list[str], inches: float, points: float) -> list[str]:
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(longer, points) <= inches:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _pieces(word: str, inches: float, points: float) -> list[str]:
    """A word, or its pieces if it is longer than a line; no formula is broken."""
    if width_of(word, points) <= inches or re.search(r"(?<!\\)\$", word):
        return [word]
    letters = re.findall(r"\\\$|.", word)
    size = max(1, int(len(letters) * inches / width_of(word, points)))
    return ["".join(letters[k : k + size]) for k in range(0, len(letters), size)]


def fitted(title: str, lists: Sequence[str], inches: float, points: float, smallest: float) -> tuple[str, float]:
    """A title and lists in lines that fit, and their font size: the given one, or less if there were too many lines."""
    while True:
        lines = lines_of(title, SHARE * inches, points)
        lines += [line for text in lists if text for line in list_lines(text, SHARE * inches, points)]
        if len(lines) <= LINES + len(lists) or points <= smallest:
            break
        points = max(smallest, 0.9 * points)
    cut = [*lines[: MOST - 1], "..."] if len(lines) > MOST else lines
    return "\n".join(cut), points
