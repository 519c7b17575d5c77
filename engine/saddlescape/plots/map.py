"""Maps of outcomes over two axes; solved runs are colored by the solve step or time."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, to_rgba
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Patch
from matplotlib.ticker import LogFormatter, MaxNLocator

from saddlescape.plots.common import (
    COLORS,
    RAMP,
    TICKS,
    WIDTH,
    PlotError,
    Values,
    axis_names,
    clock_of,
    fold,
    label,
    meaning_of,
    new_axes,
    of_results,
    title_of,
    values_of,
    where,
)
from saddlescape.plots.shown import new_figure
from saddlescape.system.shares import percent
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from saddlescape.results import Results


LEGEND = 0.08
"""Height of the space below the maps, as a fraction of the figure."""

WORDS, ROOM = 16, 45
"""Maximum number of words along a side, and of their characters in full size."""

FEW_TICKS = 5
"""Maximum number of intervals between ticks whose labels may be long."""


@of_results
def map(results: "Results", ax: Axes | None = None, point: tuple[int, ...] | None = None) -> Axes:
    """Draw outcomes over the last two axes; the color of solved runs shows the solve step or time.

    The first of the two axes is horizontal, the second vertical.  A cell with several runs shows their most frequent
    outcome and the median solve step or time; the shares in the legend are of all runs.  Cells without runs are white.

    Parameters
    ----------
    point : indices along the axes before the last two; by default the first of each.
    """
    names = axis_names(results)
    if len(names) < 2:
        raise PlotError(f"kind: a map needs two axes, and this result has {len(names)}; use another kind")
    point = point or (0,) * (len(names) - 2)
    runs = results["outcome"][point], results[f"solve_{clock_of(results)}"][point]
    ax = ax or new_axes()
    show_cells(ax, color_cells(results, ax, *runs), *(values_of(results, name) for name in names[-2:]))
    across, up = (meaning_of(results, name) for name in names[-2:])
    title = f"{title_of(results)}\n{fold(where(results, names[:-2], point), WIDTH)}".strip()
    ax.set(xlabel=across, ylabel=up, title=title)
    return ax


def color_cells(results: "Results", ax: Axes, outcomes: Values, steps: Values) -> Values:
    """Color (..., rgba) of each cell, from the outcomes and the solve steps or times of its runs (last axis).

    Draws a legend and a color bar with the share of each outcome in all runs.
    """
    outcome, step = cells(outcomes, steps)
    finished, solved = outcome >= 0, outcome == Outcome.SOLVED
    counts = {o: k for o in Outcome if (k := np.count_nonzero(outcomes == o))}
    shares = {o: percent(k, np.count_nonzero(outcomes >= 0)) for o, k in counts.items()}
    several = outcomes.shape[-1] > 1
    ax.legend(
        handles=[Patch(color=COLORS[o], label=f"{o.label} {shares[o]}") for o in shares if o != Outcome.SOLVED],
        title="most frequent outcome of a cell; shares of all runs" if several else "shares of all runs",
        loc="upper left", bbox_to_anchor=(0, -0.12), ncols=3, frameon=False, columnspacing=1, handlelength=1.2,
        alignment="left", title_fontsize="small",
    )  # fmt: skip
    fastest, slowest = _ends(step[solved])
    norm = LogNorm(fastest, slowest)
    if solved.any():
        bar = ax.figure.colorbar(ScalarMappable(norm, RAMP.reversed()), ax=ax, format=LogFormatter())
        bar.ax.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
        bar.set_label(f"solved ({shares[Outcome.SOLVED]}) at {clock_of(results)}")
    flat = np.array([to_rgba(COLORS[o]) for o in Outcome])
    image = np.where(solved[..., None], RAMP.reversed()(norm(np.maximum(step, fastest))), flat[outcome])
    return np.where(finished[..., None], image, 0.0)


@of_results
def outcome_maps(results: "Results", points: Mapping[str, tuple[int, ...]]) -> Figure:
    """Draw maps at several points (see `map`) side by side; `points` contains the point of each title."""
    figure = new_figure(
        figsize=(0.5 + 5 * len(points), 4.6), layout=ConstrainedLayoutEngine(rect=(0, LEGEND, 1, 1 - LEGEND))
    )
    for ax, (title, point) in zip(figure.subplots(1, len(points), squeeze=False)[0], points.items(), strict=True):
        map(results, ax, point).set_title(title)
        ax.legend_.set_in_layout(False)
    figure.suptitle(title_of(results, width=WIDTH * len(points) // 2))
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
            return values[0] - step / 2, values[-1] + step / 2
    shown, names = _ticks(values)
    axis.set_ticks(shown, names)
    if axis.axis_name == "x" and not np.issubdtype(values.dtype, np.number) and len("".join(names)) > ROOM:
        axis.set_tick_params(labelsize="x-small")
    return -0.5, len(values) - 0.5


def _ticks(values: Values) -> tuple[Values, list[str]]:
    """Positions and labels of ticks: for some cells, or for round numbers if the logarithms are evenly spaced."""
    if np.issubdtype(values.dtype, np.number) and len(values) > TICKS and values[0] > 0:
        logs = np.log10(values)
        if np.allclose(np.diff(logs), logs[1] - logs[0]):
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
