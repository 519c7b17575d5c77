"""Logarithms and spaced numbers with the same bits on every machine.

NumPy's logarithms and powers have other bits on processors with AVX-512.
"""

from collections.abc import Iterable, Iterator
from decimal import Context, Decimal
from itertools import accumulate, chain, repeat

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

EXACT = Context(prec=50)
"""Enough digits that after a million multiplications the 17 digits of a float64 are still correct."""


def log(values: npt.ArrayLike) -> Floats:
    """Natural logarithms of positive numbers, float64, with the shape of `values`."""
    unique, inverse = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True)
    logarithms = np.array([float(EXACT.ln(Decimal(value))) for value in unique.tolist()], dtype=np.float64)
    return logarithms[inverse].reshape(np.shape(values))


def power10(exponents: npt.ArrayLike) -> Floats:
    """10 to these powers, float64 and correctly rounded, with the shape of `exponents`; 0 or infinite out of range."""
    unique, inverse = np.unique(np.clip(np.asarray(exponents, dtype=np.float64), -400, 400), return_inverse=True)
    powers = np.array([float(EXACT.power(10, Decimal(value))) for value in unique.tolist()], dtype=np.float64)
    return powers[inverse].reshape(np.shape(exponents))


def geomspace(first: float, last: float, n: int) -> Floats:
    """`n` > 1 numbers, evenly spaced on a log scale, from `first` to `last`, both positive and included; float64."""
    low, high = _logarithms(first, last)
    ratio = EXACT.exp(EXACT.divide(EXACT.subtract(high, low), Decimal(n - 1)))
    powers: Iterator[Decimal] = accumulate(chain([Decimal(first)], repeat(ratio, n - 2)), EXACT.multiply)
    return np.fromiter(chain(map(float, powers), [last]), dtype=np.float64, count=n)


def between(first: float, last: float, fractions: Iterable[float], log: bool) -> Floats:
    """Interpolate from `first` to `last` at fractions from 0 to 1, float64; `log`: on a log scale."""
    if not log:
        return first + (last - first) * np.fromiter(fractions, dtype=np.float64)
    low, high = _logarithms(first, last)
    width = EXACT.subtract(high, low)
    return np.array([float(EXACT.exp(EXACT.fma(width, Decimal(float(u)), low))) for u in fractions], dtype=np.float64)


def _logarithms(first: float, last: float) -> tuple[Decimal, Decimal]:
    return EXACT.ln(Decimal(first)), EXACT.ln(Decimal(last))
