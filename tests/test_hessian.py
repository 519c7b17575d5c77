"""Hessians of the kernel against differences of the reference's gradient, exact values, and their bits."""

import numpy as np
import pytest
from kernel_cases import ACTIVATIONS, HIDDEN, LOSSES, TARGET, XOR, activations_of, problem, slowly
from tolerances import HESSIAN, SECOND_DIFFERENCES

from saddlescape.kernels import Trainer
from saddlescape.kernels.hessian import LANES, derivatives
from saddlescape.network import layout, reference

EACH = [(name, LOSSES[k % 3], (2,)) for k, name in enumerate(ACTIVATIONS)]
SHORT = [((name, ACTIVATIONS[-1 - k]), LOSSES[k % 3], (2,)) for k, name in enumerate(ACTIVATIONS[:6])]
"""All activations, two in each case."""

CASES = [*SHORT, *(("tanh", loss, HIDDEN[k]) for k, loss in enumerate(LOSSES[3:])), *slowly(EACH)]
LOGISTIC = Trainer((2, 2, 1), True, ("logistic", "logistic"), "half_sse", "gd")
TANH = Trainer((2, 2, 1), True, ("tanh", "tanh"), "half_sse", "gd")


def second_differences(network, theta, X, T, step=1e-5):
    """Central differences of the gradient of the reference."""
    ends = [
        [reference.loss_and_gradient(network, theta + sign * step * unit, X, T)[1] for unit in np.eye(len(theta))]
        for sign in (1, -1)
    ]
    return (np.array(ends[0]) - ends[1]) / (2 * step)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_hessians_equal_second_differences(case):
    activation, loss, hidden = case
    sizes = (2, *hidden, 2)
    X, T = problem(3, loss=loss)
    activations = activations_of(loss, activation, len(hidden))
    points = np.random.default_rng(3).normal(0, 0.9, (3, layout.n_params(sizes, True)))
    actual = derivatives(Trainer(sizes, True, activations, loss, "adam", batch=2), X, T, points)
    network = reference.Network(sizes, True, activations, loss)
    for theta, value, gradient, hessian in zip(points, actual.loss, actual.gradient, actual.hessian, strict=True):
        expected = reference.loss_and_gradient(network, theta, X, T)
        np.testing.assert_allclose(value, expected[0], rtol=HESSIAN)
        np.testing.assert_allclose(gradient, expected[1], rtol=0, atol=HESSIAN)
        size = max(1.0, abs(hessian).max())
        differences = second_differences(network, theta, X, T)
        np.testing.assert_allclose(hessian, differences, rtol=0, atol=SECOND_DIFFERENCES * size)


@pytest.mark.parametrize(("trainer", "targets", "top"), [(LOGISTIC, TARGET, 3 / 8), (TANH, 2 * TARGET - 1, 4.0)])
def test_the_saddle_of_xor_at_zero_is_degenerate(trainer, targets, top):
    """One eigenvalue is not zero, with an eigenvector of the output unit's parameters; all others are exactly zero."""
    X = XOR if trainer is LOGISTIC else 2 * XOR - 1
    (hessian,) = derivatives(trainer, X, targets, np.zeros((1, 9))).hessian
    direction = np.array([0, 0, 0, 0, 0, 0, 0.5, 0.5, 1] if trainer is LOGISTIC else [0.0] * 8 + [1])
    np.testing.assert_array_equal(hessian, top / (direction @ direction) * np.outer(direction, direction))


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_at_zero_all_logits_are_equal(zero):
    """Two outputs of probability 1/2: the mean of p (1 - p) = 1/4 over 2 samples with inputs 1."""
    trainer = Trainer((1, 2), False, ("linear",), "softmax_ce", "gd")
    (hessian,) = derivatives(trainer, np.ones((2, 1)), np.eye(2), np.full((1, 2), zero)).hessian
    np.testing.assert_array_equal(hessian, [[0.25, -0.25], [-0.25, 0.25]])
    binary = Trainer((1, 1), False, ("linear",), "bce_logits", "gd")
    assert derivatives(binary, np.ones((1, 1)), np.ones((1, 1)), np.full((1, 1), zero)).hessian == 0.25


def test_hessians_are_symmetric_and_depend_only_on_their_point():
    points = np.random.default_rng(4).normal(0, 2, (LANES + 3, 9))
    actual = derivatives(TANH, XOR, TARGET, points)
    np.testing.assert_array_equal(actual.hessian, actual.hessian.swapaxes(1, 2))
    for k, theta in enumerate(points):
        alone = derivatives(TANH, XOR, TARGET, theta[None])
        for name in ("loss", "gradient", "hessian"):
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(actual, name)[k])


def test_hessians_of_exchanged_units_are_exchanged():
    theta = np.random.default_rng(5).normal(0, 1, (4, 9))
    swap = [3, 4, 5, 0, 1, 2, 7, 6, 8]
    hessians, exchanged = (derivatives(LOGISTIC, XOR, TARGET, points).hessian for points in (theta, theta[:, swap]))
    np.testing.assert_allclose(hessians[:, swap][:, :, swap], exchanged, rtol=0, atol=HESSIAN)
