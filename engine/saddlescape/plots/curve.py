"""The fraction of starts with each outcome along an axis."""

from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from saddlescape.analysis import outcome_counts
from saddlescape.plots.common import (
    COLORS,
    MARKERS,
    PlotError,
    axis_positions,
    is_words,
    meaning_of,
    of_results,
    tidy,
    values_of,
)
from saddlescape.plots.fractions import draw_fractions, independent_starts, of_runs
from saddlescape.plots.legends import common_legend
from saddlescape.plots.parts import At, Names, axes_of, divided, labelled
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from saddlescape.results import Results


@of_results
def curve(
    results: "Results", ax: Axes | None = None, *, at: At | None = None, facet: Names = (), pool: Names = ()
) -> Axes:
    """Draw the fraction of runs with each outcome against the first axis, with Wilson intervals (95 %).

    Exact zero is isolated, on a logarithmic axis left of a break, and so are words: no line joins these points.
    Other axes are pooled.  An interval counts runs that share random numbers (the same seed and number) at several
    pooled points as one.  A point whose runs all have the same start has no interval.

    Parameters
    ----------
    ax : axes to draw on.
    at : values by axis that are selected, such as ``{"optimizer": "adam"}``.
    facet : axes with a panel for each value; the first panel is returned.
    pool : axes whose runs count together.
    """
    parts = divided(results, first, at, facet, pool, spare=False, ax=ax)
    axes, (along,) = axes_of(parts, ax), parts.drawn
    outcome, distinct = parts.read("outcome"), parts.read("distinct_starts")
    for panel, point in zip(axes, parts.points(), strict=True):
        counts = outcome_counts(outcome[point], 0)
        total = counts.sum(axis=1)
        starts = independent_starts(parts.results, total, distinct[point], parts.pooled)
        positions = axis_positions(panel, values_of(parts.results, along))
        panel.update_datalim([(x, 0) for x in positions[0]], updatey=False)  # also where no run has finished
        for o in (o for o in Outcome if counts[:, o].any()):
            draw_fractions(panel, positions, counts[:, o], total, starts, o.label, COLORS[o], marker=MARKERS[o])
        panel.set_ylim(-0.02, 1.02)
        tidy(panel)
    runs = (outcome >= 0).sum(axis=-1)
    labelled(parts, axes, meaning_of(parts.results, along), f"fraction {of_runs(runs)}, 95 % interval")
    common_legend(axes, inside=not is_words(parts.results, along) or ax is not None)
    return axes[0]


def first(results: "Results", names: list[str]) -> list[str]:
    """The first axis with several values, or else the first."""
    if not names:
        raise PlotError("kind: a curve needs an axis, and this result has none; use trajectories")
    return [next((name for name in names if results.dims[name] > 1), names[0])]
