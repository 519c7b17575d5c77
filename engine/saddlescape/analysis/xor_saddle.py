"""Why XOR takes a time proportional to scale^-2 to leave zero: the loss at its saddle decreases only at fourth order.

Near zero the loss is, apart from one direction n of positive curvature that dies out at once,

    P = A |sum_j v_j w_j|^2 - B sum_j v_j beta_j w_j1 w_j2

to leading order, with w_j, b_j the incoming weights and bias and v_j the outgoing weight of hidden unit j.  The flow of
a quartic is cubic: it takes a start at distance eps to infinity in a finite time c / eps^2, and all but the last of it
is spent near the saddle.
"""

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from saddlescape.words.suggest import hint

Array = npt.NDArray[np.float64]


class _Quartic(NamedTuple):
    A: float
    B: float
    offset: float
    """beta = b + offset (w_1 + w_2), and n = offset along each v, 1 along the output's bias."""


QUARTICS = {"01": _Quartic(1 / 512, 1 / 64, 1 / 2), "pm1": _Quartic(2.0, 8.0, 0.0)}
"""By the coding of inputs and targets: logistic units and 0, 1; tanh units and -1, +1; half the sum of squares."""

FAR, LONG, PRECISION = 1e3, 1e6, 1e-9
"""The flow is followed to so many times the start's distance, or for so many times 1 / (B distance^2)."""


def xor_escape_constant(direction: npt.ArrayLike, coding: Literal["01", "pm1"] = "01") -> Array:
    """The c of escape time = c / scale^2 for starts scale * direction of a 2-h-1 network, as the scale goes to 0.

    Corrections are of relative order `scale`, if the direction is of length one or so.  Each direction is
    integrated on its own, in some 50 ms.

    Parameters
    ----------
    direction : (..., 4 h + 1), parameters in the order of a result.
    coding : "01" is for logistic units, "pm1" for tanh units; loss half_sse, the gradient flow.

    Returns
    -------
    float64 (...); inf where the quartic flow does not lead away.

    Raises
    ------
    ValueError : the coding is neither, no 2-h-1 network has so many parameters, or one is not finite.
    """
    direction = np.asarray(direction, dtype=np.float64)
    if coding not in QUARTICS:
        raise ValueError(f"coding must be one of {', '.join(QUARTICS)}; got {coding!r}{hint(str(coding), QUARTICS)}")
    if direction.ndim == 0 or direction.shape[-1] % 4 != 1 or direction.shape[-1] < 5:
        raise ValueError(f"direction must have 4 h + 1 parameters, of a 2-h-1 network; got shape {direction.shape}")
    if not np.isfinite(direction).all():
        raise ValueError("direction must be finite")
    rows = direction.reshape(-1, direction.shape[-1])
    return np.array([_escape(row, QUARTICS[coding]) for row in rows]).reshape(direction.shape[:-1])


def _escape(theta: Array, quartic: _Quartic) -> float:
    from scipy.integrate import solve_ivp

    start = _tangential(theta, quartic)
    if not (distance := float(np.linalg.norm(start))):
        return np.inf

    def far(t: float, theta: Array) -> float:
        return float(np.linalg.norm(theta)) - FAR * distance

    far.terminal = True  # type: ignore[attr-defined]
    end = LONG / (quartic.B * distance**2)
    path = solve_ivp(lambda t, theta: -_tangential(_gradient(theta, quartic), quartic), (0, end), start, "DOP853",
                     events=far, rtol=PRECISION, atol=PRECISION * distance)  # fmt: skip
    if path.status != 1:
        return np.inf
    last = path.y[:, -1]
    return float(path.t[-1] + last @ last / (8 * -_quartic(last, quartic)))  # from there straight to infinity


def _tangential(theta: Array, quartic: _Quartic) -> Array:
    """`theta` without its part along n."""
    h = len(theta) // 4
    normal = np.concatenate([np.zeros(3 * h), np.full(h, quartic.offset), [1]])
    return np.asarray(theta - normal * (normal @ theta) / (normal @ normal))


def _parts(theta: Array, quartic: _Quartic) -> tuple[Array, Array, Array]:
    """w (h, 2), beta (h,) and v (h,)."""
    h = len(theta) // 4
    w, b = np.hsplit(theta[: 3 * h].reshape(h, 3), [2])
    return w, b[:, 0] + quartic.offset * w.sum(axis=1), theta[3 * h : -1]


def _quartic(theta: Array, quartic: _Quartic) -> float:
    w, beta, v = _parts(theta, quartic)
    return float(quartic.A * np.sum((v @ w) ** 2) - quartic.B * np.sum(v * beta * w.prod(axis=1)))


def _gradient(theta: Array, quartic: _Quartic) -> Array:
    w, beta, v = _parts(theta, quartic)
    A, B, offset = quartic
    product, mean = w.prod(axis=1), v @ w
    by_b = -B * v * product
    by_w = 2 * A * np.outer(v, mean) - B * (v * beta)[:, None] * w[:, ::-1] + offset * by_b[:, None]
    by_v = 2 * A * w @ mean - B * beta * product
    return np.concatenate([np.column_stack([by_w, by_b]).ravel(), by_v, [0]])
