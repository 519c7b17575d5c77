"""Theory of the escape from a saddle, for comparison with measurements.

Times are times of the gradient flow, theta' = -grad E.  n steps of gradient descent with learning rate r correspond to
a time of about n r, and n steps with momentum m to about n r / (1 - m).
"""

import numpy as np
import numpy.typing as npt
from scipy.special import hyp2f1

Array = npt.NDArray[np.float64]


def growth_factor(curvature: npt.ArrayLike, learning_rate: npt.ArrayLike, momentum: npt.ArrayLike = 0.0) -> Array:
    """Factor by which a step of gradient descent, with or without momentum, multiplies a small deviation from a saddle.

    Along a direction with curvature -gamma (an eigenvalue of the Hessian) and without momentum, it is
    1 + learning_rate gamma; with momentum, it is the largest root of
    f^2 - (1 + momentum + learning_rate gamma) f + momentum = 0.

    Parameters
    ----------
    curvature : negative; all arguments broadcast against each other.
    learning_rate : > 0.
    momentum : from 0 to 1.

    Raises
    ------
    ValueError : an argument is out of range.

    References
    ----------
    B. T. Polyak (1964), USSR Comput. Math. Math. Phys. 4(5), 1-17.
    """
    _require(np.asarray(learning_rate) > 0, "learning_rate must be greater than 0", learning_rate)
    _require((np.asarray(momentum) >= 0) & (np.asarray(momentum) <= 1), "momentum must be from 0 to 1", momentum)
    trace = 1 + np.asarray(momentum) + np.asarray(learning_rate) * _gamma(curvature)
    return np.asarray((trace + np.sqrt(trace**2 - 4 * np.asarray(momentum))) / 2)


def saddle_escape_time(scale: npt.ArrayLike, curvature: npt.ArrayLike, distance: npt.ArrayLike = 1.0) -> Array:
    """Time of the linearized flow from `scale` to `distance` along a direction of negative curvature.

    With `curvature` -gamma, it is ``ln(distance / scale) / gamma``; the number of steps is
    ``ln(distance / scale) / ln(growth_factor(...))``.

    Raises
    ------
    ValueError : scale or distance is not greater than 0, or the curvature is not negative.
    """
    _require(np.asarray(scale) > 0, "scale must be greater than 0", scale)
    _require(np.asarray(distance) > 0, "distance must be greater than 0", distance)
    return np.asarray(np.log(np.asarray(distance) / np.asarray(scale)) / _gamma(curvature))


def linear_product(time: npt.ArrayLike, start: npt.ArrayLike, target: npt.ArrayLike) -> Array:
    """Product u(t) of the two weights of a mode of a linear network with one hidden layer, from equal weights.

    u = s e^(2 s t) / (e^(2 s t) - 1 + s / u0), for the loss (s - u)^2 / 2.

    Parameters
    ----------
    time : t >= 0.
    start, target : u0 > 0 and s > 0.

    Raises
    ------
    ValueError : an argument is out of range.

    References
    ----------
    A. M. Saxe, J. L. McClelland & S. Ganguli (2013), Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks, arXiv:1312.6120.
    """
    _require(np.asarray(time) >= 0, "time must be 0 or more", time)
    _require(np.asarray(start) > 0, "start must be greater than 0", start)
    _require(np.asarray(target) > 0, "target must be greater than 0", target)
    u0, s = np.asarray(start, dtype=np.float64), np.asarray(target, dtype=np.float64)
    return np.asarray(s / (1 + (s / u0 - 1) * np.exp(-2 * s * np.asarray(time))))


def linear_product_time(
    start: npt.ArrayLike, end: npt.ArrayLike, target: npt.ArrayLike, layers: int = 2
) -> Array:
    """Time in which the product of `layers` equal weights grows from `start` to `end`, where 0 < start < end < target.

    With s = `target` it is the integral of du / (layers u^(2 - 2 / layers) (s - u)).  For two layers this is
    ``ln(u (s - u0) / (u0 (s - u))) / (2 s)``, so that from scale eps (u0 = eps^layers) it grows like ln(1 / eps); for
    more layers it is a hypergeometric function, and grows like eps^(2 - layers).

    Raises
    ------
    ValueError : `layers` is less than 2, or 0 < start < end < target does not hold.

    References
    ----------
    Saxe, McClelland & Ganguli (2013), see `linear_product`.
    """
    u0, u, s = (np.asarray(value, dtype=np.float64) for value in (start, end, target))
    if layers < 2 or not np.all((u0 > 0) & (u0 < u) & (u < s)):
        values = f"{layers}, {start!r}, {end!r}, {target!r}"
        raise ValueError(f"layers must be 2 or more, and 0 < start < end < target; got {values}")
    if layers == 2:
        return np.asarray(np.log(u * (s - u0) / (u0 * (s - u))) / (2 * s))
    power = 2 / layers - 1

    def antiderivative(product: Array) -> Array:
        return np.asarray(product**power / (layers * power * s) * hyp2f1(1, power, power + 1, product / s))

    return antiderivative(u) - antiderivative(u0)


def zero_factor_time(start: npt.ArrayLike, end: npt.ArrayLike, target: npt.ArrayLike) -> Array:
    """Time in which the product u of two weights grows from 0 to `end`, if one starts at zero, the other at `start`.

    So start the two factors of LoRA.  For the loss (s - u)^2 / 2, a^2 - b^2 = c is constant under the flow, so that
    a^2 + b^2 = sqrt(c^2 + 4 u^2) and u' = (s - u) sqrt(c^2 + 4 u^2).  With c = start^2 and q = sqrt(c^2 + 4 s^2), the
    integral of du / u' is ``ln(s (q sqrt(c^2 + 4 u^2) + c^2 + 4 s u) / ((s - u) c (q + c))) / q``.

    Parameters
    ----------
    start : of the factor that is not zero.
    end, target : u and s, where 0 <= u < s.

    Raises
    ------
    ValueError : an argument is out of range.
    """
    a, u, s = (np.asarray(value, dtype=np.float64) for value in (start, end, target))
    _require(a != 0, "start must not be 0", start)
    _require((u >= 0) & (u < s), "end must be 0 or more, below target", end)
    c = a**2
    q = np.sqrt(c**2 + 4 * s**2)
    grown = q * np.sqrt(c**2 + 4 * u**2) + c**2 + 4 * s * u
    return np.asarray(np.log(s * grown / ((s - u) * c * (q + c))) / q)


def _gamma(curvature: npt.ArrayLike) -> Array:
    gamma = -np.asarray(curvature, dtype=np.float64)
    _require(gamma > 0, "curvature must be negative: deviations grow only along such directions", curvature)
    return gamma


def _require(met: npt.ArrayLike, requirement: str, value: npt.ArrayLike) -> None:
    if not np.all(met):
        raise ValueError(f"{requirement}; got {value!r}")
