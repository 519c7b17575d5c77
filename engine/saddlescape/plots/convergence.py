"""Convergence of training over two axes, such as two learning rates."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, to_rgba

from saddlescape.plots.common import (
    RAMP,
    PlotError,
    Values,
    axis_names,
    meaning_of,
    new_axes,
    of_results,
    tidy,
    title_of,
    values_of,
)
from saddlescape.plots.map import show_cells
from saddlescape.system.shares import percent

if TYPE_CHECKING:
    from saddlescape.results import Results

WORST = 1e6
"""Larger ratios of losses, and those that are not finite, count as this."""

LOWEST = (1e-3, 0.1)
"""Range of the low end of the color scale, which is the smallest ratio if it lies in this range."""

GRAY = "#bbbbbb"


def loss_ratio(results: "Results") -> Values:
    """Mean of the later recorded losses divided by the first, each at most `WORST`, for the first run of each point."""
    loss = np.asarray(results["loss"][..., 0, :], dtype=np.float64)
    ratio = loss[..., 1:] / loss[..., :1]
    return np.asarray(np.fmin(np.where(np.isfinite(ratio), ratio, WORST), WORST).mean(axis=-1))


@of_results
def convergence(results: "Results", ax: Axes | None = None) -> Axes:
    """Draw `loss_ratio` over two axes where it is below 1, and gray where training does not converge.

    This is the criterion of Sohl-Dickstein (2024), The boundary of neural network trainability is fractal, if the last
    20 steps are recorded.
    """
    names, ax = axis_names(results), ax or new_axes()
    if len(names) != 2 or "loss" not in results:
        raise PlotError(f"kind: convergence needs two axes and a recorded loss; this result has the axes {names}")
    ratio = loss_ratio(results)
    finished = ~np.isnan(np.asarray(results["loss"][..., 0, 0], dtype=np.float64))
    converged = finished & (ratio < 1)
    norm = LogNorm(np.clip(ratio.min(), *LOWEST), 1)
    image = np.where(converged[..., None], RAMP.reversed()(norm(np.clip(ratio, norm.vmin, 1))), to_rgba(GRAY))
    image = np.where(finished[..., None], image, 0.0)
    show_cells(ax, image, *(values_of(results, name) for name in names))
    bar = ax.figure.colorbar(ScalarMappable(norm, RAMP.reversed()), ax=ax)
    share = percent(int(converged.sum()), max(1, int(finished.sum())))
    tidy(bar.ax)
    bar.set_label(f"later losses / first loss (converged {share}, gray: not)")
    across, up = (meaning_of(results, name) for name in names)
    ax.set(xlabel=across, ylabel=up, title=title_of(results))
    return ax
