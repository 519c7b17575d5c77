"""Which part of the axes of results a plot draws, has panels for, or pools; and what of them is selected."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddlescape.errors import SaddlescapeError
from saddlescape.plots.common import (
    PlotError,
    Values,
    axis_names,
    broken,
    entitle,
    figure_of,
    is_numeric,
    label,
    new_axes,
    panel_titles,
    panels,
    short,
    where,
    with_value,
    words,
)
from saddlescape.spec.keys import ALIASES
from saddlescape.spec.toml import value_of
from saddlescape.words.suggest import hint

if TYPE_CHECKING:
    from saddlescape.results import Results

At = Mapping[str, Any]
Names = str | Sequence[str]

MOST, LIMIT = 8, 36
"""Panels that a plot has without being asked for, and at all."""


@dataclass(frozen=True)
class Parts:
    """Results, or the selected part of them, and the dimensions that are drawn, have panels, or are pooled."""

    results: "Results"
    drawn: list[str]
    facets: list[str]
    pooled: list[str]
    selected: str

    @property
    def shape(self) -> list[int]:
        """Number of values of each dimension that has panels."""
        return [self.results.dims[name] for name in self.facets]

    @property
    def panels(self) -> int:
        """Number of panels."""
        return math.prod(self.shape)

    def points(self) -> Iterator[tuple[int, ...]]:
        """Index of each panel along `facets`."""
        return np.ndindex(*self.shape)

    def read(self, name: str) -> Values:
        """A variable of the runs, shape (*facets, *drawn, runs, ...): those of all pooled points are together.

        Of one number a point, such as ``distinct_starts``, the largest of the pooled points is taken.
        """
        names, values = axis_names(self.results), np.asarray(self.results[name])
        order = [names.index(dim) for dim in (*self.facets, *self.drawn, *self.pooled)]
        values, kept = values.transpose([*order, *range(len(names), values.ndim)]), len(names) - len(self.pooled)
        if values.ndim == len(names):
            return np.asarray(values.reshape(*values.shape[:kept], -1).max(axis=-1))
        return values.reshape(*values.shape[:kept], -1, *values.shape[len(names) + 1 :])

    def title(self, point: tuple[int, ...]) -> str:
        """Title of a panel."""
        return where(self.results, self.facets, point)

    @property
    def caption(self) -> str:
        """What is selected and pooled; "" if nothing is."""
        wide = [name for name in self.pooled if self.results.dims[name] > 1]
        pooled = ", ".join(f"{dimension(self.results, name)} ({self.results.dims[name]} values)" for name in wide)
        return "; ".join(filter(None, (self.selected, pooled and f"pooled over {pooled}")))

    def runs(self) -> int:
        """Number of runs that each drawn point has."""
        return self.results.dims["run"] * math.prod(self.results.dims[name] for name in self.pooled)


def dimension(results: "Results", dim: str) -> str:
    """The name of a dimension in a caption."""
    return short(results, dim) if results.along[dim] == (dim,) else words(dim)


def divided(
    results: "Results",
    choose: Callable[["Results", list[str]], list[str]],
    at: At | None = None,
    facet: Names = (),
    pool: Names = (),
    *,
    spare: bool = True,
    ax: Axes | None = None,
) -> Parts:
    """Divide the axes of results among what a plot draws, its panels, and what it pools.

    The axes that are left have a panel for each value if these are at most `MOST`; otherwise they are pooled.

    Parameters
    ----------
    choose : the dimensions that are drawn, of those that are neither in panels nor pooled.
    at : values by axis, which are selected.
    facet, pool : axes that have a panel for each value, and axes whose runs are pooled.
    spare : false: axes that are left are pooled.
    ax : axes to draw on, which leave room for one panel only.

    Raises
    ------
    PlotError : an axis or value does not exist, an axis is named twice, or there are too many panels.
    """
    part = select(results, at)
    facets, pooled = dimensions(part, facet, "facet"), dimensions(part, pool, "pool")
    if both := [name for name in facets if name in pooled]:
        raise PlotError(f"facet: must be another axis than those that are pooled; got {both[0]}")
    free = [name for name in axis_names(part) if name not in (*facets, *pooled)]
    try:
        drawn = choose(part, free)
    except PlotError as lacking:
        used = ", ".join([*facets, *pooled, *(name for name in axis_names(results) if name not in part.dims)])
        raise PlotError(f"{lacking}{used and f'; not counted: {used}, in panels, pooled or selected'}") from None
    rest = [name for name in free if name not in drawn]
    number = math.prod(part.dims[name] for name in (*facets, *rest))
    (facets if spare and ax is None and number <= MOST else pooled).extend(rest)
    made = Parts(part, drawn, facets, pooled, selection(results, at))
    if made.panels > LIMIT:
        raise PlotError(f"facet: must need at most {LIMIT} panels; got {made.panels}; use pool, or select some by at")
    if ax is not None and made.panels > 1:
        raise PlotError("facet: needs a figure of its own; leave out ax")
    return made


def need_two(kind: str, names: Sequence[str]) -> None:
    """Raise a PlotError, with a kind that does fit, if there are fewer than two axes."""
    if len(names) < 2:
        fits = "curve" if names else "trajectories"
        raise PlotError(f"kind: {kind} needs two axes, and this result has {len(names)}; use {fits}")


def select(results: "Results", at: At | None) -> "Results":
    """The part of results with these values of axes, which may be given by their keys."""
    if not at:
        return results
    if not isinstance(at, Mapping):
        raise PlotError(f"at: must be values by axis, such as {{'scale': 0.1}}; got {at!r}")
    chosen = {_coordinate(results, name, "at"): value for name, value in at.items()}
    try:
        part = results.sel(**chosen)
    except SaddlescapeError as wrong:
        raise PlotError(f"at: {wrong}") from None
    if empty := [name for name, size in part.dims.items() if not size]:
        raise PlotError(f"at: must select a value of each axis; nothing is left of {empty[0]}")
    return part


def value_at(results: "Results", name: str, texts: Sequence[str]) -> Any:
    """The value, or list of values, of the axis `name` that `texts` mean: a word unchanged, or a number."""
    coordinate = results.coords[_coordinate(results, name, "at")]
    values = [_value(text) if is_numeric(coordinate) else text for text in texts]
    return values[0] if len(values) == 1 else values


def _value(text: str) -> Any:
    try:
        return value_of(text)
    except ValueError:
        return text


def selection(results: "Results", at: At | None) -> str:
    """What is selected, for a title."""
    names = {name: short(results, _coordinate(results, name, "at")) for name in at or {}}
    return ", ".join(with_value(names[name], _listed(value)) for name, value in (at or {}).items())


def _listed(value: Any) -> str:
    if isinstance(value, slice):
        return " to ".join(label(end) for end in (value.start, value.stop) if end is not None)
    return " and ".join(map(label, np.atleast_1d(value).tolist()))


def dimensions(results: "Results", names: Names, option: str) -> list[str]:
    """The dimensions of axes that are given by the names of their coordinates, or by their keys."""
    given = [names] if isinstance(names, str) else list(names or ())
    dims = {name: dim for dim, along in results.along.items() for name in (dim, *along)}
    return list(dict.fromkeys(dims[_coordinate(results, name, option)] for name in given))


def _coordinate(results: "Results", name: str, option: str) -> str:
    known = {name: name for dim in axis_names(results) for name in (dim, *results.along[dim])}
    keys = {ALIASES.get(key, key): name for name, key in results.labels.items() if name in known}
    found = known.get(name) or keys.get(ALIASES.get(name, name))
    if found is None:
        axes = f"an axis of this result: {', '.join(known)}" if known else "left out: this result has no axes"
        raise PlotError(f"{option}: must be {axes}; got {name!r}{hint(str(name), [*known, *keys])}")
    return found


def axes_of(parts: Parts, ax: Axes | None, width: float = 3.2, height: float = 2.8) -> list[Axes]:
    """Axes for each panel: `ax` or new ones for a single panel, or else those of a new figure, with their titles."""
    if parts.panels == 1:
        return [ax or new_axes()]
    columns = columns_of(parts.panels)
    _, axes = panels(parts.panels, columns, width, height, 1.2)
    panel_titles(axes, [parts.title(point) for point in parts.points()], columns)
    return axes


def columns_of(number: int) -> int:
    """Number of columns for this many panels."""
    return {1: 1, 2: 2, 3: 3, 4: 2}.get(number, 3 if number <= 9 else 4 if number <= 16 else 6)


def labelled(parts: Parts, axes: Sequence[Axes], across: str, up: str, *captions: str) -> Axes:
    """Write the labels of the axes and the title; return the first axes."""
    place: Axes | Figure
    if len(axes) == 1:
        place, figure = axes[0], figure_of(axes[0])
        place.set(xlabel=broken(figure, across), ylabel=broken(figure, up, up=True))
    else:
        place, columns = figure_of(axes[0]), columns_of(len(axes))
        for panel in axes[-columns:]:
            panel.set_xlabel(broken(place, across, panels=columns))
        place.supylabel(broken(place, up, up=True))
    entitle(place, parts.results, parts.caption, *captions)
    return axes[0]
