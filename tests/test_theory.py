"""Theory of the escape from saddles against the engine's own runs, by the flow and by descent."""

from itertools import pairwise

import numpy as np
import pytest
from kernel_cases import TARGET, XOR, make_batch
from scipy.integrate import quad
from scipy.special import expit, logit
from tolerances import FLOW_EVENT, HALVED, MODE, QUADRATURE, SADDLE, XOR_EXPONENT, XOR_TIME

import saddlescape as ss
from saddlescape.analysis import (
    fit_scaling,
    growth_factor,
    linear_product,
    linear_product_time,
    saddle_escape_time,
    xor_escape_constant,
)
from saddlescape.kernels import Trainer, train
from saddlescape.spec import load

S = 0.7


def product_of_two(optimizer, theta, steps, target=S, **rates):
    """Parameters (runs, steps + 1, 2) of a linear 1-1-1 network with loss (target - a b)^2 / 2."""
    trainer = Trainer((1, 1, 1), False, ("linear", "linear"), "half_sse", optimizer)
    return train(trainer, np.ones((1, 1)), np.array([[target]]), make_batch(theta, steps, **rates)).theta_path


@pytest.mark.parametrize("rate", [0.01, 0.1, 1.5])
def test_descent_leaves_a_saddle_by_its_growth_factor(rate):
    """The Hessian of (s - a b)^2 / 2 at zero has the eigenvalues -s along (1, 1) and s along (1, -1)."""
    start = 1e-150 * np.array([[1.0, 1.0]])
    path = product_of_two("gd", start, 200, learning_rate=rate)[0]
    grown = (1 + rate * S) ** np.arange(201) * 1e-150
    np.testing.assert_allclose(path, np.stack([grown, grown], axis=1), rtol=SADDLE)
    np.testing.assert_allclose(path[1:, 0] / path[:-1, 0], growth_factor(-S, rate), rtol=SADDLE)


@pytest.mark.parametrize("momentum", [0.1, 0.5, 0.9])
def test_heavy_ball_comes_to_its_growth_factor(momentum):
    start = 1e-150 * np.array([[1.0, 1.0]])
    path = product_of_two("momentum", start, 600, learning_rate=0.1, momentum=momentum)[0]
    np.testing.assert_allclose(path[-9:] / path[-10:-1], growth_factor(-S, 0.1, momentum), rtol=SADDLE)


def test_slow_heavy_ball_is_descent_at_a_larger_rate_and_the_flow():
    rate = 1e-6
    for momentum in (0.0, 0.5, 0.9):
        by_steps = np.log(growth_factor(-S, rate, momentum)) * (1 - momentum) / rate
        np.testing.assert_allclose(1 / by_steps, saddle_escape_time(1, -S, np.e), rtol=1e-4)


def test_the_closed_form_and_its_time_are_each_others_inverse():
    time, start = np.linspace(0.1, 9, 50), np.array([1e-12, 1e-3, 0.1])[:, None]
    reached = linear_product(time, start, S)
    np.testing.assert_allclose(linear_product_time(start, reached, S), np.broadcast_to(time, (3, 50)), rtol=QUADRATURE)


@pytest.mark.parametrize("layers", [2, 3, 4, 7])
def test_times_of_deeper_networks_are_the_integral(layers):
    for start, end in ((1e-9, 0.3), (0.1, 0.69)):
        exact = quad(lambda v: np.exp((2 / layers - 1) * v) / (layers * (S - np.exp(v))), np.log(start), np.log(end),
                     epsrel=1e-12, limit=500)[0]  # fmt: skip
        np.testing.assert_allclose(linear_product_time(start, end, S, layers), exact, rtol=QUADRATURE)


def test_near_the_saddle_the_closed_form_is_the_log_law():
    scale = np.logspace(-12, -4, 9)
    exact = linear_product_time(scale**2, 1e-6, S)
    np.testing.assert_allclose(exact, saddle_escape_time(scale, -S, 1e-3), rtol=0, atol=2e-6)


def test_descent_at_half_the_rate_is_half_as_far_from_the_closed_form():
    far = []
    for steps in (1000, 2000, 4000):
        path = product_of_two("gd", np.array([[0.1, 0.1]]), steps, learning_rate=8 / steps)[0]
        far.append(abs(path.prod(axis=1) - linear_product(np.linspace(0, 8, steps + 1), 0.01, S)).max())
    for coarse, fine in pairwise(far):
        np.testing.assert_allclose(coarse / fine, 2, rtol=HALVED)


LINEAR = """schema = 1
[problem]
file = "line.csv"
[network]
hidden = {hidden}
activation = "linear"
output = "linear"
bias = false
[starts]
kind = "constant"
count = 1
[training]
optimizer = "flow"
time = 1e9
[record]
runs = 0
[[axes]]
key = "starts.scale"
values = [0.3, 0.1, 0.01, 0.001]
"""


