"""Fractions of runs along an axis, with Wilson intervals."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from saddlescape.analysis import wilson_interval
from saddlescape.plots.common import Values

if TYPE_CHECKING:
    from saddlescape.results import Results


def independent_starts(results: "Results", runs: Values, distinct: Values, pooled: Sequence[str]) -> Values:
    """Number of independent starts among `runs` runs; 1 if every point has a single start.

    A run of the same seed and number is drawn at every pooled point with the same random numbers, whatever the scale,
    so it counts once.

    Parameters
    ----------
    runs : (points,), number of runs of each drawn point, over all pooled points.
    distinct : (points,), largest `distinct_starts` of the pooled points.
    pooled : dimensions that are pooled.
    """
    return np.where(distinct > 1, runs / math.prod(_sharing(results, dim) for dim in pooled), 1)


def of_runs(runs: Values) -> str:
    """"of 4,096 runs", if each point has this many, or "of runs"."""
    number = int(runs.max(initial=0))
    return f"of {number:,} runs" if number > 1 and (runs == number).all() else "of runs"


def _sharing(results: "Results", dim: str) -> int:
    """Largest number of points along a dimension that have the same seed."""
    seeds = [results.coords[name] for name in results.along[dim] if results.labels[name] == "starts.seed"]
    return max(Counter(seeds[0].tolist()).values()) if seeds else results.dims[dim]


def draw_band(ax: Axes, x: Values, low: Values, high: Values, color: Any, gid: str | None = None) -> None:
    """Draw the range from `low` to `high` along a line, as a bar at points that have it without their neighbors."""
    ax.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0).set_gid(gid)
    finite = np.isfinite(low) & np.isfinite(high)
    beside = np.pad(finite, 1)
    lone = finite & ~beside[:-2] & ~beside[2:]
    ax.vlines(x[lone], low[lone], high[lone], color=color)


def draw_fractions(
    ax: Axes,
    positions: tuple[Values, npt.NDArray[np.bool_]],
    hits: Values,
    runs: Values,
    starts: Values,
    name: str,
    color: Any,
    label: str | None = None,
    dashes: str = "-",
    marker: str = "o",
) -> None:
    """Draw hits / runs as a line with a Wilson interval (95 %); isolated points are dots, which no line joins.

    Parameters
    ----------
    positions : as returned by `axis_positions`: the positions of the points, and which of them are isolated.
    hits, runs : (points,); a point without runs is left out.
    starts : (points,), number of independent starts; the interval counts each once, and a single one has none.
    """
    x, isolated = positions
    order = np.argsort(x)
    line, dots = order[(~isolated & (runs > 0))[order]], order[(isolated & (runs > 0))[order]]
    fraction = hits / np.maximum(runs, 1)
    trials = np.maximum(starts, 1)
    low, high = np.where(starts > 1, wilson_interval(fraction * trials, trials), np.nan)
    style: dict[str, Any] = {"color": color, "marker": marker}
    if len(line):
        ax.plot(x[line], fraction[line], dashes, label=label or name, gid=name, **style)
        draw_band(ax, x[line], low[line], high[line], color, name)
    if len(dots):
        legend, gid = ("_", f"{name} at zero") if len(line) else (label or name, name)
        ax.plot(x[dots], fraction[dots], linestyle="none", label=legend, gid=gid, **style)
        ax.vlines(x[dots], low[dots], high[dots], color=color)
