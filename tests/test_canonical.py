"""Symmetries of networks: one form for all of a class, and the catalogue of solutions made with it."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spec_cases import PRODUCT
from tolerances import POLISHED, SUMMED

import saddlescape as ss
from saddlescape.analysis.catalogue import catalogue, linked
from saddlescape.analysis.points import Kind
from saddlescape.analysis.symmetry import canonical, truth_tables
from saddlescape.network.layout import unit_vectors
from saddlescape.spec import parse

TURNING = ("tanh", "erf", "sin", "linear", "logistic")


def network(hidden, activations, bias=True, text="", skip="none"):
    names = ", ".join(f'"{name}"' for name in activations)
    return parse(
        f'[problem]\nname = "xor"\n[network]\nhidden = {list(hidden)}\nactivation = [{names}]\n'
        f'output = "linear"\nbias = {str(bias).lower()}\nskip = "{skip}"\n{text}',
        Path(),
    ).spec


@st.composite
def networks(draw):
    """A network with biases, and a seed."""
    hidden = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    activations = [draw(st.sampled_from((*TURNING, "relu", "softplus"))) for _ in hidden]
    joined = any(before == after for before, after in pairwise((2, *hidden)))
    skip = draw(st.sampled_from(("none", "input", *["residual"] * joined)))
    return network(hidden, activations, skip=skip), draw(st.integers(0, 2**32 - 1))


def unflatten(spec, theta):
    """Weights (units, inputs) and biases (units,) of each layer."""
    found, first = [], 0
    direct = [0] * len(spec.network.hidden) + [spec.sizes[0] * (spec.network.skip == "input")]
    for (before, after), more in zip(pairwise(spec.sizes), direct, strict=True):
        rows = theta[first : first + after * (before + more + 1)].reshape(after, before + more + 1)
        found.append((rows[:, :-1].copy(), rows[:, -1].copy()))
        first += rows.size
    return found


def residual(spec):
    """Whether each layer has a residual connection."""
    same = [before == after for before, after in pairwise(spec.sizes[:-1])]
    return [each and spec.network.skip == "residual" for each in (*same, False)]


def transformed(spec, theta, rng):
    """The network with its hidden units in another order, and of some the sign changed."""
    layers, hidden = unflatten(spec, theta), spec.activations[:-1]
    joined = residual(spec)
    for number, activation in enumerate(hidden):
        (w, b), (v, c) = layers[number], layers[number + 1]
        v = v[:, : len(b)]
        if not joined[number]:
            end = next((k for k in range(number + 1, len(hidden)) if not joined[k]), len(hidden))
            turning = all(name in TURNING for name in hidden[number:end])
            sign = rng.choice([-1, 1], len(b)) if turning else np.ones(len(b))
            order, constant = rng.permutation(len(b)), 0
        elif number == 0:
            sign, order, constant = np.ones(len(b)), np.arange(len(b)), 0
        constant += activation == "logistic"
        c += constant * v[:, sign < 0].sum(axis=1)
        w[:], b[:], v[:] = (w * sign[:, None])[order], (b * sign)[order], (v * sign)[:, order]
    return np.concatenate([np.column_stack(layer).ravel() for layer in layers])


def said(spec, theta):
    """Outputs (samples, outputs), written out."""
    functions = {
        "tanh": np.tanh, "sin": np.sin, "linear": lambda z: z, "relu": lambda z: z * (z > 0),
        "logistic": lambda z: 1 / (1 + np.exp(-z)), "softplus": lambda z: np.log1p(np.exp(z)),
        "erf": np.vectorize(__import__("math").erf, otypes=[float]),
    }  # fmt: skip
    y = spec.loaded.X
    for (w, b), activation, joined in zip(unflatten(spec, theta), spec.activations, residual(spec), strict=True):
        inputs = np.hstack([y, spec.loaded.X])[:, : w.shape[1]]
        y = functions[activation](inputs @ w.T + b) + (y if joined else 0)
    return y


@settings(derandomize=True)
@given(networks())
def test_one_form_for_all_networks_of_a_class(case):
    spec, seed = case
    rng = np.random.default_rng(seed)
    theta = rng.normal(0, 1, spec.n_params)
    both = canonical(spec, [theta, transformed(spec, theta, rng)])
    np.testing.assert_allclose(*both, atol=SUMMED)
    np.testing.assert_allclose(said(spec, both[0]), said(spec, theta), atol=SUMMED)
    np.testing.assert_array_equal(canonical(spec, both), both)
    assert len(set(truth_tables(spec, [theta, *both]))) == 1


@pytest.mark.parametrize("activation", ["tanh", "logistic", "linear", "relu"])
@pytest.mark.parametrize(
    ("hidden", "skip"),
    [*(([2, 2], "none"), ([3, 2], "none"), ([2, 3, 2], "none"), ([3, 3, 3], "none")),
     *(([3, 3], "residual"), ([3, 3, 2], "residual"), ([2, 3, 3], "residual"))],
)  # fmt: skip
def test_one_form_of_units_that_hear_the_same(hidden, skip, activation):
    """Their order, and the sign of those that hear nothing, hang on the next layer, which hears them in that order."""
    spec, rng = network(hidden, [activation] * len(hidden), skip=skip), np.random.default_rng(9)
    for case in range(15):
        theta = rng.normal(0, 1, spec.n_params)
        units = unit_vectors(spec.sizes, True, 0)[:, :3]
        theta[units[0]] = 0 if case % 3 == 1 else theta[units[1]]
        if case % 3 == 2:
            theta = np.round(theta)
        both = canonical(spec, [theta, transformed(spec, theta, rng)])
        np.testing.assert_allclose(*both, atol=SUMMED)
        np.testing.assert_allclose(said(spec, both[0]), said(spec, theta), atol=SUMMED)
        np.testing.assert_allclose(canonical(spec, both), both, atol=SUMMED)


def test_too_many_units_that_are_alike_keep_the_form_that_they_have():
    spec = network([9, 3], ["tanh", "tanh"])
    theta = np.random.default_rng(2).normal(0, 1, spec.n_params)
    theta[unit_vectors(spec.sizes, True, 0)[:, :3]] = 1.0
    np.testing.assert_allclose(said(spec, canonical(spec, [theta])[0]), said(spec, theta), atol=SUMMED)
    assert (canonical(spec, [np.zeros(spec.n_params)]) == 0).all()


def test_signs_and_order_stand_above_noise():
    """Units that share their first parameters, or have zeros there, are told apart by the next."""
    spec, rng = network([3], ["tanh"]), np.random.default_rng(5)
    theta = np.array([0, 2, -1, 0, -2, 3, 0, 2, 4, 1, 5, 6, 7.0])
    noisy = [transformed(spec, theta, rng) + rng.normal(0, 1e-9, 13) for _ in range(50)]
    np.testing.assert_allclose(canonical(spec, noisy), np.tile(canonical(spec, [theta]), (50, 1)), atol=1e-8)
    np.testing.assert_array_equal(canonical(spec, [theta])[0], [0, 2, -3, 0, 2, -1, 0, 2, 4, -5, 1, 6, 7])


def test_weight_decay_keeps_logistic_units_from_turning():
    theta = np.array([[-1, -2, -3, 4, 5.0]])
    np.testing.assert_array_equal(canonical(network([1], ["logistic"]), theta), [[1, 2, 3, -4, 9]])
    decayed = network([1], ["logistic"], text="[training]\nweight_decay = 0.1")
    np.testing.assert_array_equal(canonical(decayed, theta), theta)
    free = network([1], ["logistic"], text='[training]\nweight_decay = 0.1\nl1 = 0.1\ndecay = "weights"')
    np.testing.assert_array_equal(canonical(free, theta), [[1, 2, 3, -4, 9]])
    np.testing.assert_array_equal(canonical(network([1], ["logistic"], bias=False), theta[:, [0, 1, 3]]), [[-1, -2, 4]])


def test_truth_tables_of_the_units_of_xor():
    ways = {
        "or and nand": [20, 20, -10, -20, -20, 30, 20, 20, -30.0],
        "or and and": [20, 20, -30, 20, 20, -10, -20, 20, -10.0],
        "one input each": [20, -20, -10, -20, 20, -10, 20, 20, -10.0],
    }
    found = dict(zip(ways, truth_tables(ss.load("xor").spec, list(ways.values())), strict=True))
    assert found["or and nand"] == found["or and and"] == ("0001", "0111")
    assert found["one input each"] == ("0010", "0100")


DECAY = 0.1


@pytest.fixture
def product(tmp_path):
    """(1 - a b)**2 / 2 + decay (a**2 + b**2) / 2: a saddle at zero, minima at a = b = +-sqrt(1 - decay)."""
    (tmp_path / "one.csv").write_text("x1,t1\n1,1\n")
    text = '[problem]\nfile = "one.csv"\n' + PRODUCT
    return lambda decay: parse(f"{text}[training]\nweight_decay = {decay}", tmp_path).spec


def test_a_catalogue_of_isolated_solutions(product):
    found = catalogue(product(DECAY), [[1, 0.8], [0.1, -0.1], [-0.9, -1], [0.7, 1.2], [-1, -1.1]])
    assert found.entry.tolist() == [0, 1, 0, 0, 0]
    assert found.kind.tolist() == [Kind.MINIMUM, Kind.SADDLE]
    assert found.count.tolist() == [4, 1]
    np.testing.assert_array_equal(found.fraction, [0.8, 0.2])
    assert (found.low < found.fraction).all()
    assert (found.fraction < found.high).all()
    np.testing.assert_allclose(found.theta, [[np.sqrt(1 - DECAY)] * 2, [0, 0]], atol=POLISHED)
    np.testing.assert_allclose(found.loss, [DECAY**2 / 2 + DECAY * (1 - DECAY), 0.5], atol=POLISHED)
    assert found.tables == [("0",), ("0",)]


def test_a_valley_is_one_solution(product):
    found = catalogue(product(0.0), [[1, 0.8], [-2, -0.6], [0.3, 3], [0.0, 0.0]])
    assert found.kind.tolist() == [Kind.FLAT, Kind.SADDLE]
    assert found.entry.tolist() == [0, 0, 0, 1]


def test_groups_are_chains_of_near_points():
    chain = np.column_stack([np.arange(0, 1, 0.009), np.zeros(112)])
    points = np.concatenate([chain, chain + np.array([0, 0.2]), np.random.default_rng(2).normal(5, 1e-4, (500, 2))])
    group = linked(points, 0.01)
    assert [len(set(group[part])) for part in (slice(112), slice(112, 224), slice(224, None))] == [1, 1, 1]
    assert len(set(group)) == 3
    assert linked(np.empty((0, 2)), 0.1).shape == (0,)
