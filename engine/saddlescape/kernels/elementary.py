"""Elementary functions over lanes: branch-free, explicit fused multiply-adds, one source for both dtypes.

exp is reduced by Cody and Waite's two-part ln 2 (Software Manual for the Elementary Functions, 1980) to
|r| <= ln(2)/2, where expm1(r) is its Taylor polynomial, long enough to be exact to rounding.
"""

from math import factorial

from numba import types
from numba.extending import overload, register_jitable

from saddlescape.kernels.lanes import absolute, copysign, fma, full, power_of_two, select

LOG2E = 1.4426950408889634
LN2 = {types.float64: (6.93147180369123816490e-01, 1.90821492927058770002e-10),
       types.float32: (0.693145751953125, 1.42860682030941723212e-6)}  # fmt: skip
MAGIC = {types.float64: 1.5 * 2.0**52, types.float32: 1.5 * 2.0**23}
LARGEST = {types.float64: 708.0, types.float32: 87.0}
"""Arguments of exp are clamped to this magnitude, where the result is still a normal number."""

C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13 = (1.0 / factorial(n) for n in range(2, 14))


def expm1_series(r):
    """Exp(r) - 1 for |r| <= ln(2)/2."""


@overload(expm1_series)
def _expm1_series(r):
    if r.dtype == types.float32:

        def short(r):
            r2 = r * r
            low = fma(r2, fma(r, C5, C4), fma(r, C3, C2))
            return fma(r2, fma(r2 * r2, fma(r, C7, C6), low), r)

        return short

    def long(r):
        r2 = r * r
        r4 = r2 * r2
        low = fma(r2, fma(r, C5, C4), fma(r, C3, C2))
        middle = fma(r2, fma(r, C9, C8), fma(r, C7, C6))
        high = fma(r2, fma(r, C13, C12), fma(r, C11, C10))
        return fma(r2, fma(r4, fma(r4, high, middle), low), r)

    return long


def reduced(y):
    """(shifted, r) with y = k ln 2 + r, |r| <= ln(2)/2 and `shifted` = k + 1.5 * 2**mantissa bits."""


@overload(reduced)
def _reduced(y):
    high, low = LN2[y.dtype]
    magic = MAGIC[y.dtype]

    def impl(y):
        shifted = fma(y, LOG2E, full(y, magic))
        k = shifted - magic
        return shifted, fma(k, -low, fma(k, -high, y))

    return impl


def clamped(y):
    """Min(y, LARGEST)."""


@overload(clamped)
def _clamped(y):
    largest = LARGEST[y.dtype]

    def impl(y):
        return select(y > largest, full(y, largest), y)

    return impl


@register_jitable
def tanh_slope(x):
    """(tanh(x), 1 - tanh(x)**2), both relatively accurate at 0 and where tanh saturates; odd to the last bit.

    With h = expm1(2|x|) / 2 and u = 1 / (1 + h): tanh|x| = h u = 1 - u and the slope is u (1 + tanh|x|).
    """
    shifted, r = reduced(clamped(2.0 * absolute(x)))
    half = power_of_two(shifted, -1)
    h = fma(half, expm1_series(r), half - 0.5)
    u = 1.0 / (h + 1.0)
    t = select(h > 1.0, 1.0 - u, h * u)
    return copysign(t, x), fma(u, t, u)


@register_jitable
def exp_minus_abs(x):
    """Exp(-|x|), in (0, 1]."""
    shifted, r = reduced(-clamped(absolute(x)))
    scale = power_of_two(shifted, 0)
    return fma(scale, expm1_series(r), scale)


@register_jitable
def logistic_slope(x):
    """(1 / (1 + exp(-x)), its derivative), both relatively accurate for every x."""
    e = exp_minus_abs(x)
    u = 1.0 / (1.0 + e)
    small = e * u
    return select(x < 0.0, small, u), small * u


@register_jitable
def log1p_unit(e):
    """Log(1 + e) for 0 <= e <= 1: twice the series of artanh(s), s = e / (2 + e) <= 1/3."""
    s = e / (e + 2.0)
    s2 = s * s
    p = full(e, 1.0 / 35.0)
    p = fma(p, s2, 1.0 / 33.0)
    p = fma(p, s2, 1.0 / 31.0)
    p = fma(p, s2, 1.0 / 29.0)
    p = fma(p, s2, 1.0 / 27.0)
    p = fma(p, s2, 1.0 / 25.0)
    p = fma(p, s2, 1.0 / 23.0)
    p = fma(p, s2, 1.0 / 21.0)
    p = fma(p, s2, 1.0 / 19.0)
    p = fma(p, s2, 1.0 / 17.0)
    p = fma(p, s2, 1.0 / 15.0)
    p = fma(p, s2, 1.0 / 13.0)
    p = fma(p, s2, 1.0 / 11.0)
    p = fma(p, s2, 1.0 / 9.0)
    p = fma(p, s2, 1.0 / 7.0)
    p = fma(p, s2, 1.0 / 5.0)
    p = fma(p, s2, 1.0 / 3.0)
    return 2.0 * fma(p * s2, s, s)
