"""Legends beside or below panels, in as many columns as fit."""

from collections.abc import Sequence
from typing import Any

from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddlescape.plots.common import INCH, figure_of, fold, spread
from saddlescape.plots.text import points_of, width_of

SIDE = 3.4
"""Width of a panel in inches."""

ROWS = 16
"""Maximum number of rows in a legend next to panels."""

NARROW = 6.0
"""Width in inches up to which a figure has its legend below the panels, not next to them."""

HANDLE = 4.5
"""Width of the line of an entry, and of the space around it, in font sizes."""


def common_legend(axes: Sequence[Axes], inside: bool) -> None:
    """One legend for all panels, if asked for inside of a single one, or else below."""
    pairs = [pair for ax in axes for pair in zip(*ax.get_legend_handles_labels(), strict=True)]
    shown = {name: handle for handle, name in reversed(pairs)}
    names = list(dict.fromkeys(name for _, name in pairs))
    if inside and len(axes) == 1:
        axes[0].legend(frameon=False)
    else:
        legend_below(figure_of(axes[0]), [shown[name] for name in names], names)


def legend_beside(figure: Figure, ax: Axes, title: str, numbers: bool) -> None:
    """Draw a legend next to the panels, or below those of a narrow figure.

    It has at most `ROWS` of the numbers, or all words in up to two columns.
    """
    handles, names = ax.get_legend_handles_labels()
    chosen = spread(len(names), ROWS if numbers else 2 * ROWS)
    handles, names = [handles[line] for line in chosen], [fold(names[line], int(SIDE * INCH / 2)) for line in chosen]
    if figure.get_figwidth() <= NARROW:
        legend_below(figure, handles, names, title)
        return
    columns = -(-len(chosen) // ROWS)
    figure.legend(handles, names, title=title, loc="outside right center", ncols=columns, frameon=False)


def legend_below(figure: Figure, handles: Sequence[Any], names: Sequence[str], title: str = "") -> None:
    """Draw a legend below all panels, in as many columns as fit."""
    columns = columns_for(names, figure.get_figwidth())
    figure.legend(
        handles, names, title=title or None, loc="outside lower center", ncols=columns, frameon=False, columnspacing=1
    )


def columns_for(names: Sequence[str], width: float) -> int:
    """Number of columns, as few as fill the rows, in which a legend fits into a width in inches."""
    size = points_of(rcParams["legend.fontsize"])
    widest = max((width_of(line, size) for name in names for line in name.split("\n")), default=0.0)
    fit = max(1, int(width / (widest + HANDLE * size / 72)))
    return -(-len(names) // -(-len(names) // fit)) if names else 1
