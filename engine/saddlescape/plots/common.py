"""Shared by all plots: colours, labels, and a logarithmic axis on which exact zero is set apart."""

import math
import re
import textwrap
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from saddlescape.errors import SaddlescapeError
from saddlescape.words.measures import MEASURES
from saddlescape.words.outcomes import Outcome
from saddlescape.words.suggest import hint

if TYPE_CHECKING:
    from saddlescape.results import Results

Values = npt.NDArray[Any]

# Told apart by people with any colour vision (after Okabe & Ito 2008), and none but that of solved on the ramp.
COLOURS = {
    Outcome.FROZEN: "#000000",
    Outcome.SYMMETRIC: "#EE99CC",
    Outcome.PLATEAU: "#606060",
    Outcome.TRAPPED: "#D55E00",
    Outcome.SOLVED: "#009E73",
    Outcome.DIVERGED: "#7F2704",
}
RAMP = colormaps["viridis"]
"""Perceptually uniform; the fastest runs are the brightest."""

CYCLE = ("#0072B2", "#E69F00", "#CC79A7", "#56B4E9", "#009E73")
"""Colours of lines that are no outcomes, after the same source."""

LOG_RANGE = 50
"""An axis is logarithmic when its largest positive value is this many times its smallest."""

NOT_AXES = frozenset({"run", "trajectory", "record", "parameter"})
PANELS, TICKS, FEW = 6, 9, 3

WIDTH, LINES = 64, 3
"""Letters of a line of a title, and most lines of one; more are cut off."""

INCH = 13
"""Letters of a panel's title that an inch has room for."""

OUTCOMES = tuple(Outcome)


class PlotError(SaddlescapeError):
    """The result does not contain what the plot would show."""

    exit_code = 2


def axis_names(results: "Results") -> list[str]:
    """The dimensions that the runs are spread over, in the order of the file."""
    return [name for name in results.dims if name not in NOT_AXES]


def new_axes() -> Axes:
    """Axes of a figure of their own."""
    return Figure(figsize=(7, 5), layout="constrained").add_subplot()


