"""Curvature of the loss where runs stopped, and at zero."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from saddlescape.plots.common import COLOURS, WIDTH, PlotError, Values, panels, spread, title_of
from saddlescape.plots.spectrum import ZERO, signs
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from saddlescape.results import Results
    from saddlescape.spec import Sweep

ENDS = 8
"""Most runs of an outcome."""

COLUMNS = 3

LARGE = 1024
"""Most parameters of a network: the time that eigenvalues take grows like their cube."""


def spectra(results: "Results") -> Figure:
    """Draw the eigenvalues of the exact Hessian where runs stopped, largest first, in a panel for each outcome.

    Each outcome except diverged has up to `ENDS` runs, evenly spaced over all points.  Circles are the eigenvalues of
    the same networks at zero.  The axis is linear around zero, where eigenvalues count as zero.

    Raises
    ------
    PlotError : final parameters were not kept, all runs diverged, or the networks are too large.
    """
    _check(results)
    codes = results["outcome"]
    places = {o: np.argwhere(codes == o) for o in Outcome if o != Outcome.DIVERGED and (codes == o).any()}
    if not places:
        raise PlotError("kind: a spectrum needs runs that did not diverge, and this result has none")
    sweep = results.sweep
    found = {
        o: [_spectra(results, sweep, place) for place in there[spread(len(there), ENDS)]] for o, there in places.items()
    }
    columns = 2 if len(found) == 4 else min(COLUMNS, len(found))
    figure, axes = panels(len(found), columns, 3.2, 3, 1)
    for ax, (outcome, ends) in zip(axes, found.items(), strict=True):
        _panel(ax, outcome, ends)
        ax.set_title(f"{outcome.label}: {len(ends)} of {len(places[outcome])}\n{_counts(ends)}", fontsize="medium")
    for ax in axes[-columns:]:
        ax.set_xlabel("rank")
    _scale(axes[0], max(abs(values).max() for ends in found.values() for pair in ends for values in pair))
    figure.suptitle(title_of(results, width=WIDTH * columns // 2))
    figure.supylabel("curvature: eigenvalue of the Hessian")
    zero = Line2D([], [], color="k", marker="o", markerfacecolor="none", linestyle="none", label="at zero")
    figure.legend(handles=[zero], loc="outside lower right", frameon=False)
    return figure


def _scale(ax: Axes, largest: float) -> None:
    """Logarithmic on both sides of what counts as zero, up to the next power of ten, so that its end has a tick."""
    ax.set_yscale("symlog", linthresh=10 ** np.ceil(np.log10(ZERO * (largest or 1.0))))
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))


def _check(results: "Results") -> None:
    if "final_theta" not in results:
        raise PlotError("record.final_parameters: is false, so no end of a run was kept; set it to true and run again")
    if (size := results.stored("final_theta").shape[-1]) > LARGE:
        raise PlotError(f"network: must have at most {LARGE} parameters for a spectrum; this one has {size}")


def _spectra(results: "Results", sweep: "Sweep", place: Values) -> tuple[Values, Values]:
    """Eigenvalues, largest first, where the run at an index along each dimension stopped, and at zero."""
    from saddlescape.analysis.points import derivatives  # loads the compiler, which no other picture needs

    run = results.isel(**dict(zip(results.dims, place.tolist(), strict=True)))
    index = [pick for pick in run.picks("outcome").values() if isinstance(pick, int)]
    end = run["final_theta"]
    end = end[~np.isnan(end)]
    hessian = derivatives(sweep.at(index[: len(sweep.shape)]), [end, 0 * end]).hessian
    there, zero = np.linalg.eigvalsh(hessian)[:, ::-1]
    return there, zero


def _panel(ax: Axes, outcome: Outcome, ends: list[tuple[Values, Values]]) -> None:
    for number, (values, _) in enumerate(ends):
        ax.plot(_ranks(values), values, ".-", color=COLOURS[outcome], linewidth=0.7, gid=f"{outcome.label} {number}")
    for values in {zero.tobytes(): zero for _, zero in ends}.values():
        ax.plot(_ranks(values), values, "o", color="k", markerfacecolor="none", gid="at zero")


def _ranks(values: Values) -> Values:
    return np.arange(1, len(values) + 1)


def _counts(ends: list[tuple[Values, Values]]) -> str:
    """How many eigenvalues of a run are negative, zero and positive: ``0 down, 2 to 5 flat, 4 to 7 up``."""
    runs = [signs(values) for values, _ in ends]
    ranges = {word: (min(run[word] for run in runs), max(run[word] for run in runs)) for word in runs[0]}
    return ", ".join(f"{low if low == high else f'{low} to {high}'} {word}" for word, (low, high) in ranges.items())
