"""The fraction of starts that are solved, or are not, along an axis, for several values of others."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddlescape.analysis import wilson_interval
from saddlescape.outcomes import Outcome
from saddlescape.plots.common import CYCLE, RAMP, PlotError, Values, axis_names, label, panels, place, where, words

if TYPE_CHECKING:
    from saddlescape.results import Results

COLUMNS = 2

MANY = 6
"""Lines that shades of the ramp and a legend inside the axes have room for."""


def solved(results: "Results", missed: bool = False) -> Figure:
    """Draw the fraction solved against the last axis: a line for each value of the one before, panels for the others.

    With Wilson intervals (95 %); exact zero stands apart.

    Parameters
    ----------
    missed : draw the fraction that is not solved.
    """
    if len(names := axis_names(results)) < 2:
        raise PlotError(f"kind: needs two axes, and this result has {len(names)}; use curve")
    *others, lines, along = names
    shape = [results.dims[name] for name in others]
    number = math.prod(shape)
    figure, axes = panels(number, COLUMNS, 3.4, 3, 1.2) if number > 1 else panels(1, 1, 6, 3, 1.6)
    hit = (results["outcome"] == Outcome.SOLVED) ^ missed
    for ax, point in zip(axes, np.ndindex(*shape), strict=True):
        _panel(ax, results, hit[point], lines, along)
        ax.set_title(where(results, others, point), fontsize="medium")
    if results.dims[lines] > MANY:
        lists = axes[0].get_legend_handles_labels()
        figure.legend(*lists, title=words(lines), loc="outside right center", frameon=False)
    else:
        axes[0].legend(title=words(lines), frameon=False)
    figure.suptitle(results.title)
    figure.supxlabel(results.labels[along])
    figure.supylabel(f"fraction {'not ' if missed else ''}solved, 95 % interval")
    return figure


def _panel(ax: Axes, results: "Results", hit: Values, lines: str, along: str) -> None:
    """Lines of one panel, `hit` being (lines, along, runs)."""
    x, apart = place(ax, results.coords[along])
    line = np.flatnonzero(~apart)[np.argsort(x[~apart])]
    values = results.coords[lines]
    for rows, value, (colour, dashes) in zip(hit, values, _styles(values), strict=True):
        k, n = np.count_nonzero(rows, axis=-1), rows.shape[-1]
        low, high = wilson_interval(k, n)
        name = label(value)
        ax.plot(x[line], k[line] / n, f"o{dashes}", color=colour, markersize=3, label=name, gid=name)
        ax.fill_between(x[line], low[line], high[line], color=colour, alpha=0.15, linewidth=0)
        ax.plot(x[apart], k[apart] / n, "o", color=colour, markersize=3, gid=f"{name} at zero")
    ax.set_ylim(-0.02, 1.02)


def _styles(values: Values) -> list[tuple[Any, str]]:
    """Colour and dashes of each line: along the ramp, as values grow, or for many words such as differ most."""
    if len(values) <= MANY or np.issubdtype(values.dtype, np.number):
        return [(RAMP(shade), "-") for shade in np.linspace(0, 0.85, len(values))]
    styles = [(colour, dashes) for dashes in ("-", "--", ":", "-.") for colour in CYCLE]
    return [styles[number % len(styles)] for number in range(len(values))]
