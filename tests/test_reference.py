"""The plain NumPy reference against central differences and the exact facts of XOR."""

import numpy as np
import pytest
from kernel_cases import ACTIVATIONS, HIDDEN, HYPERPARAMETERS, LOSSES, STEPPING, activations_of, problem
from tolerances import DIFFERENCES, HESSIAN

from saddlescape.kernels.schedules import SCHEDULES
from saddlescape.network import layout, reference

ONE = np.ones((1, 1))
XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([[0], [1], [1], [0.0]])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_gradient_is_the_central_difference_of_the_loss(activation, loss, hidden):
    network = reference.Network((2, *hidden, 2), True, activations_of(loss, activation, len(hidden)), loss)
    X, T = problem(4, loss=loss)
    theta = np.random.default_rng(1).normal(size=layout.n_params(network.sizes, True))
    _, gradient, _ = reference.loss_and_gradient(network, theta, X, T)
    for k, step in enumerate(1e-6 * np.eye(len(theta))):
        above, below = (reference.loss_and_gradient(network, theta + s * step, X, T)[0] for s in (1, -1))
        assert gradient[k] == pytest.approx((above - below) / 2e-6, abs=DIFFERENCES, rel=DIFFERENCES)


@pytest.mark.parametrize(
    ("activation", "problem_of", "loss", "curvature"),
    [("logistic", XOR, 0.5, 3 / 8), ("tanh", (XOR[0], 2 * XOR[1] - 1), 2.0, 4.0)],
)
def test_zero_is_a_degenerate_saddle_of_xor(activation, problem_of, loss, curvature):
    network = reference.Network((2, 2, 1), True, (activation, activation), "half_sse")

    def gradient(theta):
        return reference.loss_and_gradient(network, theta, *problem_of)[1]

    assert reference.loss_and_gradient(network, np.zeros(9), *problem_of)[0] == loss
    assert not gradient(np.zeros(9)).any()
    hessian = np.array([(gradient(h) - gradient(-h)) / 2e-5 for h in 1e-5 * np.eye(9)])
    assert np.linalg.eigvalsh(hessian) == pytest.approx([0] * 8 + [curvature], abs=HESSIAN)


def _ones(loss):
    return reference.Network((1, 1), True, ("linear",), loss)


KNOWN = {
    "activation": (lambda name: reference.activate(name, np.zeros((1, 1))), reference.ACTIVATIONS, ACTIVATIONS),
    "loss": (lambda name: reference.loss_and_gradient(_ones(name), np.ones(2), ONE, ONE), reference.LOSSES, LOSSES),
    "optimizer": (lambda name: reference.step(name, ONE, ONE, {}, HYPERPARAMETERS), reference.RULES, STEPPING),
    "schedule": (
        lambda name: reference.schedule(name, 1, HYPERPARAMETERS), reference.SCHEDULES, ("constant", *SCHEDULES),
    ),
}


@pytest.mark.parametrize("what", KNOWN)
def test_words_that_the_reference_does_not_know_are_refused(what):
    call, known, of_the_kernel = KNOWN[what]
    assert sorted(known) == sorted(of_the_kernel)
    for name in known:
        call(name)
    with pytest.raises(ValueError, match=f"{what} must be one of .*; got 'lamb'"):
        call("lamb")


def test_separation_is_zero_only_for_units_equal_up_to_the_sign_allowed():
    theta = np.array([0.3, -0.2, 0.1, -0.3, 0.2, -0.1, 0.5, -0.5, 0.7])
    assert reference.separation((2, 2, 1), True, theta, odd=[True]) == 0
    assert reference.separation((2, 2, 1), True, theta, odd=[False]) == 2
    nudged = theta + np.eye(9)[0] * 1e-16
    assert 0 < reference.separation((2, 2, 1), True, nudged, odd=[True]) < 1e-15
    assert np.isnan(reference.separation((2, 1, 1), True, theta[:5], odd=[True]))
