"""Fractions of runs along an axis, with their intervals."""

from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from saddlescape.analysis import wilson_interval
from saddlescape.plots.common import Values


def draw_fractions(
    ax: Axes,
    places: tuple[Values, npt.NDArray[np.bool_]],
    hits: Values,
    runs: Values,
    name: str,
    colour: Any,
    label: str | None = None,
    dashes: str = "-",
    sampled: Values | bool = True,
) -> None:
    """Draw hits / runs, a line with a Wilson interval (95 %); points that stand apart are dots, which no line joins.

    Parameters
    ----------
    places : of `place`: where the points are, and which of them stand apart.
    hits, runs : (points,); a point without runs is left out.
    sampled : (points,), whether a point has an interval.
    """
    x, apart = places
    order = np.argsort(x)
    line, dots = order[(~apart & (runs > 0))[order]], order[(apart & (runs > 0))[order]]
    low, high = np.where(sampled, wilson_interval(hits, np.maximum(runs, 1)), np.nan)
    fraction = hits / np.maximum(runs, 1)
    style: dict[str, Any] = {"color": colour, "marker": "o", "markersize": 4}
    if len(line):
        ax.plot(x[line], fraction[line], dashes, label=label or name, gid=name, **style)
        band = ax.fill_between(x[line], low[line], high[line], color=colour, alpha=0.2, linewidth=0)
        band.set_gid(name)
    if len(dots):
        told = ("_", f"{name} at zero") if len(line) else (label or name, name)
        ax.plot(x[dots], fraction[dots], linestyle="none", label=told[0], gid=told[1], **style)
        ax.vlines(x[dots], low[dots], high[dots], color=colour)
