"""Pictures of results.  Nothing is recomputed here: what is drawn is what the file says.

Figures are made without a window or global state; a picture can be drawn anywhere and saved with `savefig`.
"""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogFormatter

from saddlescape.analysis import outcome_counts, wilson_interval
from saddlescape.errors import SaddlescapeError
from saddlescape.outcomes import Outcome

if TYPE_CHECKING:
    from saddlescape.results import Results

Values = npt.NDArray[Any]

# Told apart by people with any colour vision (after Okabe & Ito 2008), and none of them on the ramp.
COLOURS = {
    Outcome.FROZEN: "#000000",
    Outcome.SYMMETRIC: "#CC79A7",
    Outcome.PLATEAU: "#999999",
    Outcome.TRAPPED: "#D55E00",
    Outcome.SOLVED: "#009E73",
    Outcome.DIVERGED: "#7F2704",
}
RAMP = colormaps["viridis"]
"""Perceptually uniform; the fastest runs are the brightest."""

LOG_RANGE = 50
"""An axis is logarithmic when its largest positive value is this many times its smallest."""

NOT_AXES = frozenset({"run", "trajectory", "record", "parameter"})
PANELS, CURVES, TICKS = 6, 64, 9
OUTCOMES = tuple(Outcome)


class PlotError(SaddlescapeError):
    """The result does not hold what the picture would show."""

    exit_code = 2


def plot(results: "Results", kind: str | None = None) -> Figure:
    """Draw results as `kind`, "curve", "map" or "trajectories"; by default what suits their axes.

    Raises
    ------
    PlotError : the kind is unknown, or the results have not what it needs.
    """
    wide = [name for name in axis_names(results) if results.dims[name] > 1]
    kind = kind or ("map" if len(wide) > 1 else "curve" if wide else "trajectories")
    if kind not in KINDS:
        raise PlotError(f"kind: must be one of {', '.join(KINDS)}; got {kind!r}")
    drawn = KINDS[kind](results)
    figure = drawn.get_figure() if isinstance(drawn, Axes) else drawn
    assert isinstance(figure, Figure)
    return figure


def axis_names(results: "Results") -> list[str]:
    """The dimensions that the runs are spread over, in the order of the file."""
    return [name for name in results.dims if name not in NOT_AXES]


def escape_curve(results: "Results", ax: Axes | None = None) -> Axes:
    """Draw the fraction of starts with each outcome against the first axis, with Wilson intervals (95 %).

    On a logarithmic axis exact zero stands apart, left of a break.  Other axes are pooled.  A point whose
    runs are all one and the same start has no interval.
    """
    if not (names := axis_names(results)):
        raise PlotError("kind: a curve needs an axis, and this result has none; use trajectories")
    ax = ax or _axes()
    counts = outcome_counts(results["outcome"], 0)
    total = counts.sum(axis=1)
    sampled = results["distinct_starts"].reshape(len(total), -1).sum(axis=1) == total
    x, apart = _place(ax, np.asarray(results.coords[names[0]]))
    for outcome in (o for o in Outcome if counts[:, o].any()):
        low, high = np.where(sampled, wilson_interval(counts[:, outcome], total), np.nan)
        _band(ax, outcome, x, apart, counts[:, outcome] / total, low, high)
    pooled = f", over all {' and '.join(map(_words, names[1:]))}" if names[1:] else ""
    ax.set(xlabel=results.labels[names[0]], ylabel="fraction of starts, 95 % interval", ylim=(-0.02, 1.02))
    ax.set_title(results.title + pooled)
    ax.legend(frameon=False)
    return ax