def panels(number: int, columns: int, width: float, height: float, edge: float) -> tuple[Figure, list[Axes]]:
    """A figure of so many panels of a size in inches, row by row; they share their axes, and columns have numbers."""
    rows = -(-number // columns)
    figure = Figure(figsize=(1 + width * columns, edge + height * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
    for ax in axes[number:]:
        ax.remove()
    for ax in axes[max(0, number - columns) : number]:
        ax.tick_params(labelbottom=True)
    return figure, axes[:number]


def figure_of(drawn: Axes | Figure) -> Figure:
    """The figure that holds the axes."""
    figure = drawn.get_figure() if isinstance(drawn, Axes) else drawn
    assert isinstance(figure, Figure)
    return figure


def clock_of(results: "Results") -> str:
    """What runs are measured by: "step", or in the gradient flow "time"."""
    return "time" if "solve_time" in results else "step"


def kept_runs(results: "Results", point: tuple[int, ...], most: int) -> tuple[Values, Values]:
    """(rows, runs): at most so many trajectories of a point, evenly spaced, by their row and by the run they are of."""
    runs = results.read("trajectory_run", **dict(zip(axis_names(results), point, strict=True)))
    there = np.flatnonzero(runs >= 0)
    rows = there[spread(len(there), most)]
    return rows, runs[rows]


def check_recorded(results: "Results", *measures: str) -> None:
    """Refuse to draw trajectories of measures that were not recorded, or of no run.

    Raises
    ------
    PlotError : with what to record.
    """
    if "trajectory_run" not in results or not results.sizes("trajectory_run")["trajectory"]:
        raise PlotError("record.runs: is 0, so no trajectory was kept; keep some and run again")
    recorded = [name for name in MEASURES if name in results]
    for name in measures:
        if name not in recorded:
            there = f"there is {', '.join(recorded) or 'nothing'}"
            unknown = f"choose of these{hint(name, MEASURES)}"
            remedy = "add what is missing and run again" if name in MEASURES else unknown
            raise PlotError(f'record.fields: has no "{name}" to draw; {there}; {remedy}')


def plain(text: object) -> str:
    """Text of a user as it is written: no dollar of it begins a formula, and what cannot be printed is seen."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(text)).replace("$", r"\$")


def title_of(results: "Results", more: str = "", width: int = WIDTH) -> str:
    """The title of results and what else is to be said, in lines; of a run in progress with how far it is."""
    lines = textwrap.wrap(results.title + more, width, max_lines=LINES, placeholder=" ...")
    tighter = (textwrap.wrap(" ".join(lines), narrow) for narrow in range(width // 2, width))
    lines = next((even for even in tighter if len(even) == len(lines)), lines)
    if results.so_far is not None:
        lines.append("so far {:,} of {:,} runs".format(*results.so_far))
    return "\n".join(map(plain, lines))


def words(name: str) -> str:
    """A name of the file for people."""
    return plain(name.replace("_", " "))


def where(results: "Results", names: list[str], point: tuple[int, ...]) -> str:
    """The values of the axes at a point, for a title."""
    pairs = [(name, i) for dim, i in zip(names, point, strict=False) for name in results.along[dim]]
    return ", ".join(f"{words(name)} {label(results.coords[name][i])}" for name, i in pairs)


def fold(text: str, width: int) -> str:
    """A list with commas in lines of so many letters, broken behind commas; the signs of formulas do not count."""
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
    """Where cells lie along a dimension: its coordinate, or that of the first of the axes zipped along it."""
    return np.asarray(results.coords[results.along[dim][0]])


def meaning_of(results: "Results", dim: str) -> str:
    """What runs along a dimension: a key, those of zipped axes, a parameter."""
    return " with ".join(plain(results.labels[name]) for name in results.along[dim])


def label(value: Any) -> str:
    """A value of an axis for people."""
    return plain(value) if isinstance(value, str) else re.sub(r"^(.+)e([+-])0*(\d+)$", _power, f"{value:.4g}")


def _power_of_ten(value: float, _: int | None = None, zero: str = "") -> str:
    if value <= 0:  # of a tick out of sight, or where the axis is linear
        return zero if value == 0 else ""
    exponent = round(float(np.log10(value)))
    return f"$10^{{{exponent}}}$" if math.isclose(value, 10.0**exponent) and abs(exponent) > 1 else label(value)


def _power(match: re.Match[str]) -> str:
    factor = "" if match[1] == "1" else rf"{match[1]} \times "
    return f"${factor}10^{{{match[2].removeprefix('+')}{match[3]}}}$"


def spread(length: int, number: int) -> Values:
    """At most `number` indices below `length`, evenly spaced, both ends included."""
    return np.unique(np.linspace(0, length - 1, min(length, number)).round().astype(int))


def spread_points(shape: list[int], most: int = PANELS) -> list[tuple[int, ...]]:
    """At most so many points of a grid, evenly spaced in C order."""
    flat = spread(math.prod(shape), most)
    return [tuple(int(i) for i in np.unravel_index(cell, shape)) for cell in flat] if shape else [()]


def tidy(ax: Axes) -> None:
    """Numbers as people write them on logarithmic axes, and enough of them where these have less than two decades."""
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
    """Positions of the values on the horizontal axis, which is set up here, and which of them stand apart.

    Exact zero beside positive numbers stands apart, and so do words.  The axis is logarithmic if asked for, or if the
    values span `LOG_RANGE`.
    """
    if not np.issubdtype(values.dtype, np.number):
        ax.set_xticks(range(len(values)), list(map(label, values)))
        _slant(ax)
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


def _slant(ax: Axes) -> None:
    """Many words stand aslant, so that none is written over another."""
    if len("".join(tick.get_text() for tick in ax.get_xticklabels())) > WIDTH:
        ax.tick_params(axis="x", rotation=30)
        for tick in ax.get_xticklabels():
            tick.set(ha="right", rotation_mode="anchor")


def _break(ax: Axes, zero: float, positive: Values) -> None:
    """Ticks at zero and at some powers of ten, and the mark of a broken axis between them."""
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
