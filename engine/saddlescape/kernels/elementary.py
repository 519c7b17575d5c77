"""Elementary functions over lanes: branch-free, explicit fused multiply-adds, one source for both dtypes.

Errors of values are below two units in the last place and errors of derivatives below four (tests/test_elementary.py).
NaN arguments return NaN.  Functions that decay like an exponential are constant beyond |exponent| = `LARGEST`, where
they are still normal numbers, so no derivative rounds to zero.  bench/minimax.py computes the minimax coefficients; the
error of each polynomial, relative to the function, is below 2**-55 in float64 and 2**-27 in float32.

exp is reduced by Cody and Waite's two-part ln 2 (Software Manual for the Elementary Functions, 1980).  log1p follows
fdlibm's s_log1p.c.  erfc is exp(-w**2) times a polynomial in (w - c) / (w + c), after Shepherd and Laframboise
(Mathematics of Computation 36, 1981).
"""

import math
from collections.abc import Sequence

from saddlescape.kernels.dual import with_derivative, with_second_derivative
from saddlescape.kernels.lanes import BIASED_MAGIC, MAGIC, Lanes, copysign, exponent, fma, power_of_two, select

LOG2E = 1.4426950408889634
LN2 = {
    "float64": (6.93147180369123816490e-01, 1.90821492927058770002e-10),
    "float32": (0.693145751953125, 1.42860682030941723212e-6),
}
LARGEST = {"float64": 706.0, "float32": 85.0}
"""Arguments of exp are clamped to this magnitude, at which the result is still a normal number."""

FAR = {"float64": 26.5, "float32": 9.1}
"""Arguments of exp(-w**2) are clamped to this magnitude, for the same reason."""

HALF_PI = {
    "float64": (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33),
    "float32": (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15),
}
TURNS = {"float64": 2.0**40, "float32": 2.0**20}
"""Largest argument of sin; beyond it, the nearest multiple of pi / 2 cannot be found, and the value is NaN."""

EXPM1 = {
    "float64": (
        *(0.5000000000000006, 0.16666666666666685, 0.0416666666665737, 0.008333333333314612),
        *(0.001388888893235354, 0.00019841269902976452, 2.48015044780127e-05, 2.755722800945365e-06),
        *(2.762631317191893e-07, 2.5114453681991378e-08),
    ),
    "float32": (
        *(0.5, 0.1666666716337204, 0.04166635498404503, 0.008333273231983185, 0.0013940997887402773),
        0.00019914154836442322,
    ),
}
"""(expm1(r) - r) / r**2 for |r| <= ln(2) / 2."""

LOG1P = {
    "float64": (
        *(0.6666666666666735, 0.3999999999941313, 0.2857142874276582, 0.22222198531164306, 0.18183566667436674),
        *(0.15313986819174266, 0.14796624058164984),
    ),
    "float32": (0.6666677594184875, 0.3997752070426941, 0.29872310161590576),
}
"""(2 artanh(s) / s - 2) / s**2 as a polynomial in s**2."""

SEAM = 0.8
"""erf(x) is computed by a polynomial below this argument, as 1 - erfc(x) above it."""

ERF = {
    "float64": (
        *(0.12837916709551256, -0.3761263890318363, 0.11283791670947424, -0.026866170643244834),
        *(0.005223977601729524, -0.0008548325282805616, 0.0001205525319195268, -1.4923294798125023e-05),
        *(1.6417212522026345e-06, -1.5828814168640003e-07, 1.108260212500789e-08),
    ),
    "float32": (
        *(0.12837916612625122, -0.3761260509490967, 0.11283142864704132, -0.026822108775377274),
        *(0.0050874389708042145, -0.0006549591780640185),
    ),
}
"""erf(x) / x - 1 for x <= SEAM as a polynomial in x**2."""

POLE = {"float64": 3.5, "float32": 2.5}
ERFC = {
    "float64": (
        *(1.08705558926226, -0.9377997245671119, 0.6941136466346449, -0.4352560267168977),
        *(0.2257386216473838, -0.09231870663823359, 0.026518619882228246, -0.0031770503459201565),
        *(-0.0013053546978995555, 0.000714531708707461, -4.2062126256158534e-05, -7.477718465505972e-05),
        *(1.8647039512494194e-05, 7.244387132829975e-06, -3.391657040635373e-06, -7.96652480498281e-07),
        *(5.499797402281583e-07, 1.1624296175752897e-07, -8.306061507979498e-08, -2.1674409202569247e-08),
        *(8.885782504168363e-09, 3.2306469669217646e-09),
    ),
    "float32": (
        *(1.0540318489074707, -0.8046518564224243, 0.45391419529914856, -0.17125189304351807),
        *(0.02835979498922825, 0.008400237187743187, -0.004804922733455896, -0.00046367046888917685),
        *(0.000652508984785527, 7.991787424543872e-05, -4.064895983901806e-05),
    ),
}
"""(w + POLE) exp(w**2) erfc(w) as a polynomial in (w - POLE) / (w + POLE)."""

