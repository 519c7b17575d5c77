"""What decay and SGD hold at zero: the law of each start, the radius, the smallest constant, the threshold."""

import numpy as np
import pytest
from kernel_cases import slowly
from scipy.optimize import minimize
from test_published_objectives import decayed
from tolerances import CONSERVED, HELD_RADIUS, QUARTIC_MINIMUM, QUOTIENT

from saddlescape.analysis import decay_holds, held_norm, online_growth, online_threshold, xor_escape_constant
from saddlescape.analysis.points import derivatives
from saddlescape.runs.compute import train_starts
from saddlescape.system.arguments import ArgumentError
from saddlescape.words.outcomes import Outcome

LEAST = 0.4045084972
"""(1 + sqrt 5) / 8"""

UNIT = np.array([1, np.sqrt(5) / 2 - 0.5])
BIAS, OUT = UNIT / np.linalg.norm(UNIT) / np.sqrt(2)
FASTEST = np.array([0.5, 0.5, BIAS, 0, 0, 0, OUT, 0, 0])


def quartic(theta):
    """P = 2 |sum v w|^2 - 8 sum v b w1 w2 on the unit sphere, and the same divided by its sphere's norm to the 4."""
    w1, w2, b, v = theta.reshape(4, -1) / np.linalg.norm(theta)
    return 2 * ((v @ w1) ** 2 + (v @ w2) ** 2) - 8 * (v * b * w1 * w2).sum()


@pytest.mark.parametrize("units", [1, 3])
def test_the_smallest_constant_of_xor_is_that_of_one_unit(units):
    rng = np.random.default_rng(5)
    found = [minimize(quartic, rng.normal(size=4 * units), method="BFGS", tol=1e-10) for _ in range(6)]
    best = min(found, key=lambda end: end.fun)
    assert abs(1 / (8 * -best.fun) - LEAST) < QUARTIC_MINIMUM
    w1, w2, b, v = best.x.reshape(4, -1) / np.linalg.norm(best.x)
    direction = np.concatenate([np.column_stack([w1, w2, b]).ravel(), v, [0]])
    assert abs(xor_escape_constant(direction, "pm1") - LEAST) < QUARTIC_MINIMUM


def test_the_quartic_is_the_loss_of_xor_near_zero():
    spec, point = decayed(0), np.random.default_rng(6).normal(size=9)
    w1, w2, b, v = point[[0, 3]], point[[1, 4]], point[[2, 5]], point[6:8]
    point[8] = 0  # the output's bias relaxes to -v b, of the order of scale^2
    scale = np.array([0.01, 0.02])[:, None]
    near = scale * point
    near[:, 8] = -(scale**2)[:, 0] * (v @ b)
    fall = derivatives(spec, near).loss - 2
    value = quartic(np.concatenate([w1, w2, b, v])) * np.linalg.norm(point) ** 4
    np.testing.assert_allclose(fall / scale[:, 0] ** 4 / value, 1, atol=0.05)


def test_the_law_is_that_of_flow_of_finite_length():
    """theta = e^(-decay t) phi: the path with decay is that without, at tau = (1 - e^(-2 decay t)) / (2 decay)."""
    from scipy.integrate import solve_ivp

    decay, time = 0.1, 3.0

    def slope(theta):
        w1, w2, b, v = theta.reshape(4, 2)
        by_w1, by_w2 = 4 * (v @ w1) * v - 8 * v * b * w2, 4 * (v @ w2) * v - 8 * v * b * w1
        return np.concatenate([by_w1, by_w2, -8 * v * w1 * w2, 4 * (v @ w1) * w1 + 4 * (v @ w2) * w2 - 8 * b * w1 * w2])

    start = np.random.default_rng(7).normal(0, 0.15, 8)
    tau = (1 - np.exp(-2 * decay * time)) / (2 * decay)
    held, free = (
        solve_ivp(lambda t, theta, d=d: -slope(theta) - d * theta, (0, end), start, rtol=1e-9, atol=1e-12).y[:, -1]
        for d, end in ((decay, time), (0, tau))
    )
    np.testing.assert_allclose(held, np.exp(-decay * time) * free, rtol=1e-6, atol=1e-8)


def test_the_held_norm_is_where_the_fastest_direction_turns():
    """Bisection by the engine's flow at weight decay 1e-4, to a thousandth."""
    decay, low, high = 1e-4, 0.9, 1.1
    while high - low > 1e-3:
        factors = np.linspace(low, high, 8)
        runs = train_starts(decayed(decay, 6 / decay), np.outer(factors * held_norm(decay), FASTEST))
        escaped = runs["escape_step"] >= 0
        assert not escaped[0]
        first = int(np.argmax(escaped))
        low, high = factors[first - 1], factors[first]
    assert abs(low - 1) < HELD_RADIUS


HOLDS = {1e-2: 0.97, 1e-3: 0.98, 1e-4: 0.99}
"""Least share of starts for which the law is right."""


@pytest.mark.parametrize("decay", slowly(HOLDS, [1e-2]))
def test_decay_holds_start_by_start(decay):
    """1000 starts with a standard deviation of sqrt(decay) / 2; those that do not escape collapse."""
    theta = np.random.default_rng(20120425).normal(0, np.sqrt(decay) / 2, (1000, 9))
    holds = decay_holds(xor_escape_constant(theta, "pm1"), decay)
    runs = train_starts(decayed(decay, 15 / decay), theta)
    escaped = runs["escape_step"] >= 0
    assert (holds != escaped).mean() >= HOLDS[decay]
    np.testing.assert_array_equal(runs["outcome"] == Outcome.COLLAPSED, ~escaped)


def test_nothing_is_held_without_decay():
    assert decay_holds([0.5, np.inf], 0).tolist() == [False, False]
    assert decay_holds([0.5, np.inf], 1).tolist() == [True, True]
    assert held_norm([0, 4]).tolist() == [0, np.sqrt(1 + np.sqrt(5))]


def test_the_threshold_of_online_descent():
    """Two targets by their formula; the growth changes side there; targets that agree are never forgotten."""
    assert abs(online_threshold([1, -0.5]) - 1) < QUOTIENT
    for targets in ([1, -0.5], [2, -1.5], [-1, 0.5], [0.3, -1, 1.1]):
        edge = online_threshold(targets)
        below, above = online_growth([0.999 * edge, 1.001 * edge], targets)
        assert above < 1 < below
        if len(targets) == 2:
            np.testing.assert_allclose(edge, abs(sum(targets) / np.prod(targets)), rtol=CONSERVED)
    assert online_threshold([1, 0.5]) == np.inf


def test_negative_decay_is_refused():
    for call in (lambda: held_norm(-1), lambda: decay_holds(1, [1, np.nan])):
        with pytest.raises(ArgumentError, match="weight_decay must be 0 or more; got"):
            call()
