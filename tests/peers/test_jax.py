"""Gradients and Hessians of every activation, loss and depth against JAX's automatic differentiation, float64."""

import itertools
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from kernel_cases import activations_of, make_batch, problem
from tolerances import AUTODIFF

from saddlescape.kernels import Trainer, curvature, jacobian, kernel_change, train
from saddlescape.kernels.activations import ACTIVATIONS
from saddlescape.kernels.hessian import derivatives, hessian_vector
from saddlescape.kernels.losses import LOSSES
from saddlescape.network import layout

jax.config.update("jax_enable_x64", True)

FUNCTIONS = {
    "logistic": jax.nn.sigmoid, "tanh": jnp.tanh, "relu": jax.nn.relu, "linear": lambda z: z,
    "leaky_relu": lambda z: jax.nn.leaky_relu(z, 0.01), "softplus": jax.nn.softplus, "silu": jax.nn.silu,
    "mish": jax.nn.mish, "gelu": lambda z: jax.nn.gelu(z, approximate=False),
    "erf": jax.scipy.special.erf, "sin": jnp.sin,
}  # fmt: skip


def loss_of(name, y, t):
    """The loss of outputs `y`, which are logits for bce_logits and softmax_ce."""
    if name == "half_sse":
        return ((y - t) ** 2).sum() / 2
    if name == "mse":
        return ((y - t) ** 2).mean()
    if name == "huber":
        size = abs(y - t)
        return jnp.where(size < 1, size**2 / 2, size - 0.5).mean()
    if name == "bce":
        return -(t * jnp.log(y) + (1 - t) * jnp.log(1 - y)).mean()
    if name == "bce_logits":
        return (jax.nn.softplus(y) - t * y).mean()
    return -(t * jax.nn.log_softmax(y)).sum() / len(y)


def jax_loss(activations, loss, sizes, X, T, skip="none"):
    def total(theta):
        x, layers = X, layout.layers(sizes, True, skip)
        for number, (rows, activation) in enumerate(zip(layers, activations, strict=True), start=1):
            w, hidden = theta[rows], number < len(layers)
            inputs = jnp.hstack([x, X]) if skip == "input" and not hidden else x
            value = FUNCTIONS[activation](inputs @ w[:, :-1].T + w[:, -1])
            x = x + value if skip == "residual" and hidden and x.shape == value.shape else value
        return loss_of(loss, x, T)

    return total


def kernel_gradient(activations, loss, sizes, theta, X, T, skip="none"):
    """From one step at a rate so large that the start is lost in it: nothing is rounded but the product."""
    rate = 2.0**60
    batch = make_batch(theta[None], 1, learning_rate=rate)
    trained = train(Trainer(sizes, True, activations, loss, "gd", skip=skip), X, T, batch)
    return (theta - trained.theta_path[0, 1]) / rate


def jax_outputs(activations, sizes, X):
    """All outputs as one vector."""

    def said(theta):
        x = X
        for rows, activation in zip(layout.layers(sizes, True), activations, strict=True):
            w = theta[rows]
            x = FUNCTIONS[activation](x @ w[:, :-1].T + w[:, -1])
        return x.ravel()

    return said


@pytest.mark.parametrize("activation", ["tanh", "logistic", "gelu", "softplus", "silu", "relu"])
def test_sharpness_and_tangent_kernel_equal_automatic_differentiation(activation):
    sizes, activations = (2, 3, 2, 2), (activation, activation, "tanh")
    X, T = problem(5, loss="half_sse")
    points = np.random.default_rng(8).normal(0, 0.9, (9, layout.n_params(sizes, True)))
    trainer = Trainer(sizes, True, activations, "half_sse", "gd")
    zeros = np.zeros(len(points))
    ours = curvature(trainer, X, T, points, zeros, zeros, np.ones(points.shape[1]))
    jacobians = jacobian(trainer, X, points).reshape(len(points), -1, points.shape[1])
    change = kernel_change(jacobians[:1], jacobians[None])[0]
    total, said = jax_loss(activations, "half_sse", sizes, X, T), jax_outputs(activations, sizes, X)
    hessians = [np.asarray(jax.hessian(total)(theta)) for theta in points]
    rows = [np.asarray(jax.jacobian(said)(theta)) for theta in points]
    kernels = [row @ row.T for row in rows]
    norm = np.linalg.norm(kernels[0])
    np.testing.assert_allclose(ours.sharpness, [np.linalg.eigvalsh(h)[-1] for h in hessians], rtol=AUTODIFF)
    np.testing.assert_allclose(ours.trace, [np.trace(h) for h in hessians], rtol=AUTODIFF, atol=AUTODIFF)
    np.testing.assert_allclose(jacobians, rows, rtol=0, atol=AUTODIFF)
    np.testing.assert_allclose(change, [np.linalg.norm(k - kernels[0]) / norm for k in kernels], rtol=AUTODIFF)


