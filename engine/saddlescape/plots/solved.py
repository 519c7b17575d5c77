"""The fraction of starts that are solved, or not solved, along an axis, for several values of other axes."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddlescape.plots.common import (
    CYCLE,
    INCH,
    RAMP,
    PlotError,
    Values,
    axis_names,
    fold,
    label,
    meaning_of,
    panels,
    place,
    spread,
    tidy,
    title_of,
    values_of,
    where,
    words,
)
from saddlescape.plots.fractions import draw_fractions
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from saddlescape.results import Results

COLUMNS, SIDE = 2, 3.4
"""Panels in a row, and their width in inches."""

MANY, ROWS = 6, 16
"""Lines that shades of the ramp and a legend inside the axes have room for; rows that one beside them has."""


def solved(results: "Results", missed: bool = False) -> Figure:
    """Draw the fraction solved against the last axis: a line for each value of the axis before, panels for others.

    With Wilson intervals (95 %); exact zero is set apart.

    Parameters
    ----------
    missed : draw the fraction that is not solved.
    """
    if len(names := axis_names(results)) < 2:
        raise PlotError(f"kind: needs two axes, and this result has {len(names)}; use curve")
    *others, lines, along = names
    shape = [results.dims[name] for name in others]
    number = math.prod(shape)
    figure, axes = panels(number, COLUMNS, SIDE, 3, 1.2) if number > 1 else panels(1, 1, 6, 3, 1.6)
    outcome = results["outcome"]
    hit = np.where(outcome < 0, -1, (outcome == Outcome.SOLVED) ^ missed)
    for ax, point in zip(axes, np.ndindex(*shape), strict=True):
        _panel(ax, results, hit[point], lines, along)
        ax.set_title(fold(where(results, others, point), int(SIDE * INCH)), fontsize="medium")
    legend = ", ".join(map(words, results.along[lines]))
    if results.dims[lines] > MANY:
        _list(figure, axes[0], legend, numbers=np.issubdtype(values_of(results, lines).dtype, np.number))
    else:
        axes[0].legend(title=legend, frameon=False)
    figure.suptitle(title_of(results))
    figure.supxlabel(meaning_of(results, along))
    figure.supylabel(f"fraction {'not ' if missed else ''}solved, 95 % interval")
    return figure


def _list(figure: Figure, ax: Axes, title: str, numbers: bool) -> None:
    """A legend beside the panels; of many numbers, which the ramp has in order, some, and of words two columns."""
    handles, names = ax.get_legend_handles_labels()
    chosen = spread(len(names), ROWS if numbers else 2 * ROWS)
    figure.legend(
        [handles[line] for line in chosen], [fold(names[line], int(SIDE * INCH / 2)) for line in chosen],
        title=title, loc="outside right center", ncols=-(-len(chosen) // ROWS), frameon=False,
    )  # fmt: skip


def _panel(ax: Axes, results: "Results", hit: Values, lines: str, along: str) -> None:
    """Lines of one panel, `hit` being (lines, along, runs), -1 of a run that is not there yet."""
    places, names = place(ax, values_of(results, along)), results.along[lines]
    told = [", ".join(map(label, values)) for values in zip(*(results.coords[name] for name in names), strict=True)]
    for rows, name, (colour, dashes) in zip(hit, told, _styles(values_of(results, lines)), strict=True):
        runs = np.count_nonzero(rows >= 0, axis=-1)
        draw_fractions(ax, places, np.count_nonzero(rows == 1, axis=-1), runs, name, colour, dashes=dashes)
    ax.set_ylim(-0.02, 1.02)
    tidy(ax)


def _styles(values: Values) -> list[tuple[Any, str]]:
    """Colour and dashes of each line: along the ramp, as values grow, or for many words such as differ most."""
    if len(values) <= MANY or np.issubdtype(values.dtype, np.number):
        return [(RAMP(shade), "-") for shade in np.linspace(0, 0.85, len(values))]
    styles = [(colour, dashes) for dashes in ("-", "--", ":", "-.") for colour in CYCLE]
    return [styles[number % len(styles)] for number in range(len(values))]
