"""The gradient flow against SciPy's integrators, closed forms, gradient descent at small rates, and itself."""

from itertools import pairwise

import numpy as np
import pytest
from kernel_cases import TARGET, XOR, everything, slowly
from scipy.integrate import solve_ivp
from tolerances import BETWEEN_STEPS, CONSERVED, FLOW, FLOW_EVENT, HALVED, SAME_STEPS

from saddlescape.kernels import Batch, Trainer, train
from saddlescape.kernels.flow import DENSE_OUTPUT, ERROR, TABLEAU
from saddlescape.network import reference
from saddlescape.words.outcomes import StopReason

END, RTOL, ATOL = 20.0, 1e-8, 1e-12
PM1, ESCAPE = 2 * XOR - 1, 0.95 * 1.62


def make_trainer(sizes=(2, 2, 1), activation="tanh", loss="half_sse", bias=True):
    return Trainer(sizes, bias, (activation,) * (len(sizes) - 1), loss, "flow")


def make_batch(
    theta, at, *, end=END, rtol=RTOL, atol=ATOL, escape=-1.0, solved=0.0, gradient=0.0, steps=10**5, recorded=True
):
    n = len(theta)

    def constant(value):
        return np.full(n, float(value))

    hyperparameters = {"time": constant(end), "rtol": constant(rtol), "atol": constant(atol)}
    limits = (constant(escape), constant(solved), constant(1e6), constant(gradient), np.full(n, steps))
    rows = np.arange(n) if recorded else np.full(n, -1)
    return Batch(theta, hyperparameters, *limits, rows, np.asarray(at, dtype=float), record_theta=True)


def starts(n, scale=0.5, params=9, seed=11):
    return np.random.default_rng(seed).normal(0, scale, (n, params))


def descent(network, X, T):
    """Right-hand side of the flow in plain NumPy."""
    return lambda t, theta: -reference.loss_and_gradient(network, theta, X, T)[1]


def exact(network, X, T, theta, at, events=None):
    """SciPy's solution by a method of eighth order with tolerance 1e-12."""
    flow = descent(network, X, T)
    return solve_ivp(flow, (0, at[-1]), theta, "DOP853", at, events=events, rtol=1e-12, atol=1e-14)


def first_step(slope, theta):
    """Step size that changes theta by one percent, in the norm of the tolerances."""
    allowed = ATOL + RTOL * abs(theta)
    return 0.01 * np.linalg.norm(theta / allowed) / np.linalg.norm(slope / allowed)


def test_the_tableau_is_scipys():
    from scipy.integrate import RK45

    weights = [row[: k + 1] for k, row in enumerate([*RK45.A[1:], RK45.B])]
    for ours, theirs in zip(TABLEAU, weights, strict=True):
        np.testing.assert_allclose([float(w) for w in ours], theirs, rtol=1e-15)
    np.testing.assert_allclose([float(e) for e in ERROR], -RK45.E, rtol=1e-12)
    dense = [[float(c) for c in row] for row in DENSE_OUTPUT]
    np.testing.assert_allclose(dense, RK45.P[:, 1:], rtol=1e-15)


CASES = [
    *((activation, "half_sse", (2, 2, 1)) for activation in ("logistic", "tanh", "softplus", "gelu", "erf", "sin")),
    ("tanh", "mse", (2, 3, 2, 2)), ("silu", "huber", (2, 4, 1)), ("linear", "softmax_ce", (2, 2)),
    ("linear", "bce_logits", (2, 2, 2, 1)),
]  # fmt: skip


QUICK = [CASES[k] for k in (1, 6, 8)]


@pytest.mark.parametrize("case", slowly(CASES, QUICK), ids=str)
def test_steps_are_those_of_scipys_rk45(case):
    activation, loss, sizes = case
    trainer = make_trainer(sizes, activation, loss)
    T = TARGET if sizes[-1] == 1 else np.hstack([TARGET, 1 - TARGET])
    network = reference.Network(sizes, True, trainer.activations, loss)
    n = sum((a + 1) * b for a, b in pairwise(sizes))
    at, theta = np.linspace(0, END, 30), starts(3, params=n)
    trained, flow = train(trainer, XOR, T, make_batch(theta, at)), descent(network, XOR, T)
    for run, start in enumerate(theta):
        theirs = solve_ivp(
            flow, (0, END), start, "RK45", at, rtol=RTOL, atol=ATOL, first_step=first_step(flow(0, start), start)
        )
        assert trained.stop_step[run] == (theirs.nfev - 1) // 6
        np.testing.assert_allclose(trained.theta_path[run], theirs.y.T, rtol=SAME_STEPS, atol=SAME_STEPS)
        losses = [reference.loss_and_gradient(network, y, XOR, T)[0] for y in theirs.y.T]
        np.testing.assert_allclose(trained.measures[run, :, 0], losses, rtol=SAME_STEPS, atol=SAME_STEPS)