SIN = {
    "float64": (
        *(-0.16666666666666632, 0.008333333333322285, -0.00019841269829700033, 2.7557313652965923e-06),
        *(-2.5050751789055385e-08, 1.5896416612840118e-10),
    ),
    "float32": (-0.16666649281978607, 0.008331856690347195, -0.00019475113367661834),
}
"""(sin(r) / r - 1) / r**2 as a polynomial in r**2."""

COS = {
    "float64": (
        *(0.0416666666666666, -0.001388888888887395, 2.480158728936839e-05, -2.7557314318039726e-07),
        *(2.0875718431353607e-09, -1.1359388310711322e-11),
    ),
    "float32": (0.04166663810610771, -0.001388694392517209, 2.4391125407419167e-05),
}
"""(cos(r) - 1 + r**2 / 2) / r**4 as a polynomial in r**2."""


def polynomial(x: Lanes, coefficients: Sequence[float]) -> Lanes:
    """Polynomial by Estrin's scheme in groups of four, whose short dependency chains keep both multipliers busy."""
    square = x * x
    fourth = square * square if len(coefficients) > 4 else None
    value: Lanes | None = None
    for first in reversed(range(0, len(coefficients), 4)):
        four = coefficients[first : first + 4]
        pairs = [_pair(x, four[k : k + 2]) for k in range(0, len(four), 2)]
        group = fma(square, pairs[1], pairs[0]) if len(pairs) == 2 else pairs[0]
        value = group if value is None or fourth is None else fma(fourth, value, group)
    assert value is not None
    return value


def _pair(x: Lanes, coefficients: Sequence[float]) -> Lanes:
    low, *high = coefficients
    return fma(x, high[0], low) if high else x.like(low)


def at_most(x: Lanes, limit: float) -> Lanes:
    """The smaller of `x` and `limit`; NaN where `x` is NaN."""
    return select(x > limit, x.like(limit), x)


def exp_parts(y: Lanes, tail: Lanes | None = None, factor: float = 1.0) -> tuple[Lanes, Lanes]:
    """(2**k, q) with exp(factor (y + tail)) = 2**k (1 + factor q), for factor y <= LARGEST and a tail far below y.

    The factor is a power of two; it is folded into the constants and costs nothing.
    """
    lowest, magic = y.like(-LARGEST[y.dtype] / factor), BIASED_MAGIC[y.dtype]
    y = select(lowest > y, lowest, y)
    shifted = fma(y, LOG2E * factor, magic)
    k = shifted - magic
    high, low = LN2[y.dtype]
    r = fma(k, -low / factor, fma(k, -high / factor, y))
    r = r if tail is None else r + tail
    coefficients = [c * factor ** (n + 1) for n, c in enumerate(EXPM1[y.dtype])]
    return power_of_two(shifted), fma(r * r, polynomial(r, coefficients), r)


@with_derivative(lambda y, e: e)
def exp_of_negative(y: Lanes) -> Lanes:
    """exp(y) for y <= LARGEST with a small relative error."""
    scale, q = exp_parts(y)
    return fma(scale, q, scale)


def exp_of_minus_square(w: Lanes, factor: float = 1.0) -> Lanes:
    """exp(-factor w**2) with a small relative error, from w**2 in two parts; the factor is a power of two."""
    square = w * w
    scale, q = exp_parts(-square, -fma(w, w, -square), factor)
    return fma(scale * factor, q, scale)


@with_derivative(lambda x, y: 1.0 / (1.0 + x))
def log1p(x: Lanes) -> Lanes:
    """log(1 + x) for finite x >= 0 with a small relative error."""
    u = 1.0 + x
    lost = x - (u - 1.0)  # the difference in parentheses is exact
    k, shrink = exponent(u)
    return _logarithm(k, fma(lost, shrink, fma(u, shrink, -1.0)))


@with_derivative(lambda x, y: 1.0 / (1.0 + x))
def log1p_of_unit(x: Lanes) -> Lanes:
    """log(1 + x) for 0 <= x <= 1 with a small relative error; cheaper than log1p."""
    large = x > 0.41421356
    return _logarithm(select(large, x.like(1.0), 0.0), select(large, fma(x, 0.5, -0.5), x))


