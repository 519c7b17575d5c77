"""Outcomes at the points of a design (zipped axes)."""

from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from saddlescape.plots.common import LOG_RANGE, PlotError, clock_of, is_numeric, meaning, of_results, tidy
from saddlescape.plots.map import color_cells, place_legend
from saddlescape.plots.parts import At, Names, axes_of, divided, labelled

if TYPE_CHECKING:
    from saddlescape.results import Results


def numbers_of(results: "Results", dim: str) -> list[str]:
    """Names of the numeric coordinates of a dimension; a design has two or more."""
    return [name for name in results.along[dim] if is_numeric(results.coords[name])]


def lies_apart(results: "Results", dim: str) -> bool:
    """Whether the points of a dimension have two numeric coordinates, and no two of them the same two."""
    numbers = [results.coords[name] for name in numbers_of(results, dim)[:2]]
    return len(numbers) == 2 and len(set(zip(*(values.tolist() for values in numbers), strict=True))) == len(numbers[0])


@of_results
def design(
    results: "Results", ax: Axes | None = None, *, at: At | None = None, facet: Names = (), pool: Names = ()
) -> Axes:
    """Draw a dot for each point of the first zipped axes, at its first two numeric coordinates.

    The color shows the most frequent outcome or, if this is solved, the median solve step (or time).  Other axes are
    pooled.

    Parameters
    ----------
    ax : axes to draw on.
    at : values by axis that are selected, such as ``{"optimizer": "adam"}``.
    facet : axes with a panel for each value; the first panel is returned.
    pool : axes whose runs count together.
    """
    parts, clock = divided(results, _zipped, at, facet, pool, spare=False, ax=ax), clock_of(results)
    results, (dim,), axes = parts.results, parts.drawn, axes_of(parts, ax)
    outcomes, steps = parts.read("outcome"), parts.read(f"solve_{clock}")
    outcomes, steps = (values.reshape(len(axes), *values.shape[-2:]) for values in (outcomes, steps))
    across, up = numbers_of(results, dim)[:2]
    x, y = results.coords[across], results.coords[up]
    for panel, colors in zip(axes, color_cells(clock, axes, outcomes, steps), strict=True):
        panel.scatter(x, y, c=colors, s=14)
        for values, scale in ((x, panel.set_xscale), (y, panel.set_yscale)):
            if values.min() > 0 and values.max() > LOG_RANGE * values.min():
                scale("log")
        tidy(panel)
    place_legend(axes)
    return labelled(parts, axes, meaning(results, across), meaning(results, up))


def _zipped(results: "Results", names: list[str]) -> list[str]:
    dim = next((name for name in names if len(numbers_of(results, name)) > 1), None)
    if dim is None:
        raise PlotError("kind: a design needs two zipped axes of numbers, and this result has none; use another kind")
    return [dim]
