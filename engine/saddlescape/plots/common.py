"""Code that all plots share: colors, labels, and a logarithmic axis with an isolated position for exact zero."""

import math
import re
import textwrap
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from saddlescape.errors import SaddlescapeError
from saddlescape.plots.shown import new_figure, single
from saddlescape.results import Results
from saddlescape.words.colors import COLORS as COLORS
from saddlescape.words.colors import RAMP as SHADES
from saddlescape.words.measures import MEASURES
from saddlescape.words.outcomes import Outcome
from saddlescape.words.suggest import hint

Values = npt.NDArray[Any]
P = ParamSpec("P")
Drawn = TypeVar("Drawn")

RAMP = ListedColormap(SHADES, "viridis")
"""Perceptually uniform color map; the fastest runs are the brightest."""

CYCLE = ("#0072B2", "#E69F00", "#CC79A7", "#56B4E9", "#009E73")
"""Colors of lines that do not show outcomes, from the same source."""

LOG_RANGE = 50
"""An axis is logarithmic if its largest value is at least this many times its smallest positive value."""

NOT_AXES = frozenset({"run", "trajectory", "record", "parameter"})
PANELS, TICKS, FEW = 6, 9, 3

WIDTH, LINES = 64, 3
"""Characters in a line of a title, and the maximum number of lines; the rest is cut off."""

INCH = 13
"""Characters of a panel's title that fit in an inch."""

OUTCOMES = tuple(Outcome)


class PlotError(SaddlescapeError):
    """The result does not contain what the plot would show."""

    exit_code = 2


def of_results(draw: Callable[P, Drawn]) -> Callable[P, Drawn]:
    """Check that the first argument of a plot is results."""

    @wraps(draw)
    def checked(*args: P.args, **kwargs: P.kwargs) -> Drawn:
        results = args[0] if args else kwargs.get("results")
        if isinstance(results, str | Path):
            raise PlotError(f"results: must be opened first: saddlescape.open({str(results)!r}); got a path")
        if (args or "results" in kwargs) and not isinstance(results, Results):
            kind = type(results).__name__
            raise PlotError(f"results: must be what saddlescape.open returns; got a value of type {kind}")
        return draw(*args, **kwargs)

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
    """The figure itself, or the figure that contains the axes."""
    figure = drawn.get_figure() if isinstance(drawn, Axes) else drawn
    assert isinstance(figure, Figure)
    return figure


def clock_of(results: "Results") -> str:
    """The unit of training: "step", or "time" for the gradient flow."""
    return "time" if "solve_time" in results else "step"


def recorded_runs(results: "Results", point: tuple[int, ...], number: int) -> tuple[Values, Values]:
    """Rows of at most `number` recorded trajectories of a point, evenly spaced, and the number of each one's run."""
    runs = results.read("trajectory_run", **dict(zip(axis_names(results), point, strict=True)))
    recorded = np.flatnonzero(runs >= 0)
    rows = recorded[spread(len(recorded), number)]
    return rows, runs[rows]


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


