"""Convergence of training over two axes, such as two learning rates."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, to_rgba

from saddlescape.plots.common import RAMP, PlotError, Values, broken, figure_of, meaning_of, of_results, tidy, values_of
from saddlescape.plots.map import shades, show_cells, two_axes
from saddlescape.plots.parts import At, Names, axes_of, divided, labelled
from saddlescape.system.shares import percent
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from saddlescape.results import Results

WORST = 1e6
"""Larger ratios of losses, and those that are not finite, count as this."""

LOWEST = (1e-3, 0.1)
"""Range of the low end of the color scale, which is the smallest ratio if it lies in this range."""

GRAY = "#bbbbbb"


def loss_ratio(results: "Results") -> Values:
    """Mean of the later recorded losses divided by the first, each at most `WORST`, for one recorded run of each point.

    A run that stopped, and has not diverged, keeps its final loss.
    """
    loss = np.array(results["loss"][..., 0, :], dtype=np.float64)
    runs = np.asarray(results["trajectory_run"])[..., :1]
    outcome, final = (_of_runs(results[name], runs) for name in ("outcome", "final_loss"))
    loss[..., 1:] = np.where(np.isnan(loss) & (outcome != Outcome.DIVERGED), final, loss)[..., 1:]
    ratio = loss[..., 1:] / loss[..., :1]
    return np.asarray(np.fmin(np.where(np.isfinite(ratio), ratio, WORST), WORST).mean(axis=-1))


def _of_runs(values: Values, runs: Values) -> Values:
    """Values (*axes, 1) of one run of each point, whose numbers are (*axes, 1) or (1,)."""
    return np.take_along_axis(values, np.broadcast_to(runs, (*values.shape[:-1], 1)), axis=-1)


@of_results
def convergence(results: "Results", ax: Axes | None = None, *, at: At | None = None, facet: Names = ()) -> Axes:
    """Draw `loss_ratio` over two axes where it is below 1, and gray where training does not converge.

    This is the criterion of Sohl-Dickstein (2024), The boundary of neural network trainability is fractal, if the last
    20 steps are recorded.  The axes are those of `map`; other axes have a panel for each value.

    Parameters
    ----------
    ax : axes to draw on.
    at : values by axis that are selected, such as ``{"optimizer": "adam"}``.
    facet : axes with a panel for each value; the first panel is returned.

    Raises
    ------
    PlotError : the loss was not recorded, or points have several runs to choose from.
    """
    if "loss" not in results:
        raise PlotError("kind: convergence needs a recorded loss; add loss to record.fields and run again")
    parts = divided(results, two_axes, at, facet, ax=ax)
    if any(parts.results.dims[name] > 1 for name in parts.pooled):
        raise PlotError(f"kind: convergence shows single runs; select values of {', '.join(parts.pooled)} by at")
    axes, order = axes_of(parts, ax), (*parts.facets, *parts.drawn, *parts.pooled)
    names = [name for name in parts.results.dims if name in order]
    ratio = loss_ratio(parts.results).transpose([names.index(name) for name in order])
    started = np.asarray(parts.results["loss"][..., 0, 0], dtype=np.float64)
    finished = ~np.isnan(started).transpose([names.index(name) for name in order])
    shape = (len(axes), *(parts.results.dims[name] for name in parts.drawn))
    ratio, finished = ratio.reshape(shape), finished.reshape(shape)
    converged = finished & (ratio < 1)
    norm = LogNorm(np.clip(ratio.min(), *LOWEST), 1)
    image = np.where(converged[..., None], shades(norm, np.clip(ratio, norm.vmin, 1)), to_rgba(GRAY))
    for panel, cells in zip(axes, np.where(finished[..., None], image, 0.0), strict=True):
        show_cells(panel, cells, *(values_of(parts.results, name) for name in parts.drawn))
    figure = figure_of(axes[0])
    bar = figure.colorbar(ScalarMappable(norm, RAMP.reversed()), ax=list(axes))
    number = max(1, int(finished.sum()))
    share = percent(int(converged.sum()), number)
    tidy(bar.ax)
    text = f"later losses / first loss, converged {share} of {number:,} runs, gray: not converged"
    bar.set_label(broken(figure, text, up=True))
    return labelled(parts, axes, *(meaning_of(parts.results, name) for name in parts.drawn))
