"""Sharpness of single runs during training, beside the threshold of stability."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from saddlescape.analysis.stability import PLAIN, stability_threshold
from saddlescape.plots.common import of_results, spec_at
from saddlescape.plots.parts import At, select, selection
from saddlescape.plots.points import points_of_axes
from saddlescape.plots.trajectory import paths
from saddlescape.spec import Spec

if TYPE_CHECKING:
    from saddlescape.results import Results


@of_results
def sharpness(
    results: "Results",
    points: Sequence[tuple[int, ...]] | None = None,
    columns: int = 3,
    *,
    at: At | None = None,
) -> Figure:
    """Draw sharpness against step or time, colored by outcome, in one panel for each of a few points.

    A dashed line is the threshold above which steps grow (`analysis.stability_threshold`), of gd, momentum and nesterov
    at a constant rate.  Other optimizers have none for the Hessian itself.

    Parameters
    ----------
    points : indices over the axes.
    columns : panels per row.
    at : values by axis that are selected, such as ``{"optimizer": "adam"}``.

    Raises
    ------
    PlotError : no trajectory, or no sharpness along them, was recorded.
    """
    selected, results = selection(results, at), select(results, at)
    points = points_of_axes(results, points)
    figure, axes = paths(results, "sharpness", points, columns, selected)
    for ax, point in zip(axes, points, strict=True):
        if (limit := threshold_of(spec_at(results, point))) is not None:
            ax.axhline(limit, color="k", linewidth=1, linestyle="--", gid="threshold")
    figure.supylabel("sharpness")
    return figure


def threshold_of(spec: Spec) -> float | None:
    """The threshold of the sharpness for a spec; None if its optimizer has none, or not one rate."""
    keys = spec.training
    several = keys.layer_rates is not None or keys.bias_rate != 1 or keys.schedule != "constant"
    if keys.optimizer not in PLAIN or several:
        return None
    return float(stability_threshold(keys.optimizer, keys.learning_rate, keys.momentum))
