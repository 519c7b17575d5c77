"""Learning coefficients: volumes against quadrature, the coefficients of Aoyagi and Watanabe, and Langevin dynamics."""

import numpy as np
import pytest
from tolerances import LEARNING, STANDARD_ERRORS

import saddlescape as ss
from saddlescape import analysis
from saddlescape.errors import SaddlescapeError

X = np.linspace(-1, 1, 8)[:, None]
TRUTH = {1: (1 / 2, 2), 2: (2 / 3, 1), 3: (5 / 6, 1), 4: (1.0, 2)}
"""The coefficient and its multiplicity, by the number of hidden units."""


def spec(units):
    """1-H-1 tanh without biases, target zero, mean squared error."""
    network = {"activation": "tanh", "output": "linear", "bias": False}
    sweep = ss.sweep(X, 0 * X, hidden=[units], network=network, training={"loss": "mse"}, starts={"count": 1})
    return sweep.spec


def squares(b):
    """Mean square of a hidden unit with the weight b: the loss is this times the square of its outgoing weight."""
    return (np.tanh(b[:, None] * X[:, 0]) ** 2).mean(axis=1)


def test_volumes_and_coefficient_of_one_unit():
    found = analysis.learning_coefficient(spec(1), np.zeros(2), multiplicity=2, levels=24, draws=800_000)
    b = (np.arange(10**6) + 0.5) * 1e-6
    share = np.array([np.minimum(1, (level / squares(b)) ** 0.5).mean() for level in found.epsilon])
    assert abs((found.log_volume - np.log(share)) / found.log_volume_error).max() < STANDARD_ERRORS
    assert found.log_volume_error.max() < 0.2
    assert abs(found.value - 0.5) < max(LEARNING, 3 * found.error)


@pytest.mark.slow  # a minute of processor time
@pytest.mark.parametrize("units", TRUTH)
def test_learning_coefficients_of_one_to_four_units(units):
    truth, multiplicity = TRUTH[units]
    root = int(units**0.5)
    assert truth == pytest.approx((root**2 + root + units) / (4 * root + 2))
    assert multiplicity == 1 + (root**2 == units)
    found = analysis.learning_coefficient(spec(units), np.zeros(2 * units), multiplicity=multiplicity)
    assert found.error < LEARNING / 2
    assert abs(found.value - truth) < LEARNING


def test_a_regular_minimum_has_half_the_number_of_parameters():
    """A linear unit with two inputs and a bias: a quadratic form of three parameters, away from zero."""
    inputs, theta = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]]), np.array([0.3, -0.2, 0.5])
    targets = inputs @ theta[:2, None] + theta[2]
    network = {"output": "linear"}
    sweep = ss.sweep(inputs, targets, hidden=[], network=network, starts={"count": 1})
    found = analysis.learning_coefficient(sweep.spec, theta, half_width=0.5, levels=12, draws=500_000)
    assert abs(found.value - 1.5) < max(LEARNING, 3 * found.error)


def test_langevin_dynamics_have_the_mean_loss_of_the_posterior():
    """That of exp(-n beta a^2 g(b) - (a^2 + b^2) / 2): the integral over a is closed."""
    n_beta, b = 20.0, np.linspace(-8, 8, 200_001)
    precision = 2 * n_beta * squares(b) + 1
    weight = np.exp(-(b**2) / 2) / precision**0.5
    truth = (weight * n_beta * squares(b) / precision).sum() / weight.sum()
    value, error = analysis.langevin_learning_coefficient(
        spec(1), np.zeros(2), n_beta=n_beta, step_size=2e-3, steps=3000, chains=256
    )
    assert error < LEARNING / 2
    assert abs(value - truth) < LEARNING


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"theta": np.zeros((1, 2))}, r"theta must be one point, with the shape \(n_params,\); got \(1, 2\)"),
        ({"theta": np.zeros(3)}, r"theta must have the shape \(n_runs, 2\)"),
        ({"multiplicity": 0}, "multiplicity must be at least 1; got 0"),
        ({"levels": 2.0}, r"levels must be an integer; got 2\.0"),
        ({"draws": 10}, "draws must be at least 10000; got 10"),
        ({"half_width": -1}, "half_width must be a positive number; got -1"),
        ({"theta": np.full(2, 5.0)}, "theta must be a minimum: half of the box around it has a lower objective"),
    ],
)
def test_wrong_arguments_are_plain_errors(keys, message):
    with pytest.raises(ValueError, match=f"^{message}") as failure:
        analysis.learning_coefficient(spec(1), **{"theta": np.zeros(2), **keys})
    assert isinstance(failure.value, SaddlescapeError)


def test_wrong_arguments_of_the_dynamics_are_plain_errors():
    for keys, message in (
        ({"n_beta": 0}, "n_beta must be a positive number; got 0"),
        ({"steps": 1}, "steps and chains must be at least 2; got 1 and 256"),
        ({"step_size": 1e9, "n_beta": 1e9}, "step_size must be smaller: chains have diverged"),
    ):
        with pytest.raises(ValueError, match=f"^{message}"):
            analysis.langevin_learning_coefficient(
                spec(1), np.zeros(2), **{"n_beta": 10.0, "step_size": 1e-3, "steps": 200, **keys}
            )
