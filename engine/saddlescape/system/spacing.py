"""Logarithms, and numbers spread between two ends, correctly rounded: the same bits on every machine.

NumPy's logarithms and powers are others where there is AVX-512.
"""

from collections.abc import Iterable, Iterator
from decimal import Context, Decimal
from itertools import accumulate, chain, repeat

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

EXACT = Context(prec=50)
"""Digits enough for a million products before one of the seventeen that a float64 shows is wrong."""


def log(values: npt.ArrayLike) -> Floats:
    """Natural logarithms of positive numbers, float64, of the same shape."""
    each, which = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True)
    logarithms = np.array([float(EXACT.ln(Decimal(value))) for value in each.tolist()], dtype=np.float64)
    return logarithms[which].reshape(np.shape(values))


def geomspace(first: float, last: float, n: int) -> Floats:
    """`n` > 1 numbers evenly spaced in the logarithm, float64, the ends themselves included; both are positive."""
    low, high = _logarithms(first, last)
    ratio = EXACT.exp(EXACT.divide(EXACT.subtract(high, low), Decimal(n - 1)))
    powers: Iterator[Decimal] = accumulate(chain([Decimal(first)], repeat(ratio, n - 2)), EXACT.multiply)
    return np.fromiter(chain(map(float, powers), [last]), dtype=np.float64, count=n)


def between(first: float, last: float, share: Iterable[float], log: bool) -> Floats:
    """The numbers at these shares, 0 to 1, of the way from `first` to `last`; `log`: of the way of the logarithm."""
    if not log:
        shares = np.fromiter(share, dtype=np.float64)
        return first + (last - first) * shares
    low, high = _logarithms(first, last)
    way = EXACT.subtract(high, low)
    return np.array([float(EXACT.exp(EXACT.fma(way, Decimal(float(u)), low))) for u in share], dtype=np.float64)


def _logarithms(first: float, last: float) -> tuple[Decimal, Decimal]:
    return EXACT.ln(Decimal(first)), EXACT.ln(Decimal(last))