@pytest.mark.parametrize("rtol", [1e-6, 1e-8, 1e-10])
def test_the_error_of_the_path_is_within_the_tolerance(rtol):
    network = reference.Network((2, 2, 1), True, ("tanh", "tanh"), "half_sse")
    at, theta = np.linspace(0, END, 100), starts(6)
    trained = train(make_trainer(), PM1, TARGET, make_batch(theta, at, rtol=rtol, atol=rtol / 1e3))
    for path, start in zip(trained.theta_path, theta, strict=True):
        gap = abs(path - exact(network, PM1, TARGET, start, at).y.T).max(axis=1)
        assert gap[-1] < FLOW * rtol
        assert gap.max() < BETWEEN_STEPS * rtol


def test_event_times_equal_those_of_the_exact_path():
    network = reference.Network((2, 2, 1), True, ("tanh", "tanh"), "half_sse")
    T, theta = 0.9 * (2 * TARGET - 1), starts(24)
    trained = train(make_trainer(), PM1, T, make_batch(theta, [0, END], escape=ESCAPE, solved=0.4))

    def escape(t, y):
        return reference.loss_and_gradient(network, y, PM1, T)[0] - ESCAPE

    def solve(t, y):
        return reference.loss_and_gradient(network, y, PM1, T)[2] - 0.4

    solve.terminal = True
    expected = np.full((24, 3), np.nan)
    for run, start in enumerate(theta):
        events = exact(network, PM1, T, start, [0, END], (escape, solve)).t_events
        expected[run, :2] = [times[0] if len(times) else np.nan for times in events]
        expected[run, 2] = END if np.isnan(expected[run, 1]) else expected[run, 1]
    assert 4 < np.isnan(expected[:, 1]).sum() < 20
    np.testing.assert_allclose(trained.times, expected, rtol=FLOW_EVENT)
    assert ((trained.escape_step >= 0) == np.isfinite(expected[:, 0])).all()
    assert ((trained.stop_reason == StopReason.SOLVED) == np.isfinite(expected[:, 1])).all()


def test_an_event_costs_few_steps():
    T, theta = 0.9 * (2 * TARGET - 1), starts(24)
    steps = [train(make_trainer(), PM1, T, make_batch(theta, [0, END], escape=escape)).stop_step
             for escape in (-1.0, ESCAPE)]  # fmt: skip
    assert (steps[1] - steps[0]).max() <= 16


PRODUCT = (Trainer((1, 1, 1), False, ("linear", "linear"), "half_sse", "flow"), np.ones((1, 1)))


@pytest.mark.parametrize("s", [0.7, 3.0])
def test_a_product_of_two_weights_follows_the_closed_form(s):
    """u = ab from a = b: u(t) = s e^(2st) / (e^(2st) - 1 + s / u0) (Saxe, McClelland & Ganguli 2013)."""
    a, at = 10.0 ** -np.arange(1, 7)[:, None], np.linspace(0, 12 / s, 50)
    goal, u0 = s / 2, a**2
    batch = make_batch(np.hstack([a, a]), at, end=12 / s, atol=0, escape=(s - goal) ** 2 / 2)
    trained = train(PRODUCT[0], PRODUCT[1], np.array([[s]]), batch)
    growth = np.exp(2 * s * at)
    product = s * growth / (growth - 1 + s / u0)
    np.testing.assert_allclose(trained.theta_path.prod(axis=2), product, rtol=BETWEEN_STEPS * RTOL)
    reached = np.log(goal * (s - u0) / (u0 * (s - goal))).ravel() / (2 * s)
    np.testing.assert_allclose(trained.times[:, 0], np.where(reached < 12 / s, reached, np.nan), rtol=FLOW_EVENT)


def test_the_difference_of_squares_is_conserved():
    theta, at = starts(9, params=2), np.linspace(0, END, 9)
    path = train(PRODUCT[0], PRODUCT[1], np.ones((1, 1)), make_batch(theta, at)).theta_path
    balance = path[..., 0] ** 2 - path[..., 1] ** 2
    np.testing.assert_allclose(balance, np.broadcast_to(balance[:, :1], balance.shape), rtol=0, atol=CONSERVED)


def test_opposite_weights_meet_at_the_saddle():
    theta = np.array([[0.5, -0.5], [1e-3, -1e-3]])
    batch = make_batch(theta, np.arange(0, 60, 5), end=60, escape=0.49)
    trained = train(PRODUCT[0], PRODUCT[1], np.ones((1, 1)), batch)
    np.testing.assert_array_equal(trained.theta_path[..., 0], -trained.theta_path[..., 1])
    assert (trained.escape_step == -1).all()
    assert abs(trained.theta).max() < ATOL


