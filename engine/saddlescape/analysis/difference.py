"""The difference between two fractions of starts, with an interval and a test."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from saddlescape.analysis.escape import wilson_interval

Floats = npt.NDArray[np.float64]

TIES = 1 + 1e-7
"""Factor up to which probabilities count as equal in Fisher's test, as their rounding errors differ."""


class Difference(NamedTuple):
    """Differences of fractions, their intervals, and p-values of the hypothesis that there is none; float64 (...)."""

    value: Floats
    low: Floats
    high: Floats
    p: Floats


def fraction_difference(
    a: npt.ArrayLike, b: npt.ArrayLike, paired: bool = False, confidence: float = 0.95
) -> Difference:
    """Fraction of `b` minus fraction of `a`, with Newcombe's interval and an exact two-sided test.

    Parameters
    ----------
    a, b : bool (..., runs), whether each run had an event; the numbers of runs may differ unless paired.
    paired : whether runs of the same number belong together, as those of the same start under two optimizers.  The test
        is then McNemar's, which looks only at runs that differ; otherwise it is Fisher's.
    confidence : confidence level of the interval, between 0 and 1.

    Returns
    -------
    Difference with arrays (...).  Intervals of discrete counts cover the difference in 95 % of samples only on average.

    Raises
    ------
    ValueError : there are no runs, the shapes do not fit, or the confidence is outside its range.

    References
    ----------
    R. G. Newcombe (1998), Interval estimation for the difference between independent proportions, Statist. Med. 17,
    873-890, and Improved confidence intervals for the difference between binomial proportions based on paired data,
    Statist. Med. 17, 2635-2650; method 10 of both.  Q. McNemar (1947), Psychometrika 12, 153-157.
    """
    a, b = np.asarray(a, dtype=bool), np.asarray(b, dtype=bool)
    if (
        a.shape[:-1] != b.shape[:-1]
        or (paired and a.shape != b.shape)
        or 0 in (*a.shape[-1:], *b.shape[-1:])
        or not a.ndim
    ):
        requirement = "the same shape" if paired else "the same points, and runs"
        raise ValueError(f"a and b must have {requirement}; got {a.shape} and {b.shape}")
    (k, n), (j, m) = ((each.sum(axis=-1), each.shape[-1]) for each in (a, b))
    (low, high), (below, above) = wilson_interval(k, n, confidence), wilson_interval(j, m, confidence)
    p, q, phi = k / n, j / m, _correlation(a, b) if paired else 0.0
    return Difference(
        q - p,
        q - p - _half(q - below, high - p, phi),
        q - p + _half(above - q, p - low, phi),
        _mcnemar(a, b) if paired else _fisher(k, n, j, m),
    )


def _half(x: Floats, y: Floats, phi: npt.ArrayLike) -> Floats:
    """Length of the difference of two errors with a correlation."""
    return np.sqrt(np.maximum(x**2 - 2 * np.asarray(phi) * x * y + y**2, 0.0))


def _correlation(a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_]) -> Floats:
    """Correlation of paired events, a positive one with a continuity correction; 0 if a fraction is 0 or 1."""
    n, both = a.shape[-1], (a & b).sum(axis=-1)
    of_a, of_b = a.sum(axis=-1), b.sum(axis=-1)
    excess = both * (n - of_a - of_b + both) - (of_a - both) * (of_b - both)
    excess = np.where(excess > 0, np.maximum(excess - n / 2, 0), excess)
    scale = np.sqrt(of_a * (n - of_a) * (of_b * (n - of_b)).astype(np.float64))
    return np.asarray(np.divide(excess, scale, out=np.zeros_like(scale), where=scale > 0))


def _mcnemar(a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_]) -> Floats:
    """Probability of runs that differ at least as unequally, if both directions are equally likely."""
    from scipy.stats import binom  # takes a second, and plots import this package

    only_a, only_b = (a & ~b).sum(axis=-1), (b & ~a).sum(axis=-1)
    return np.asarray(np.minimum(2 * binom.cdf(np.minimum(only_a, only_b), only_a + only_b, 0.5), 1.0))


def _fisher(k: npt.NDArray[np.int64], n: int, j: npt.NDArray[np.int64], m: int) -> Floats:
    """Probability of tables that are at most as probable, given the sums of rows and columns."""
    from scipy.stats import hypergeom

    values = np.empty(np.shape(k))
    for where in np.ndindex(values.shape):
        total = int(k[where] + j[where])
        each = hypergeom.pmf(np.arange(max(0, total - m), min(n, total) + 1), n + m, total, n)
        own = hypergeom.pmf(k[where], n + m, total, n)
        values[where] = min(1.0, each[each <= TIES * own].sum())
    return values


def holm(p: npt.ArrayLike) -> Floats:
    """P-values of several tests, adjusted so that one below 0.05 appears in 5 % of all families at most; NaN stays.

    Parameters
    ----------
    p : p-values of any shape, which is that of the result.

    References
    ----------
    S. Holm (1979), A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6, 65-70.
    """
    values = np.array(p, dtype=np.float64)
    tested = np.flatnonzero(~np.isnan(values.ravel()))
    order = tested[np.argsort(values.ravel()[tested], kind="stable")]
    raised = values.ravel()[order] * np.arange(len(order), 0, -1)
    values.flat[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    return values
