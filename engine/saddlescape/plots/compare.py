"""The fraction of starts that are solved and the median solve step along an axis, for each value of another axis."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddlescape.plots.common import (
    INCH,
    PlotError,
    Values,
    axis_names,
    axis_positions,
    clock_of,
    fold,
    meaning_of,
    of_results,
    tidy,
    title_of,
    values_of,
    where,
    words,
)
from saddlescape.plots.shown import new_figure
from saddlescape.plots.solved import draw_legend, draw_solved, is_words, labels_of, shifted, styles_of
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from saddlescape.results import Results

COLUMN, ROW = 3.2, 2.9
"""Width and height of a panel in inches."""

MOST = 8
"""Maximum number of columns of panels."""

FEWEST = 10
"""Minimum number of runs a point for which fractions and medians are drawn by default."""

QUARTILES = (0.25, 0.5, 0.75)


def roles(results: "Results") -> tuple[list[str], str, str]:
    """The dimensions of the panels, of the lines, and along the horizontal axis.

    The last dimension of numbers is horizontal; the last dimension of words, or else of numbers, gives the lines.
    """
    names = axis_names(results)
    along = next((name for name in reversed(names) if not is_words(results, name)), names[-1])
    rest = [name for name in names if name != along]
    lines = next((name for name in reversed(rest) if is_words(results, name)), rest[-1])
    return [name for name in rest if name != lines], lines, along


def comparable(results: "Results") -> bool:
    """Whether the results have words against numbers, several runs a point, and few enough columns."""
    names = axis_names(results)
    if {is_words(results, name) for name in names} != {False, True} or results.dims["run"] < FEWEST:
        return False
    return math.prod(results.dims[name] for name in roles(results)[0]) <= MOST


@of_results
def compare(results: "Results") -> Figure:
    """Draw the fraction solved, and below it the median solve step or time: a line per word, a column per other point.

    The horizontal axis is the last axis of numbers; each value of the last axis of words (of numbers, if there is none)
    has a line; the values of all other axes have columns.  The median is that of all starts, so there is none where
    fewer than half are solved; the band shows the quartiles.
    """
    if len(names := axis_names(results)) < 2:
        raise PlotError(f"kind: compare needs two axes, and this result has {len(names)}; use curve")
    others, lines, along = roles(results)
    shape = [results.dims[name] for name in others]
    points = list(np.ndindex(*shape))
    if len(points) > MOST:
        raise PlotError(f"kind: compare draws at most {MOST} columns, and this result needs {len(points)}; use map")
    order = [*map(names.index, (*others, lines, along)), -1]
    outcome, distinct = results["outcome"].transpose(order), results["distinct_starts"].transpose(order[:-1])
    time = np.where(outcome == Outcome.SOLVED, results[f"solve_{clock_of(results)}"].transpose(order), np.inf)
    figure = new_figure(figsize=(2.6 + COLUMN * len(points), 1 + 2 * ROW))
    axes = figure.subplots(2, len(points), sharex=True, sharey="row", squeeze=False)
    for column, point in zip(axes.T, points, strict=True):
        hit = np.where(outcome[point] < 0, -1, outcome[point] == Outcome.SOLVED)
        draw_solved(column[0], results, hit, distinct[point], lines, along)
        _draw_times(column[1], results, np.where(outcome[point] < 0, np.nan, time[point]), lines, along)
        column[0].set_title(fold(where(results, others, point), int(COLUMN * INCH)), fontsize="medium")
    axes[0, 0].set_ylabel("fraction solved, 95 % interval")
    axes[1, 0].set_ylabel(f"median solve {clock_of(results)}, quartiles")
    draw_legend(figure, axes[0, 0], ", ".join(map(words, results.along[lines])), numbers=not is_words(results, lines))
    figure.suptitle(title_of(results))
    figure.supxlabel(meaning_of(results, along))
    return figure


def _draw_times(ax: Axes, results: "Results", time: Values, lines: str, along: str) -> None:
    """Draw the quartiles of times (lines, along, runs): inf where unsolved, NaN where a run has not finished."""
    (x, isolated), labels = axis_positions(ax, values_of(results, along)), labels_of(results, lines)
    for row, (name, (color, dashes)) in enumerate(zip(labels, styles_of(values_of(results, lines)), strict=True)):
        low, median, high = np.array([_quartiles(runs[~np.isnan(runs)]) for runs in time[row]]).T
        positions, style = shifted(x, row, len(labels), results, along), {"color": color, "gid": name}
        _draw_line(ax, positions, isolated, (low, median, high), style, dashes)
    drawn = ax.dataLim.intervaly
    if np.isfinite(drawn).all() and drawn[0] <= drawn[1]:
        ax.set_yscale("log" if np.nanmin(time) > 0 else "symlog")
    tidy(ax)


def _draw_line(
    ax: Axes, x: Values, isolated: Values, quartiles: tuple[Values, ...], style: dict[str, Any], dashes: str
) -> None:
    """Draw the medians as a line, isolated ones as dots, with a band or a bar from the lower to the upper quartile."""
    low, median, high = (np.where(np.isfinite(values), values, np.nan) for values in quartiles)
    top, order = np.where(np.isfinite(high), high, median), np.argsort(x)
    line = order[~isolated[order]]
    ax.plot(x[line], median[line], dashes, marker="o", markersize=4, **style)
    ax.fill_between(x[line], low[line], top[line], color=style["color"], alpha=0.2, linewidth=0)
    ax.plot(x[isolated], median[isolated], "o", markersize=4, color=style["color"])
    ax.vlines(x[isolated], low[isolated], top[isolated], color=style["color"])


def _quartiles(time: Values) -> Values:
    """Quartiles of the times of all runs; inf where too few have a time, NaN without runs."""
    return np.quantile(time, QUARTILES, method="inverted_cdf") if len(time) else np.full(3, np.nan)
