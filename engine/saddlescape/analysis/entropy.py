"""Basin entropy: the uncertainty of the outcome near the boundaries between basins."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class BasinEntropy(NamedTuple):
    """Mean entropy of all boxes, and of the boxes with more than one basin, with the standard error of each mean."""

    entropy: float
    error: float
    boundary_entropy: float
    """NaN if no box contains two basins."""

    boundary_error: float
    boxes: int
    boundary_boxes: int


def basin_fractions(label: npt.NDArray[Any]) -> dict[Any, float]:
    """Fraction of all starts in each basin, by `label`, an array of any shape; also called basin stability.

    References
    ----------
    P. J. Menck, J. Heitzig, N. Marwan & J. Kurths (2013), How basin stability complements the linear-stability
    paradigm, Nature Phys. 9, 89-92.
    """
    values, counts = np.unique(label, return_counts=True)
    return dict(zip(values.tolist(), (counts / label.size).tolist(), strict=True))


def basin_entropy(label: npt.NDArray[Any], box: int = 5) -> BasinEntropy:
    """Mean of the entropy -sum p ln p over the boxes of a map, where p are the fractions of the labels in a box.

    The entropy of a box is 0 for one basin, and at most the logarithm of the number of basins.  A smooth boundary
    separates only two basins almost everywhere.  So if boxes are small compared with the basins, a boundary entropy
    above ln 2 means that the boundary is fractal; a smaller one is inconclusive.  Standard errors assume independent
    boxes.

    Parameters
    ----------
    label : outcomes, or other labels, on a grid of any number of dimensions.
    box : number of cells along the side of a box; cells at the far edges that do not fill a box are ignored.

    Raises
    ------
    ValueError : a box is smaller than 2 or larger than the map.

    References
    ----------
    A. Daza, A. Wagemakers, B. Georgeot, D. Guery-Odelin & M. A. F. Sanjuan (2016), Basin entropy: a new tool to
    analyze uncertainty in dynamical systems, Sci. Rep. 6, 31416.
    """
    if not 2 <= box <= min(label.shape):
        raise ValueError(f"box must be from 2 to the shortest side of the map, {min(label.shape)}; got {box}")
    entropies = _entropies(_boxes(label, box), np.unique(label))
    mixed = entropies[entropies > 0]
    return BasinEntropy(*_mean(entropies), *_mean(mixed), len(entropies), len(mixed))


def _boxes(label: npt.NDArray[Any], box: int) -> npt.NDArray[Any]:
    """Labels of each box, (boxes, cells of a box)."""
    counts = [n // box for n in label.shape]
    cut = label[tuple(slice(n * box) for n in counts)]
    split = cut.reshape([length for n in counts for length in (n, box)])
    return split.transpose(*range(0, split.ndim, 2), *range(1, split.ndim, 2)).reshape(-1, box**label.ndim)


def _entropies(boxes: npt.NDArray[Any], values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    from scipy.special import entr

    return np.asarray(sum(entr((boxes == value).mean(axis=1)) for value in values))


def _mean(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    n = len(values)
    return float(values.mean()) if n else np.nan, float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else np.nan