@pytest.mark.parametrize("layers", [2, 3])
def test_flow_of_linear_networks_escapes_when_the_integral_says(layers, tmp_path):
    """Inputs and targets +-1 and +-s: the loss is (s - u)^2, which doubles the speed, and that of the plateau s^2."""
    (tmp_path / "line.csv").write_text(f"x1,t1\n1,{S}\n-1,{-S}\n")
    (tmp_path / "linear.toml").write_text(LINEAR.format(hidden=[1] * (layers - 1)))
    with ss.open(ss.run(tmp_path / "linear.toml", tmp_path / "run")) as r:
        escaped = S * (1 - np.sqrt(0.95))
        start = r.coords["scale"] ** layers
        below = start < escaped
        assert below.sum() >= 3
        expected = linear_product_time(start[below], escaped, S, layers) / 2
        np.testing.assert_allclose(r.escape_time[below, 0], expected, rtol=FLOW_EVENT)


MODES = """schema = 1
[problem]
file = "modes.csv"
[network]
hidden = [3]
activation = "linear"
output = "linear"
bias = false
[starts]
kind = "file"
file = "starts.npy"
[training]
optimizer = "flow"
time = 12
[stop]
solved = 0
[record]
times = "linear:25"
parameters = true
"""


def test_modes_of_a_wide_linear_network_are_learnt_each_on_its_own(tmp_path):
    """Targets U S V' of inputs 1, from W2 W1 = U diag(u0) V': singular value s_i is learnt as linear_product says."""
    rng, singular, start = np.random.default_rng(1), np.array([2.0, 0.5]), np.array([1e-3, 1e-2])
    U, V, R = (np.linalg.qr(rng.standard_normal(shape))[0] for shape in ((2, 2), (2, 2), (3, 2)))
    rows = np.hstack([np.eye(2), V @ np.diag(singular) @ U.T])
    (tmp_path / "modes.csv").write_text("x1,x2,t1,t2\n" + "\n".join(",".join(map(repr, row)) for row in rows.tolist()))
    W1, W2 = R @ np.diag(np.sqrt(start)) @ V.T, U @ np.diag(np.sqrt(start)) @ R.T
    np.save(tmp_path / "starts.npy", np.concatenate([W1.ravel(), W2.ravel()])[None])
    (tmp_path / "modes.toml").write_text(MODES)
    with ss.open(ss.run(tmp_path / "modes.toml", tmp_path / "run")) as r:
        theta, time = r.theta[0], r.record_time
    product = theta[:, 6:].reshape(-1, 2, 3) @ theta[:, :6].reshape(-1, 3, 2)
    modes = U.T @ product @ V
    expected = linear_product(time[:, None], start, singular)
    np.testing.assert_allclose(modes[:, [0, 1], [0, 1]], expected, rtol=MODE)
    np.testing.assert_allclose(modes[:, [0, 1], [1, 0]], 0, atol=MODE)


def test_identical_units_come_as_near_to_a_third_as_one_likes():
    """Outputs 0, 2/3, 2/3, 2/3: the isotonic fit of 0, 1, 1, 0, which only infinite weights reach."""
    size = np.array([6.0, 10.0, 14.0])
    out = np.stack([logit(2 / 3) + size, -size], axis=1)
    unit = np.stack([4 * size, 4 * size, -2 * size], axis=1)
    theta = np.hstack([unit, unit, out[:, :1] / 2, out[:, :1] / 2, out[:, 1:]])
    trainer = Trainer((2, 2, 1), True, ("logistic", "logistic"), "half_sse", "momentum")
    trained = train(trainer, XOR, TARGET, make_batch(theta, 1000, learning_rate=0.5, momentum=0.9, every=10))
    assert (trained.measures[..., 0] > 1 / 3).all()
    assert (trained.measures[:, 0, 0] - 1 / 3 < expit(-size / 2)).all()
    np.testing.assert_array_equal(trained.theta[:, :3], trained.theta[:, 3:6])


XOR_FLOW = """schema = 1
[problem]
name = "xor"
coding = "{coding}"
[network]
activation = "{activation}"
output = "{activation}"
[starts]
count = 8
seed = 5    # its eight starts are quick to leave
[training]
optimizer = "flow"
time = 1e11
steps = 1_000_000_000
[record]
runs = 0
[[axes]]
key = "starts.scale"
values = {scales}
"""


def xor_escapes(coding, activation, scales, tmp_path):
    """(escape times (scales, runs), directions of the starts) of the gradient flow of 2-2-1 networks."""
    path = tmp_path / "xor.toml"
    path.write_text(XOR_FLOW.format(coding=coding, activation=activation, scales=scales))
    with ss.open(ss.run(path, tmp_path / "run")) as r:
        time = r.escape_time
    return time, np.stack([ss.start(load(path), (0,), run) for run in range(8)]) / scales[0]


