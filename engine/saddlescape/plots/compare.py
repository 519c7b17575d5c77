"""The fraction of starts that are solved and the median solve step along an axis, for each value of another axis."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddlescape.plots.common import (
    Values,
    axis_positions,
    broken,
    clock_of,
    entitle,
    is_words,
    meaning_of,
    of_results,
    panel_titles,
    tidy,
    values_of,
)
from saddlescape.plots.fractions import draw_band, of_runs
from saddlescape.plots.legends import legend_beside
from saddlescape.plots.parts import MOST, At, Names, Parts, divided, need_two
from saddlescape.plots.shown import new_figure
from saddlescape.plots.solved import draw_solved, labels_of, shifted, styles_of
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from saddlescape.results import Results

COLUMN, ROW = 3.2, 2.9
"""Width and height of a panel in inches."""

FEWEST = 10
"""Minimum number of runs a point for which fractions and medians are drawn by default."""

QUARTILES = (0.25, 0.5, 0.75)


def roles(results: "Results", names: list[str]) -> list[str]:
    """The dimension of the lines, and that along the horizontal axis.

    The last dimension of numbers is horizontal; the last dimension of words, or else of numbers, gives the lines.
    """
    need_two("compare", names)
    along = next((name for name in reversed(names) if not is_words(results, name)), names[-1])
    rest = [name for name in names if name != along]
    return [next((name for name in reversed(rest) if is_words(results, name)), rest[-1]), along]


def comparable(results: "Results", names: list[str]) -> bool:
    """Whether these dimensions have words against numbers, several runs a point, and few enough columns."""
    if {is_words(results, name) for name in names} != {False, True} or results.dims["run"] < FEWEST:
        return False
    return math.prod(results.dims[name] for name in names if name not in roles(results, names)) <= MOST


@of_results
def compare(results: "Results", *, at: At | None = None, facet: Names = (), pool: Names = ()) -> Figure:
    """Draw the fraction solved, and below it the median solve step or time: a line per word, a column per other point.

    The horizontal axis is the last axis of numbers; each value of the last axis of words (of numbers, if there is none)
    has a line; the values of all other axes have columns if there are at most 8, and are pooled otherwise.  The median
    is that of all starts, so there is none where fewer than half are solved; the band shows the quartiles.

    Parameters
    ----------
    at : values by axis that are selected, such as ``{"optimizer": "adam"}``.
    facet : axes with a column for each value.
    pool : axes whose runs count together.
    """
    parts = divided(results, roles, at, facet, pool)
    results, (lines, along), number, clock = parts.results, parts.drawn, parts.panels, clock_of(results)
    outcome, distinct = parts.read("outcome"), parts.read("distinct_starts")
    time = np.where(outcome == Outcome.SOLVED, parts.read(f"solve_{clock}"), np.inf)
    figure = new_figure(figsize=(2.6 + COLUMN * number, 1 + 2 * ROW))
    axes = figure.subplots(2, number, sharex=True, sharey="row", squeeze=False)
    medians = False
    for column, point in zip(axes.T, parts.points(), strict=True):
        hit = np.where(outcome[point] < 0, -1, outcome[point] == Outcome.SOLVED)
        draw_solved(column[0], parts, hit, distinct[point])
        medians |= _draw_times(column[1], parts, np.where(outcome[point] < 0, np.nan, time[point]))
    if not medians:
        axes[1, 0].set_yticks([])
    panel_titles(axes[0], [parts.title(point) for point in parts.points()], number + 1)
    fraction = f"fraction {of_runs((outcome >= 0).sum(axis=-1))} solved, 95 % interval"
    for ax, up in zip(axes[:, 0], (fraction, f"median solve {clock}, quartiles"), strict=True):
        ax.set_ylabel(broken(figure, up, up=True, panels=2))
    legend_beside(figure, axes[0, 0], meaning_of(results, lines), numbers=not is_words(results, lines))
    entitle(figure, results, parts.caption)
    for ax in axes[1]:
        ax.set_xlabel(broken(figure, meaning_of(results, along), panels=number))
    return figure


def _draw_times(ax: Axes, parts: Parts, time: Values) -> bool:
    """Draw the quartiles of times (lines, along, runs): inf where unsolved, NaN where a run has not finished.

    Returns whether there are any.
    """
    results, (lines, along) = parts.results, parts.drawn
    (x, isolated), labels = axis_positions(ax, values_of(results, along)), labels_of(results, lines)
    for row, (name, style) in enumerate(zip(labels, styles_of(values_of(results, lines)), strict=True)):
        color, dashes, marker = style
        low, median, high = np.array([_quartiles(runs[~np.isnan(runs)]) for runs in time[row]]).T
        its: dict[str, Any] = {"color": color, "gid": name, "marker": marker}
        _draw_line(ax, shifted(x, row, len(labels), results, along), isolated, (low, median, high), its, dashes)
    drawn = ax.dataLim.intervaly
    if np.isfinite(drawn).all() and drawn[0] <= drawn[1]:
        ax.set_yscale("log" if np.nanmin(time) > 0 else "symlog")
    else:
        ax.annotate("fewer than\nhalf are solved", (0.5, 0.5), xycoords="axes fraction", ha="center", color="0.4")
    tidy(ax)
    return bool(np.isfinite(drawn).all())


def _draw_line(
    ax: Axes, x: Values, isolated: Values, quartiles: tuple[Values, ...], style: dict[str, Any], dashes: str
) -> None:
    """Draw the medians as a line, isolated ones as dots, with a band or a bar from the lower to the upper quartile."""
    low, median, high = (np.where(np.isfinite(values), values, np.nan) for values in quartiles)
    top, order = np.where(np.isfinite(high), high, median), np.argsort(x)
    line = order[~isolated[order]]
    ax.plot(x[line], median[line], dashes, **style)
    draw_band(ax, x[line], low[line], top[line], style["color"])
    ax.plot(x[isolated], median[isolated], color=style["color"], marker=style["marker"], linestyle="none")
    ax.vlines(x[isolated], low[isolated], top[isolated], color=style["color"])


def _quartiles(time: Values) -> Values:
    """Quartiles of the times of all runs; inf where too few have a time, NaN without runs."""
    return np.quantile(time, QUARTILES, method="inverted_cdf") if len(time) else np.full(3, np.nan)
