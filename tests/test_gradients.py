"""Gradients of the whole objective, and a step along them, against central differences of its definition in NumPy."""

import itertools
import math

import numpy as np
import pytest
from kernel_cases import ACTIVATIONS, DTYPES, LOSSES, SEED, activations_of, make_batch, pairwise, problem
from tolerances import OBJECTIVE

from saddlescape.kernels import Trainer, train
from saddlescape.network import layout, random, reference

FUNCTIONS = {
    "logistic": lambda z: 1 / (1 + np.exp(-z)), "tanh": np.tanh, "relu": lambda z: np.maximum(z, 0),
    "linear": lambda z: z, "leaky_relu": lambda z: np.maximum(z, 0.01 * z), "softplus": lambda z: np.log1p(np.exp(z)),
    "silu": lambda z: z / (1 + np.exp(-z)), "mish": lambda z: z * np.tanh(np.log1p(np.exp(z))),
    "gelu": lambda z: z * (1 + np.vectorize(math.erf)(z / math.sqrt(2))) / 2, "erf": np.vectorize(math.erf),
    "sin": np.sin,
}  # fmt: skip
TERMS = {
    "half_sse": lambda y, t: (y - t) ** 2 / 2, "mse": lambda y, t: (y - t) ** 2,
    "huber": lambda y, t: np.where(abs(y - t) < 1, (y - t) ** 2 / 2, abs(y - t) - 0.5),
    "bce": lambda y, t: -t * np.log(y) - (1 - t) * np.log(1 - y),
    "bce_logits": lambda y, t: np.log1p(np.exp(y)) - t * y,
    "softmax_ce": lambda y, t: -t * np.log(np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)),
}  # fmt: skip
"""Of outputs y, which are logits for bce_logits and softmax_ce, and targets t."""

WEIGHTS = {"decay": "weights"}
OBJECTIVES = {
    "l1": ({"l1": 0.02}, {}),
    "decay of weights": ({"weight_decay": 0.1}, WEIGHTS),
    "clip, held biases": ({"clip": 0.2, "bias_rate": 0.0}, {}),
    "weights, mean": ({"l1": 0.02, "weight_decay": 0.1, "bias_rate": 0.3}, {**WEIGHTS, "reduction": "mean"}),
    "dropout, decay, sum": ({"dropout": 0.3, "clip": 0.2, "weight_decay": 0.1}, {"reduction": "sum"}),
    "all": ({"dropout": 0.3, "clip": 0.2, "l1": 0.02, "weight_decay": 0.1, "bias_rate": 0.0}, {**WEIGHTS, "batch": 2}),
}  # fmt: skip
"""Hyperparameters, and further options of a Trainer."""

FACTORS = ACTIVATIONS, LOSSES, ((), (3,), (3, 2)), DTYPES, OBJECTIVES
PAIRS = pairwise(
    [case for case in itertools.product(*FACTORS) if case[0] in activations_of(case[1], case[0], len(case[2]))][::5]
)
QUICK = ("tanh", "half_sse", (), "float64", "clip, held biases")


def test_the_cases_contain_every_pair():
    for (i, first), (k, second) in itertools.combinations(enumerate(FACTORS), 2):
        assert {(case[i], case[k]) for case in PAIRS} == set(itertools.product(first, second))


def slope(function, theta, *rest):
    """Central differences; that of the absolute value of a number at 0 is 0."""
    steps = 1e-5 * np.eye(len(theta))
    return np.array([(function(theta + h, *rest) - function(theta - h, *rest)) / 2e-5 for h in steps])


def loss_of(theta, trainer, X, T, kept):
    y, parts = X, np.split(kept, np.cumsum(trainer.sizes[1:-1]), axis=1)
    for rows, activation, own in zip(layout.layers(trainer.sizes, True), trainer.activations, parts, strict=True):
        y = FUNCTIONS[activation](y @ theta[rows[:, :-1]].T + theta[rows[:, -1]]) * own
    one = trainer.reduction == "sum" or (trainer.loss == "half_sse" and trainer.reduction is None)
    return TERMS[trainer.loss](y, T).sum() / (1 if one else len(T) if trainer.loss == "softmax_ce" else T.size)


