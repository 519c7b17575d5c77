"""Measures along a run: the kernel's bits against the plain twin, exact facts, and what is conserved."""

from dataclasses import replace

import numpy as np
import pytest
from kernel_cases import make_batch, problem

from saddlescape import layout, reference
from saddlescape.kernels import FIELDS, Trainer, places, train
from saddlescape.kernels.activations import ODD

TOLERANCE = 0.3
"""Wide enough that some units of a random layer are in one group, and some are not."""


def twin(sizes, bias, odd, theta, start):
    """The measures of a state by name; loss and gradient have tests of their own."""
    difference = theta.astype(np.float64) - start.astype(np.float64)
    return {
        "separation": reference.separation(sizes, bias, theta, odd),
        "param_norm": reference.norm(theta),
        "distance": reference.norm(difference),
        "layer_norm": reference.layer_norm(sizes, bias, theta),
        "imbalance": reference.imbalance(sizes, bias, theta),
        "effective_width": reference.effective_width(sizes, bias, theta, odd, 0),
        "effective_width_tol": reference.effective_width(sizes, bias, theta, odd, TOLERANCE),
        "cosine": reference.cosine(sizes, bias, theta),
    }


def starts_of(sizes, bias, dtype):
    """Normal starts; zero; units of the first hidden layer equal, mirrored, and nearly equal; tiny and huge ones."""
    theta = np.random.default_rng(3).normal(0, 1, (9, layout.n_params(sizes, bias)))
    theta[1] = 0
    if len(sizes) > 2 and sizes[1] > 1:
        a, b, *_ = layout.unit_vectors(sizes, bias, 0)
        theta[2][b], theta[3][b], theta[4][b] = theta[2][a], -theta[3][a], theta[4][a] * 1.1
    theta[5] *= 1e-30
    theta[6] *= 1e6
    theta[7, : sizes[0] + bias] = 0
    return theta.astype(dtype)


CASES = [
    ((2, 2), (), True, "float64"),
    ((2, 3, 2), ("tanh",), True, "float64"),
    ((2, 3, 2), ("logistic",), False, "float32"),
    ((2, 3, 2, 2), ("tanh", "logistic"), False, "float64"),
    ((2, 3, 2, 2), ("logistic", "erf"), True, "float32"),
    ((2, 2, 3, 2, 2), ("relu", "tanh", "tanh"), True, "float64"),
    ((3, 12, 1), ("sin",), True, "float64"),
]
"""Sizes, activations of hidden layers, biases, dtype: depths 0 to 3, odd layers and others."""


def followed(sizes, activations, bias, dtype):
    """(starts, what the kernel makes of them with every field recorded)."""
    X, T = problem(4, sizes[0], sizes[-1])
    trainer = Trainer(sizes, bias, (*activations, "linear"), "half_sse", "momentum")
    theta = starts_of(sizes, bias, dtype)
    return theta, train(trainer, X, T, every_field(make_batch(theta, 40, every=10)))


def every_field(batch):
    return replace(batch, fields=FIELDS, tolerance=TOLERANCE)


@pytest.mark.parametrize(("sizes", "activations", "bias", "dtype"), CASES, ids=str)
def test_every_measure_has_the_bits_of_its_twin(sizes, activations, bias, dtype):
    theta, trained = followed(sizes, activations, bias, dtype)
    odd, at_column, seen = [name in ODD for name in activations], places(FIELDS, len(sizes) - 1), 0
    for run, start in enumerate(theta):
        for at in np.flatnonzero(np.isfinite(trained.theta_path[run]).all(axis=1)):
            for name, expected in twin(sizes, bias, odd, trained.theta_path[run, at], start).items():
                found = trained.measures[run, at, at_column[name]]
                np.testing.assert_array_equal(found, expected, f"{name} of run {run} at {at}")
                seen += 1
    assert seen >= 8 * 5 * 8
