"""Paths of runs in the plane of two recorded measures."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from saddlescape.plots.common import (
    COLOURS,
    OUTCOMES,
    axis_names,
    check_recorded,
    kept_runs,
    new_axes,
    spread_points,
    words,
)

if TYPE_CHECKING:
    from saddlescape.results import Results

CURVES = 16
"""Most runs of a point."""

MEASURES = ("separation", "loss")


def portrait(
    results: "Results",
    measures: tuple[str, str] = MEASURES,
    points: Sequence[tuple[int, ...]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw runs of a few points (indices over the axes) in the plane of two measures, coloured by outcome.

    A dot marks the last record of a run.  An axis is logarithmic where all that is drawn is positive.

    Raises
    ------
    PlotError : a measure was not recorded, or no trajectory was kept.
    """
    check_recorded(results, *measures)
    names, ax = axis_names(results), ax or new_axes()
    points = spread_points([results.dims[name] for name in names]) if points is None else points
    seen, least = set(), [np.inf, np.inf]
    for point in points:
        rows, runs = kept_runs(results, point, CURVES)
        outcomes = results.at("outcome", point)[runs]
        for x, y, code in zip(*(results.at(name, point)[rows] for name in measures), outcomes, strict=True):
            here = np.isfinite(x) & np.isfinite(y)
            line = ax.plot(x[here], y[here], color=COLOURS[OUTCOMES[code]], linewidth=0.7, marker=".")[0]
            line.set(markevery=[max(0, np.count_nonzero(here) - 1)])
            least = [min(low, v[here].min(initial=np.inf)) for low, v in zip(least, (x, y), strict=True)]
            seen.add(OUTCOMES[code])
    for low, scale in zip(least, (ax.set_xscale, ax.set_yscale), strict=True):
        scale("log" if low > 0 else "linear")
    ax.set(xlabel=words(measures[0]), ylabel=words(measures[1]), title=results.title)
    ax.legend(handles=[Line2D([], [], color=COLOURS[o], label=o.label) for o in sorted(seen)], frameon=False)
    return ax
