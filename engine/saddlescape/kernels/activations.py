"""Activation functions: each maps a pre-activation z to (value, derivative), both with a small relative error.

A derivative computed from the value, such as 1 - tanh**2, rounds to zero long before the true derivative is zero, so
rounding alone would freeze saturated networks.  The definitions are PyTorch's.
"""

import math
from collections.abc import Callable

from saddlescape.kernels.dual import with_second_derivative, zero_second_derivative
from saddlescape.kernels.elementary import (
    FAR,
    LARGEST,
    at_most,
    erf_slope,
    erfc_scaled,
    exp_of_minus_square,
    exp_of_negative,
    log1p_of_unit,
    logistic_slope,
    logistic_tail,
    sin_slope,
    tanh_slope,
)
from saddlescape.kernels.lanes import Lanes, copysign, fma, select
from saddlescape.words.activations import LEAK

Pair = tuple[Lanes, Lanes]


@with_second_derivative(zero_second_derivative)
def relu(z: Lanes) -> Pair:
    """(max(z, 0), 1 where z > 0); the derivative at 0 is 0."""
    return select(z <= 0.0, z.like(0.0), z), select(z <= 0.0, z.like(0.0), 1.0)


@with_second_derivative(zero_second_derivative)
def leaky_relu(z: Lanes) -> Pair:
    """(z, 1) where z > 0, else (LEAK z, LEAK)."""
    return select(z > 0.0, z, z * LEAK), select(z > 0.0, z.like(1.0), LEAK)


@with_second_derivative(zero_second_derivative)
def linear(z: Lanes) -> Pair:
    """(z, 1)."""
    return z, z.like(1.0)


@with_second_derivative(lambda z, y, slope: logistic_slope(z)[1])
def softplus(z: Lanes) -> Pair:
    """(log(1 + exp(z)), logistic(z))."""
    e, _ = logistic_tail(z)
    return select(z < 0.0, z.like(0.0), z) + log1p_of_unit(e), logistic_slope(z)[0]


def _gated(z: Lanes, limit: float, tail: Lanes, density: Lanes) -> Pair:
    """(z G(z), its derivative) for a symmetric distribution function G: `tail` is G(-|z|), `density` is G'(-|z|).

    G(-z) = 1 - G(z), so the derivative at -z is 1 minus the derivative at z; neither difference cancels.
    """
    slope = fma(-at_most(abs(z), limit), density, tail)
    below = select(z < -limit, z.like(-limit), z)
    return below * select(z < 0.0, tail, 1.0 - tail), select(z < 0.0, slope, 1.0 - slope)


def _silu_second(z: Lanes, y: Lanes, slope: Lanes) -> Lanes:
    """s'(2 + z (1 - 2s)), where s is the logistic function."""
    s, density = logistic_slope(z)
    return density * fma(at_most(abs(z), LARGEST[z.dtype]), 1.0 - 2.0 * select(z < 0.0, 1.0 - s, s), 2.0)


@with_second_derivative(_silu_second)
def silu(z: Lanes) -> Pair:
    """(z logistic(z), its derivative)."""
    _, tail = logistic_tail(z)
    return _gated(z, LARGEST[z.dtype], tail, fma(-tail, tail, tail))


def _gelu_second(z: Lanes, y: Lanes, slope: Lanes) -> Lanes:
    """The normal density times (2 - z**2)."""
    size = at_most(abs(z), FAR[z.dtype] * math.sqrt(2))
    return exp_of_minus_square(size, 0.5) * (1 / math.sqrt(2 * math.pi)) * (2.0 - size * size)


def _mish_parts(z: Lanes) -> tuple[Lanes, Lanes, Lanes, Lanes]:
    """(e, clamped z, t, b) with e = exp(-|z|) and tanh(softplus(z)) = t / b.

    t / b is u (u + 2) / (u (u + 2) + 2) with u = exp(z); where u > 1, t and b are divided by u**2.
    """
    e, below = exp_of_negative(-abs(z)), z < 0.0
    top = select(below, fma(e, e, e + e), fma(e, 2.0, 1.0))
    return e, copysign(at_most(abs(z), LARGEST[z.dtype]), z), top, top + select(below, z.like(2.0), e * e * 2.0)


def _mish_second(z: Lanes, y: Lanes, slope: Lanes) -> Lanes:
    """g'(2 + z (1 - s (1 + 2g))), where g is the gate tanh(softplus(z)) and s the logistic function."""
    e, clamped, top, bottom = _mish_parts(z)
    density = 4.0 * select(z < 0.0, e, e * e) * (1.0 + e) / (bottom * bottom)
    return density * fma(clamped, fma(-logistic_slope(z)[0], fma(top / bottom, 2.0, 1.0), 1.0), 2.0)


@with_second_derivative(_mish_second)
def mish(z: Lanes) -> Pair:
    """(z tanh(softplus(z)), its derivative) (Misra 2019).

    The derivative is u (4 (z + 1) (u + 1) + u (u**2 + 4u + 2)) / b**2; z + 1 is exact where the terms cancel.
    """
    e, clamped, top, bottom = _mish_parts(z)
    line = 4.0 * (clamped + 1.0) * (e + 1.0)
    slope = select(z < 0.0, e * fma(e, fma(e, e + 4.0, 2.0), line), fma(e * e, line + 2.0, fma(e, 4.0, 1.0)))
    return select(z < 0.0, clamped, z) * (top / bottom), slope / (bottom * bottom)


@with_second_derivative(_gelu_second)
def gelu(z: Lanes) -> Pair:
    """(z Phi(z), its derivative), Phi the normal distribution function (Hendrycks & Gimpel 2016), not approximated."""
    limit = FAR[z.dtype] * math.sqrt(2)
    size = at_most(abs(z), limit)
    e = exp_of_minus_square(size, 0.5)
    return _gated(z, limit, e * 0.5 * erfc_scaled(size * math.sqrt(0.5)), e * (1 / math.sqrt(2 * math.pi)))


ACTIVATIONS: dict[str, Callable[[Lanes], Pair]] = {
    "logistic": logistic_slope,
    "tanh": tanh_slope,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "linear": linear,
    "softplus": softplus,
    "silu": silu,
    "mish": mish,
    "gelu": gelu,
    "erf": erf_slope,
    "sin": sin_slope,
}
