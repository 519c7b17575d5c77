"""Elementary functions over lanes: branch-free, explicit fused multiply-adds, one source for both dtypes.

exp is reduced by Cody and Waite's two-part ln 2 (Software Manual for the Elementary Functions, 1980) to
|r| <= ln(2)/2, where expm1(r) = r + r**2 P(r) with a minimax polynomial P (Remez), whose error, relative to r, is
2**-55.6 in float64 and 2**-26.2 in float32.
"""

from collections.abc import Sequence
from math import factorial

from saddlescape.kernels.lanes import Lanes, copysign, fma, power_of_two, select, split

LOG2E = 1.4426950408889634
LN2 = {
    "float64": (6.93147180369123816490e-01, 1.90821492927058770002e-10),
    "float32": (0.693145751953125, 1.42860682030941723212e-6),
}
MAGIC = {"float64": 1.5 * 2.0**52, "float32": 1.5 * 2.0**23}
LARGEST = {"float64": 706.0, "float32": 85.0}
"""Arguments of exp are clamped to this magnitude, where the result is still a normal number."""

EXPM1 = {
    "float64": (
        *(0.5000000000000006, 0.16666666666666685, 0.0416666666665737, 0.008333333333314607, 0.0013888888932352943),
        *(0.00019841269902997247, 2.4801504478825083e-05, 2.7557227983020855e-06, 2.7626312830735774e-07),
        2.5114464189549918e-08,
    ),
    "float32": (0.500000006189895, 0.1666654304128772, 0.04166628216870114, 0.00836657733889021, 0.0013946439537902491),
}
"""Coefficients of P, lowest first."""


def polynomial(x: Lanes, coefficients: Sequence[float]) -> Lanes:
    """Estrin's scheme in groups of four: short chains keep both multipliers busy."""
    square = x * x
    fourth = square * square if len(coefficients) > 4 else None
    value: Lanes | None = None
    for at in reversed(range(0, len(coefficients), 4)):
        pairs = [_pair(x, coefficients[k : min(k + 2, at + 4)]) for k in range(at, min(at + 4, len(coefficients)), 2)]
        group = fma(square, pairs[1], pairs[0]) if len(pairs) == 2 else pairs[0]
        value = group if value is None or fourth is None else fma(fourth, value, group)
    assert value is not None
    return value


def _pair(x: Lanes, coefficients: Sequence[float]) -> Lanes:
    low, *high = coefficients
    return fma(x, high[0], low) if high else x.like(low)


def exp_of_negative(y: Lanes, exponent: int = 0) -> tuple[Lanes, Lanes]:
    """2**exponent times (exp(y), 1 - exp(y)) for y <= 0, both relatively accurate; NaN passes through."""
    lowest, magic = y.like(-LARGEST[y.dtype]), MAGIC[y.dtype]
    y = select(lowest > y, lowest, y)
    shifted = fma(y, LOG2E, magic)
    k = shifted - magic
    high, low = LN2[y.dtype]
    r = fma(k, -low, fma(k, -high, y))
    expm1 = fma(r * r, polynomial(r, EXPM1[y.dtype]), r)
    scale = power_of_two(shifted, exponent)
    return fma(scale, expm1, scale), fma(-scale, expm1, 2.0**exponent - scale)


def exp(y: Lanes) -> Lanes:
    """exp(y), for |y| up to LARGEST; beyond, the value there."""
    e, _ = exp_of_negative(-abs(y))
    return select(y > 0.0, 1.0 / e, e)


def tanh_slope(x: Lanes) -> tuple[Lanes, Lanes]:
    """(tanh(x), 1 - tanh(x)**2), both relatively accurate at 0 and where tanh saturates; odd to the last bit.

    With e = exp(-2|x|) and u = 1 / (1 + e): tanh|x| = (1 - e) u and the slope is 4 e u**2.  A quarter of e and of
    1 - e, and so four times u, spare the factor; at subnormal x they cost two bits.
    """
    quarter, rest = exp_of_negative(-2.0 * abs(x), -2)
    u = 1.0 / (0.25 + quarter)
    return copysign(rest * u, x), quarter * u * u


def logistic_slope(x: Lanes) -> tuple[Lanes, Lanes]:
    """(1 / (1 + exp(-x)), its derivative), both relatively accurate for every x."""
    e, _ = exp_of_negative(-abs(x))
    u = 1.0 / (1.0 + e)
    small = e * u
    return select(x < 0.0, small, u), small * u


def log1p_unit(e: Lanes) -> Lanes:
    """Log(1 + e) for 0 <= e <= 1: twice the series of artanh(s), s = e / (2 + e) <= 1/3."""
    s = e / (e + 2.0)
    square = s * s
    series = polynomial(square, tuple(1.0 / n for n in range(3, 37, 2)))
    return 2.0 * fma(series * square, s, s)


def log(x: Lanes) -> Lanes:
    """Natural logarithm of a normal number > 0: k ln 2 + log(m) for m from 1/sqrt(2) to sqrt(2)."""
    k, m = split(x)
    s = (m - 1.0) / (m + 1.0)
    square = s * s
    series = fma(polynomial(square, tuple(1.0 / n for n in range(3, 23, 2))) * square, s, s)
    high, low = LN2[x.dtype]
    return fma(k, high, fma(k, low, 2.0 * series))


def cos_sin_turn(v: Lanes) -> tuple[Lanes, Lanes]:
    """(cos(2 pi v), sin(2 pi v)) for |v| <= 1/2, absolutely accurate: by the half angle and Taylor's series."""
    square = (v * v) * 9.869604401089358  # (pi v)**2 <= 2.47
    sine = polynomial(square, tuple((-1) ** n / factorial(2 * n + 1) for n in range(11))) * (v * 3.141592653589793)
    cosine = polynomial(square, tuple((-1) ** n / factorial(2 * n) for n in range(11)))
    return fma(-2.0 * sine, sine, 1.0), 2.0 * sine * cosine
