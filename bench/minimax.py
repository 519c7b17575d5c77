"""Compute the coefficients of `kernels/elementary.py`: minimax polynomials by Remez's exchange in mpmath.

`python bench/minimax.py` prints them, rounded to their dtype, each with the error before rounding as a power of two.
"""

from collections.abc import Callable
from typing import NamedTuple

import mpmath
import numpy as np
from mpmath import mpf

mpmath.mp.dps = 50
POINTS = 1000


class Fit(NamedTuple):
    """Minimize the largest weight(x) |f(x) - P(x)| on [low, high]; P has a `degree` for each dtype."""

    f: Callable[[mpf], mpf]
    weight: Callable[[mpf], mpf]
    low: dict[str, float]
    high: dict[str, float]
    degree: dict[str, int]


def both(a, b):
    return {"float64": a, "float32": b}


def extrema(errors, count):
    """Return the indices of `count` extrema of alternating sign."""
    runs = np.split(np.arange(len(errors)), np.flatnonzero(np.diff(np.sign(errors).astype(int))) + 1)
    peaks = [run[np.argmax(np.abs(errors[run]))] for run in runs]
    while len(peaks) > count:
        peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
    return peaks


def remez(fit, dtype):
    """Return the coefficients, lowest first, and the largest weighted error."""
    degree, low, high = fit.degree[dtype], mpf(fit.low[dtype]), mpf(fit.high[dtype])
    x = [(low + high) / 2 - (high - low) / 2 * mpmath.cos(mpmath.pi * k / POINTS) for k in range(POINTS + 1)]
    x = np.array([v for v in x if abs(v) > mpf(10) ** -9])
    f, weight = np.array([fit.f(v) for v in x]), np.array([fit.weight(v) for v in x])
    powers = x[:, None] ** np.arange(degree + 1)
    index = np.linspace(0, len(x) - 1, degree + 2).round().astype(int)
    for _ in range(12):
        signs = (-1) ** np.arange(degree + 2) / weight[index]
        system = mpmath.matrix(np.column_stack([powers[index], signs]).tolist())
        solution = mpmath.lu_solve(system, mpmath.matrix(f[index].tolist()))
        coefficients = np.array(list(solution)[: degree + 1])
        errors = weight * (f - powers @ coefficients)
        peaks = extrema(errors, degree + 2)
        if len(peaks) < degree + 2 or list(peaks) == list(index):
            break
        index = np.array(peaks)
    return coefficients, max(abs(errors))


def expm1(r):
    return (mpmath.expm1(r) - r) / r**2


def log1p(z):
    s = mpmath.sqrt(z)
    return (2 * mpmath.atanh(s) - 2 * s) / s / z


def sin(z):
    r = mpmath.sqrt(z)
    return (mpmath.sin(r) - r) / r**3


def cos(z):
    return (mpmath.cos(mpmath.sqrt(z)) - 1 + z / 2) / z**2


def erf(z):
    x = mpmath.sqrt(z)
    return mpmath.erf(x) / x - 1


def mills(pole):
    """Return (w + pole) exp(w**2) erfc(w) as a function of t = (w - pole) / (w + pole)."""

    def f(t):
        w = pole * (1 + t) / (1 - t)
        return (w + pole) * mpmath.exp(w * w) * mpmath.erfc(w)

    return f


def to_t(w, pole):
    return (w - pole) / (w + pole)


HALF_LN2 = float(mpmath.log(2) / 2) * (1 + 2.0**-20)
QUARTER_PI = both(float(mpmath.pi / 4) + 1e-3, float(mpmath.pi / 4) + 0.05)
SQUARES = {dtype: value**2 for dtype, value in QUARTER_PI.items()}
ZERO = both(0.0, 0.0)
POLE = both(3.5, 2.5)
FAR = both(26.6, 9.15)

FITS = {
    "EXPM1": Fit(expm1, abs, both(-HALF_LN2, -HALF_LN2), both(HALF_LN2, HALF_LN2), both(9, 5)),
    "LOG1P": Fit(log1p, lambda z: z / 2, ZERO, both(0.02945, 0.02945), both(6, 2)),
    "ERF": Fit(erf, lambda z: 1.0, ZERO, both(0.64, 0.64), both(10, 5)),
    "SIN": Fit(sin, lambda z: z, ZERO, SQUARES, both(5, 2)),
    "COS": Fit(cos, lambda z: z**2, ZERO, SQUARES, both(5, 2)),
}


def tail(dtype):
    f = mills(POLE[dtype])
    return Fit(f, lambda t: 1 / f(t), both(-1.0, -1.0), {dtype: to_t(FAR[dtype], POLE[dtype])}, both(21, 10))


def show(name, fit, dtype):
    coefficients, error = remez(fit, dtype)
    print(name, dtype, f"2**{float(mpmath.log(error, 2)):.1f}")
    print("   ", ", ".join(repr(float(np.dtype(dtype).type(c))) for c in coefficients))


if __name__ == "__main__":
    for dtype in ("float64", "float32"):
        for name, fit in FITS.items():
            show(name, fit, dtype)
        show("ERFC", tail(dtype), dtype)