def check_the_law(coding, activation, scales, tmp_path):
    time, direction = xor_escapes(coding, activation, scales, tmp_path)
    exponent = np.log(time[-1] / time[0]) / np.log(scales[-1] / scales[0])
    assert abs(exponent + 2).max() < XOR_EXPONENT
    fit = fit_scaling(scales, time, np.isfinite(time), resamples=200)
    assert abs(fit.slope + 2) < XOR_EXPONENT
    assert -2.05 < fit.low < fit.high < -1.95
    constant = time * np.square(scales)[:, None] / xor_escape_constant(direction, coding)
    assert (abs(constant - 1) < XOR_TIME * np.array(scales)[:, None]).all()


CASES = [("pm1", "tanh", [2e-3, 1e-2]), ("01", "logistic", [1e-2, 3e-2])]
DECADES = [("pm1", "tanh", [1e-4, 1e-3, 1e-2]), ("01", "logistic", [1e-3, 1e-2, 1e-1])]


@pytest.mark.parametrize(("coding", "activation", "scales"), CASES)
def test_xor_is_escaped_in_a_time_like_scale_to_the_minus_two(coding, activation, scales, tmp_path):
    check_the_law(coding, activation, scales, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("coding", "activation", "scales"), DECADES)
def test_the_law_of_xor_holds_over_two_decades(coding, activation, scales, tmp_path):
    check_the_law(coding, activation, scales, tmp_path)


def test_the_constant_of_xor_is_homogeneous_and_knows_symmetries():
    """c(k d) = c(d) / k^2; swapping units, swapping inputs or adding some of the fast direction changes nothing."""
    direction = np.random.default_rng(3).standard_normal((2, 9))
    units, inputs = [3, 4, 5, 0, 1, 2, 7, 6, 8], [1, 0, 2, 4, 3, 5, 6, 7, 8]
    for coding, fast in (("01", [0, 0, 0, 0, 0, 0, 0.5, 0.5, 1]), ("pm1", np.eye(9)[8])):
        constant = xor_escape_constant(direction, coding)
        assert constant.shape == (2,)
        assert (constant > 0).all()
        others = [direction[:, units], direction[:, inputs], direction + 0.7 * np.array(fast)]
        for other in others:
            np.testing.assert_allclose(xor_escape_constant(other, coding), constant, rtol=1e-6)
        np.testing.assert_allclose(xor_escape_constant(3 * direction[0], coding), constant[0] / 9, rtol=1e-6)


def test_a_start_that_only_sinks_has_no_escape_time():
    """Tied tanh units with w_1 = 0: nothing drives them, and what there is decays.  Zero does not move at all."""
    assert xor_escape_constant([[0, 1, 0, 0, 1, 0, 1, 1, 0], np.zeros(9)], "pm1").tolist() == [np.inf, np.inf]


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: growth_factor(0.5, 0.1), "curvature must be negative"),
        (lambda: growth_factor(-0.5, 0.1, 1.1), "momentum must be from 0 to 1; got 1.1"),
        (lambda: growth_factor(-0.5, 0.1, [0.5, -0.1]), "momentum must be from 0 to 1"),
        (lambda: growth_factor(-0.5, 0.0), "learning_rate must be greater than 0"),
        (lambda: saddle_escape_time(0.1, 0.0), "curvature must be negative"),
        (lambda: saddle_escape_time(0.0, -1.0), "scale must be greater than 0"),
        (lambda: saddle_escape_time(0.1, -1.0, np.nan), "distance must be greater than 0"),
        (lambda: linear_product(-1.0, 0.1, S), "time must be 0 or more; got -1.0"),
        (lambda: linear_product(1.0, 0.0, S), "start must be greater than 0"),
        (lambda: linear_product(1.0, 0.1, -S), "target must be greater than 0"),
        (lambda: linear_product_time(0.5, 0.1, S), "0 < start < end < target"),
        (lambda: linear_product_time(0.1, 0.5, S, layers=1), "layers must be 2 or more"),
        (lambda: xor_escape_constant(np.ones(9), "10"), "coding must be one of 01, pm1; got '10'"),
        (lambda: xor_escape_constant(np.ones(9), "PM1"), r"got 'PM1'; did you mean 'pm1'\?"),
        (lambda: xor_escape_constant(np.ones(8)), r"4 h \+ 1 parameters.*got shape \(8,\)"),
        (lambda: xor_escape_constant(np.full(9, np.nan)), "direction must be finite"),
    ],
)
def test_what_theory_does_not_speak_of_is_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()