def plain(text: object) -> str:
    """Text without formulas: dollar signs are escaped, and nonprintable characters replaced by U+FFFD."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(text)).replace("$", r"\$")


def title_of(results: "Results", suffix: str = "", width: int = WIDTH) -> str:
    """Title of the results and `suffix`, in lines of similar length; for a run in progress also the number of runs."""
    lines = textwrap.wrap(results.title + suffix, width, max_lines=LINES, placeholder=" ...")
    narrower = (textwrap.wrap(" ".join(lines), narrow) for narrow in range(width // 2, width))
    lines = next((even for even in narrower if len(even) == len(lines)), lines)
    if results.so_far is not None:
        lines.append("so far {:,} of {:,} runs".format(*results.so_far))
    return "\n".join(map(plain, lines))


def words(name: str) -> str:
    """A name from the file, with spaces in place of underscores."""
    return plain(name.replace("_", " "))


def where(results: "Results", names: list[str], point: tuple[int, ...]) -> str:
    """Names and values of the axes at a point, for a title."""
    pairs = [(name, i) for dim, i in zip(names, point, strict=False) for name in results.along[dim]]
    return ", ".join(f"{words(name)} {label(results.coords[name][i])}" for name, i in pairs)


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
    """Coordinate of a dimension; the first one if several axes are zipped."""
    return np.asarray(results.coords[results.along[dim][0]])


def meaning_of(results: "Results", dim: str) -> str:
    """Axis label of a dimension: the key of its axis, or the keys of the axes that are zipped."""
    return " with ".join(plain(results.labels[name]) for name in results.along[dim])


def label(value: Any) -> str:
    """A value of an axis as text; powers of ten as formulas."""
    return plain(value) if isinstance(value, str) else re.sub(r"^(.+)e([+-])0*(\d+)$", _power, f"{value:.4g}")


def _power_of_ten(value: float, _: int | None = None, zero: str = "") -> str:
    if value <= 0:  # a tick outside the axes, or in the linear part of the axis
        return zero if value == 0 else ""
    exponent = round(float(np.log10(value)))
    return f"$10^{{{exponent}}}$" if math.isclose(value, 10.0**exponent) and abs(exponent) > 1 else label(value)


def _power(match: re.Match[str]) -> str:
    factor = "" if match[1] == "1" else rf"{match[1]} \times "
    return f"${factor}10^{{{match[2].removeprefix('+')}{match[3]}}}$"


def spread(length: int, number: int) -> Values:
    """At most `number` indices below `length`, evenly spaced, both ends included."""
    return np.unique(np.linspace(0, length - 1, min(length, number)).round().astype(int))


def spread_points(shape: list[int], number: int = PANELS) -> list[tuple[int, ...]]:
    """At most `number` points of a grid, evenly spaced in C order."""
    flat = spread(math.prod(shape), number)
    return [tuple(int(i) for i in np.unravel_index(cell, shape)) for cell in flat] if shape else [()]


def tidy(ax: Axes) -> None:
    """Label logarithmic axes with powers of ten, and with more ticks if they span less than two decades."""
    for axis in (ax.xaxis, ax.yaxis):
        low, high = axis.get_view_interval()
        if axis.get_scale() not in ("log", "symlog") or isinstance(axis.get_major_locator(), FixedLocator):
            continue
        if axis.get_scale() == "log" and high < 100 * low:
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high >= 10 * low else MaxNLocator(FEW + 1))
        axis.set_major_formatter(
            FuncFormatter(partial(_power_of_ten, zero="0" if axis.get_scale() == "symlog" else ""))
        )
        axis.set_minor_formatter(NullFormatter())


def axis_positions(ax: Axes, values: Values, log: bool = False) -> tuple[Values, npt.NDArray[np.bool_]]:
    """Set up the horizontal axis for these values; return their positions, and which of them are isolated.

    Words are isolated, and so is exact zero if all other values are positive.  The axis is logarithmic if `log` is
    true or the values span a factor of `LOG_RANGE`.
    """
    if not np.issubdtype(values.dtype, np.number):
        ax.set_xticks(range(len(values)), list(map(label, values)))
        _rotate(ax)
        return np.arange(len(values)), np.ones(len(values), dtype=bool)
    positive = values[values > 0]
    wide = len(positive) > 1 and positive.max() >= (1 if log else LOG_RANGE) * positive.min()
    if np.any(values < 0) or not wide:
        return values, (values == 0) & np.all(values >= 0)
    ax.set_xscale("log")
    if len(positive) == len(values):
        return values, values == 0
    decades = np.log10(positive.max() / positive.min())
    zero = positive.min() / 10 ** max(0.5, decades / 10)
    _break(ax, zero, positive)
    return np.where(values == 0, zero, values), values == 0


def _rotate(ax: Axes) -> None:
    """Rotate long tick labels so that they do not overlap."""
    if len("".join(tick.get_text() for tick in ax.get_xticklabels())) > WIDTH:
        ax.tick_params(axis="x", rotation=30)
        for tick in ax.get_xticklabels():
            tick.set(ha="right", rotation_mode="anchor")


def _break(ax: Axes, zero: float, positive: Values) -> None:
    """Draw ticks at zero and at some powers of ten, and the mark of a broken axis between them."""
    low, high = np.ceil(np.log10(positive.min())), np.floor(np.log10(positive.max()))
    powers = 10.0 ** np.arange(low, high + 1, max(1, -(-(high - low) // TICKS)))
    if len(powers) < FEW:
        fine = np.outer(10.0 ** np.arange(low - 1, high + 1), [1, 2, 5]).ravel()
        powers = fine[(fine >= positive.min()) & (fine <= positive.max())]
    ax.set_xticks([zero, *powers], ["0", *map(_power_of_ten, powers)])
    ax.set_xticks([], minor=True)
    middle = np.sqrt(zero * positive.min())
    marks = middle * (positive.min() / zero) ** np.array([-0.06, 0.06])
    ax.plot(
        marks, [0, 0], transform=ax.get_xaxis_transform(),
        marker=[(-1, -2), (1, 2)], markersize=10, linestyle="none", color="k", clip_on=False, gid="break",
    )  # fmt: skip