def masks(trainer, t, samples, rate, dtype):
    """Factors of the values of all units at step `t`; those of the outputs are 1."""
    numbers = random.dropout(SEED, 0, t, samples, sum(trainer.sizes[1:]), np.finfo(dtype).nmant)
    kept = np.where(numbers >= dtype(rate), 1 / (1 - rate), 0)
    kept[:, -trainer.sizes[-1] :] = 1
    return kept


def expected(trainer, theta, X, T, values):
    """Loss and gradient of the objective over all samples, and parameters after an epoch at rate 1."""
    bias, dtype, size = layout.is_bias(trainer.sizes, True), theta.dtype.type, trainer.batch or len(X)
    theta, X, T = (array.astype(float) for array in (theta, X, T))
    own, free = ~bias | (trainer.decay == "all"), ~bias | (values.get("bias_rate") != 0)
    l1, decay, clip = values.get("l1", 0), values.get("weight_decay", 0), values.get("clip", np.inf)

    def penalty(theta):
        return (own * (l1 * abs(theta) + decay / 2 * theta**2)).sum()

    def loss(theta):
        return loss_of(theta, trainer, X, T, np.ones((len(X), sum(trainer.sizes[1:]))))

    start = loss(theta), free * slope(lambda each: loss(each) + penalty(each), theta)
    for t in range(-(-len(X) // size)):
        x, target = (array[t * size :][:size] for array in (X, T))
        kept = masks(trainer, t, len(x), values.get("dropout", 0), dtype)
        g = free * slope(loss_of, theta, trainer, x, target, kept)
        g *= min(1, clip / (np.linalg.norm(g) + 1e-6))
        theta = theta - np.where(bias, values.get("bias_rate", 1), 1) * (g + slope(penalty, theta))
    return *start, theta


def prepared(case):
    """Trainer, start with a weight and a bias of 0, inputs, targets and hyperparameters.

    Without hidden layers there is no dropout.
    """
    activation, loss, hidden, dtype, objective = case
    values, options = OBJECTIVES[objective]
    switches = {name: True for name in values if hidden or name != "dropout"}
    sizes, activations = (2, *hidden, 2), activations_of(loss, activation, len(hidden))
    trainer = Trainer(sizes, True, activations, loss, "gd", **switches, **options)
    theta = np.random.default_rng(4).normal(0, 0.9, layout.n_params(sizes, True)).astype(dtype)
    theta[[0, -1]] = 0
    X, T = (array.astype(dtype) for array in problem(5, loss=loss))
    return trainer, theta, X, T, {name: values[name] for name in switches}


def epoch(trainer):
    return 3 if trainer.batch else 1


@pytest.mark.parametrize("case", PAIRS, ids=str)
def test_the_reference_follows_central_differences_of_the_objective(case):
    trainer, theta, X, T, values = prepared(case)
    loss, gradient, end = expected(trainer, theta, X, T, values)
    network = reference.Network(trainer.sizes, True, trainer.activations, trainer.loss, reduction=trainer.reduction)
    path = reference.trajectory(
        network, theta, X, T, epoch(trainer), "gd", {"learning_rate": 1.0, **values}, batch=trainer.batch,
        key=(SEED, 0), decay=trainer.decay,
    )  # fmt: skip
    close = {"rtol": OBJECTIVE[case[3]], "atol": OBJECTIVE[case[3]]}
    np.testing.assert_allclose(path[0][1], loss, **close)
    np.testing.assert_allclose(path[0][2], gradient, **close)
    np.testing.assert_allclose(path[-1][0], end, **close)


@pytest.mark.parametrize("case", [QUICK, *(pytest.param(case, marks=pytest.mark.slow) for case in PAIRS)], ids=str)
def test_the_kernel_follows_central_differences_of_the_objective(case):
    trainer, theta, X, T, values = prepared(case)
    loss, gradient, end = expected(trainer, theta, X, T, values)
    steps = epoch(trainer)
    trained = train(trainer, X, T, make_batch(theta[None], steps, every=steps, learning_rate=1.0, **values))
    close = {"rtol": OBJECTIVE[case[3]], "atol": OBJECTIVE[case[3]]}
    np.testing.assert_allclose(trained.measures[0, 0, :2], [loss, np.linalg.norm(gradient)], **close)
    np.testing.assert_allclose(trained.theta[0], end, **close)
