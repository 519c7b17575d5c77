"""Roughness of the boundary between outcomes: box-counting dimension and uncertainty exponent, with error bars."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from saddlescape.analysis.escape import upper_tail

Array = npt.NDArray[np.float64]
Grid = npt.NDArray[Any]


class PowerLaw(NamedTuple):
    """A fitted power law, ``measured = exp(intercept) * size**slope`` with sizes in cells of the map, and its data."""

    value: float
    """The dimension or the exponent."""

    low: float
    """Lower end of the error bar, which is not a confidence interval, because a map is not a random sample."""

    high: float
    size: npt.NDArray[np.int64]
    measured: Array
    slope: float
    intercept: float


def boundary(label: Grid) -> npt.NDArray[np.bool_]:
    """Whether the labels of each 2 x 2 (x 2 ...) neighboring starts are not all the same; each side is shorter by 1.

    Parameters
    ----------
    label : outcomes, or other labels, on a grid of any dimension.

    References
    ----------
    J. Sohl-Dickstein (2024), The boundary of neural network trainability is fractal, arXiv:2402.06184.
    """
    lowest = highest = label
    for axis in range(label.ndim):
        lowest, highest = (
            pick(grid.take(range(grid.shape[axis] - 1), axis), grid.take(range(1, grid.shape[axis]), axis))
            for pick, grid in ((np.minimum, lowest), (np.maximum, highest))
        )
    return np.asarray(lowest != highest)


def box_dimension(
    mask: npt.NDArray[np.bool_], sizes: Sequence[int] | None = None, confidence: float = 0.95
) -> PowerLaw:
    """Box-counting dimension of a set of cells: the number of boxes that meet it scales as size^-dimension.

    The error bar measures how much the slope varies between neighboring sizes, whose counts have correlated errors: it
    is Student's interval for a line through a random walk.  A map is not a random sample, so `confidence` is not the
    coverage: with 0.95, the error bar contained the dimension of randomly placed known sets in 98 to 100 % of the
    cases.  Cells at the far edges that do not fill a box of the largest size are ignored.

    Parameters
    ----------
    mask : bool array that is true in the set, for instance `boundary(outcome)`.
    sizes : sides of the boxes in cells, three or more; by default 1, 2, 4, ... up to an eighth of the shortest side.
    confidence : confidence level of Student's interval, between 0 and 1.

    Raises
    ------
    ValueError : the set is empty or lies entirely at the far edges, or there are fewer than three sizes.
    """
    size = _sizes(sizes, min(mask.shape) // 8)
    if not mask.any():
        raise ValueError("mask must be true in at least one cell; this set is empty")
    mask = mask[tuple(slice(n - n % size.max()) for n in mask.shape)]
    if not mask.any():
        whole = " x ".join(map(str, mask.shape))
        raise ValueError(f"mask must be true in the {whole} cells that boxes of {size.max()} fill; use smaller sizes")
    counts = np.array([_count(mask, side) for side in size], dtype=np.float64)
    return _law(size, counts, -1.0, confidence)


def uncertainty_exponent(
    label: Grid, radii: Sequence[int] | None = None, confidence: float = 0.95
) -> PowerLaw:
    """Exponent alpha of the fraction of uncertain starts, which scales as radius^alpha.

    A start is uncertain at radius r if a start r cells away along an axis has another label.  A smooth boundary has
    alpha = 1.  The box-counting dimension of a boundary is the number of dimensions of the map minus alpha.  Starts
    closer than the largest radius to an edge are ignored at all radii.  The error bar is computed as by
    `box_dimension`.

    Parameters
    ----------
    label : outcomes, or other labels, on a grid.
    radii : in cells, three or more; by default 1, 2, 4, ... up to a sixteenth of the shortest side.
    confidence : confidence level of Student's interval, between 0 and 1.

    Raises
    ------
    ValueError : there are fewer than three radii, no start is uncertain at one of them, or the map is too small.

    References
    ----------
    S. W. McDonald, C. Grebogi, E. Ott & J. A. Yorke (1985), Fractal basin boundaries, Physica D 17, 125-153.
    """
    size = _sizes(radii, min(label.shape) // 16)
    if 2 * size.max() >= min(label.shape):
        raise ValueError(f"radii must be less than half of the shortest side, {min(label.shape)}; got {size.max()}")
    fraction = np.array([_uncertain(label, int(r), int(size.max())).mean() for r in size])
    if not fraction.all():
        raise ValueError("some start must be uncertain at each radius; use larger radii, or a finer map")
    return _law(size, fraction, 1.0, confidence)


def _sizes(sizes: Sequence[int] | None, largest: int) -> npt.NDArray[np.int64]:
    size = np.unique(np.asarray(2 ** np.arange(max(largest, 1).bit_length()) if sizes is None else sizes))
    if len(size) < 3 or size[0] < 1:
        wanted = "three or more sizes of 1 cell or more"
        raise ValueError(f"needs {wanted}; got {size.tolist()}; use other sizes, or a larger map")
    return size.astype(np.int64)


def _count(mask: npt.NDArray[np.bool_], side: int) -> int:
    """Number of boxes with sides of `side` cells that contain a cell of the set."""
    for axis in range(mask.ndim):
        mask = np.logical_or.reduceat(mask, range(0, mask.shape[axis], side), axis=axis)
    return int(mask.sum())


def _uncertain(label: Grid, radius: int, margin: int) -> npt.NDArray[np.bool_]:
    inner = tuple(slice(margin, n - margin) for n in label.shape)
    differs = np.zeros_like(label[inner], dtype=np.bool_)
    for axis in range(label.ndim):
        for shift in (-radius, radius):
            moved = slice(margin + shift, label.shape[axis] - margin + shift)
            differs |= label[(*inner[:axis], moved, *inner[axis + 1 :])] != label[inner]
    return differs


def _law(size: npt.NDArray[np.int64], measured: Array, sign: float, confidence: float) -> PowerLaw:
    x, y = np.log(size), np.log(measured)
    slope, intercept = (float(value) for value in np.polyfit(x, y, 1))
    local = np.diff(y) / np.diff(x)
    spread = np.sqrt(6 / 5 / len(local)) * np.std(local, ddof=1)  # of the slope of a line through a random walk
    half = float(stdtrit(len(local) - 1, upper_tail(confidence)) * spread)
    return PowerLaw(sign * slope, sign * slope - half, sign * slope + half, size, measured, slope, intercept)
