"""The fraction of starts that escape within given numbers of steps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from saddlescape.analysis import outcome_counts
from saddlescape.plots.common import (
    RAMP,
    PlotError,
    axis_names,
    axis_positions,
    clock_of,
    meaning_of,
    new_axes,
    of_results,
    tidy,
    title_of,
    values_of,
)
from saddlescape.plots.fractions import draw_fractions, pooled_starts

if TYPE_CHECKING:
    from saddlescape.results import Results


@of_results
def escaped_within(results: "Results", budgets: Sequence[float], ax: Axes | None = None) -> Axes:
    """Draw the fraction of starts that escape within each number of steps (or time), against the first axis.

    Intervals, pooled axes and exact zero are drawn as by `curve`.
    """
    if not (names := axis_names(results)):
        raise PlotError("a curve needs an axis, and this result has none; use analysis.event_fraction")
    ax, along, clock = ax or new_axes(), names[0], clock_of(results)
    positions = axis_positions(ax, values_of(results, along))
    escape = results[f"escape_{clock}"].reshape(results.dims[along], -1)
    runs = outcome_counts(results["outcome"], 0).sum(axis=1)
    starts = pooled_starts(results, runs)
    for budget, shade in zip(budgets, np.linspace(0.8, 0.1, len(budgets)), strict=True):
        escaped = np.count_nonzero((escape >= 0) & (escape <= budget), axis=1)
        name = f"within {budget:,} {clock}s".replace(",", " ")
        draw_fractions(ax, positions, escaped, runs, starts, name, RAMP(shade))
    ax.set(xlabel=meaning_of(results, along), ylabel="fraction of starts escaped, 95 % interval", ylim=(-0.02, 1.02))
    ax.set_title(title_of(results))
    tidy(ax)
    ax.legend(frameon=False)
    return ax
