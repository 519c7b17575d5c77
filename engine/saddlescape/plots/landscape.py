"""The loss on a plane through three points of weight space, and the paths of runs, projected to it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogLocator

from saddlescape.plots.common import (
    COLORS,
    PlotError,
    Values,
    axis_names,
    entitle,
    figure_of,
    label,
    new_axes,
    of_results,
    spec_at,
    tidy,
    where,
)
from saddlescape.plots.look import settings
from saddlescape.plots.parts import At, select, selection
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from saddlescape.results import Results
    from saddlescape.spec import Spec

SIDE, MARGIN, LEVELS = 160, 0.4, 24
"""Points of a side of the grid; the margin around the points and paths, relative to them; and contours."""

DEEPEST = 1e-3
"""The lowest contour as a share of the highest, if the loss is lower."""

EDGE = [withStroke(linewidth=3, foreground="w")]
"""The edge of text, which can be read on any color."""


@of_results
def landscape(results: "Results", ax: Axes | None = None, *, at: At | None = None) -> Axes:
    """Draw the loss on the plane through zero and two solved runs, and the paths of these runs, replayed.

    The runs are of the first point that has two solved ones: the first of them and the one that is closest to
    perpendicular to it.

    Parameters
    ----------
    ax : axes to draw on.
    at : values by axis that are selected, such as ``{"optimizer": "adam"}``.

    Raises
    ------
    PlotError : final parameters were not recorded, or no point has two solved runs.
    """
    selected, results = selection(results, at), select(results, at)
    if "final_theta" not in results:
        raise PlotError("record.final_parameters: is false, so final points are missing; set it to true and run again")
    names = axis_names(results)
    for point in np.ndindex(*(results.dims[name] for name in names)):
        solved = np.flatnonzero(results.at("outcome", point) == Outcome.SOLVED)
        if len(solved) > 1:
            drawn = _of_runs(results, point, solved, ax or _square())
            at_point = ", ".join(filter(None, (selected, where(results, names, point))))
            entitle(drawn, results, at_point, "the plane of zero and two solutions")
            return drawn
    raise PlotError("kind: a landscape needs a point with two solved runs, and this result has none")


def _square() -> Axes:
    """New axes whose color bar is as high as the plane, which has equal units in both directions."""
    ax = new_axes()
    figure_of(ax).set_layout_engine("compressed")
    return ax


def _of_runs(results: "Results", point: tuple[int, ...], solved: Values, ax: Axes) -> Axes:
    """Draw the plane of two of the solved runs of a point."""
    spec = spec_at(results, point)
    ends = results.at("final_theta", point)[solved]
    ends = ends[:, ~np.isnan(ends).all(axis=0)]  # without the parameters of larger networks
    unit = ends / np.linalg.norm(ends, axis=1, keepdims=True)
    pair = [0, int(abs(unit @ unit[0]).argmin())]
    numbers = results.coords["run"][solved[pair]] if "run" in results.coords else solved[pair]
    replays = (results.replay(point, int(number))["theta"] for number in numbers)
    paths = [np.append(path, [end], axis=0) for path, end in zip(replays, ends[pair], strict=True)]
    names = ("zero", *(f"run {number}" for number in numbers))
    return plane(spec, np.stack([0 * ends[0], *ends[pair]]), paths, names, ax)


@settings()
def plane(
    spec: "Spec",
    points: npt.ArrayLike,
    paths: Sequence[npt.ArrayLike] = (),
    names: Sequence[str] = ("", "", ""),
    ax: Axes | None = None,
) -> Axes:
    """Draw the objective on the plane through three points, with logarithmic contours.

    Parameters
    ----------
    spec : one point of a sweep, which describes network, problem and objective.
    points : (3, n_params).  The first is the origin, and the second is on the horizontal axis; distances are those of
        weight space.
    paths : arrays (steps, n_params), such as ``r.replay(run=0)["theta"]``; they are projected to the plane.
    names : of the points.

    Raises
    ------
    PlotError : the points lie on a line.
    ArgumentError : as of `saddlescape.evaluate`.
    """
    from saddlescape.runs.evaluation import evaluate  # loads the compiler, which most plots do not need
    from saddlescape.runs.from_array import starts_of

    ax, (origin, *others) = ax or _square(), starts_of(spec, points, "points")
    if len(others) != 2:
        raise PlotError(f"points: must be three; got {1 + len(others)}")
    basis, size = np.linalg.qr(np.stack(others, axis=1) - origin[:, None])
    basis, size = basis * np.sign(np.diag(size)), abs(np.diag(size))
    if size.min() <= 1e-9 * size.max():
        raise PlotError("points: must not lie on a line; choose other points")
    corners = np.stack([0 * origin, *(other - origin for other in others)]) @ basis
    lines = [(np.asarray(path)[np.isfinite(path).all(axis=1)] - origin) @ basis for path in paths]
    x, y = (_range(np.concatenate([corners, *lines])[:, k]) for k in (0, 1))
    grid = np.stack(np.meshgrid(x, y), axis=-1) @ basis.T + origin
    values = evaluate(spec, grid.reshape(-1, len(origin))).objective.reshape(SIDE, SIDE)
    _contours(ax, x, y, values)
    for line in lines:
        ax.plot(*line.T, color="w", linewidth=3, solid_capstyle="round")
        ax.plot(*line.T, color=COLORS[Outcome.DIVERGED], linewidth=1.5, gid="path")
        ax.plot(*line[0], "o", color="w", markeredgecolor="k", markersize=5, gid="start")
    for corner, name in zip(corners, names, strict=True):
        ax.plot(*corner, "*", color="w", markeredgecolor="k", markersize=12, gid=name)
        ax.annotate(name, corner, (6, 6), textcoords="offset points", path_effects=EDGE)
    ax.set(xlabel="distance in weight space", ylabel="distance in weight space", aspect="equal")
    tidy(ax)
    return ax


def _range(values: Values) -> Values:
    """Coordinates of a side of the grid."""
    low, high = values.min(), values.max()
    return np.linspace(low - MARGIN * (high - low), high + MARGIN * (high - low), SIDE)


def _contours(ax: Axes, x: Values, y: Values, values: Values) -> None:
    """Filled contours, equally spaced in the logarithm, and their color bar."""
    top = float(values.max()) or 1.0
    low = max(float(values.min()), DEEPEST * top)
    levels = np.geomspace(low, max(top, low * 1.001), LEVELS)
    shown = ax.contourf(x, y, np.clip(values, low, top), levels, cmap="cividis", norm=LogNorm())
    ax.contour(x, y, np.clip(values, low, top), levels, colors="k", linewidths=0.3, alpha=0.5)
    ticks = LogLocator(subs=(1, 2, 5))
    figure_of(ax).colorbar(shown, ax=ax, label="loss", ticks=ticks, format=lambda value, _: label(value))
