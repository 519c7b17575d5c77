"""The style, size and title of the figures that are drawn."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import rc_context

from saddlescape.errors import SaddlescapeError
from saddlescape.words.suggest import hint


class PlotError(SaddlescapeError):
    """The result does not contain what the plot would show, or an argument of the plot is wrong."""

    exit_code = 2


_PAPER: dict[Any, Any] = {
    **dict.fromkeys(("font.size", "figure.labelsize"), 8.5),
    **dict.fromkeys(("axes.titlesize", "figure.titlesize"), 9),
    **dict.fromkeys(("xtick.labelsize", "ytick.labelsize", "legend.fontsize", "legend.title_fontsize"), 7.5),
    **dict.fromkeys(("axes.linewidth", "xtick.major.width", "ytick.major.width"), 0.5),
    **dict.fromkeys(("xtick.minor.width", "ytick.minor.width"), 0.4),
    **dict.fromkeys(("xtick.major.size", "ytick.major.size"), 2.5),
    **dict.fromkeys(("xtick.minor.size", "ytick.minor.size"), 1.5),
    "lines.linewidth": 0.8,
    "lines.markersize": 3,
    "legend.handlelength": 1.6,
    "axes.labelpad": 2,
}
STYLES: dict[str, dict[Any, Any]] = {
    "screen": {"lines.markersize": 4, "figure.labelsize": "medium"},
    "paper": _PAPER,
}
"""Settings of Matplotlib in each style; text of "paper" has 7 to 9 points at the size of print."""

COLUMN, PAGE, NARROW = 3.25, 6.75, 7.2
"""Widths of a column and of a page in inches, and that up to which a figure, with one panel in a row, fits a column."""

TALLER = 1.2
"""Factor of the height relative to the width in a column, whose text needs a larger share of the figure."""

SIZES = (1.0, 50.0)
"""Smallest and largest side of a figure in inches."""

SMALLEST = 7.0
"""Font size in points below which no text is shrunk."""


@dataclass(frozen=True)
class Look:
    """What `look` sets."""

    style: str = "screen"
    size: tuple[float, float] | None = None
    title: str | None = None


_USUAL = Look()
_LOOK: ContextVar[Look] = ContextVar("look", default=_USUAL)


@contextmanager
def look(
    style: str | None = None, size: tuple[float, float] | None = None, title: str | None = None
) -> Iterator[None]:
    """Draw the figures within in a style, in a size, or with another title; None leaves what holds outside.

    Parameters
    ----------
    style : "screen", or "paper" with the width of a column (3.25 inches) or a page (6.75) and text of 7 to 9 points.
    size : width and height in inches.
    title : instead of the title of the sweep; "" for none, and then what was selected or pooled is not said either.

    Raises
    ------
    PlotError : an argument is wrong.

    Examples
    --------
    >>> with plots.look("paper", size=(3.25, 2.5)):  # doctest: +SKIP
    ...     plots.save(plots.curve(r), "curve.pdf")
    """
    check_look(style, size, title)
    outer = _LOOK.get()
    new = Look(style or outer.style, size or outer.size, outer.title if title is None else title)
    token = _LOOK.set(new)
    try:
        yield
    finally:
        _LOOK.reset(token)


def check_look(style: object, size: object = None, title: object = None) -> None:
    """Raise a PlotError if `style`, `size` or `title` is wrong, as an argument of `look`."""
    if style is not None and style not in STYLES:
        raise PlotError(f"style: must be {' or '.join(STYLES)}; got {style!r}{hint(str(style), STYLES)}")
    if size is not None and not _is_size(size):
        raise PlotError(f"size: must be a width and a height from 1 to 50 inches, such as 3.25x2.5; got {size!r}")
    if title is not None and not isinstance(title, str):
        raise PlotError(f"title: must be text; got {title!r}")


def _is_size(size: Any) -> bool:
    try:
        sides = np.asarray(size, dtype=float)
    except (TypeError, ValueError):
        return False
    return bool(sides.shape == (2,) and (sides >= SIZES[0]).all() and (sides <= SIZES[1]).all())


def current() -> Look:
    """The look of figures that are drawn now."""
    return _LOOK.get()


@contextmanager
def settings() -> Iterator[None]:
    """The settings of Matplotlib of the current style."""
    with rc_context(STYLES[current().style]):
        yield


def sized(width: float, height: float) -> tuple[float, float]:
    """The size of a figure that has this size on a screen."""
    if (size := current().size) is not None:
        return float(size[0]), float(size[1])
    if current().style == "screen":
        return width, height
    return (COLUMN, COLUMN * TALLER * height / width) if width <= NARROW else (PAGE, PAGE * height / width)
