"""Pictures of results.  Nothing is recomputed here: what is drawn is what the file says.

Figures are made without a window or global state; a picture can be drawn anywhere and saved with `savefig`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddlescape.plots.common import COLOURS, RAMP, PlotError, axis_names, figure_of
from saddlescape.plots.convergence import convergence_map
from saddlescape.plots.curve import escape_curve
from saddlescape.plots.design import design, numbers_of
from saddlescape.plots.ends import spectra
from saddlescape.plots.map import outcome_map, outcome_maps
from saddlescape.plots.portrait import portrait
from saddlescape.plots.scaling import escape_times, scaling
from saddlescape.plots.solved import solved
from saddlescape.plots.spectrum import cuts, spectrum
from saddlescape.plots.svg import svg
from saddlescape.plots.theory import beside_theory
from saddlescape.plots.trajectory import trajectories
from saddlescape.plots.within import escaped_within
from saddlescape.suggest import hint

if TYPE_CHECKING:
    from saddlescape.results import Results

__all__ = [
    "COLOURS",
    "KINDS",
    "RAMP",
    "PlotError",
    "axis_names",
    "beside_theory",
    "convergence_map",
    "cuts",
    "design",
    "escape_curve",
    "escape_times",
    "escaped_within",
    "figure_of",
    "outcome_map",
    "outcome_maps",
    "plot",
    "portrait",
    "scaling",
    "solved",
    "spectra",
    "spectrum",
    "svg",
    "trajectories",
]

KINDS: dict[str, Callable[["Results"], Axes | Figure]] = {
    "curve": escape_curve,
    "map": outcome_map,
    "trajectories": trajectories,
    "portrait": portrait,
    "scaling": escape_times,
    "solved": solved,
    "convergence": convergence_map,
    "design": design,
    "spectrum": spectra,
}


def plot(results: "Results", kind: str | None = None) -> Figure:
    """Draw results as `kind`, one of `KINDS`; by default a map, a design, a curve or trajectories, as suits their axes.

    Raises
    ------
    PlotError : the kind is unknown, or the results have not what it needs.
    """
    wide = [name for name in axis_names(results) if results.dims[name] > 1]
    single = "design" if wide and len(numbers_of(results, wide[0])) > 1 else "curve"
    kind = kind or ("map" if len(wide) > 1 else single if wide else "trajectories")
    if kind not in KINDS:
        raise PlotError(f"kind: must be one of {', '.join(KINDS)}; got {kind!r}{hint(kind, KINDS)}")
    return figure_of(KINDS[kind](results))
