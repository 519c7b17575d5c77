"""Maps of outcomes over two axes; solved runs are colored by the solve step or time."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, to_rgba
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.legend import Legend
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from saddlescape.plots.common import (
    COLORS,
    RAMP,
    TICKS,
    Values,
    axis_names,
    broken,
    clock_of,
    entitle,
    figure_of,
    is_words,
    label,
    meaning_of,
    new_axes,
    of_results,
    tidy,
    values_of,
    where,
)
from saddlescape.plots.legends import legend_below
from saddlescape.plots.parts import At, Names, Parts, axes_of, divided, labelled, need_two
from saddlescape.plots.shown import ShownFigure, new_figure
from saddlescape.plots.text import list_lines, points_of
from saddlescape.plots.ticks import below, name_ticks
from saddlescape.system.shares import percent
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from saddlescape.results import Results


LEGEND = 0.14
"""Height of the space below the maps, as a fraction of the figure."""

BELOW, NARROW = 0.75, 5
"""Share of a figure's width that the legend fills, and the width in inches up to which it has fewer columns."""

WORDS = 16
"""Maximum number of words along a side."""

PAD = 0.08
"""Room below a legend in inches."""

ROUNDED = 0.02
"""Share by which steps of logarithms may differ that are evenly spaced but for rounded values."""

FEW_TICKS = 5
"""Maximum number of intervals between ticks whose labels may be long."""


@of_results
def map(
    results: "Results",
    ax: Axes | None = None,
    point: tuple[int, ...] | None = None,
    *,
    at: At | None = None,
    facet: Names = (),
    pool: Names = (),
) -> Axes:
    """Draw outcomes over two axes; the color of solved runs shows the solve step or time.

    The axes are the last two of numbers, or else of words; the first of them is horizontal.  Other axes have a panel
    for each value if there are at most 8, and are pooled otherwise.  A cell with several runs shows their most frequent
    outcome and the median solve step or time; the shares in the legend are of all runs that are drawn.  Cells without
    runs are white.

    Parameters
    ----------
    ax : axes to draw on.
    point : indices along the axes before the last two, which are drawn; `at` takes values instead.
    at : values by axis that are selected, such as ``{"optimizer": "adam"}``.
    facet : axes with a panel for each value; the first panel is returned.
    pool : axes whose runs count together.
    """
    parts = divided(results, two_axes, at, facet, pool, ax=ax) if point is None else _at_point(results, point)
    axes, clock = axes_of(parts, ax) if point is None else [ax or new_axes()], clock_of(results)
    outcomes, steps = parts.read("outcome"), parts.read(f"solve_{clock}")
    if point is not None:
        outcomes, steps = outcomes[point][None], steps[point][None]
    outcomes, steps = (values.reshape(len(axes), *values.shape[-3:]) for values in (outcomes, steps))
    across, up = (values_of(parts.results, name) for name in parts.drawn)
    for panel, image in zip(axes, color_cells(clock, axes, outcomes, steps), strict=True):
        show_cells(panel, image, across, up)
    place_legend(axes)
    title = "" if point is None else where(results, axis_names(results)[:-2], point)
    return labelled(parts, axes, *(meaning_of(parts.results, name) for name in parts.drawn), title)


def two_axes(results: "Results", names: list[str]) -> list[str]:
    """The last two axes with several values, of numbers if there are two."""
    need_two("a map", names)
    order = sorted(names, key=lambda name: (results.dims[name] > 1, not is_words(results, name), names.index(name)))
    return sorted(order[-2:], key=names.index)


def _at_point(results: "Results", point: tuple[int, ...]) -> Parts:
    """The last two axes, at a point of the others."""
    need_two("a map", names := axis_names(results))
    return Parts(results, names[-2:], names[:-2], [], "")


def color_cells(clock: str, axes: Sequence[Axes], outcomes: Values, steps: Values) -> Values:
    """Color (panels, ..., rgba) of each cell, from the outcomes and solve steps of its runs (panels, ..., runs).

    Draws a legend into the first axes, and a color bar, with the share of each outcome in all runs.
    """
    outcome, step = cells(outcomes, steps)
    finished, solved = outcome >= 0, outcome == Outcome.SOLVED
    counts = {o: k for o in Outcome if (k := np.count_nonzero(outcomes == o))}
    total = np.count_nonzero(outcomes >= 0)
    shares = {o: percent(k, total) for o, k in counts.items()}
    named = [o for o in shares if o != Outcome.SOLVED or not solved.any()]
    handles = [Patch(color=COLORS[o], label=f"{o.label} {shares[o]}") for o in named]
    of_all = f"shares of all {total:,} runs" if total else "no runs"
    title = f"most frequent outcome of a cell; {of_all}" if outcomes.shape[-1] > 1 else of_all
    width = figure_of(axes[0]).get_figwidth()
    title = "\n".join(list_lines(title, BELOW * width, points_of(rcParams["legend.title_fontsize"] or "small")))
    axes[0].legend(
        handles=handles, title=title, ncols=3 if width > NARROW else 2,
        frameon=False, columnspacing=1, handlelength=1.2, alignment="left",
        title_fontsize=rcParams["legend.title_fontsize"] or "small",
    )  # fmt: skip
    fastest, slowest = _ends(step[solved])
    norm = LogNorm(fastest, slowest)
    if solved.any():
        figure = figure_of(axes[0])
        bar = figure.colorbar(ScalarMappable(norm, RAMP.reversed()), ax=list(axes))
        tidy(bar.ax)
        bar.set_label(broken(figure, f"solved ({shares[Outcome.SOLVED]}) at {clock}", up=True))
    flat = np.array([to_rgba(COLORS[o]) for o in Outcome])
    image = np.where(solved[..., None], shades(norm, np.maximum(step, fastest)), flat[outcome])
    return np.where(finished[..., None], image, 0.0)


