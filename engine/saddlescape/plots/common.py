"""Code that all plots share: colors, markers, titles, and what they read of results."""

import math
import re
from collections.abc import Callable, Collection, Sequence
from functools import wraps
from inspect import signature
from itertools import islice
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from saddlescape.plots.look import SMALLEST, current, settings
from saddlescape.plots.look import PlotError as PlotError
from saddlescape.plots.made import made_of
from saddlescape.plots.shown import ShownFigure, new_figure, single
from saddlescape.plots.text import fitted, list_lines, points_of
from saddlescape.plots.ticks import LOG_RANGE as LOG_RANGE
from saddlescape.plots.ticks import TICKS as TICKS
from saddlescape.plots.ticks import Values as Values
from saddlescape.plots.ticks import axis_positions as axis_positions
from saddlescape.plots.ticks import label as label
from saddlescape.plots.ticks import plain as plain
from saddlescape.plots.ticks import tidy as tidy
from saddlescape.results import Results
from saddlescape.spec import Spec
from saddlescape.spec.keys import ALIASES, KEYS
from saddlescape.words.colors import COLORS as COLORS
from saddlescape.words.colors import RAMP as SHADES
from saddlescape.words.measures import MEASURES
from saddlescape.words.outcomes import Outcome
from saddlescape.words.suggest import hint
from saddlescape.words.titles import title_of_key

P = ParamSpec("P")
Drawn = TypeVar("Drawn")

RAMP = ListedColormap(SHADES, "viridis")
"""Perceptually uniform color map; the fastest runs are the brightest."""

CYCLE = ("#0072B2", "#E69F00", "#CC79A7", "#56B4E9", "#009E73")
"""Colors of lines that do not show outcomes, from the same source."""

SHAPES = "os^vDPX*"
MARKERS = dict(zip(Outcome, "sXvDo*P^", strict=True))
"""Markers of lines and of outcomes, which differ without colors."""

NOT_AXES = frozenset({"run", "trajectory", "record", "parameter"})
PANELS = 6

INCH = 13
"""Characters of a legend that fit in an inch."""

EDGE, SHARE, ABOVE = 0.9, 0.93, 0.9
"""Width in inches of a figure that its panels do not have, and the shares that titles have of a panel and, as axes are
not in the middle, of a figure with one panel."""

BESIDE = 0.62
"""Share of a figure's height or width that the label of an axis fills."""

OUTCOMES = tuple(Outcome)

ZIPPED = 3
"""Number of zipped axes whose values a label shows."""

SHORT = {"problem.name": "problem", "starts.kind": "initialization"}
"""Names in titles of keys whose last part says little."""

SWITCHES = frozenset(key for key, (model, name) in KEYS.items() if model.model_fields[name].annotation is bool)
"""Keys that are true or false."""


def of_results(draw: Callable[P, Drawn]) -> Callable[P, Drawn]:
    """Check that the first argument of a plot is results, draw in the current style, and note how."""
    names = list(signature(draw).parameters)

    @wraps(draw)
    def checked(*args: P.args, **kwargs: P.kwargs) -> Drawn:
        results = args[0] if args else kwargs.get("results")
        if isinstance(results, str | Path):
            raise PlotError(f"results: must be opened first: saddlescape.open({str(results)!r}); got a path")
        if (args or "results" in kwargs) and not isinstance(results, Results):
            kind = type(results).__name__
            raise PlotError(f"results: must be what saddlescape.open returns; got a value of type {kind}")
        with settings():
            drawn = draw(*args, **kwargs)
        figure = figure_of(drawn)  # type: ignore[arg-type]
        if isinstance(figure, ShownFigure) and not hasattr(figure, "made") and isinstance(results, Results):
            options = {**dict(islice(zip(names, args, strict=False), 1, None)), **kwargs}
            figure.made = made_of(results, draw.__name__, options)
        return drawn

    return checked


def axis_names(results: "Results") -> list[str]:
    """Names of the dimensions of the sweep, in the order of the file."""
    return [name for name in results.dims if name not in NOT_AXES]


def new_axes() -> Axes:
    """Axes in a new figure."""
    return single(figsize=(7, 5))


