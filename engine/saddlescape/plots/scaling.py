"""How one quantity scales with another over decades, measured and in theory."""

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
    axis_positions,
    clock_of,
    fold,
    meaning_of,
    new_axes,
    spread_points,
    tidy,
    title_of,
    where,
)

if TYPE_CHECKING:
    from saddlescape.results import Results

LEVELS = (25, 50, 75)
"""Percentiles of the runs: a line at the middle one, a band between the others."""

HALF = 30
"""Letters that half the width of a picture has room for."""

FAR = 4
"""Starts of a scale count as near the saddle if half of them need this many times the least time, or more."""


def medians(
    x: Values,
    measured: Mapping[str, Values],
    theory: Mapping[str, tuple[Values, Values]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw medians and quartiles against `x`, both logarithmic; exact zeros are set apart, left and below, inf above.

    Parameters
    ----------
    x : (points,), 0 or more.
    measured : (points, runs) for each name; inf if a run never reached it.
    theory : a line (x, y) for each name.
    """
    ax = ax or new_axes()
    ax.set_yscale("log")
    at, apart = axis_positions(ax, x, log=True)
    for colour, (name, values) in zip(CYCLE, measured.items(), strict=False):
        low, middle, high = np.percentile(values, LEVELS, axis=1, method="nearest")
        shown = ~apart & (middle > 0) & np.isfinite(middle)
        ax.plot(at[shown], middle[shown], "o-", color=colour, label=name, gid=name, markersize=4)
        ax.fill_between(at[shown], low[shown], high[shown], color=colour, alpha=0.2, linewidth=0)
        _at_zero(ax, name, colour, at[apart], middle[apart])
        _at_edge(ax, at[~apart & np.isinf(middle)], 1, colour, "not in time", f"{name} not in time")
    for name, (line_x, line_y) in (theory or {}).items():
        ax.plot(line_x, line_y, "--", color="k", linewidth=1, label=name, gid=name)
    tidy(ax)
    handles, names = ax.get_legend_handles_labels()
    columns = 2 if max(map(len, names), default=0) <= HALF else 1
    below: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (0, -0.18), "ncols": columns}
    ax.legend(handles, [fold(name, 2 * HALF) for name in names], frameon=False, **(below if ax.texts else {}))
    return ax


def escape_times(results: "Results", ax: Axes | None = None) -> Axes:
    """Draw escape times against the scale of the starts (or the last numeric axis), with the fitted power law.

    There is a line for each point of the other axes, at most one per colour.  Runs that did not escape are censored.
    """
    names, clock = axis_names(results), clock_of(results)
    along, x = _numbers(results, names)
    others = [name for name in names if name != along]
    fields = (f"escape_{clock}", f"stop_{clock}", "stop_reason")
    when, stop, reason = (np.moveaxis(results[name], names.index(along), -2) for name in fields)
    measured: dict[str, Values] = {}
    theory: dict[str, tuple[Values, Values]] = {}
    for point in spread_points([results.dims[name] for name in others], len(CYCLE)):
        name = where(results, others, point) or "escape"
        measured[name] = np.where(when[point] >= 0, when[point], np.inf)
        near = _near(x, np.percentile(measured[name], 50, axis=1, method="nearest"))
        time, observed = event_times(when[point], stop[point], reason[point])
        theory |= _power_law(x[near], time[near], observed[near], name)
    ax = medians(x, measured, theory, ax)
    ax.set(xlabel=meaning_of(results, along), ylabel=f"escape {clock}", title=title_of(results))
    return ax


def _numbers(results: "Results", names: list[str]) -> tuple[str, Values]:
    """The dimension with the scales of the starts, or the last one with numbers alone, and these."""
    fit = {name: values for name in names if (values := _along(results, name)) is not None}
    if not names:
        raise PlotError("kind: escape times need an axis, and this result has none; use trajectories")
    if not fit:
        wanted = "two positive numbers on the axis"
        raise PlotError(f"kind: escape times need {wanted} {names[-1]}, all different, no words zipped; use curve")
    chosen = next((name for name in fit if "scale" in (name, *results.along[name])), list(fit)[-1])
    return chosen, fit[chosen]


def _along(results: "Results", dim: str) -> Values | None:
    """Numbers along a dimension that escape times can be drawn against: the scales among them, else the first."""
    numbers = {name: np.asarray(results.coords[name]) for name in results.along[dim]}
    if not all(np.issubdtype(values.dtype, np.number) for values in numbers.values()):
        return None
    x = numbers.get("scale", next(iter(numbers.values())))
    fits = (x >= 0).all() and np.count_nonzero(x > 0) > 1 and len(np.unique(x)) == len(x)
    return x if fits else None


def _near(x: Values, median: Values) -> Values:
    """Which scales are near the saddle, where laws of the escape time are meant."""
    least = np.argmin(median)
    return np.asarray((x > 0) & (x < x[least]) & (median > FAR * median[least]))


def _power_law(x: Values, time: Values, observed: Values, name: str) -> dict[str, tuple[Values, Values]]:
    """The fitted law as a line through the scales that were escaped from, by its name; none if they are too few."""
    try:
        law = fit_scaling(x, time, observed, resamples=0)
    except ValueError:
        return {}
    if np.isnan(law.intercept):
        return {}
    line = np.sort(x[observed.any(axis=1)])
    return {f"{name}: power {law.slope:.2f}": (line, law.time(line))}


def _at_zero(ax: Axes, name: str, colour: str, x: Values, y: Values) -> None:
    """Points at exact zero: on the floor if exactly zero themselves, at the ceiling if it never came to them."""
    positive = (y > 0) & np.isfinite(y)
    ax.plot(x[positive], y[positive], color=colour, linestyle="none", marker="o", gid=f"{name} at zero")
    _at_edge(ax, x[y == 0], 0, colour, "exactly 0", f"{name} exactly zero")
    _at_edge(ax, x[np.isinf(y)], 1, colour, "never", f"{name} never")


def _at_edge(ax: Axes, x: Values, height: int, colour: str, told: str, gid: str) -> None:
    """Marks on the floor (0) or at the ceiling (1) of the axes; beside the first is told, but once, what they mean."""
    up = ax.get_xaxis_transform()
    style: dict[str, Any] = {"color": colour, "linestyle": "none", "marker": "o^"[height], "markersize": 6}
    ax.plot(x, np.full(len(x), height), transform=up, clip_on=False, zorder=5, gid=gid, **style)
    if len(x) and told not in [text.get_text() for text in ax.texts]:
        ax.annotate(told, (x.min(), height), (8, 6 - 20 * height), xycoords=up, textcoords="offset points")
