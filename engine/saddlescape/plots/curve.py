"""The fraction of starts with each outcome along an axis."""

from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from saddlescape.analysis import outcome_counts
from saddlescape.plots.common import (
    COLORS,
    PlotError,
    axis_names,
    axis_positions,
    meaning_of,
    new_axes,
    of_results,
    tidy,
    title_of,
    values_of,
)
from saddlescape.plots.fractions import draw_fractions, pooled_starts
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from saddlescape.results import Results


@of_results
def curve(results: "Results", ax: Axes | None = None) -> Axes:
    """Draw the fraction of starts with each outcome against the first axis, with Wilson intervals (95 %).

    Exact zero is isolated, on a logarithmic axis left of a break, and so are words: no line joins these points.
    Other axes are pooled.  An interval counts runs that share random numbers (the same seed and number) at several
    pooled points as one.  A point whose runs all have the same start has no interval.
    """
    if not (names := axis_names(results)):
        raise PlotError("kind: a curve needs an axis, and this result has none; use trajectories")
    ax = ax or new_axes()
    counts = outcome_counts(results["outcome"], 0)
    total = counts.sum(axis=1)
    starts = pooled_starts(results, total)
    positions = axis_positions(ax, values_of(results, names[0]))
    for outcome in (o for o in Outcome if counts[:, o].any()):
        draw_fractions(ax, positions, counts[:, outcome], total, starts, outcome.label, COLORS[outcome])
    pooled = f", pooled over {' and '.join(name.replace('_', ' ') for name in names[1:])}" if names[1:] else ""
    ax.set(xlabel=meaning_of(results, names[0]), ylabel="fraction of starts, 95 % interval", ylim=(-0.02, 1.02))
    ax.set_title(title_of(results, pooled))
    tidy(ax)
    ax.legend(frameon=False)
    return ax
