"""Barriers between solutions of XOR: the bounds that docs/analysis.md derives, lines in plain NumPy, and bands."""

import numpy as np
import pytest
from tolerances import GRID, PASS, SUMMED

import saddlescape as ss
from saddlescape import analysis
from saddlescape.analysis.symmetry import forms
from saddlescape.errors import SaddlescapeError

KEYS = ['problem.coding="pm1"', 'network.activation="tanh"', 'network.output="tanh"', "training.learning_rate=0.1"]
XOR = ss.load("xor", [*KEYS, "stop.solved=0.1", "training.steps=2000"]).spec
ONE_UNIT, NO_UNIT = 4 / 3, 2.0
"""The least losses of networks with one hidden unit and with none."""


def turned(theta, units):
    """The twins of solutions in which the signs of units are changed."""
    theta = theta.copy()
    for unit in units:
        theta[:, [3 * unit, 3 * unit + 1, 3 * unit + 2, 6 + unit]] *= -1
    return theta


@pytest.fixture(scope="module")
def solutions():
    runs = ss.run_starts(XOR, np.random.default_rng(0).normal(size=(200, 9)))
    solved = runs["final_theta"][runs["outcome"] == 4]
    assert len(solved) > 50
    return solved


@pytest.mark.parametrize(("units", "bound"), [((0,), ONE_UNIT), ((1,), ONE_UNIT), ((0, 1), NO_UNIT)])
def test_a_barrier_to_a_turned_twin_is_as_high_as_the_network_without_these_units(solutions, units, bound):
    twins, ends = turned(solutions, units), ss.evaluate(XOR, solutions).loss
    found = analysis.barriers(XOR, solutions, twins)
    assert ss.evaluate(XOR, (solutions + twins) / 2).loss.min() >= bound
    assert (found.straight + ends).min() >= bound
    assert max(abs(found.canonical).max(), abs(found.least).max()) < SUMMED, "they are the same network"


def test_barriers_are_the_highest_points_of_lines(solutions):
    a, b = solutions[:10], solutions[10:20]
    t = np.linspace(0, 1, 4001)[:, None, None]
    losses = ss.evaluate(XOR, ((1 - t) * a + t * b).reshape(-1, 9)).loss.reshape(-1, 10)
    found = analysis.barriers(XOR, a, b)
    np.testing.assert_allclose(found.straight, losses.max(axis=0) - np.maximum(losses[0], losses[-1]), atol=GRID)
    assert (found.least <= np.minimum(found.straight, found.canonical) + GRID).all()
    assert found.straight.min() > found.least.min() >= 0
    swapped = analysis.barriers(XOR, b, a)
    np.testing.assert_allclose(swapped.straight, found.straight, atol=GRID)


def test_all_forms_of_a_point_are_the_same_network(solutions):
    each = forms(XOR, solutions[0])
    assert len(np.unique(each.round(6), axis=0)) == 8
    np.testing.assert_allclose(np.ptp(ss.outputs(XOR, each, XOR.loaded.X), axis=0), 0, atol=SUMMED)
    wide = ss.load("xor", ["network.hidden=[8]"]).spec
    assert not len(forms(wide, np.zeros(33))), "there would be ten million"


def test_a_band_crosses_the_pass_of_one_unit(solutions):
    """The outgoing weight of a unit that turns is zero somewhere on any path."""
    (start,), (end,) = solutions[:1], turned(solutions[:1], (0,))
    band = analysis.elastic_band(XOR, start, end, images=33, steps=600)
    top = band.barrier + ss.evaluate(XOR, start[None]).loss[0]
    assert ONE_UNIT <= top < ONE_UNIT + PASS
    assert top < (analysis.barriers(XOR, [start], [end]).straight + band.objective[0])[0]
    np.testing.assert_array_equal(band.theta[[0, -1]], [start, end])
    gaps = np.linalg.norm(np.diff(band.theta, axis=0), axis=1)
    assert gaps.max() < 1.1 * gaps.min()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: analysis.barriers(XOR, np.zeros((2, 9)), np.zeros((1, 9))), r"b must have the shape of a, \(2, 9\)"),
        (lambda: analysis.barriers(XOR, np.zeros((1, 8)), np.zeros((1, 9))), r"a must have the shape \(n_runs, 9\)"),
        (lambda: analysis.elastic_band(XOR, np.zeros(9), np.zeros(9), images=2), "images must be at least 3; got 2"),
    ],
)
def test_wrong_arguments_are_plain_errors(call, message):
    with pytest.raises(ValueError, match=f"^{message}") as failure:
        call()
    assert isinstance(failure.value, SaddlescapeError)
