"""Outcomes at the points of a design (zipped axes)."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from saddlescape.plots.common import (
    LOG_RANGE,
    PlotError,
    axis_names,
    clock_of,
    new_axes,
    of_results,
    plain,
    tidy,
    title_of,
)
from saddlescape.plots.map import color_cells

if TYPE_CHECKING:
    from saddlescape.results import Results


def numbers_of(results: "Results", dim: str) -> list[str]:
    """Names of the numeric coordinates of a dimension; a design has two or more."""
    return [name for name in results.along[dim] if np.issubdtype(results.coords[name].dtype, np.number)]


@of_results
def design(results: "Results", ax: Axes | None = None) -> Axes:
    """Draw a dot for each point of the first zipped axes, at its first two numeric coordinates.

    The color shows the most frequent outcome or, if this is solved, the median solve step (or time).  Other axes are
    pooled.
    """
    names = axis_names(results)
    dim = next((name for name in names if len(numbers_of(results, name)) > 1), None)
    if dim is None:
        raise PlotError("kind: a design needs two zipped axes of numbers, and this result has none; use another kind")
    across, up = numbers_of(results, dim)[:2]
    runs = [
        np.moveaxis(results[name], names.index(dim), 0).reshape(results.dims[dim], -1)
        for name in ("outcome", f"solve_{clock_of(results)}")
    ]
    ax = ax or new_axes()
    x, y = results.coords[across], results.coords[up]
    ax.scatter(x, y, c=color_cells(results, ax, *runs), s=14)
    for values, scale in ((x, ax.set_xscale), (y, ax.set_yscale)):
        if values.min() > 0 and values.max() > LOG_RANGE * values.min():
            scale("log")
    ax.set(xlabel=plain(results.labels[across]), ylabel=plain(results.labels[up]), title=title_of(results))
    tidy(ax)
    return ax
