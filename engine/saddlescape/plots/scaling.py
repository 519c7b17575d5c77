"""How a quantity grows with another, over decades, with theory beside measurement."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from saddlescape.analysis import event_times, fit_scaling
from saddlescape.plots.common import (
    CYCLE,
    PlotError,
    Values,
    axis_names,
    clock_of,
    new_axes,
    place,
    spread_points,
    where,
)

if TYPE_CHECKING:
    from saddlescape.results import Results

LEVELS = (25, 50, 75)
"""Percentiles of the runs: a line at the middle one, a band between the others."""


def scaling(
    x: Values,
    measured: Mapping[str, Values],
    theory: Mapping[str, tuple[Values, Values]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw medians and quartiles against `x`, both logarithmic; exact zeros stand apart, left and below.

    Parameters
    ----------
    x : (points,), 0 or more.
    measured : (points, runs) for each name; inf where a run never came to it.
    theory : a line (x, y) for each name.
    """
    ax = ax or new_axes()
    ax.set_yscale("log")
    at, apart = place(ax, x, log=True)
    for colour, (name, values) in zip(CYCLE, measured.items(), strict=False):
        low, middle, high = np.percentile(values, LEVELS, axis=1, method="nearest")
        shown = ~apart & (middle > 0) & np.isfinite(middle)
        ax.plot(at[shown], middle[shown], "o-", color=colour, label=name, gid=name, markersize=4)
        ax.fill_between(at[shown], low[shown], high[shown], color=colour, alpha=0.2, linewidth=0)
        _at_zero(ax, name, colour, at[apart], middle[apart])
    for name, (line_x, line_y) in (theory or {}).items():
        ax.plot(line_x, line_y, "--", color="k", linewidth=1, label=name, gid=name)
    ax.legend(frameon=False)
    return ax


def escape_times(results: "Results", ax: Axes | None = None) -> Axes:
    """Draw escape times against the scale of the starts (else the last axis), with the power law that fits each line.

    Lines are the points of the other axes, at most one for each colour.  Runs that did not escape count as later.
    """
    names, clock = axis_names(results), clock_of(results)
    if not names:
        raise PlotError("kind: escape times need an axis, and this result has none; use trajectories")
    along = "scale" if "scale" in names else names[-1]
    if not np.issubdtype((x := results.coords[along]).dtype, np.number) or (x < 0).any() or (x > 0).sum() < 2:
        raise PlotError(f"kind: escape times need two positive numbers on the axis {along}; use curve")
    others = [name for name in names if name != along]
    fields = (f"escape_{clock}", f"stop_{clock}", "stop_reason")
    when, stop, reason = (np.moveaxis(results[name], names.index(along), -2) for name in fields)
    measured: dict[str, Values] = {}
    theory: dict[str, tuple[Values, Values]] = {}
    for point in spread_points([results.dims[name] for name in others], len(CYCLE)):
        name = where(results, others, point) or "escape"
        measured[name] = np.where(when[point] >= 0, when[point], np.inf)
        theory |= _power_law(x, *event_times(when[point], stop[point], reason[point]), name)
    ax = scaling(x, measured, theory, ax)
    ax.set(xlabel=results.labels[along], ylabel=f"escape {clock}", title=results.title)
    return ax


def _power_law(x: Values, time: Values, observed: Values, name: str) -> dict[str, tuple[Values, Values]]:
    """The fitted law as a line, by its name; none where too few runs escaped."""
    positive = x > 0
    try:
        law = fit_scaling(x[positive], time[positive], observed[positive], resamples=0)
    except ValueError:
        return {}
    line = np.sort(x[positive])
    return {f"{name}: power {law.slope:.2f}": (line, law.time(line))}


def _at_zero(ax: Axes, name: str, colour: str, x: Values, y: Values) -> None:
    """Points at exact zero: on the floor if exactly zero themselves, at the ceiling if it never came to them."""
    style: dict[str, Any] = {"color": colour, "linestyle": "none", "marker": "o", "markersize": 6}
    positive = (y > 0) & np.isfinite(y)
    ax.plot(x[positive], y[positive], gid=f"{name} at zero", **style)
    floor = {**style, "transform": ax.get_xaxis_transform(), "clip_on": False, "zorder": 5}
    ax.plot(x[y == 0], np.zeros(np.count_nonzero(y == 0)), gid=f"{name} exactly zero", **floor)
    never = x[np.isinf(y)]
    ax.plot(never, np.ones(len(never)), gid=f"{name} never", **floor | {"marker": "^"})
    for height, words, there in ((0, "exactly 0", x[y == 0]), (1, "never", never)):
        for left in there:
            ax.annotate(words, (left, height), (8, 6 - 20 * height), xycoords=ax.get_xaxis_transform(),
                        textcoords="offset points", color=colour)  # fmt: skip