def trajectories(results: "Results", points: Sequence[tuple[int, ...]] | None = None) -> Figure:
    """Draw loss against step or time, coloured by outcome, for a few points (indices over the axes) as panels."""
    if "loss" not in results:
        raise PlotError('record.fields: has no "loss", so there is nothing to draw; add it and run again')
    names, kept = axis_names(results), np.asarray(results["trajectory_run"])
    if not len(kept):
        raise PlotError("record.runs: is 0, so no trajectory was kept; keep some and run again")
    points = _spread_points([results.dims[name] for name in names]) if points is None else points
    columns = min(3, len(points))
    rows = -(-len(points) // columns)
    figure = Figure(figsize=(1 + 3.2 * columns, 0.8 + 2.6 * rows), layout="constrained")
    panels = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
    seen: set[Outcome] = set()
    runs = kept[_spread(len(kept), CURVES)]
    for ax, point in zip(panels, points, strict=False):
        seen |= _panel(ax, results, point, runs)
        ax.set_title(_where(results, names, point), fontsize="medium")
    for ax in panels[len(points) :]:
        ax.remove()
    figure.suptitle(f"{results.title}\n{len(runs)} of {results.dims['run']} starts")
    figure.supxlabel(_clock(results))
    figure.supylabel("loss")
    handles = [Line2D([], [], color=COLOURS[o], label=o.label) for o in sorted(seen)]
    figure.legend(handles=handles, loc="outside lower right", ncols=len(handles), frameon=False)
    return figure


def outcome_map(results: "Results", ax: Axes | None = None, point: tuple[int, ...] | None = None) -> Axes:
    """Draw outcomes over the last two axes: solved by the step or time it took, each other outcome in its colour.

    The first of the two axes runs to the right, the second upwards.  `point` chooses among any axes before
    them (by default the first of each).  A cell with several runs shows their most frequent outcome, and the
    median of the step or time.
    """
    names = axis_names(results)
    if len(names) < 2:
        raise PlotError(f"kind: a map needs two axes, and this result has {len(names)}; use another kind")
    point = point or (0,) * (len(names) - 2)
    outcome, step = _cells(results["outcome"][point], results[f"solve_{_clock(results)}"][point])
    ax = ax or _axes()
    solved = outcome == Outcome.SOLVED
    fastest, slowest = _ends(step[solved])
    norm = LogNorm(fastest, slowest)
    flat = np.array([to_rgba(COLOURS[o]) for o in Outcome])
    ramp = RAMP.reversed()(norm(np.maximum(step, fastest)))
    image = np.where(solved[..., None], ramp, flat[outcome])
    _picture(ax, image, *(np.asarray(results.coords[name]) for name in names[-2:]))
    others = [o for o in Outcome if o != Outcome.SOLVED and (outcome == o).any()]
    ax.legend(
        handles=[Patch(color=COLOURS[o], label=f"{o.label} {np.mean(outcome == o):.1%}") for o in others],
        loc="upper left", bbox_to_anchor=(0, -0.12), ncols=3, frameon=False,
    )  # fmt: skip
    if solved.any():
        bar = ax.figure.colorbar(ScalarMappable(norm, RAMP.reversed()), ax=ax, format=LogFormatter())
        bar.ax.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
        bar.set_label(f"solved {np.mean(solved):.1%}: at {_clock(results)}")
    across, up = (results.labels[name] for name in names[-2:])
    title = f"{results.title}\n{_where(results, names[:-2], point)}".strip()
    ax.set(xlabel=across, ylabel=up, title=title)
    return ax


KINDS: dict[str, Callable[["Results"], Axes | Figure]] = {
    "curve": escape_curve,
    "map": outcome_map,
    "trajectories": trajectories,
}


def _axes() -> Axes:
    return Figure(figsize=(7, 5), layout="constrained").add_subplot()


def _clock(results: "Results") -> str:
    """What runs are measured by: "step", or in the gradient flow "time"."""
    return "time" if "solve_time" in results else "step"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _where(results: "Results", names: list[str], point: tuple[int, ...]) -> str:
    pairs = zip(names, point, strict=False)
    return ", ".join(f"{_words(name)} {_label(results.coords[name][i])}" for name, i in pairs)


def _label(value: Any) -> str:
    return str(value) if isinstance(value, str) else f"{value:.4g}"


def _spread(length: int, number: int) -> Values:
    """At most `number` indices below `length`, evenly spaced, both ends included."""
    return np.unique(np.linspace(0, length - 1, min(length, number)).round().astype(int))


def _spread_points(shape: list[int]) -> list[tuple[int, ...]]:
    flat = _spread(math.prod(shape), PANELS)
    return [tuple(int(i) for i in np.unravel_index(cell, shape)) for cell in flat] if shape else [()]


def _place(ax: Axes, values: Values) -> tuple[Values, npt.NDArray[np.bool_]]:
    """Positions of the values on the horizontal axis, which is set up here, and which of them stand apart."""
    apart = np.zeros(len(values), dtype=bool)
    if not np.issubdtype(values.dtype, np.number):
        ax.set_xticks(range(len(values)), list(map(str, values)))
        return np.arange(len(values)), apart
    positive = values[values > 0]
    if np.any(values < 0) or len(positive) < 2 or positive.max() < LOG_RANGE * positive.min():
        return values, apart
    ax.set_xscale("log")
    if len(positive) == len(values):
        return values, apart
    decades = np.log10(positive.max() / positive.min())
    zero = positive.min() / 10 ** max(0.5, decades / 10)
    _break(ax, zero, positive)
    return np.where(values == 0, zero, values), values == 0


def _break(ax: Axes, zero: float, positive: Values) -> None:
    """Ticks at zero and at some powers of ten, and the mark of a broken axis between them."""
    low, high = np.ceil(np.log10(positive.min())), np.floor(np.log10(positive.max()))
    powers = np.arange(low, high + 1, max(1, -(-(high - low) // TICKS)))
    ax.set_xticks([zero, *10.0**powers], ["0", *(f"$10^{{{int(p)}}}$" for p in powers)])
    ax.set_xticks([], minor=True)
    middle = np.sqrt(zero * positive.min())
    marks = middle * (positive.min() / zero) ** np.array([-0.06, 0.06])
    ax.plot(
        marks, [0, 0], transform=ax.get_xaxis_transform(),
        marker=[(-1, -2), (1, 2)], markersize=10, linestyle="none", color="k", clip_on=False, gid="break",
    )  # fmt: skip


def _band(
    ax: Axes, outcome: Outcome, x: Values, apart: Values, fraction: Values, low: Values, high: Values
) -> None:
    order = np.argsort(x)
    line = order[~apart[order]]
    style: dict[str, Any] = {"color": COLOURS[outcome], "marker": "o", "markersize": 4}
    ax.plot(x[line], fraction[line], label=outcome.label, gid=outcome.label, **style)
    band = ax.fill_between(x[line], low[line], high[line], color=COLOURS[outcome], alpha=0.25, linewidth=0)
    band.set_gid(outcome.label)
    if apart.any():
        ax.plot(x[apart], fraction[apart], linestyle="none", gid=f"{outcome.label} at zero", **style)
        ax.vlines(x[apart], low[apart], high[apart], color=COLOURS[outcome])


def _panel(ax: Axes, results: "Results", point: tuple[int, ...], runs: Values) -> set[Outcome]:
    """One line for each run, coloured by its outcome, from its records to its stop, which a dot marks.

    A run at a fixed point has records after its stop, as it stays there; its line goes to the last of them.
    """
    clock = _clock(results)
    outcomes, stops, final = (results.at(name, point) for name in ("outcome", f"stop_{clock}", "final_loss"))
    steps, losses = results[f"record_{clock}"], results.at("loss", point)[np.isin(results["trajectory_run"], runs)]
    for run, loss in zip(runs, losses, strict=True):
        here = np.isfinite(loss)
        x, y = steps[here], loss[here]
        if not len(x) or stops[run] > x[-1]:
            x, y = np.append(x, stops[run]), np.append(y, final[run])
        (line,) = ax.plot(x, y, color=COLOURS[OUTCOMES[outcomes[run]]], linewidth=0.7)
        line.set(gid=f"run {run}", marker=".", markevery=[len(x) - 1])
    ax.set_xscale("symlog", linthresh=steps[steps > 0].min(initial=1))
    ax.set_xlim(left=0)
    ax.set_yscale("log")
    return {OUTCOMES[code] for code in outcomes[runs]}


def _cells(outcome: Values, step: Values) -> tuple[Values, Values]:
    """Most frequent outcome over the runs (last axis), and median of when solved (0 where nothing is)."""
    frequent = np.argmax([np.count_nonzero(outcome == o, axis=-1) for o in Outcome], axis=0)
    steps = np.ma.median(np.ma.array(step, mask=~(step >= 0)), axis=-1)  # type: ignore[no-untyped-call]
    return frequent, np.ma.filled(steps.astype(float), 0.0)


def _ends(steps: Values) -> tuple[float, float]:
    """Ends of the ramp; a run may be solved at the very start, which a logarithm doesn't have."""
    positive = steps[steps > 0]
    low, high = (float(positive.min()), float(positive.max())) if len(positive) else (1.0, 1.0)
    return low, high if high > low else 2 * low


def _picture(ax: Axes, image: Values, x: Values, y: Values) -> None:
    """Show `image` (x, y, rgba) with y upwards; evenly spaced numbers to scale, others cell by cell."""
    (left, right), (low, high) = _extent(ax.xaxis, x), _extent(ax.yaxis, y)
    extent = (left, right, low, high)
    ax.imshow(image.swapaxes(0, 1), origin="lower", extent=extent, aspect="auto", interpolation="nearest")


def _extent(axis: Any, values: Values) -> tuple[float, float]:
    if np.issubdtype(values.dtype, np.number) and len(values) > 1:
        step = (values[-1] - values[0]) / (len(values) - 1)
        if step > 0 and np.allclose(np.diff(values), step):
            return values[0] - step / 2, values[-1] + step / 2
    shown = _spread(len(values), TICKS)
    axis.set_ticks(shown, [_label(value) for value in values[shown]])
    return -0.5, len(values) - 0.5