def log(x: Lanes) -> Lanes:
    """Natural logarithm of a positive normal number with a small relative error."""
    k, shrink = exponent(x)
    return _logarithm(k, fma(x, shrink, -1.0))


def _logarithm(k: Lanes, f: Lanes) -> Lanes:
    """k ln 2 + log(1 + f)."""
    s = f / (f + 2.0)
    square, half = s * s, 0.5 * f * f
    high, low = LN2[f.dtype]
    rest = fma(square, polynomial(square, LOG1P[f.dtype]), half)
    return fma(k, high, f - (half - fma(s, rest, k * low)))


def exp(y: Lanes) -> Lanes:
    """exp(y), with y clamped to [-LARGEST, LARGEST]."""
    return exp_of_negative(at_most(y, LARGEST[y.dtype]))


@with_second_derivative(lambda x, y, slope: -2.0 * y * slope)
def tanh_slope(x: Lanes) -> tuple[Lanes, Lanes]:
    """(tanh(x), 1 - tanh(x)**2) with small relative errors, also where tanh saturates; odd to the last bit.

    With e = exp(-2|x|) = s (1 + 2 q), tanh|x| = (1 - e) / (1 + e) is the fixed point of t = (1 - e) / 2 (1 + t), which
    makes the roundings of the quotient small; a - b is (1 - e) / 2, and a is exact.  The slope is e (1 + t)**2.
    """
    s, q = exp_parts(-abs(x), factor=2.0)
    a, b = fma(s, -0.5, 0.5), s * q
    e, rest = fma(b, 2.0, s), a - b
    t = a + fma(rest, rest / fma(e, 0.5, 0.5), -b)
    part = fma(e, t, e)
    return copysign(t, x), fma(part, t, part)


def logistic_tail(x: Lanes) -> tuple[Lanes, Lanes]:
    """(exp(-|x|), logistic(-|x|)) with small relative errors: s = e / (1 + e) is a fixed point of s = e (1 - s)."""
    e = exp_of_negative(-abs(x))
    return e, fma(-e, e / (1.0 + e), e)


@with_second_derivative(lambda x, y, slope: slope * (1.0 - 2.0 * y))
def logistic_slope(x: Lanes) -> tuple[Lanes, Lanes]:
    """(1 / (1 + exp(-x)), its derivative) with small relative errors for every x."""
    _, tail = logistic_tail(x)
    return select(x < 0.0, tail, 1.0 - tail), fma(-tail, tail, tail)


def erfc_scaled(w: Lanes) -> Lanes:
    """exp(w**2) erfc(w) for 0 <= w <= FAR."""
    pole = POLE[w.dtype]
    u = 1.0 / (w + pole)
    t = (w - pole) * u
    residual = fma(t, -w, fma(t + 1.0, -pole, w))  # (w - pole) - t (w + pole)
    return u * polynomial(fma(u, residual, t), ERFC[w.dtype])


@with_second_derivative(lambda x, y, slope: -2.0 * x * slope)
def erf_slope(x: Lanes) -> tuple[Lanes, Lanes]:
    """(erf(x), 2 / sqrt(pi) exp(-x**2)) with small relative errors; odd to the last bit."""
    w = at_most(abs(x), FAR[x.dtype])
    e = exp_of_minus_square(w)
    near = fma(w, polynomial(w * w, ERF[x.dtype]), w)
    value = select(w < SEAM, near, 1.0 - e * erfc_scaled(w))
    return copysign(value, x), e * 1.1283791670955126


@with_second_derivative(lambda x, y, slope: -y)
def sin_slope(x: Lanes) -> tuple[Lanes, Lanes]:
    """(sin(x), cos(x)) with small relative errors, also near zeros; odd to the last bit; NaN where |x| > TURNS.

    x is k pi/2 + r with pi/2 in three parts; the first fused multiply-add is exact for every k.
    """
    size, magic = abs(x), MAGIC[x.dtype]
    size = select(size <= TURNS[x.dtype], size, math.nan)
    k = fma(size, 2 / math.pi, magic) - magic
    r = size
    for part in HALF_PI[x.dtype]:
        r = fma(k, -part, r)
    square = r * r
    sine = fma(r * square, polynomial(square, SIN[x.dtype]), r)
    cosine = fma(square * square, polynomial(square, COS[x.dtype]), fma(square, -0.5, 1.0))
    quarter = fma(fma(k, 0.25, magic) - magic, -4.0, k)  # -2 to 2
    turns = abs(quarter)
    odd, even_sign = abs(turns - 1.0) < 0.5, 1.0 - turns
    value = select(odd, cosine * quarter, sine * even_sign)
    return value * copysign(x.like(1.0), x), select(odd, sine * -quarter, cosine * even_sign)
