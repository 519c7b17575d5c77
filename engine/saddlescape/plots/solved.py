"""The fraction of starts that are solved, or not solved, along an axis, for several values of other axes."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddlescape.plots.common import (
    CYCLE,
    RAMP,
    SHAPES,
    Values,
    axis_positions,
    broken,
    coordinate,
    entitle,
    is_words,
    label,
    meaning_of,
    of_results,
    panel_titles,
    panels,
    tidy,
    values_of,
)
from saddlescape.plots.fractions import draw_fractions, independent_starts, of_runs
from saddlescape.plots.legends import SIDE, legend_beside
from saddlescape.plots.parts import At, Names, Parts, columns_of, divided, need_two
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from saddlescape.results import Results

MANY = 6
"""Maximum number of lines of words with the colors of numbers."""

SHIFT = 0.25
"""Largest horizontal shift of a dot from its word, so that the dots of several lines do not overlap."""


@of_results
def solved(
    results: "Results", missed: bool = False, *, at: At | None = None, facet: Names = (), pool: Names = ()
) -> Figure:
    """Draw the fraction solved against the last axis: one line per value of the axis before it, panels for others.

    Intervals and exact zero are drawn as by `curve`.  Axes with more than 8 panels are pooled.

    Parameters
    ----------
    missed : draw the fraction that is not solved.
    at : values by axis that are selected, such as ``{"optimizer": "adam"}``.
    facet : axes with a panel for each value.
    pool : axes whose runs count together.
    """
    parts = divided(results, last_two, at, facet, pool)
    results, (lines, along), number = parts.results, parts.drawn, parts.panels
    columns = 2 if number == 3 else columns_of(number)
    figure, axes = panels(number, columns, SIDE, 3, 1.2) if number > 1 else panels(1, 1, 6, 3, 1.6)
    outcome, distinct = parts.read("outcome"), parts.read("distinct_starts")
    hit = np.where(outcome < 0, -1, (outcome == Outcome.SOLVED) ^ missed)
    for ax, point in zip(axes, parts.points(), strict=True):
        draw_solved(ax, parts, hit[point], distinct[point])
    panel_titles(axes, [parts.title(point) for point in parts.points()], columns)
    legend = meaning_of(results, lines)
    legend_beside(figure, axes[0], legend, numbers=not is_words(results, lines))
    entitle(figure, results, parts.caption)
    for ax in axes[-columns:]:
        ax.set_xlabel(broken(figure, meaning_of(results, along), panels=columns))
    runs = of_runs((outcome >= 0).sum(axis=-1))
    figure.supylabel(broken(figure, f"fraction {runs} {'not ' if missed else ''}solved, 95 % interval", up=True))
    return figure


def last_two(results: "Results", names: list[str]) -> list[str]:
    """The last two axes with several values, or else the last two."""
    need_two("solved", names)
    order = sorted(names, key=lambda name: (results.dims[name] > 1, names.index(name)))
    return sorted(order[-2:], key=names.index)


def draw_solved(ax: Axes, parts: Parts, hit: Values, distinct: Values) -> None:
    """Draw the lines of one panel.

    Parameters
    ----------
    parts : of whose drawn dimensions the first has lines, and the second is horizontal.
    hit : (lines, along, runs), whether each run is solved, -1 for a run that has not finished.
    distinct : (lines, along), distinct starts of each point.
    """
    results, (lines, along) = parts.results, parts.drawn
    (x, isolated), labels = axis_positions(ax, values_of(results, along)), labels_of(results, lines)
    runs, hits = (np.count_nonzero(rows, axis=-1) for rows in (hit >= 0, hit == 1))
    starts = independent_starts(results, runs, distinct, parts.pooled)
    for row, (name, style) in enumerate(zip(labels, styles_of(values_of(results, lines)), strict=True)):
        positions, (color, dashes, marker) = (shifted(x, row, len(labels), results, along), isolated), style
        line = (hits[row], runs[row], starts[row])
        draw_fractions(ax, positions, *line, name, color, dashes=dashes, marker=marker)
    ax.set_ylim(-0.02, 1.02)
    tidy(ax)


def labels_of(results: "Results", lines: str) -> list[str]:
    """Label of each line: its value, or its values along all zipped axes."""
    columns = (coordinate(results, name) for name in results.along[lines])
    return [", ".join(map(label, values)) for values in zip(*columns, strict=True)]


def shifted(x: Values, row: int, rows: int, results: "Results", along: str) -> Values:
    """Positions of a line; along words, shifted so that the dots of several lines do not overlap."""
    step = SHIFT / rows if is_words(results, along) else 0.0
    return x + step * (2 * row + 1 - rows)


def styles_of(values: Values) -> list[tuple[Any, str, str]]:
    """Color, dashes and marker of each line: along the color map in order, or combinations that differ for words."""
    number = len(values)
    shapes = [SHAPES[line % len(SHAPES)] for line in range(number)]
    if number <= MANY or np.issubdtype(values.dtype, np.number):
        shades = np.linspace(0, 0.85, number)
        return [(RAMP(shade), "-", shape) for shade, shape in zip(shades, shapes, strict=True)]
    styles = [(color, dashes) for dashes in ("-", "--", ":", "-.") for color in CYCLE]
    return [(*styles[line % len(styles)], shape) for line, shape in enumerate(shapes)]
