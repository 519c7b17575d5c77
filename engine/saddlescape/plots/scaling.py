"""How one quantity scales with another, measured and in theory."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from saddlescape.analysis import event_times, fit_scaling
from saddlescape.plots.common import (
    CYCLE,
    SHAPES,
    PlotError,
    Values,
    axis_positions,
    clock_of,
    figure_of,
    fold,
    is_numeric,
    meaning_of,
    new_axes,
    of_results,
    tidy,
    where,
)
from saddlescape.plots.fractions import draw_band
from saddlescape.plots.legends import columns_for, legend_below
from saddlescape.plots.look import settings
from saddlescape.plots.parts import At, Names, Parts, axes_of, divided, labelled
from saddlescape.plots.text import points_of
from saddlescape.plots.ticks import below

if TYPE_CHECKING:
    from saddlescape.results import Results

LEVELS = (25, 50, 75)
"""Percentiles of the runs: the line shows the second one, the band the range from the first to the third."""

LATE = "not in time"
"""Text at medians that were not observed, in a line of its own."""

HALF = 30
"""Characters that fit in half the width of a figure."""

WITHIN = 0.8
"""Share of the width of a figure that a legend below the axes has."""

LINES = 10
"""Maximum number of lines in a panel."""

SLOPE, FEW = ": slope ", 2
"""Text between the name of a line and its slope, and the number of slopes that a panel shows beside others."""

FAR = 4
"""A scale counts as near the saddle if its median time is more than this multiple of the smallest median time."""


@settings()
def medians(
    x: Values,
    measured: Mapping[str, Values],
    theory: Mapping[str, tuple[Values, Values]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw medians and quartiles against `x` on logarithmic axes.

    Exact zero of `x` is isolated on the left; medians of 0 and inf are marks on the lower and upper edge, and interrupt
    the line.  A band without a finite upper quartile ends at the median.

    Parameters
    ----------
    x : (points,), 0 or more.
    measured : array (points, runs) for each name; inf for an event that was not observed.
    theory : line (x, y) for each name.
    """
    ax = ax or new_axes()
    ax.set_yscale("log")
    positions, isolated = axis_positions(ax, x, log=True)
    for number, (name, values) in enumerate(measured.items()):
        color, dashes = CYCLE[number % len(CYCLE)], "-" if number < len(CYCLE) else ":"
        low, middle, high = np.percentile(values, LEVELS, axis=1, method="nearest")
        order = np.argsort(positions)[isolated.sum() :]
        seen = order[_trimmed(np.isfinite(middle[order]) & (middle[order] > 0))]
        y, top = (np.where(np.isfinite(v[seen]) & (v[seen] > 0), v[seen], np.nan) for v in (middle, high))
        late = positions[~isolated & np.isinf(middle)]
        shape = SHAPES[number % len(SHAPES)]
        ax.plot(positions[seen], y, dashes, marker=shape, color=color, label=name, gid=name)
        bottom = np.where(np.isfinite(y), low[seen], np.nan)
        draw_band(ax, positions[seen], bottom, np.where(np.isfinite(top), top, y), color)
        _draw_at_zero(ax, name, color, positions[isolated], middle[isolated])
        _mark_edge(ax, late, 1, color, LATE, f"{name} {LATE}")
    for name, (line_x, line_y) in (theory or {}).items():
        ax.plot(line_x, line_y, "--", color="k", linewidth=1, label=name, gid=name)
    tidy(ax)
    handles, names = ax.get_legend_handles_labels()
    names = [fold(name, 2 * HALF) for name in names]
    columns = min(2, columns_for(names, WITHIN * figure_of(ax).get_figwidth()))
    place = below(ax) if ax.texts else {}
    ax.legend(handles, names, frameon=False, ncols=columns, **place)
    return ax


def _trimmed(valid: Values) -> slice:
    """From the first to the last valid point; no line passes over those between them that are not."""
    found = np.flatnonzero(valid)
    return slice(found[0], found[-1] + 1) if len(found) else slice(0)


@of_results
def escape_times(
    results: "Results", ax: Axes | None = None, *, at: At | None = None, facet: Names = (), pool: Names = ()
) -> Axes:
    """Draw median escape times against the scale of the starts (or the last numeric axis), with fitted power laws.

    Up to 10 points of the last other axes have lines, the values of further axes panels if there are at most 8; what
    is left is pooled.  The fit treats runs that did not escape as censored.

    Parameters
    ----------
    ax : axes to draw on.
    at : values by axis that are selected, such as ``{"optimizer": "adam"}``.
    facet : axes with a panel for each value; the first panel is returned.
    pool : axes whose runs count together.
    """
    parts, clock = divided(results, _lines_and_scales, at, facet, pool, ax=ax), clock_of(results)
    axes, (*_, along) = axes_of(parts, ax, height=3.6), parts.drawn
    fields = (f"escape_{clock}", f"stop_{clock}", "stop_reason")
    escape, stop, reason = (parts.read(name) for name in fields)
    for panel, point in zip(axes, parts.points(), strict=True):
        _draw_escapes(panel, parts, escape[point], stop[point], reason[point])
    across = meaning_of(parts.results, along)
    labelled(parts, axes, across, f"escape {clock}, median and quartiles")
    if len(axes) > 1:
        _share_legend(axes)
    return axes[0]


