"""Loss, gradient and Hessian-vector products at any points, against the training, exact Hessians and differences."""

import numpy as np
import pytest
from tolerances import DIFFERENCES, SUMMED

import saddlescape as ss
from saddlescape.analysis.points import derivatives
from saddlescape.errors import SaddlescapeError

CASES = {
    "xor": [],
    "penalties": ["training.weight_decay=0.3", "training.l1=0.2", 'training.decay="weights"', "training.bias_rate=0"],
    "deep": ["network.hidden=[3, 3]", 'network.skip="residual"', 'training.loss="bce"', 'network.dtype="float32"'],
}
STEP = ["training.momentum=0", f"training.learning_rate={2.0**100}", "training.steps=1", "stop.diverged=1e300"]
"""A step of this size is the gradient, to the bit: the start is lost in it."""


def spec_and_points(keys, n=21):
    spec = ss.load("xor", keys).spec
    return spec, np.random.default_rng(0).normal(size=(n, spec.n_params))


@pytest.mark.parametrize("keys", CASES.values(), ids=CASES)
def test_losses_are_those_of_the_training_whatever_else_is_computed(keys):
    spec, theta = spec_and_points(keys)
    recorded = [path["loss"][0] for path in ss.trace(spec, theta, ["loss"], record="every:20000")]
    at = ss.evaluate(spec, theta, gradient=True, outputs=True, threads=1)
    np.testing.assert_array_equal(at.loss, recorded)
    np.testing.assert_array_equal(ss.evaluate(spec, theta).loss, at.loss)
    np.testing.assert_array_equal(at.outputs, ss.outputs(spec, theta, spec.loaded.X))
    alone = [ss.evaluate(spec, point[None], gradient=True).gradient[0] for point in theta]
    np.testing.assert_array_equal(alone, at.gradient)


@pytest.mark.parametrize("name", ["xor", "penalties"])
def test_gradients_are_those_of_a_step(name):
    spec, theta = spec_and_points(CASES[name] + STEP)
    after = ss.run_starts(spec, theta)["final_theta"]
    gradient = ss.evaluate(spec, theta, gradient=True).gradient
    np.testing.assert_array_equal(after, np.where(gradient == 0, theta, -gradient * 2.0**100))


@pytest.mark.parametrize("name", ["xor", "penalties"])
def test_values_and_products_are_those_of_exact_hessians(name):
    spec, theta = spec_and_points(CASES[name])
    at, exact = ss.evaluate(spec, theta, gradient=True), derivatives(spec, theta)
    v = np.random.default_rng(1).normal(size=theta.shape)
    np.testing.assert_allclose(at.objective, exact.loss, rtol=SUMMED)
    np.testing.assert_allclose(at.gradient, exact.gradient, rtol=0, atol=SUMMED)
    product = np.einsum("pij,pj->pi", exact.hessian, v)
    np.testing.assert_allclose(ss.hessian_vector(spec, theta, v), product, rtol=0, atol=SUMMED)


def test_products_are_differences_of_gradients():
    spec, theta = spec_and_points(["training.weight_decay=0.3"])
    v = np.random.default_rng(1).normal(size=theta.shape)
    ahead, back = (ss.evaluate(spec, theta + step * v, gradient=True).gradient for step in (1e-6, -1e-6))
    np.testing.assert_allclose(ss.hessian_vector(spec, theta, v), (ahead - back) / 2e-6, rtol=0, atol=DIFFERENCES)


def test_more_points_than_a_piece_on_two_threads():
    spec, theta = spec_and_points([], 40_000)
    v = theta[::-1]
    at, some = ss.evaluate(spec, theta, gradient=True, threads=2), np.array([0, 16_383, 16_384, 39_999])
    few = ss.evaluate(spec, theta[some], gradient=True)
    np.testing.assert_array_equal(at.loss[some], few.loss)
    np.testing.assert_array_equal(at.gradient[some], few.gradient)
    products = ss.hessian_vector(spec, theta, v, threads=2)
    np.testing.assert_array_equal(products[some], ss.hessian_vector(spec, theta[some], v[some]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda spec: ss.evaluate("xor", np.zeros((1, 9))), "spec must be one point of a sweep, such as"),
        (lambda spec: ss.evaluate(spec, np.zeros((1, 8))), r"theta must have the shape \(n_runs, 9\), n_runs > 0; "),
        (lambda spec: ss.evaluate(spec, np.zeros((0, 9))), r"theta must have the shape \(n_runs, 9\), n_runs > 0; "),
        (lambda spec: ss.evaluate(spec, np.full((1, 9), np.nan)), "theta must be finite; it contains NaN"),
        (lambda spec: ss.evaluate(spec, np.zeros((1, 9)), threads=0), "threads must be at least 1; got 0"),
        (lambda spec: ss.hessian_vector(spec, np.zeros((2, 9)), np.zeros(9)), r"v must have the shape \(n_runs, 9\)"),
        (lambda spec: ss.hessian_vector(spec, np.zeros((2, 9)), np.zeros((1, 9))), "v must have the shape of theta, "),
        (lambda spec: ss.hessian_vector(spec, np.zeros((1, 9)), [["a"] * 9]), "v must be an array of real numbers"),
    ],
)
def test_wrong_arguments_are_plain_errors(call, message):
    with pytest.raises(ValueError, match=f"^{message}") as failure:
        call(ss.load("xor").spec)
    assert isinstance(failure.value, SaddlescapeError)
