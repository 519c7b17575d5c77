"""The median of a few measurements, with an interval that assumes no distribution."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import bdtrik

EXACT = 1000
"""Number of values up to which probabilities are sums of integers; 2**1024 is no float."""


class Median(NamedTuple):
    """A median and the ends of its interval."""

    value: float
    low: float
    high: float


def median_interval(values: npt.ArrayLike, confidence: float = 0.95) -> Median:
    """The median of independent measurements, with an interval for the median of their distribution.

    Parameters
    ----------
    values : (n,) numbers.
    confidence : confidence level of the interval, between 0 and 1.

    Returns
    -------
    Median : its interval goes from the k-th smallest to the k-th largest value, with the largest k at which a binomial
        number of n tries of probability 1/2 lies from k to n - k with at least this probability.  So the interval
        covers the median in at least this share of samples, whatever the distribution.

    Raises
    ------
    ValueError : a value is NaN, or there are too few for the confidence: 95 % needs 6.

    References
    ----------
    W. J. Conover (1999), Practical Nonparametric Statistics, 3rd ed., section 3.2.

    Examples
    --------
    >>> from saddlescape import analysis
    >>> analysis.median_interval([1.02, 0.98, 1.01, 1.0, 1.05, 0.99])
    Median(value=1.005, low=0.98, high=1.05)
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n = len(ordered)
    if np.isnan(ordered).any():
        raise ValueError("values must be numbers; one is NaN")
    k = _rank(n, (1 - confidence) / 2)
    if k == 0:
        raise ValueError(f"{n} values are too few for a confidence of {confidence:g}")
    return Median(float(np.median(ordered)), float(ordered[k - 1]), float(ordered[n - k]))


def _rank(n: int, share: float) -> int:
    """The largest k for which less than k of n tries of probability 1/2 succeed with at most this probability."""
    if n > EXACT:
        return int(bdtrik(share, n, 0.5)) + 1
    allowed, k, below = share * 2**n, 0, 1
    while below <= allowed and 2 * k < n - 1:  # below: how many of 2**n samples have at most k values on one side
        k += 1
        below += math.comb(n, k)
    return k