def test_descent_at_half_the_rate_is_half_as_far_from_the_flow():
    theta, T = starts(8), 0.9 * (2 * TARGET - 1)
    flow = train(make_trainer(), PM1, T, make_batch(theta, [0, 5.0], end=5.0, rtol=1e-11)).theta
    distances = []
    for steps in (5000, 10_000, 20_000):
        batch = make_batch(theta, [0], steps=steps)
        batch.hyperparameters["learning_rate"] = np.full(8, 5.0 / steps)
        plain = Batch(**{**vars(batch), "record_at": np.array([0, steps]), "gradient": np.full(8, -1.0)})
        descended = train(Trainer((2, 2, 1), True, ("tanh", "tanh"), "half_sse", "gd"), PM1, T, plain)
        distances.append(np.linalg.norm(descended.theta - flow, axis=1))
    for coarse, fine in pairwise(distances):
        np.testing.assert_allclose(coarse / fine, 2, rtol=HALVED)


@pytest.mark.parametrize("lanes", slowly([1, 2, 4, 16], [1, 16]))
def test_bits_depend_on_the_start_alone(lanes):
    theta, at, T = starts(21, 1.0), np.linspace(0, END, 40), 0.9 * (2 * TARGET - 1)
    limits = {"escape": ESCAPE, "solved": 0.4}
    batch = make_batch(theta, at, **limits)
    whole = train(make_trainer(), PM1, T, batch, lanes=8)
    assert everything(train(make_trainer(), PM1, T, batch, lanes=lanes)) == everything(whole)
    order = np.random.default_rng(1).permutation(21)
    slices = []
    shuffled = train(make_trainer(), PM1, T, make_batch(theta[order], at, **limits), lanes=8, after_slice=slices.append)
    assert all(np.array_equal(a[order], b, equal_nan=True)
               for a, b in zip(vars(whole).values(), vars(shuffled).values(), strict=True))  # fmt: skip
    unrecorded = train(make_trainer(), PM1, T, make_batch(theta, [0, 1], recorded=False, **limits), lanes=8)
    for name in ("theta", "times", "escape_step", "stop_step", "loss", "grad_norm", "separation"):
        np.testing.assert_array_equal(getattr(unrecorded, name), getattr(whole, name))
    assert slices


def test_the_zero_start_of_xor_is_frozen_and_its_records_are_filled():
    trained = train(make_trainer(activation="logistic"), XOR, TARGET, make_batch(np.zeros((3, 9)), [0, 1, END]))
    assert (trained.stop_reason == StopReason.FIXED_POINT).all()
    assert (trained.stop_step == 0).all()
    assert (trained.times[:, 2] == 0).all()
    assert (trained.measures[..., 0] == 0.5).all()


@pytest.mark.parametrize("mirrored", [False, True])
def test_symmetric_units_stay_so(mirrored):
    theta, sign = starts(16), -1 if mirrored else 1
    theta[:, 3:6], theta[:, 7] = sign * theta[:, :3], sign * theta[:, 6]
    trained = train(make_trainer(), PM1, 2 * TARGET - 1, make_batch(theta, np.arange(0, 101, 10), end=100))
    np.testing.assert_array_equal(trained.theta[:, 3:6], sign * trained.theta[:, :3])
    assert (trained.measures[..., 2] == 0).all()
    assert (trained.stop_step > 20).all()


def test_a_path_that_is_too_stiff_stops_as_stiff():
    theta, T = starts(5), np.array([[30.0], [-30], [20], [10]])
    trainer = make_trainer(activation="linear")
    stiff = train(trainer, 100 * PM1, T, make_batch(theta, [0, 1], end=1e4, steps=300))
    assert (stiff.stop_reason == StopReason.STIFF).all()
    assert (stiff.stop_step == 300).all()
    assert (stiff.times[:, 2] < 1).all()


def test_a_gradient_tolerance_stops_and_a_bad_start_diverges():
    quiet = train(make_trainer(), PM1, 0.9 * (2 * TARGET - 1), make_batch(starts(9), [0], end=1e4, gradient=1e-3))
    stopped = quiet.stop_reason == StopReason.GRADIENT
    assert stopped.any()
    assert (quiet.largest_gradient[stopped] <= 1e-3).all()
    linear = make_trainer(activation="linear")
    wild = train(linear, PM1, TARGET, make_batch(starts(3, 1e3), [0]))
    assert (wild.stop_reason == StopReason.DIVERGED).all()
    assert (wild.stop_step == 0).all()


def test_every_run_ends_at_the_end():
    for end in (0.7, 1 / 3, 19.9):
        batch = make_batch(starts(200, 0.1), [0, end], end=end, rtol=0.1, atol=0.1)
        trained = train(make_trainer(), PM1, TARGET, batch)
        assert (trained.stop_reason == StopReason.BUDGET).all()
        np.testing.assert_array_equal(trained.times[:, 2], end)
        assert np.isfinite(trained.measures).all()