def _share_legend(axes: Sequence[Axes]) -> None:
    """One legend below several panels, and in each panel that of its fitted laws, if these are few."""
    shared: dict[str, Any] = {}
    for ax in axes:
        handles, names = ax.get_legend_handles_labels()
        laws = {name: handle for handle, name in zip(handles, names, strict=True) if SLOPE in name}
        shared |= {name: handle for handle, name in zip(handles, names, strict=True) if name not in laws}
        legend = ax.get_legend()
        if legend is not None:
            legend.remove()
        if 0 < len(laws) <= FEW:
            texts = laws if len(laws) > 1 else [name.rpartition(": ")[2] for name in laws]
            ax.legend(list(laws.values()), list(texts), frameon=False)
        if laws:
            shared["fitted power law"] = next(iter(laws.values()))
    legend_below(figure_of(axes[0]), list(shared.values()), list(shared))


def _draw_escapes(ax: Axes, parts: Parts, escape: Values, stop: Values, reason: Values) -> None:
    """Draw the lines of one panel, from the variables of its runs (*lines, scales, runs)."""
    results, (*others, along) = parts.results, parts.drawn
    x = _numbers(results, along)
    assert x is not None
    measured: dict[str, Values] = {}
    theory: dict[str, tuple[Values, Values]] = {}
    for point in np.ndindex(*escape.shape[:-2]):
        name = where(results, others, point) or "escape"
        measured[name] = np.where(escape[point] >= 0, escape[point], np.inf)
        near = _near(x, np.percentile(measured[name], 50, axis=1, method="nearest"))
        time, observed = event_times(escape[point], stop[point], reason[point])
        theory |= _power_law(x[near], time[near], observed[near], name)
    medians(x, measured, theory, ax)


def _lines_and_scales(results: "Results", names: list[str]) -> list[str]:
    """The dimensions with lines, and that of the scales of the starts, or else the last numeric one."""
    fit = [name for name in names if _numbers(results, name) is not None]
    if not names:
        raise PlotError("kind: escape times need an axis, and this result has none; use trajectories")
    if not results.dims.get("run"):
        raise PlotError("kind: escape times need runs, and the selection has none; select a list, such as run=[0, 1]")
    if not fit:
        needed = f"two positive numbers on the axis {names[-1]}, no number twice, and no words zipped with it"
        raise PlotError(f"kind: escape times need {needed}; use curve")
    along = next((name for name in fit if "scale" in (name, *results.along[name])), fit[-1])
    lines: list[str] = []
    for name in reversed([name for name in names if name != along]):
        if math.prod(results.dims[other] for other in (name, *lines)) <= LINES:
            lines.insert(0, name)
    return [*lines, along]


def _numbers(results: "Results", dim: str) -> Values | None:
    """Scales, or else the first numbers, along a dimension; None if they do not fit the axis of a scaling plot."""
    numbers = {name: np.asarray(results.coords[name]) for name in results.along[dim]}
    if not all(map(is_numeric, numbers.values())):
        return None
    x = numbers.get("scale", next(iter(numbers.values())))
    fits = (x >= 0).all() and np.count_nonzero(x > 0) > 1 and len(np.unique(x)) == len(x)
    return x if fits else None


def _near(x: Values, median: Values) -> Values:
    """Whether each scale is near the saddle, where a law of the escape time applies."""
    least = np.argmin(median)
    return np.asarray((x > 0) & (x < x[least]) & (median > FAR * median[least]))


def _power_law(x: Values, time: Values, observed: Values, name: str) -> dict[str, tuple[Values, Values]]:
    """The fitted law as a line over the scales with observed escapes, by its name; empty if they are too few."""
    try:
        law = fit_scaling(x, time, observed, resamples=0)
    except ValueError:
        return {}
    if np.isnan(law.intercept):
        return {}
    line = np.sort(x[observed.any(axis=1)])
    return {f"{name}{SLOPE}{law.slope:.2f}": (line, law.time(line))}


def _draw_at_zero(ax: Axes, name: str, color: str, x: Values, y: Values) -> None:
    """Draw points at exact zero of `x`: on the lower edge if `y` is zero, on the upper edge if it is inf."""
    positive = (y > 0) & np.isfinite(y)
    ax.plot(x[positive], y[positive], color=color, linestyle="none", marker="o", gid=f"{name} at zero")
    _mark_edge(ax, x[y == 0], 0, color, "exactly 0", f"{name} exactly zero")
    _mark_edge(ax, x[np.isinf(y)], 1, color, "never", f"{name} never")


def _mark_edge(ax: Axes, x: Values, height: int, color: str, text: str, gid: str) -> None:
    """Draw marks on the lower (0) or upper (1) edge of the axes; write `text` once, next to the first mark."""
    if not len(x):
        return  # the layout takes an empty line that is not clipped to be at the origin of the figure
    up = ax.get_xaxis_transform()
    style: dict[str, Any] = {"color": color, "linestyle": "none", "marker": "o^"[height]}
    ax.plot(x, np.full(len(x), height), transform=up, clip_on=False, zorder=5, gid=gid, **style)
    if text not in [drawn.get_text() for drawn in ax.texts]:
        line = 1.2 * points_of("medium")
        down = height * line * (2 if text == LATE else 1) - (0 if height else line / 2)
        ax.annotate(text, (x.min(), height), (8, -down), xycoords=up, textcoords="offset points")
