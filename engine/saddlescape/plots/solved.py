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
    axis_positions,
    fold,
    label,
    meaning_of,
    of_results,
    panels,
    spread,
    tidy,
    title_of,
    values_of,
    where,
    words,
)
from saddlescape.plots.fractions import draw_fractions, independent_starts
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from saddlescape.results import Results

COLUMNS, SIDE = 2, 3.4
"""Panels per row, and their width in inches."""

MANY, ROWS = 6, 16
"""Maximum number of lines in a legend inside the axes, and of rows in a legend next to them."""

SHIFT = 0.25
"""Largest horizontal shift of a dot from its word, so that the dots of several lines do not overlap."""


@of_results
def solved(results: "Results", missed: bool = False) -> Figure:
    """Draw the fraction solved against the last axis: one line per value of the axis before it, panels for others.

    Intervals and exact zero are drawn as by `curve`.

    Parameters
    ----------
    missed : draw the fraction that is not solved.
    """
    if len(names := axis_names(results)) < 2:
        raise PlotError(f"kind: solved needs two axes, and this result has {len(names)}; use curve")
    *others, lines, along = names
    shape = [results.dims[name] for name in others]
    number = math.prod(shape)
    figure, axes = panels(number, COLUMNS, SIDE, 3, 1.2) if number > 1 else panels(1, 1, 6, 3, 1.6)
    outcome, distinct = results["outcome"], results["distinct_starts"]
    hit = np.where(outcome < 0, -1, (outcome == Outcome.SOLVED) ^ missed)
    for ax, point in zip(axes, np.ndindex(*shape), strict=True):
        draw_solved(ax, results, hit[point], distinct[point], lines, along)
        ax.set_title(fold(where(results, others, point), int(SIDE * INCH)), fontsize="medium")
    legend = ", ".join(map(words, results.along[lines]))
    if results.dims[lines] > MANY:
        draw_legend(figure, axes[0], legend, numbers=not is_words(results, lines))
    else:
        axes[0].legend(title=legend, frameon=False)
    figure.suptitle(title_of(results))
    figure.supxlabel(meaning_of(results, along))
    figure.supylabel(f"fraction {'not ' if missed else ''}solved, 95 % interval")
    return figure


def draw_legend(figure: Figure, ax: Axes, title: str, numbers: bool) -> None:
    """Draw a legend next to the panels: with at most `ROWS` of the numbers, or all words in up to two columns."""
    handles, names = ax.get_legend_handles_labels()
    chosen = spread(len(names), ROWS if numbers else 2 * ROWS)
    figure.legend(
        [handles[line] for line in chosen], [fold(names[line], int(SIDE * INCH / 2)) for line in chosen],
        title=title, loc="outside right center", ncols=-(-len(chosen) // ROWS), frameon=False,
    )  # fmt: skip


def draw_solved(ax: Axes, results: "Results", hit: Values, distinct: Values, lines: str, along: str) -> None:
    """Draw the lines of one panel.

    Parameters
    ----------
    hit : (lines, along, runs), whether each run is solved, -1 for a run that has not finished.
    distinct : (lines, along), distinct starts of each point.
    """
    (x, isolated), labels = axis_positions(ax, values_of(results, along)), labels_of(results, lines)
    runs, hits = (np.count_nonzero(rows, axis=-1) for rows in (hit >= 0, hit == 1))
    starts = independent_starts(results, runs, distinct, ())
    for row, (name, (color, dashes)) in enumerate(zip(labels, styles_of(values_of(results, lines)), strict=True)):
        positions = shifted(x, row, len(labels), results, along), isolated
        draw_fractions(ax, positions, hits[row], runs[row], starts[row], name, color, dashes=dashes)
    ax.set_ylim(-0.02, 1.02)
    tidy(ax)


def labels_of(results: "Results", lines: str) -> list[str]:
    """Label of each line: its value, or its values along all zipped axes."""
    columns = (results.coords[name] for name in results.along[lines])
    return [", ".join(map(label, values)) for values in zip(*columns, strict=True)]


def shifted(x: Values, row: int, rows: int, results: "Results", along: str) -> Values:
    """Positions of a line; along words, shifted so that the dots of several lines do not overlap."""
    step = SHIFT / rows if is_words(results, along) else 0.0
    return x + step * (2 * row + 1 - rows)


def is_words(results: "Results", dim: str) -> bool:
    """Whether the values along a dimension are words."""
    return not np.issubdtype(values_of(results, dim).dtype, np.number)


def styles_of(values: Values) -> list[tuple[Any, str]]:
    """Color and dashes of each line: along the color map in order, or distinct combinations for many words."""
    if len(values) <= MANY or np.issubdtype(values.dtype, np.number):
        return [(RAMP(shade), "-") for shade in np.linspace(0, 0.85, len(values))]
    styles = [(color, dashes) for dashes in ("-", "--", ":", "-.") for color in CYCLE]
    return [styles[number % len(styles)] for number in range(len(values))]
