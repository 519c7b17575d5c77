"""Eigenvalues of the Hessian at the final points of runs, and at zero."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from saddlescape.plots.common import (
    COLORS,
    PlotError,
    Values,
    entitle,
    of_results,
    panel_titles,
    panels,
    spec_at,
    spread,
    tidy,
)
from saddlescape.plots.legends import legend_below
from saddlescape.plots.parts import At, select, selection
from saddlescape.plots.spectrum import ZERO, signs
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from saddlescape.results import Results

ENDS = 8
"""Maximum number of runs per outcome."""

COLUMNS = 3

LARGE = 1024
"""Maximum number of parameters of a network, because the time for the eigenvalues grows like its cube."""


@of_results
def spectra(results: "Results", *, at: At | None = None) -> Figure:
    """Draw the eigenvalues of the exact Hessian at the final points of runs, largest first, in a panel per outcome.

    Up to `ENDS` runs of each outcome except diverged are drawn, evenly spaced over all points.  Circles are the
    eigenvalues of the same networks at zero.  The axis is linear in the range in which eigenvalues count as zero.

    Parameters
    ----------
    at : values by axis that are selected, such as ``{"optimizer": "adam"}``.

    Raises
    ------
    PlotError : final parameters were not recorded, all runs diverged, or the networks are too large.
    """
    selected, results = selection(results, at), select(results, at)
    _check(results)
    codes = results["outcome"]
    runs = {o: np.argwhere(codes == o) for o in Outcome if o != Outcome.DIVERGED and (codes == o).any()}
    if not runs:
        raise PlotError("kind: a spectrum needs runs that did not diverge, and this result has none")
    spectra = {
        o: [_spectra(results, index) for index in indices[spread(len(indices), ENDS)]] for o, indices in runs.items()
    }
    columns = 2 if len(spectra) == 4 else min(COLUMNS, len(spectra))
    figure, axes = panels(len(spectra), columns, 3.2, 3, 1)
    for ax, (outcome, ends) in zip(axes, spectra.items(), strict=True):
        _panel(ax, outcome, ends)
    titles = [f"{o.label}: {len(ends)} of {len(runs[o]):,} runs\n{_counts(ends)}" for o, ends in spectra.items()]
    panel_titles(axes, titles, columns)
    for ax in axes[-columns:]:
        ax.set_xlabel("rank")
    _scale(axes[0], max(abs(values).max() for ends in spectra.values() for pair in ends for values in pair))
    entitle(figure, results, selected)
    figure.supylabel("eigenvalue of the Hessian")
    zero = Line2D([], [], color="k", marker="o", markerfacecolor="none", linestyle="none")
    legend_below(figure, [zero], ["at zero parameters"])
    return figure


def _scale(ax: Axes, largest: float) -> None:
    """Set a logarithmic scale on both sides of a linear range, whose ends are powers of ten and so have ticks."""
    ax.set_yscale("symlog", linthresh=10 ** np.ceil(np.log10(ZERO * (largest or 1.0))))
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    tidy(ax)


def _check(results: "Results") -> None:
    if "final_theta" not in results:
        raise PlotError("record.final_parameters: is false, so final points are missing; set it to true and run again")
    if (size := results.stored("final_theta").shape[-1]) > LARGE:
        raise PlotError(f"network: must have at most {LARGE} parameters for a spectrum; this one has {size}")


def _spectra(results: "Results", index: Values) -> tuple[Values, Values]:
    """Eigenvalues at the final point of a run, given by its index along each dimension, and at zero; largest first."""
    from saddlescape.analysis.points import derivatives  # loads the compiler, which no other plot needs

    end = results.isel(**dict(zip(results.dims, index.tolist(), strict=True)))["final_theta"]
    end = end[~np.isnan(end)]
    hessian = derivatives(spec_at(results, index.tolist()), [end, 0 * end]).hessian
    final, zero = np.linalg.eigvalsh(hessian)[:, ::-1]
    return final, zero


def _panel(ax: Axes, outcome: Outcome, ends: list[tuple[Values, Values]]) -> None:
    for number, (values, _) in enumerate(ends):
        ax.plot(_ranks(values), values, ".-", color=COLORS[outcome], linewidth=0.7, gid=f"{outcome.label} {number}")
    for values in {zero.tobytes(): zero for _, zero in ends}.values():
        ax.plot(_ranks(values), values, "o", color="k", markerfacecolor="none", gid="at zero")


def _ranks(values: Values) -> Values:
    return np.arange(1, len(values) + 1)


def _counts(ends: list[tuple[Values, Values]]) -> str:
    """Numbers of negative, zero and positive eigenvalues of the runs: ``0 negative, 2-5 zero, 4-7 positive``."""
    runs = [signs(values) for values, _ in ends]
    ranges = {word: (min(run[word] for run in runs), max(run[word] for run in runs)) for word in runs[0]}
    return ", ".join(f"{low if low == high else f'{low}-{high}'} {word}" for word, (low, high) in ranges.items())
