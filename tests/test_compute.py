"""The loss of the plateau: the best constant output, against a search for it."""

import numpy as np
import pytest
from kernel_cases import ACTIVATIONS, LOSSES, problem
from scipy.optimize import minimize
from tolerances import SEARCHED

from saddlescape.network import reference
from saddlescape.network.plateau import plateau_loss
from saddlescape.network.problems import Problem
from saddlescape.words import losses
from saddlescape.words.activations import ACTIVATIONS as WORDS

CASES = [(loss, output) for loss in LOSSES for output in ACTIVATIONS if losses.LOSSES[loss].output in (None, output)]


@pytest.mark.parametrize(("loss", "output"), CASES)
@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (6, -3)])
def test_no_network_without_inputs_has_less_loss(loss, output, scale, shift):
    X, T = problem(7, 1, 3, loss=loss)
    targets = T if losses.LOSSES[loss].output else scale * T + shift
    network = reference.Network((1, 3), True, (output,), loss)

    def of_biases(biases):
        theta = np.column_stack([np.zeros(3), biases]).ravel()
        value, gradient, _ = reference.loss_and_gradient(network, theta, X, targets)
        return value, gradient[1::2]

    starts = np.random.default_rng(2).normal(0, 2, (20, 3))
    found = min(minimize(of_biases, start, jac=True, tol=1e-12).fun for start in starts)
    assert plateau_loss(Problem("", X, targets), loss, output) == pytest.approx(found, rel=SEARCHED, abs=SEARCHED)


def test_known_plateaus():
    xor = Problem("xor", np.zeros((4, 2)), np.array([[0], [1], [1], [0.0]]))
    assert plateau_loss(xor, "half_sse", "logistic") == 0.5
    assert plateau_loss(xor, "bce_logits", "linear") == pytest.approx(np.log(2))
    encoder = Problem("encoder", np.eye(8), np.eye(8))
    assert plateau_loss(encoder, "softmax_ce", "linear") == pytest.approx(np.log(8))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_ranges_are_those_of_the_activations(name):
    z = np.concatenate([np.linspace(-20, 20, 400_001), [-1e9, 1e9]])
    value = reference.activate(name, z)[0]
    for found, limit in zip((value.min(), value.max()), WORDS[name].range, strict=True):
        assert abs(found) > 1e6 if np.isinf(limit) else found == pytest.approx(limit, abs=SEARCHED)
