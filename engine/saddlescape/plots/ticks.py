"""Ticks and their labels: powers of ten, words, and a logarithmic axis with an isolated position for exact zero."""

import math
import re
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import ScaledTranslation

from saddlescape.plots.text import lines_of, points_of, width_of

Values = npt.NDArray[Any]

LOG_RANGE = 50
"""An axis is logarithmic if its largest value is at least this many times its smallest positive value."""

TICKS, FEW = 9, 3

NARROWEST, ROWS = 0.92, 2
"""Share of the room of a level word that it may fill, and the lines that it may have."""

TICK = 4
"""Width of the label of a power of ten, with a space, in font sizes."""

SLOPE, LONGEST = 30, 1.6
"""Angle in degrees of words that are too long to be level, and the length in inches at which they have more lines."""


def plain(text: object) -> str:
    """Text without formulas: dollar signs are escaped, and nonprintable characters replaced by U+FFFD."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(text)).replace("$", r"\$")


def label(value: Any) -> str:
    """A value of an axis as text; powers of ten as formulas."""
    if isinstance(value, str | bool | np.bool_):
        return plain(value if isinstance(value, str) else str(value).lower())
    return re.sub(r"^(.+)e([+-])0*(\d+)$", _power, f"{value:.4g}")


def _number(value: float, _: int | None = None) -> str:
    return label(value) if value > 0 else ""


def _power_of_ten(value: float, _: int | None = None, zero: str = "") -> str:
    if value <= 0 and not (zero and value):  # a tick outside the axes, or in the linear part of the axis
        return zero if value == 0 else ""
    if value < 0:
        text = _power_of_ten(-value)
        return f"$-{text[1:]}" if text.startswith("$") else f"\u2212{text}"
    exponent = round(float(np.log10(value)))
    return f"$10^{{{exponent}}}$" if math.isclose(value, 10.0**exponent) and abs(exponent) > 1 else label(value)


def _power(match: re.Match[str]) -> str:
    factor = "" if match[1] == "1" else rf"{match[1]} \times "
    return f"${factor}10^{{{match[2].removeprefix('+')}{match[3]}}}$"


def tidy(ax: Axes) -> None:
    """Label logarithmic axes with powers of ten, and with more ticks if they span less than two decades."""
    for axis in (ax.xaxis, ax.yaxis):
        low, high = axis.get_view_interval()
        if axis.get_scale() not in ("log", "symlog") or isinstance(axis.get_major_locator(), FixedLocator):
            continue
        if low > 0 and high < 100 * low:
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high >= 10 * low else MaxNLocator(FEW + 1))
            axis.set_major_formatter(FuncFormatter(_number))
            axis.set_minor_formatter(NullFormatter())
            continue
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
        name_ticks(ax, np.arange(len(values)), list(map(label, values)))
        ax.set_xlim(-0.5, len(values) - 0.5)
        return np.arange(len(values)), np.ones(len(values), dtype=bool)
    positive = values[values > 0]
    wide = len(positive) > 1 and positive.max() >= (1 if log else LOG_RANGE) * positive.min()
    if np.any(values < 0) or not wide:
        return values, (values == 0) & np.all(values >= 0)
    ax.set_xscale("log")
    if len(positive) == len(values):
        return values, values == 0
    decades = np.log10(positive.max() / positive.min())
    room = TICK * points_of(rcParams["xtick.labelsize"]) / 72 / _width(ax)
    zero = positive.min() / 10 ** max(0.5, decades / 10, decades * room)
    _break(ax, zero, positive)
    return np.where(values == 0, zero, values), values == 0


def name_ticks(ax: Axes, positions: Values, names: list[str]) -> None:
    """Put names along the horizontal axis: in lines, or sloping if they have too little room for this."""
    size = points_of(rcParams["xtick.labelsize"])
    width = _width(ax) / max(1, len(names))
    level = [lines_of(name, NARROWEST * width, size) for name in names]
    whole = all(" ".join(lines) == " ".join(name.split()) for lines, name in zip(level, names, strict=True))
    if whole and max(map(len, level), default=0) <= ROWS:
        ax.set_xticks(positions, ["\n".join(lines) for lines in level])
        return
    ax.set_xticks(positions, ["\n".join(lines_of(name, LONGEST, size)) for name in names])
    for tick in ax.get_xticklabels():
        tick.set(rotation=SLOPE, ha="right", rotation_mode="anchor")


def _width(ax: Axes) -> float:
    """Width of axes in inches, before their layout."""
    figure = ax.get_figure(root=True)
    return float(ax.get_position().width * (figure.get_figwidth() if figure else 1))


def _break(ax: Axes, zero: float, positive: Values) -> None:
    """Draw ticks at zero and at some powers of ten, and the mark of a broken axis between them."""
    low, high = np.ceil(np.log10(positive.min())), np.floor(np.log10(positive.max()))
    most = max(FEW, min(TICKS, int(_width(ax) / (TICK * points_of(rcParams["xtick.labelsize"]) / 72))))
    powers = 10.0 ** np.arange(low, high + 1, max(1, -(-(high - low) // most)))
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


def depth(ax: Axes) -> float:
    """Room in points that the tick labels and the label below axes need."""
    size = points_of(rcParams["xtick.labelsize"])
    room = rcParams["xtick.major.size"] + rcParams["xtick.major.pad"] + rcParams["axes.labelpad"]
    texts = ax.get_xticklabels() if isinstance(ax.xaxis.get_major_locator(), FixedLocator) else []
    heights = [_height(tick.get_text(), tick.get_rotation(), size) for tick in texts]
    return float(room + max(heights, default=1.2 * size) + 1.6 * points_of(rcParams["axes.labelsize"]))


def _height(text: str, rotation: float, size: float) -> float:
    lines, angle = text.split("\n"), np.radians(rotation)
    long = 72 * max(width_of(line, size) for line in lines) if rotation else 0.0
    return float(long * np.sin(angle) + 1.2 * size * len(lines) * np.cos(angle))


def below(ax: Axes) -> dict[str, Any]:
    """Where a legend is below everything else that belongs to axes."""
    down = ScaledTranslation(0, -depth(ax) / 72, ax.figure.dpi_scale_trans)
    return {"loc": "upper left", "bbox_to_anchor": (0, 0), "bbox_transform": ax.transAxes + down, "borderaxespad": 0}
