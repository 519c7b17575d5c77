"""The escape time of XOR from zero, which is proportional to scale^-2, because the saddle is of fourth order.

To leading order, the loss near zero is

    P = A |sum_j v_j w_j|^2 - B sum_j v_j beta_j w_j1 w_j2

except along one direction n of positive curvature, which decays at once.  Here w_j and b_j are the incoming weights and
the bias of hidden unit j, and v_j is its outgoing weight.  The gradient flow of a quartic is cubic: it reaches infinity
from a start at distance eps in a finite time c / eps^2, almost all of which is spent near the saddle.
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
    """beta = b + offset (w_1 + w_2); n is `offset` along each v and 1 along the bias of the output."""


QUARTICS = {"01": _Quartic(1 / 512, 1 / 64, 1 / 2), "pm1": _Quartic(2.0, 8.0, 0.0)}
"""Quartic for each coding: "01" with logistic units, "pm1" with tanh units; the loss is half_sse."""

FAR, LONG, PRECISION = 1e3, 1e6, 1e-9
"""The flow is integrated until the distance is `FAR` times that of the start, for a time of at most
`LONG` / (B distance^2), with the relative tolerance `PRECISION`."""


def xor_escape_constant(direction: npt.ArrayLike, coding: Literal["01", "pm1"] = "01") -> Array:
    """The constant c of the escape time c / scale^2 from starts ``scale * direction``, in the limit of small scales.

    It applies to the gradient flow of a 2-h-1 network on XOR with the loss half_sse.  Corrections are of relative order
    `scale` if the length of the direction is about 1.  The integration takes about 50 ms per direction.

    Parameters
    ----------
    direction : (..., 4 h + 1), parameters in the order of a result.
    coding : "01" for logistic units, "pm1" for tanh units.

    Returns
    -------
    float64 (...), in units of flow time; inf if the quartic flow does not escape.

    Raises
    ------
    ValueError : the coding is unknown, no 2-h-1 network has this number of parameters, or one is not finite.
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
    return float(path.t[-1] + last @ last / (8 * -_quartic(last, quartic)))  # radial from there to infinity


def _tangential(theta: Array, quartic: _Quartic) -> Array:
    """`theta` without its component along n."""
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
