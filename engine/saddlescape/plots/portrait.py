"""Trajectories of runs in the plane of two recorded measures."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from saddlescape.plots.common import (
    COLORS,
    OUTCOMES,
    PlotError,
    check_recorded,
    entitle,
    figure_of,
    new_axes,
    of_results,
    recorded_runs,
    some_points,
    tidy,
    words,
)
from saddlescape.plots.parts import At, select, selection
from saddlescape.plots.points import check_drawn, points_of_axes
from saddlescape.plots.ticks import below
from saddlescape.words.measures import MEASURES

if TYPE_CHECKING:
    from saddlescape.results import Results

CURVES = 16
"""Maximum number of runs per point."""

DEFAULT_MEASURES = ("separation", "loss")


@of_results
def portrait(
    results: "Results",
    measures: tuple[str, str] = DEFAULT_MEASURES,
    points: Sequence[tuple[int, ...]] | None = None,
    ax: Axes | None = None,
    *,
    at: At | None = None,
) -> Axes:
    """Draw runs of a few points in the plane of two measures, colored by outcome.

    A dot marks the last record of a run.  An axis is logarithmic if all its values are positive.

    Parameters
    ----------
    measures : horizontal and vertical; if a measure has several layers, name one, as in "cosine.2".
    points : indices over the axes; by default a few points, evenly spaced.
    at : values by axis that are selected, such as ``{"optimizer": "adam"}``.

    Raises
    ------
    PlotError, ArgumentError : a measure or trajectories were not recorded, or a point is none of the axes.
    """
    selected, results = selection(results, at), select(results, at)
    if isinstance(measures, str) or len(measures) != 2:
        raise PlotError(f"measures: must be two, such as ('separation', 'loss'); got {measures!r}")
    plane = [_coordinate(results, measure) for measure in measures]
    chosen = points is not None
    ax = ax or new_axes()
    points = points_of_axes(results, points)
    seen, least = set(), [np.inf, np.inf]
    for point in points:
        rows, runs = recorded_runs(results, point, CURVES)
        outcomes = np.atleast_1d(results.at("outcome", point))[runs]
        paths = (results.at(name, point)[rows][layer] for name, layer in plane)
        for x, y, code in zip(*paths, outcomes, strict=True):
            finite = np.isfinite(x) & np.isfinite(y)
            line = ax.plot(x[finite], y[finite], color=COLORS[OUTCOMES[code]], linewidth=0.7, marker=".")[0]
            line.set(markevery=[max(0, np.count_nonzero(finite) - 1)])
            least = [min(low, v[finite].min(initial=np.inf)) for low, v in zip(least, (x, y), strict=True)]
            seen.add(OUTCOMES[code])
    check_drawn(results, len(seen))
    for low, scale in zip(least, (ax.set_xscale, ax.set_yscale), strict=True):
        scale("log" if low > 0 else "linear")
    tidy(ax)
    across, up = (words(measure).replace(".", " of layer ") for measure in measures)
    ax.set(xlabel=across, ylabel=up)
    entitle(ax, results, selected, "" if chosen else some_points(results, points))
    handles = [Line2D([], [], color=COLORS[o], label=o.label) for o in sorted(seen)]
    handles.append(Line2D([], [], color="k", marker=".", linestyle="none", label="end of a run"))
    columns = 4 if figure_of(ax).get_figwidth() > 5 else 3
    ax.legend(handles=handles, ncols=columns, frameon=False, columnspacing=1, **below(ax))
    return ax


def _coordinate(results: "Results", measure: str) -> tuple[str, Any]:
    """The variable of a measure and the index of its layer; a single layer need not be named."""
    name = measure.partition(".")[0]
    check_recorded(results, name)
    layers = [f"{name}.{number}" for dim in MEASURES[name].dims for number in results[dim]]
    if measure == name and len(layers) < 2:
        return name, np.s_[..., 0] if layers else ...
    if measure not in layers:
        raise PlotError(f"measures: must be {' or '.join(layers or [name])}; got {measure!r}")
    return name, np.s_[..., layers.index(measure)]
