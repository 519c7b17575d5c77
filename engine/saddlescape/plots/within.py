"""The fraction of starts that escape within given numbers of steps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from saddlescape.plots.common import RAMP, SHAPES, axis_positions, clock_of, meaning_of, of_results, tidy, values_of
from saddlescape.plots.curve import first
from saddlescape.plots.fractions import draw_fractions, independent_starts, of_runs
from saddlescape.plots.parts import At, Names, axes_of, divided, labelled

if TYPE_CHECKING:
    from saddlescape.results import Results


@of_results
def escaped_within(
    results: "Results", budgets: Sequence[float], ax: Axes | None = None, *, at: At | None = None, pool: Names = ()
) -> Axes:
    """Draw the fraction of runs that escape within each of `budgets`, in steps (or time), against the first axis.

    Intervals, pooled axes and exact zero are drawn as by `curve`, and so are `at` and `pool`.
    """
    parts, clock = divided(results, first, at, (), pool, spare=False, ax=ax), clock_of(results)
    axes, (along,) = axes_of(parts, ax), parts.drawn
    positions = axis_positions(axes[0], values_of(parts.results, along))
    escape, runs = parts.read(f"escape_{clock}"), (parts.read("outcome") >= 0).sum(axis=-1)
    starts = independent_starts(parts.results, runs, parts.read("distinct_starts"), parts.pooled)
    shades = np.linspace(0.8, 0.1, len(budgets))
    for number, (budget, shade) in enumerate(zip(budgets, shades, strict=True)):
        escaped = np.count_nonzero((escape >= 0) & (escape <= budget), axis=1)
        name = f"within {budget:,} {clock}s".replace(",", " ")
        marker = SHAPES[number % len(SHAPES)]
        draw_fractions(axes[0], positions, escaped, runs, starts, name, RAMP(shade), marker=marker)
    axes[0].set_ylim(-0.02, 1.02)
    tidy(axes[0])
    axes[0].legend(frameon=False)
    return labelled(parts, axes, meaning_of(parts.results, along), f"fraction {of_runs(runs)} escaped, 95 % interval")
