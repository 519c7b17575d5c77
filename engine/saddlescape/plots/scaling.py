"""How a quantity grows with another, over decades, with theory beside measurement."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from saddlescape.plots.common import CYCLE, Values, new_axes, place

LEVELS = (25, 50, 75)
"""Percentiles of the runs: a line at the middle one, a band between the others."""


def scaling(
    x: Values,
    measured: Mapping[str, Values],
    theory: Mapping[str, tuple[Values, Values]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw medians and quartiles against `x`, both logarithmic; exact zeros stand apart, left and below.

    Parameters
    ----------
    x : (points,), 0 or more.
    measured : (points, runs) for each name; inf where a run never came to it.
    theory : a line (x, y) for each name.
    """
    ax = ax or new_axes()
    ax.set_yscale("log")
    at, apart = place(ax, x, log=True)
    for colour, (name, values) in zip(CYCLE, measured.items(), strict=False):
        low, middle, high = np.percentile(values, LEVELS, axis=1, method="nearest")
        shown = ~apart & (middle > 0) & np.isfinite(middle)
        ax.plot(at[shown], middle[shown], "o-", color=colour, label=name, gid=name, markersize=4)
        ax.fill_between(at[shown], low[shown], high[shown], color=colour, alpha=0.2, linewidth=0)
        _at_zero(ax, name, colour, at[apart], middle[apart])
    for name, (line_x, line_y) in (theory or {}).items():
        ax.plot(line_x, line_y, "--", color="k", linewidth=1, label=name, gid=name)
    ax.legend(frameon=False)
    return ax


def _at_zero(ax: Axes, name: str, colour: str, x: Values, y: Values) -> None:
    """Points at exact zero: on the floor if exactly zero themselves, at the ceiling if it never came to them."""
    style: dict[str, Any] = {"color": colour, "linestyle": "none", "marker": "o", "markersize": 6}
    positive = (y > 0) & np.isfinite(y)
    ax.plot(x[positive], y[positive], gid=f"{name} at zero", **style)
    floor = {**style, "transform": ax.get_xaxis_transform(), "clip_on": False, "zorder": 5}
    ax.plot(x[y == 0], np.zeros(np.count_nonzero(y == 0)), gid=f"{name} exactly zero", **floor)
    never = x[np.isinf(y)]
    ax.plot(never, np.ones(len(never)), gid=f"{name} never", **floor | {"marker": "^"})
    for height, words, there in ((0, "exactly 0", x[y == 0]), (1, "never", never)):
        for left in there:
            ax.annotate(words, (left, height), (8, 6 - 20 * height), xycoords=ax.get_xaxis_transform(),
                        textcoords="offset points", color=colour)  # fmt: skip