def shades(norm: LogNorm, values: Values) -> Values:
    """Colors (..., rgba) of values; the smallest is the brightest."""
    return np.asarray(RAMP.reversed()(norm(values.ravel()))).reshape(*values.shape, 4)


def place_legend(axes: Sequence[Axes]) -> None:
    """Put the legend of `color_cells` below the only axes, or below all panels."""
    legend = axes[0].get_legend()
    assert legend is not None
    if len(axes) == 1:
        place = below(axes[0])
        legend.set_loc(place["loc"])
        legend.set_bbox_to_anchor(place["bbox_to_anchor"], place["bbox_transform"])
        legend.borderaxespad = 0
        _make_room(legend, figure_of(axes[0]))
        return
    figure = figure_of(axes[0])
    handles, texts, title = legend.legend_handles, legend.get_texts(), legend.get_title().get_text()
    legend.remove()
    legend_below(figure, handles, [text.get_text() for text in texts], title)


def _make_room(legend: Legend, figure: Figure) -> None:
    """Leave room for a legend below the only panel of a new figure, so that a wide legend does not narrow the panel."""
    engine = figure.get_layout_engine()
    if isinstance(figure, ShownFigure) and isinstance(engine, ConstrainedLayoutEngine) and len(figure.axes) <= 2:
        share = (legend.get_window_extent().height + PAD * figure.dpi) / figure.bbox.height
        engine.set(rect=(0, share, 1, 1 - share))
        legend.set_in_layout(False)


@of_results
def outcome_maps(results: "Results", points: Mapping[str, tuple[int, ...]]) -> Figure:
    """Draw maps at several points (see `map`) side by side; `points` contains the point of each title."""
    figure = new_figure(
        figsize=(0.5 + 5 * len(points), 4.6), layout=ConstrainedLayoutEngine(rect=(0, LEGEND, 1, 1 - LEGEND))
    )
    for ax, (title, point) in zip(figure.subplots(1, len(points), squeeze=False)[0], points.items(), strict=True):
        map(results, ax, point).set_title(title)
        ax.legend_.set_in_layout(False)
    entitle(figure, results)
    return figure


def cells(outcome: Values, step: Values) -> tuple[Values, Values]:
    """Most frequent outcome of the runs (last axis), -1 without a run; median solve step or time, 0 without any."""
    counts = np.array([np.count_nonzero(outcome == o, axis=-1) for o in Outcome])
    frequent = np.where(counts.any(axis=0), np.argmax(counts, axis=0), -1)
    steps = np.ma.median(np.ma.array(step, mask=~(step >= 0)), axis=-1)  # type: ignore[no-untyped-call]
    return frequent, np.ma.filled(steps.astype(float), 0.0)


def _ends(steps: Values) -> tuple[float, float]:
    """Ends of the color scale; it is logarithmic, so runs that are solved at step 0 do not count."""
    positive = steps[steps > 0]
    low, high = (float(positive.min()), float(positive.max())) if len(positive) else (1.0, 1.0)
    return low, high if high > low else 2 * low


def show_cells(ax: Axes, image: Values, x: Values, y: Values) -> None:
    """Show `image` (x, y, rgba) with y upwards; evenly spaced numbers have a linear axis, others labeled cells."""
    (left, right), (low, high) = _extent(ax.xaxis, x), _extent(ax.yaxis, y)
    extent = (left, right, low, high)
    ax.imshow(image.swapaxes(0, 1), origin="lower", extent=extent, aspect="auto", interpolation="nearest")


def _extent(axis: Any, values: Values) -> tuple[float, float]:
    if np.issubdtype(values.dtype, np.number) and len(values) > 1:
        step = (values[-1] - values[0]) / (len(values) - 1)
        if step > 0 and np.allclose(np.diff(values), step):
            if len(values) <= TICKS:
                axis.set_ticks(values, [label(value) for value in values])
            return values[0] - step / 2, values[-1] + step / 2
    shown, names = _ticks(values)
    if axis.axis_name == "x" and not np.issubdtype(values.dtype, np.number):
        name_ticks(axis.axes, shown, names)
    else:
        axis.set_ticks(shown, names)
    return -0.5, len(values) - 0.5


def _ticks(values: Values) -> tuple[Values, list[str]]:
    """Positions and labels of ticks: for some cells, or for round numbers if the logarithms are evenly spaced."""
    if np.issubdtype(values.dtype, np.number) and len(values) > TICKS and values[0] > 0:
        logs = np.log10(values)
        if np.allclose(np.diff(logs), logs[1] - logs[0], rtol=ROUNDED):
            shown, names = _round_numbers(values[0], values[-1])
            return np.interp(np.log10(shown), logs, np.arange(len(logs))), names
    shown = np.arange(0, len(values), -(-len(values) // (TICKS if np.issubdtype(values.dtype, np.number) else WORDS)))
    return shown, [label(value) for value in values[shown]]


def _round_numbers(low: float, high: float) -> tuple[Values, list[str]]:
    """Powers of ten from `low` to `high`, or a few round numbers if there is at most one power; and their labels."""
    powers = 10.0 ** np.arange(np.ceil(np.log10(low)), np.floor(np.log10(high)) + 1)
    if len(powers) > 1:
        return powers, [label(power) for power in powers]
    few = np.asarray(MaxNLocator(FEW_TICKS).tick_values(low, high))
    few = few[(few >= low) & (few <= high)]
    return few, [f"{value:.12g}" for value in few]
