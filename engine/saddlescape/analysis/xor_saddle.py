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

FAR, LONG, PRECISION = 1e3, 1e6, 1e-10
"""The flow is followed until the distance is `FAR` times that of the start, for a time of at most
`LONG` / (B distance^2), with this relative tolerance."""

WINDOW, TOGETHER = 16.0, 64
"""Directions are followed together, so many at once, and those that have escaped leave after each stretch of s."""


def xor_escape_constant(direction: npt.ArrayLike, coding: Literal["01", "pm1"] = "01") -> Array:
    """The constant c of the escape time c / scale^2 from starts ``scale * direction``, in the limit of small scales.

    It applies to the gradient flow of a 2-h-1 network on XOR with the loss half_sse.  Corrections are of relative order
    `scale` if the length of the direction is about 1.  A thousand directions take about a second.

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
    parts = [_escape(rows[i : i + TOGETHER], QUARTICS[coding]) for i in range(0, len(rows), TOGETHER)]
    return np.concatenate([np.empty(0), *parts]).reshape(direction.shape[:-1])


def _escape(theta: Array, quartic: _Quartic) -> Array:
    """Time (rows,) to infinity.

    With theta = r u, |u| = 1, and ds = B r^2 dt, the flow -grad P becomes B u' = -grad P(u) + 4 P(u) u, which stays on
    the sphere, with B (ln r)' = -4 P(u) and B t' = 1 / r^2: nothing grows faster than s, whatever the time of escape.
    """
    from scipy.integrate import solve_ivp

    start = _tangential(theta, quartic)
    distance = np.linalg.norm(start, axis=1)
    constant, active = np.full(len(theta), np.inf), np.flatnonzero(distance)
    state = np.column_stack([start[active] / distance[active, None], np.zeros((len(active), 2))])

    def slope(_: float, flat: Array) -> Array:
        rows = flat.reshape(-1, theta.shape[1] + 2)
        u = rows[:, :-2] / np.linalg.norm(rows[:, :-2], axis=1)[:, None]
        rise, value = _tangential(_gradient(u, quartic), quartic), 4 * _quartic(u, quartic)
        slopes = [value[:, None] * u - rise, -value[:, None], np.exp(-2 * rows[:, -2:-1])]
        return np.hstack(slopes).ravel() / quartic.B

    while len(active):
        path = solve_ivp(slope, (0, WINDOW), state.ravel(), "DOP853", t_eval=[WINDOW], rtol=PRECISION, atol=PRECISION)
        state = path.y[:, -1].reshape(state.shape)
        u, growth, time = state[:, :-2], state[:, -2], state[:, -1]
        far, here = growth > np.log(FAR), _quartic(u, quartic)
        rest = np.exp(-2 * growth[far]) / (8 * -here[far])  # radial from there to infinity
        constant[active[far]] = (time[far] + rest) / distance[active[far]] ** 2
        go_on = ~far & (time < LONG / quartic.B)
        state, active = state[go_on], active[go_on]
    return constant


def _tangential(theta: Array, quartic: _Quartic) -> Array:
    """`theta` (rows, 4 h + 1) without its component along n."""
    h = theta.shape[1] // 4
    normal = np.concatenate([np.zeros(3 * h), np.full(h, quartic.offset), [1]])
    return np.asarray(theta - np.outer(theta @ normal, normal) / (normal @ normal))


def _parts(theta: Array, quartic: _Quartic) -> tuple[Array, Array, Array]:
    """w (rows, h, 2), beta (rows, h) and v (rows, h)."""
    h = theta.shape[1] // 4
    w, b = np.split(theta[:, : 3 * h].reshape(-1, h, 3), [2], axis=2)
    return w, b[:, :, 0] + quartic.offset * w.sum(axis=2), theta[:, 3 * h : -1]


def _quartic(theta: Array, quartic: _Quartic) -> Array:
    """P (rows,)."""
    w, beta, v = _parts(theta, quartic)
    mean = np.einsum("rh,rhi->ri", v, w)
    return np.asarray(quartic.A * (mean**2).sum(axis=1) - quartic.B * (v * beta * w.prod(axis=2)).sum(axis=1))


def _gradient(theta: Array, quartic: _Quartic) -> Array:
    w, beta, v = _parts(theta, quartic)
    A, B, offset = quartic
    product, mean = w.prod(axis=2), np.einsum("rh,rhi->ri", v, w)
    by_b = -B * v * product
    by_w = 2 * A * v[:, :, None] * mean[:, None] - B * (v * beta)[:, :, None] * w[:, :, ::-1]
    by_v = 2 * A * np.einsum("rhi,ri->rh", w, mean) - B * beta * product
    inward = np.dstack([by_w + offset * by_b[:, :, None], by_b]).reshape(len(theta), -1)
    return np.hstack([inward, by_v, np.zeros((len(theta), 1))])
