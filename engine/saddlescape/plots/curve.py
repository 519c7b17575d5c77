"""The fraction of starts with each outcome along an axis."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from saddlescape.analysis import outcome_counts, wilson_interval
from saddlescape.outcomes import Outcome
from saddlescape.plots.common import (
    COLOURS,
    PlotError,
    Values,
    axis_names,
    meaning_of,
    new_axes,
    place,
    values_of,
    words,
)

if TYPE_CHECKING:
    from saddlescape.results import Results


def escape_curve(results: "Results", ax: Axes | None = None) -> Axes:
    """Draw the fraction of starts with each outcome against the first axis, with Wilson intervals (95 %).

    On a logarithmic axis exact zero stands apart, left of a break.  Other axes are pooled.  A point whose
    runs are all one and the same start has no interval.
    """
    if not (names := axis_names(results)):
        raise PlotError("kind: a curve needs an axis, and this result has none; use trajectories")
    ax = ax or new_axes()
    counts = outcome_counts(results["outcome"], 0)
    total = counts.sum(axis=1)
    sampled = results["distinct_starts"].reshape(len(total), -1).sum(axis=1) == total
    x, apart = place(ax, values_of(results, names[0]))
    for outcome in (o for o in Outcome if counts[:, o].any()):
        low, high = np.where(sampled, wilson_interval(counts[:, outcome], total), np.nan)
        _band(ax, outcome, x, apart, counts[:, outcome] / total, low, high)
    pooled = f", over all {' and '.join(map(words, names[1:]))}" if names[1:] else ""
    ax.set(xlabel=meaning_of(results, names[0]), ylabel="fraction of starts, 95 % interval", ylim=(-0.02, 1.02))
    ax.set_title(results.title + pooled)
    ax.legend(frameon=False)
    return ax


def _band(ax: Axes, outcome: Outcome, x: Values, apart: Values, fraction: Values, low: Values, high: Values) -> None:
    order = np.argsort(x)
    line = order[~apart[order]]
    style: dict[str, Any] = {"color": COLOURS[outcome], "marker": "o", "markersize": 4}
    ax.plot(x[line], fraction[line], label=outcome.label, gid=outcome.label, **style)
    band = ax.fill_between(x[line], low[line], high[line], color=COLOURS[outcome], alpha=0.25, linewidth=0)
    band.set_gid(outcome.label)
    if apart.any():
        ax.plot(x[apart], fraction[apart], linestyle="none", gid=f"{outcome.label} at zero", **style)
        ax.vlines(x[apart], low[apart], high[apart], color=COLOURS[outcome])
