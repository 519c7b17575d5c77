"""Loss, or another measure, of single runs during training."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from saddlescape.plots.common import (
    COLORS,
    OUTCOMES,
    Values,
    axis_names,
    check_recorded,
    clock_of,
    entitle,
    of_results,
    panel_titles,
    panels,
    recorded_runs,
    some_points,
    tidy,
    where,
)
from saddlescape.plots.legends import legend_below
from saddlescape.plots.parts import At, select, selection
from saddlescape.plots.points import check_drawn, points_of_axes
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from saddlescape.results import Results

SIDE = 3.2
"""Width of a panel in inches."""

CURVES = 64
"""Maximum number of runs per panel."""


@of_results
def trajectories(
    results: "Results",
    points: Mapping[str, tuple[int, ...]] | Sequence[tuple[int, ...]] | None = None,
    levels: Mapping[str, float] | None = None,
    columns: int = 3,
    *,
    at: At | None = None,
) -> Figure:
    """Draw loss against step or time, colored by outcome, in one panel for each of a few points.

    Parameters
    ----------
    points : indices over the axes, by title; in a list, the values of the axes are the titles.
    levels : losses at which to draw a horizontal line, by name.
    columns : panels per row.
    at : values by axis that are selected, such as ``{"optimizer": "adam"}``.

    Raises
    ------
    PlotError, ArgumentError : no trajectory of the selected runs was recorded, or a point is none of the axes.
    """
    figure, axes = paths(select(results, at), "loss", points, columns, selection(results, at))
    for ax in axes:
        for name, level in (levels or {}).items():
            ax.axhline(level, color="k", linewidth=1, linestyle="--")
            ax.annotate(
                name, (1, level), (-2, 2), xycoords=ax.get_yaxis_transform(), textcoords="offset points", ha="right"
            )
    figure.supylabel("loss")
    return figure


def paths(
    results: "Results",
    measure: str,
    points: Mapping[str, tuple[int, ...]] | Sequence[tuple[int, ...]] | None = None,
    columns: int = 3,
    selected: str = "",
) -> tuple[Figure, list[Axes]]:
    """Draw a measure of one number against step or time; `points` and `columns` as of `trajectories`."""
    check_recorded(results, measure)
    names = axis_names(results)
    chosen = points is not None
    points = points_of_axes(results, points)
    columns = min(columns, len(points))
    named = points if isinstance(points, Mapping) else {where(results, names, point): point for point in points}
    figure, axes = panels(len(named), columns, SIDE, 2.6, 0.8)
    seen: set[Outcome] = set()
    most = 0
    for ax, point in zip(axes, named.values(), strict=True):
        rows, runs = recorded_runs(results, point, CURVES)
        most = max(most, len(runs))
        seen |= _panel(ax, results, measure, point, runs, rows)
    check_drawn(results, most)
    panel_titles(axes, list(named), columns)
    some = "" if chosen else some_points(results, points)
    shown = ", ".join(filter(None, (some, f"{most} of {results.dims.get('run', 1):,} runs per panel")))
    entitle(figure, results, selected, shown)
    axes[0].set_xlim(left=0)
    tidy(axes[0])
    for ax in axes[-columns:]:  # the lowest of each column
        ax.set_xlabel(clock_of(results))
    handles = [Line2D([], [], color=COLORS[o], label=o.label) for o in sorted(seen)]
    legend_below(figure, handles, [o.label for o in sorted(seen)])
    return figure, axes


def _panel(
    ax: Axes, results: "Results", measure: str, point: tuple[int, ...], runs: Values, rows: Values
) -> set[Outcome]:
    """Draw one line per run, colored by its outcome, with a dot at its end; return the outcomes.

    A line ends where its run stopped.  A run at a fixed point has records after its stop, and its line ends with the
    last of them.
    """
    clock = clock_of(results)
    names = ("outcome", f"stop_{clock}", f"final_{measure}")
    outcomes, stops, final = (np.atleast_1d(results.at(name, point)) for name in names)
    numbers = np.atleast_1d(results["run"])
    steps, values = results[f"record_{clock}"], results.at(measure, point)[rows]
    for run, path in zip(runs, values, strict=True):
        recorded = np.isfinite(path)
        x, y = steps[recorded], path[recorded]
        if not len(x) or stops[run] > x[-1]:
            x, y = np.append(x, stops[run]), np.append(y, final[run])
        (line,) = ax.plot(x, y, color=COLORS[OUTCOMES[outcomes[run]]], linewidth=0.7)
        line.set(gid=f"run {numbers[run]}", marker=".", markersize=1.5 * line.get_markersize(), markevery=[len(x) - 1])
    ax.set_xscale("symlog", linthresh=steps[steps > 0].min(initial=1))
    ax.set_yscale("log")
    return {OUTCOMES[code] for code in outcomes[runs]}
