"""Bifurcation diagram: the late values of a measure along an axis."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddlescape.plots.common import (
    CYCLE,
    PlotError,
    broken,
    check_recorded,
    clock_of,
    entitle,
    is_words,
    meaning_of,
    of_results,
    values_of,
    words,
)
from saddlescape.plots.parts import At, Names, Parts, divided
from saddlescape.plots.shown import new_figure
from saddlescape.words.measures import FROM_STARTS, MEASURES
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from saddlescape.results import Results

MANY = 3000
"""Number of dots above which they are tiny."""

LATE = 0.5
"""Late records are those in this last part of a run."""


@of_results
def bifurcation(
    results: "Results", measure: str | None = None, *, at: At | None = None, pool: Names = ()
) -> Figure:
    """Draw a dot for each late record of each recorded run over the axis: the values between which runs alternate.

    Late records are those of the second half of the recorded steps; a run that stopped before has none, except at a
    fixed point.  If ``lyapunov`` was recorded, its median over the runs that do not diverge is drawn below: where it
    is positive, training is chaotic.

    Parameters
    ----------
    measure : by default the first one that was recorded, without exponents; of several numbers all are drawn.
    at : values by axis that are selected, such as ``{"optimizer": "adam"}``.
    pool : axes whose runs are drawn together.

    Raises
    ------
    PlotError : not exactly one axis, of numbers, is left, or the measure was not recorded.
    """
    parts = divided(results, _only, at, (), pool)
    results, (along,) = parts.results, parts.drawn
    recorded = (name for name in MEASURES if name in results and name not in (*results.labels, *FROM_STARTS))
    measure = measure or next(recorded, "loss")
    check_recorded(results, measure)
    below = "lyapunov" in results
    figure = new_figure(figsize=(7, 6 if below else 5))
    upper, *lower = figure.subplots(1 + below, sharex=True, squeeze=False, height_ratios=(2, 1)[: 1 + below])[:, 0]
    _draw_dots(upper, parts, measure)
    for ax in lower:
        stayed, found = parts.read("outcome") != Outcome.DIVERGED, parts.read("final_lyapunov")
        exponent = [np.median(row[use]) if use.any() else np.nan for row, use in zip(found, stayed, strict=True)]
        ax.axhline(0, color="k", linewidth=0.7)
        ax.plot(values_of(results, along), exponent, color=CYCLE[0], linewidth=0.7, gid="lyapunov")
        ax.set(ylabel=broken(figure, "Lyapunov exponent", up=True, panels=3))
    (lower or [upper])[-1].set(xlabel=meaning_of(results, along))
    upper.set(ylabel=words(measure))
    entitle(figure, results, parts.caption)
    return figure


def _only(results: "Results", names: list[str]) -> list[str]:
    """The only axis with several values, or else the only one."""
    wide = [name for name in names if results.dims[name] > 1] or names
    if len(wide) != 1 or is_words(results, wide[0]):
        there = f"this result has {', '.join(names) or 'none'}"
        remedy = "; select values of the others by at, or pool them" if len(wide) > 1 else ""
        raise PlotError(f"kind: bifurcation needs one axis, of numbers; {there}{remedy}")
    return wide


def _draw_dots(ax: Axes, parts: Parts, measure: str) -> None:
    x, clock = values_of(parts.results, parts.drawn[0]), parts.results[f"record_{clock_of(parts.results)}"]
    values = parts.read(measure)[:, :, clock >= LATE * clock[-1]].reshape(len(x), -1)
    size = 1 if np.isfinite(values).sum() > MANY else 4
    dots = ax.plot(np.repeat(x, values.shape[1]), values.ravel(), "k.", markersize=size, markeredgewidth=0, gid=measure)
    for dot in dots:
        dot.set_rasterized(True)  # an SVG file with a hundred thousand dots would be too large
