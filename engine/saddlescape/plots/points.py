"""Which points and runs a plot of single runs draws."""

from collections.abc import Iterable, Mapping
from typing import Any

from saddlescape.plots.common import axis_names, spread_points
from saddlescape.plots.look import PlotError
from saddlescape.results import Results
from saddlescape.system.arguments import point_index


def points_of_axes(results: Results, points: Any = None) -> Any:
    """The given points, in a list or by title, or a few, evenly spaced; ArgumentError if one is none of the axes."""
    lengths = {name: results.dims[name] for name in axis_names(results)}
    if points is None:
        return spread_points(list(lengths.values()))
    if isinstance(points, Mapping):
        return dict(zip(points, points_of_axes(results, list(points.values())), strict=True))
    if not isinstance(points, Iterable) or isinstance(points, str):
        raise PlotError(f"points: must be a list of indices over the axes, such as [(0,), (1,)]; got {points!r}")
    return [tuple(point_index(point, lengths)) for point in points]


def check_drawn(results: Results, drawn: int) -> None:
    """Check that any run was drawn, if some are selected; PlotError otherwise."""
    if results.selected and not drawn:
        raise PlotError("record.runs: none of the selected runs has a trajectory; select others, or use replay")
