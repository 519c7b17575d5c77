"""Theory of the escape from a saddle, to compare with measurements.

Times are those of the gradient flow, theta' = -grad E; n steps of descent at rate r take about the time n r, of heavy
ball with momentum m about n r / (1 - m).
"""

import numpy as np
import numpy.typing as npt
from scipy.special import hyp2f1

Array = npt.NDArray[np.float64]


def growth_factor(curvature: npt.ArrayLike, learning_rate: npt.ArrayLike, momentum: npt.ArrayLike = 0.0) -> Array:
    """Factor by which a small deviation along a saddle's direction grows in a step of gradient descent or heavy ball.

    With curvature -gamma (an eigenvalue of the Hessian) and no momentum, x_n = (1 + learning_rate gamma)^n x_0; with
    it, the largest root of f^2 - (1 + momentum + learning_rate gamma) f + momentum = 0.

    Parameters
    ----------
    curvature : negative; the others broadcast against it.
    learning_rate, momentum : > 0; from 0 to below 1.

    Raises
    ------
    ValueError : an argument is out of range: with another curvature nothing need grow, with more momentum all does.

    References
    ----------
    B. T. Polyak (1964), USSR Comput. Math. Math. Phys. 4(5), 1-17.
    """
    _expect(np.asarray(learning_rate) > 0, "learning_rate must be greater than 0", learning_rate)
    _expect((np.asarray(momentum) >= 0) & (np.asarray(momentum) < 1), "momentum must be 0 or more, below 1", momentum)
    trace = 1 + np.asarray(momentum) + np.asarray(learning_rate) * _gamma(curvature)
    return np.asarray((trace + np.sqrt(trace**2 - 4 * np.asarray(momentum))) / 2)


def saddle_escape_time(scale: npt.ArrayLike, curvature: npt.ArrayLike, distance: npt.ArrayLike = 1.0) -> Array:
    """Time of the linearised flow from `scale` to `distance` along a direction of negative curvature: the log law.

    ``ln(distance / scale) / gamma``, with curvature -gamma; in steps, divide by ``ln(growth_factor(...)) / gamma``.

    Raises
    ------
    ValueError : scale or distance is not greater than 0, or the curvature not negative.
    """
    _expect(np.asarray(scale) > 0, "scale must be greater than 0", scale)
    _expect(np.asarray(distance) > 0, "distance must be greater than 0", distance)
    return np.asarray(np.log(np.asarray(distance) / np.asarray(scale)) / _gamma(curvature))


def linear_product(time: npt.ArrayLike, start: npt.ArrayLike, target: npt.ArrayLike) -> Array:
    """Product u(t) of the weights of a linear network's mode of one hidden layer, both weights equal at the start.

    u = s e^(2 s t) / (e^(2 s t) - 1 + s / u0), for the loss (s - u)^2 / 2.

    Parameters
    ----------
    time : >= 0.
    start, target : u0 and s, > 0.

    Raises
    ------
    ValueError : one of them is none of these.

    References
    ----------
    A. M. Saxe, J. L. McClelland & S. Ganguli (2013), Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks, arXiv:1312.6120.
    """
    _expect(np.asarray(time) >= 0, "time must be 0 or more", time)
    _expect(np.asarray(start) > 0, "start must be greater than 0", start)
    _expect(np.asarray(target) > 0, "target must be greater than 0", target)
    u0, s = np.asarray(start, dtype=np.float64), np.asarray(target, dtype=np.float64)
    return np.asarray(s / (1 + (s / u0 - 1) * np.exp(-2 * s * np.asarray(time))))


def linear_product_time(
    start: npt.ArrayLike, end: npt.ArrayLike, target: npt.ArrayLike, layers: int = 2
) -> Array:
    """Time in which the product of `layers` equal weights goes from `start` to `end`, below `target`; all > 0.

    The integral of du / (layers u^(2 - 2 / layers) (s - u)).  For two layers it is
    ``ln(u (s - u0) / (u0 (s - u))) / (2 s)``, so a start at scale eps (u0 = eps^layers) takes a time like ln(1 / eps);
    with more it takes one like eps^(2 - layers).

    Raises
    ------
    ValueError : there are fewer than two layers, or not 0 < start < end < target.

    References
    ----------
    Saxe, McClelland & Ganguli (2013), as above; for more layers the integral is a hypergeometric function.
    """
    u0, u, s = (np.asarray(value, dtype=np.float64) for value in (start, end, target))
    if layers < 2 or not np.all((u0 > 0) & (u0 < u) & (u < s)):
        given = f"{layers}, {start!r}, {end!r}, {target!r}"
        raise ValueError(f"needs two layers or more and 0 < start < end < target; got {given}")
    if layers == 2:
        return np.asarray(np.log(u * (s - u0) / (u0 * (s - u))) / (2 * s))
    power = 2 / layers - 1

    def antiderivative(product: Array) -> Array:
        return np.asarray(product**power / (layers * power * s) * hyp2f1(1, power, power + 1, product / s))

    return antiderivative(u) - antiderivative(u0)


def _gamma(curvature: npt.ArrayLike) -> Array:
    gamma = -np.asarray(curvature, dtype=np.float64)
    _expect(gamma > 0, "curvature must be negative: along the others nothing grows", curvature)
    return gamma


def _expect(met: npt.ArrayLike, requirement: str, value: npt.ArrayLike) -> None:
    if not np.all(met):
        raise ValueError(f"{requirement}; got {value!r}")
