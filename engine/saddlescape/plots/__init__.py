"""Plots of results: they show what is in the file; only `landscape`, `plane` and `spectrum` compute something.

Each raises a `PlotError` if the results lack what it shows, or if an argument is wrong.  Figures need neither a window
nor global state; `save` writes them to files, and `info` reads how a figure was made.
"""

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any, cast, overload

import numpy as np

from saddlescape.system.extras import extra

with extra("plot"):
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

from saddlescape.plots.atlas import atlas
from saddlescape.plots.bifurcation import bifurcation
from saddlescape.plots.common import COLORS, RAMP, PlotError, Values, axis_names, figure_of, of_results
from saddlescape.plots.compare import comparable, compare
from saddlescape.plots.convergence import convergence
from saddlescape.plots.curve import curve
from saddlescape.plots.design import design, lies_apart
from saddlescape.plots.ends import spectra
from saddlescape.plots.landscape import landscape, plane
from saddlescape.plots.look import check_look, look
from saddlescape.plots.made import command, note
from saddlescape.plots.map import map, outcome_maps
from saddlescape.plots.parts import At, Names, dimensions, select, value_at
from saddlescape.plots.portrait import portrait
from saddlescape.plots.save import checked, save
from saddlescape.plots.scaling import escape_times, medians
from saddlescape.plots.sharpness import sharpness
from saddlescape.plots.solved import solved
from saddlescape.plots.spectrum import cuts, eigenvalue_lines
from saddlescape.plots.svg import svg
from saddlescape.plots.theory import beside_theory
from saddlescape.plots.trajectory import trajectories
from saddlescape.plots.within import escaped_within
from saddlescape.system.figures import read as info
from saddlescape.words.kinds import ALIASES
from saddlescape.words.suggest import hint

if TYPE_CHECKING:
    from saddlescape.results import Results

__all__ = [
    "COLORS",
    "COLOURS",
    "KINDS",
    "RAMP",
    "PlotError",
    "atlas",
    "axis_names",
    "beside_theory",
    "bifurcation",
    "check_look",
    "checked",
    "compare",
    "convergence",
    "convergence_map",
    "curve",
    "cuts",
    "design",
    "eigenvalue_lines",
    "escape_curve",
    "escape_times",
    "escaped_within",
    "figure_of",
    "fitting",
    "info",
    "landscape",
    "look",
    "map",
    "medians",
    "outcome_map",
    "outcome_maps",
    "plane",
    "plot",
    "portrait",
    "save",
    "scaling",
    "sharpness",
    "solved",
    "spectra",
    "spectrum",
    "svg",
    "trajectories",
    "value_at",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint(name, __all__)}")


escape_curve, outcome_map, convergence_map = curve, map, convergence
COLOURS = COLORS
"""Former names, which still work."""


def scaling(
    results: "Results | Values",
    measured: Mapping[str, Values] | None = None,
    theory: Mapping[str, tuple[Values, Values]] | None = None,
    ax: Axes | None = None,
    *,
    at: At | None = None,
    facet: Names = (),
    pool: Names = (),
) -> Axes:
    """Draw the escape times of results with `escape_times`, or arrays with `medians`.

    `at`, `facet` and `pool` are as of the first, `measured` and `theory` as of the second, whose `x` comes first.
    """
    if measured is None:
        return escape_times(cast("Results", results), ax, at=at, facet=facet, pool=pool)
    return medians(np.asarray(results), measured, theory, ax)


@overload
def spectrum(results: dict[str, Values], ax: Axes | None = None) -> Axes: ...
@overload
def spectrum(results: "Results", *, at: At | None = None) -> Figure: ...
def spectrum(
    results: "Results | dict[str, Values]", ax: Axes | None = None, *, at: At | None = None
) -> Axes | Figure:
    """Draw the Hessian spectra of final points with `spectra`, or a dict of eigenvalues with `eigenvalue_lines`.

    `at` is as of the first.
    """
    return eigenvalue_lines(results, ax) if isinstance(results, dict) else spectra(results, at=at)


KINDS: dict[str, Callable[..., Axes | Figure]] = {
    "curve": curve,
    "map": map,
    "trajectories": trajectories,
    "portrait": portrait,
    "scaling": scaling,
    "solved": solved,
    "compare": compare,
    "convergence": convergence,
    "design": design,
    "spectrum": spectrum,
    "bifurcation": bifurcation,
    "sharpness": sharpness,
    "landscape": landscape,
}
"""The function that draws each kind; ``plots.plot(r, "curve")`` returns the figure of ``plots.curve(r)``."""


@of_results
def plot(
    results: "Results",
    kind: str | None = None,
    *,
    at: At | None = None,
    facet: Names = (),
    pool: Names = (),
    measures: tuple[str, str] | None = None,
    style: str | None = None,
    size: tuple[float, float] | None = None,
    title: str | None = None,
) -> Figure:
    """Plot results as `kind`, one of `KINDS`; by default the kind that fits the axes.

    That is trajectories without axes, a curve or a design with one, compare for words against numbers, else a map.

    Parameters
    ----------
    at : values by axis that are selected, such as ``{"optimizer": "adam"}``; a list selects several.
    facet : axes with a panel for each value.
    pool : axes whose runs count together.
    measures : horizontal and vertical measure of a portrait, which is then the default.
    style, size, title : as of `look`.

    Raises
    ------
    PlotError : the kind is unknown or lacks a parameter, or the results do not contain the data that it needs.
    """
    if results.so_far is not None and not results.so_far[0]:
        raise PlotError(f"{results.path}: has no finished run yet; try again later")
    if kind is None:
        part = select(results, at)
        apart = [*dimensions(part, facet, "facet"), *dimensions(part, pool, "pool")]
        kind = "portrait" if measures else fitting(part, apart)
    kind = ALIASES.get(str(kind), kind)
    if not isinstance(kind, str) or kind not in KINDS:
        raise PlotError(f"kind: must be one of {', '.join(KINDS)}; got {kind!r}{hint(str(kind), KINDS)}")
    given = {"at": at, "facet": facet, "pool": pool, "measures": measures}
    options = {name: value for name, value in given.items() if value}
    for name in options:
        _check_takes(kind, name)
    with look(style, size, title):
        figure = figure_of(KINDS[kind](results, **options))
        note(figure, results, kind, command(results, kind, options))
    return figure


def _check_takes(kind: str, name: str) -> None:
    able = [other for other, draw in KINDS.items() if name in signature(draw).parameters]
    if kind not in able:
        remedy = "; choose points by at" if name in ("facet", "pool") else ""
        raise PlotError(f"{name}: is for {', '.join(able)}; got kind {kind!r}{remedy}")


def fitting(results: "Results", apart: Sequence[str] = ()) -> str:
    """The kind that fits the axes of results but for the dimensions `apart`, as `plot` chooses it."""
    free = [name for name in axis_names(results) if name not in apart]
    wide = [name for name in free if results.dims[name] > 1]
    if not wide:
        return "trajectories"
    if len(wide) > 1:
        return "compare" if comparable(results, free) else "map"
    return "design" if lies_apart(results, wide[0]) else "curve"