PAIRS = [*itertools.product(ACTIVATIONS, LOSSES)]


@pytest.mark.parametrize("depth", range(5))
@pytest.mark.parametrize(("activation", "loss"), PAIRS)
def test_gradients_equal_automatic_differentiation(activation, loss, depth):
    sizes = (2, *(3, 2, 4, 3)[:depth], 2)
    X, T = problem(5, loss=loss)
    theta = np.random.default_rng(depth).normal(0, 0.9, layout.n_params(sizes, True))
    activations = activations_of(loss, activation, depth)
    exact = np.asarray(jax.grad(jax_loss(activations, loss, sizes, X, T))(theta))
    ours = kernel_gradient(activations, loss, sizes, theta, X, T)
    assert np.linalg.norm(ours - exact) <= AUTODIFF * np.linalg.norm(exact)


@pytest.mark.parametrize(("case", "activation", "loss"), [(k, *c) for k, c in enumerate(PAIRS)])
def test_hessians_equal_automatic_differentiation(case, activation, loss):
    depth = case % 4
    sizes = (2, *(3, 2, 4)[:depth], 2)
    X, T = problem(5, loss=loss)
    theta = np.random.default_rng(depth).normal(0, 0.9, layout.n_params(sizes, True))
    activations = activations_of(loss, activation, depth)
    exact = np.asarray(jax.hessian(jax_loss(activations, loss, sizes, X, T))(theta))
    (ours,) = derivatives(Trainer(sizes, True, activations, loss, "gd"), X, T, theta[None]).hessian
    assert np.linalg.norm(ours - exact) <= AUTODIFF * np.linalg.norm(exact)


@pytest.mark.parametrize(("case", "activation", "loss"), [(k, *c) for k, c in enumerate(PAIRS)])
def test_hessian_vector_products_equal_automatic_differentiation(case, activation, loss):
    depth, rng = case % 4, np.random.default_rng(case)
    sizes = (2, *(3, 2, 4)[:depth], 2)
    X, T = problem(5, loss=loss)
    theta, v = rng.normal(0, 0.9, (2, layout.n_params(sizes, True)))
    activations = activations_of(loss, activation, depth)
    gradient = jax.grad(jax_loss(activations, loss, sizes, X, T))
    exact = np.asarray(jax.jvp(gradient, (theta,), (v,))[1])
    (ours,) = hessian_vector(Trainer(sizes, True, activations, loss, "gd"), X, T, theta[None], v[None])
    assert np.linalg.norm(ours - exact) <= AUTODIFF * np.linalg.norm(exact)


SKIPPING = [
    ("tanh", "half_sse", (2, 2, 2, 2), "residual"),
    ("gelu", "softmax_ce", (2, 3, 3, 3, 2), "residual"),
    ("mish", "bce", (2, 2, 3, 2), "residual"),
    ("silu", "huber", (2, 3, 2), "input"),
    ("logistic", "bce_logits", (2, 3, 3, 2), "input"),
    ("sin", "mse", (2, 3, 2, 4, 2), "input"),
]


@pytest.mark.parametrize(("activation", "loss", "sizes", "skip"), SKIPPING)
def test_derivatives_with_skip_connections_equal_automatic_differentiation(activation, loss, sizes, skip):
    X, T = problem(5, loss=loss)
    theta = np.random.default_rng(7).normal(0, 0.9, layout.n_params(sizes, True, skip))
    activations = activations_of(loss, activation, len(sizes) - 2)
    total = jax_loss(activations, loss, sizes, X, T, skip)
    gradient, hessian = (np.asarray(derivative(total)(theta)) for derivative in (jax.grad, jax.hessian))
    ours = kernel_gradient(activations, loss, sizes, theta, X, T, skip)
    assert np.linalg.norm(ours - gradient) <= AUTODIFF * np.linalg.norm(gradient)
    (ours,) = derivatives(Trainer(sizes, True, activations, loss, "gd", skip=skip), X, T, theta[None]).hessian
    assert np.linalg.norm(ours - hessian) <= AUTODIFF * np.linalg.norm(hessian)
