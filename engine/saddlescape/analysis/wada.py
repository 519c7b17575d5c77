"""Whether three or more basins share one boundary: the merging method."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from saddlescape.analysis.boundary import boundary


class Merged(NamedTuple):
    """How far the boundaries that remain when basins are merged are from one another."""

    distance: int
    """Largest distance in cells from a cell of one boundary to the nearest cell of another."""

    apart: float
    """Largest fraction of the cells of one boundary that are further than the radius from another."""


def wada_merge(label: npt.NDArray[Any], radius: int = 1) -> Merged:
    """Compare the boundaries of each basin with all other basins, merged to one.

    If each point of a boundary touches all basins (the Wada property), merging basins does not change the boundary.  So
    if `apart` is 0 at a radius that is small compared with the map, the boundary is Wada at the resolution of the map;
    a finer map may still tell the boundaries apart.  Distances are the larger of those along the axes.

    Parameters
    ----------
    label : outcomes, or other labels, on a grid; three or more different ones.
    radius : in cells.

    Raises
    ------
    ValueError : there are fewer than three labels, a side is shorter than two cells, or the radius is negative.

    References
    ----------
    A. Daza, A. Wagemakers & M. A. F. Sanjuan (2018), Ascertaining when a basin is Wada: the merging method, Sci. Rep.
    8, 9954.
    """
    from scipy.ndimage import distance_transform_cdt

    basins = np.unique(label)
    if len(basins) < 3:
        raise ValueError(f"label must have three or more basins; got {basins.tolist()}")
    if min(label.shape) < 2:
        raise ValueError(f"label must have two or more cells along each axis; got {label.shape}")
    if radius < 0:
        raise ValueError(f"radius must be 0 or more cells; got {radius}")
    masks = [boundary(label == basin) for basin in basins]
    fields = [distance_transform_cdt(~mask, metric="chessboard") for mask in masks]
    distances = [field[mask] for field in fields for mask in masks]
    return Merged(max(int(d.max()) for d in distances), max(float((d > radius).mean()) for d in distances))