def panels(number: int, columns: int, width: float, height: float, edge: float) -> tuple[Figure, list[Axes]]:
    """Figure with `number` panels of the given size in inches, row by row, which share their axes.

    The lowest panel of each column has tick labels.
    """
    rows = -(-number // columns)
    figure = new_figure(figsize=(1 + width * columns, edge + height * rows))
    axes = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
    for ax in axes[number:]:
        ax.remove()
    for ax in axes[max(0, number - columns) : number]:
        ax.tick_params(labelbottom=True)
    return figure, axes[:number]


def figure_of(drawn: Axes | Figure) -> Figure:
    """The figure `drawn` itself, or the figure that contains these axes; PlotError if it is neither."""
    figure = drawn.get_figure() if isinstance(drawn, Axes) else drawn
    if not isinstance(figure, Figure):
        raise PlotError(f"figure: must be what a plot returns; got a value of type {type(drawn).__name__}")
    return figure


def clock_of(results: "Results") -> str:
    """The unit of training: "step", or "time" for the gradient flow."""
    return "time" if "solve_time" in results else "step"


def recorded_runs(results: "Results", point: tuple[int, ...], number: int) -> tuple[Values, Values]:
    """Rows of at most `number` trajectories of selected runs of a point, evenly spaced; and the index of each run.

    The index is among the selected runs, which `results.coords` numbers.
    """
    runs = results.read("trajectory_run", **dict(zip(axis_names(results), point, strict=True)))
    selected = np.atleast_1d(results["run"])
    recorded = np.flatnonzero(np.isin(runs, selected))
    rows = recorded[spread(len(recorded), number)]
    order = np.argsort(selected)
    return rows, order[np.searchsorted(selected, runs[rows], sorter=order)]


def check_recorded(results: "Results", *measures: str) -> None:
    """Check that trajectories of these measures were recorded.

    Raises
    ------
    PlotError : no run, or not each of the measures, was recorded; the message says what to record.
    """
    if "trajectory_run" not in results or not results.sizes("trajectory_run")["trajectory"]:
        raise PlotError("record.runs: is 0, so no trajectory was recorded; set it to 1 or more and run again")
    recorded = [name for name in MEASURES if name in results and name not in results.labels]
    for name in measures:
        if name not in recorded:
            contents = f"it contains {', '.join(recorded) or 'nothing'}"
            unknown = f"use one of these{hint(name, MEASURES)}"
            remedy = "add the measure and run again" if name in MEASURES else unknown
            raise PlotError(f'record.fields: does not contain "{name}"; {contents}; {remedy}')


def entitle(place: Axes | Figure, results: "Results", *captions: str) -> None:
    """Put the title of the results, or that of the current look, over axes or a figure, with captions below it.

    A run in progress also has the number of runs.  Text is broken into lines, and shrunk if it is long.
    """
    title = current().title
    so_far = "" if results.so_far is None else "so far {:,} of {:,} runs".format(*results.so_far)
    lists = [text for text in (*captions, so_far) if text and title != ""]
    whole = plain(results.title if title is None else title)
    sizes = points_of(rcParams["axes.titlesize" if isinstance(place, Axes) else "figure.titlesize"]), SMALLEST
    width = figure_of(place).get_figwidth() * (ABOVE if isinstance(place, Axes) else 1)
    text, size = fitted(whole, lists, width, *sizes)
    if isinstance(place, Axes):
        place.set_title(text, fontsize=size)
    elif text:
        place.suptitle(text, fontsize=size)


def broken(figure: Figure, text: str, up: bool = False, panels: int = 1) -> str:
    """The label of an axis in lines that are shorter than the axis, of which the figure has `panels` in line."""
    length = figure.get_figheight() if up else figure.get_figwidth()
    return "\n".join(list_lines(text, BESIDE * length / panels, points_of(rcParams["axes.labelsize"])))


def panel_titles(axes: Sequence[Axes], titles: Sequence[str], columns: int) -> None:
    """Put titles of one size over panels, in lines that are narrower than a column."""
    width, size = SHARE * (figure_of(axes[0]).get_figwidth() - EDGE) / columns, points_of("medium")
    size = min(fitted("", title.split("\n"), width, size, SMALLEST)[1] for title in titles)
    for ax, title in zip(axes, titles, strict=True):
        ax.set_title(fitted("", title.split("\n"), width, size, size)[0], fontsize=size)


def words(name: str) -> str:
    """A name from the file, with spaces in place of underscores."""
    return plain(name.replace("_", " "))


def short(results: "Results", name: str) -> str:
    """The name of a coordinate in a title: the last part of its key, if no other has the same; of an element, words."""
    keys = {other: ALIASES.get(key, key) for other, key in results.labels.items()}
    last = {other: SHORT.get(key, key.partition(".")[2]) for other, key in keys.items() if key in (*KEYS, *SHORT)}
    if list(last.values()).count(last.get(name, "")) == 1:
        return words(last[name])
    key = keys.get(name, name)
    return words(name) if key in KEYS or (title := title_of_key(key)) == key else plain(title)


def with_value(name: str, value: str) -> str:
    """A name and a value in a title: ``scale 0.1``, but ``units of hidden layer 1 = 2``."""
    return f"{name} = {value}" if name[-1:].isdigit() else f"{name} {value}"


def where(results: "Results", names: list[str], point: tuple[int, ...]) -> str:
    """Names and values of the axes at a point, for a title."""
    pairs = [(name, i) for dim, i in zip(names, point, strict=False) for name in results.along[dim]]
    return ", ".join(with_value(short(results, name), label(coordinate(results, name)[i])) for name, i in pairs)


def fold(text: str, width: int) -> str:
    """Break a comma-separated list into lines of at most `width` characters; the markup of formulas does not count."""
    lines = [""]
    for part in text.split(", "):
        longer = f"{lines[-1]}, {part}" if lines[-1] else part
        if lines[-1] and len(re.sub(r"\\\w+|[${}^]", "", longer)) > width:
            lines[-1] += ","
            lines.append(part)
        else:
            lines[-1] = longer
    return "\n".join(lines)


def values_of(results: "Results", dim: str) -> Values:
    """Coordinate of a dimension; of zipped axes the first one, or words of all if one has words, or their numbers."""
    columns = [coordinate(results, name) for name in results.along[dim]]
    if len(columns) > 1 and not all(map(is_numeric, columns)):
        if len(columns) > ZIPPED:
            return np.array([str(1 + number) for number in range(len(columns[0]))])
        return np.array([", ".join(map(_bare, row)) for row in zip(*columns, strict=True)])
    return columns[0]


def coordinate(results: "Results", name: str) -> Values:
    """A coordinate; of a key that is true or false these words, which a result holds as 1 and 0."""
    values, key = np.asarray(results.coords[name]), results.labels.get(name, name)
    return np.where(values, "true", "false") if ALIASES.get(key, key) in SWITCHES and is_numeric(values) else values


def _bare(value: Any) -> str:
    return str(value) if isinstance(value, str) else f"{value:.4g}"


def is_numeric(values: Values) -> bool:
    """Whether values are numbers, neither words nor true and false."""
    return bool(np.issubdtype(np.asarray(values).dtype, np.number))


def is_words(results: "Results", dim: str) -> bool:
    """Whether the values along a dimension are words."""
    return not is_numeric(values_of(results, dim))


def meaning_of(results: "Results", dim: str) -> str:
    """Axis label of a dimension: the name of the key of its axis, or those of the axes that are zipped."""
    names = results.along[dim]
    several = f"{words(dim)} ({len(names)} zipped axes)"
    return several if len(names) > ZIPPED else " with ".join(meaning(results, name) for name in names)


def meaning(results: "Results", coordinate: str) -> str:
    """Axis label of a coordinate: the name of its key."""
    key = results.labels[coordinate]
    return plain(title_of_key(ALIASES.get(key, key)))


def some_points(results: "Results", points: Collection[Any]) -> str:
    """"6 of 20 points", if not all points of the axes are shown."""
    number = math.prod(results.dims[name] for name in axis_names(results))
    return f"{len(points)} of {number:,} points" if len(points) < number else ""


def spec_at(results: "Results", point: Sequence[int]) -> Spec:
    """The spec of a point of results, which may be a selection."""
    names = list(results.dims)[: len(point)]
    picks = results.isel(**dict(zip(names, map(int, point), strict=True))).picks("outcome").values()
    sweep = results.sweep
    return sweep.at([pick for pick in picks if isinstance(pick, int)][: len(sweep.shape)])


def spread(length: int, number: int) -> Values:
    """At most `number` indices below `length`, evenly spaced, both ends included."""
    return np.unique(np.linspace(0, length - 1, min(length, number)).round().astype(int))


def spread_points(shape: list[int], number: int = PANELS) -> list[tuple[int, ...]]:
    """At most `number` points of a grid, evenly spaced in C order."""
    flat = spread(math.prod(shape), number)
    return [tuple(int(i) for i in np.unravel_index(cell, shape)) for cell in flat] if shape else [()]
