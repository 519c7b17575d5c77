"""Starts given as arrays, edges between basins, and smallest kicks, against closed forms."""

import numpy as np
import pytest
from spec_cases import PRODUCT
from tolerances import NARROWED, QUARTIC, SEARCHED_DIRECTION, SEARCHED_NORM

import saddlescape as ss
from saddlescape.analysis import xor_escape_constant
from saddlescape.analysis.edges import bisect, kicks, outcome, smallest_kick
from saddlescape.spec import parse
from saddlescape.words.outcomes import Outcome

RATE = 0.25


@pytest.fixture
def product(tmp_path):
    """Loss (1 - a b)**2, a step of gradient descent at rate 1/4: a += b (1 - a b) / 2, and b likewise."""
    (tmp_path / "two.csv").write_text("x1,t1\n1,1\n-1,-1\n")
    training = f'[training]\noptimizer = "gd"\nlearning_rate = {RATE}\nsteps = 60\n[stop]\nsolved = 0.4'
    return parse(f'[problem]\nfile = "two.csv"\n{PRODUCT}{training}', tmp_path).spec


def test_given_starts_have_the_fate_and_the_bits_of_a_sweep(tmp_path):
    overrides = ["starts.count=37", "training.steps=500", "record.final_parameters=true", "record.runs=0"]
    r = ss.open(ss.run("xor", tmp_path / "run", overrides=overrides))
    spec = r.sweep.at((8,))
    found = ss.run_starts(spec, r["start_theta"][8], threads=3)
    names = [name for name in r if r.stored(name).dims[:2] == ("scale", "run")]
    assert "outcome" in names
    for name in names:
        np.testing.assert_array_equal(found[name], r[name][8], err_msg=name)


def test_given_starts_take_the_random_numbers_of_their_row():
    spec = ss.load("xor", ["training.noise=0.1", "training.steps=50"]).spec
    whole = ss.run_starts(spec, np.ones((5, 9)), threads=1)["final_theta"]
    np.testing.assert_array_equal(ss.run_starts(spec, np.ones((5, 9)), threads=3)["final_theta"], whole)
    assert len(np.unique(whole[:, 0])) == 5


@pytest.mark.parametrize("theta", [np.ones(9), np.ones((2, 8)), np.full((1, 9), np.nan), np.ones((0, 9))])
def test_starts_that_are_none_are_refused(theta):
    with pytest.raises(ValueError, match=r"theta must (be finite|have the shape \(n_runs, 9\))"):
        ss.run_starts(ss.load("xor").spec, theta)


def expect_neighbours(edge, spec, label=outcome):
    """They differ in one parameter only, by the last bit, and have the labels that they say."""
    differs = edge.before != edge.after
    assert (differs.sum(axis=1) == 1).all()
    np.testing.assert_array_equal(edge.after[differs], np.nextafter(edge.before, edge.after)[differs])
    for starts, said in ((edge.before, edge.label_before), (edge.after, edge.label_after)):
        np.testing.assert_array_equal(label(ss.run_starts(spec, starts)), said)
    assert (edge.label_before != edge.label_after).all()


@pytest.mark.parametrize(("to", "edge"), [(2.0, 1.4), (-1.0, 0.6), (-1e300, 0.6), (1e300, 1.4)])
def test_no_other_number_lies_between(tmp_path, to, edge):
    """y = w, solved where 1 and w differ by 0.4 or less: from 1 to 2, shares alone come to 1.4 and 1.4 + 2 ulp."""
    (tmp_path / "one.csv").write_text("x1,t1\n1,1\n")
    text = '[problem]\nfile = "one.csv"\n[network]\nhidden = []\noutput = "linear"\nbias = false\n'
    text += "[training]\noptimizer = 'gd'\nlearning_rate = 1e-9\nsteps = 1\n[stop]\nsolved = 0.4"
    spec = parse(text, tmp_path).spec
    found = bisect(spec, [1.0], [to])
    expect_neighbours(found, spec)
    assert abs(found.after[0, 0] - edge) < 1e-8


def test_an_edge_at_zero_is_found_among_the_smallest_numbers(product):
    """Half of the way from -1 to 1 is far from zero as numbers go: shares step over 2 ** 62 of them there."""

    def positive(found):
        return found["final_theta"][:, 0] > 0

    found = bisect(product, [-1.0, -1.0], [1.0, 1.0], positive)
    expect_neighbours(found, product, positive)
    assert abs(found.before).min() <= 5e-324


def test_edges_of_xor_have_no_start_between():
    spec = ss.load("xor", ["training.steps=2000"]).spec
    theta = np.random.default_rng(4).normal(size=(200, 9))
    said = ss.run_starts(spec, theta)["outcome"]
    some, others = theta[said == said[0]], theta[said != said[0]]
    pairs = min(len(some), len(others), 20)
    assert pairs >= 10
    expect_neighbours(bisect(spec, some[:pairs], others[:pairs]), spec)


def test_an_edge_is_found_to_the_last_bit(product):
    """a = b steps to -a where a**2 = 1 + 1 / rate, and from there on outward."""
    edge = bisect(product, [[1, 1], [-1, -1]], [[10, 10], [-30, -30]])
    exact = np.sqrt(1 + 1 / RATE) * np.array([[1, 1], [-1, -1]])
    assert edge.label_before.tolist() == [Outcome.SOLVED] * 2
    assert edge.label_after.tolist() == [Outcome.DIVERGED] * 2
    assert (abs(edge.before - exact) <= 2 * np.spacing(abs(exact))).all()
    expect_neighbours(edge, product)
    np.testing.assert_array_equal(ss.run_starts(product, edge.after)["outcome"], edge.label_after)


def test_an_edge_beside_exact_zero():
    """Nearer to it than a rounding of 1/2, each unit says 1/2 exactly, the samples cancel and nothing ever moves."""
    spec = ss.load("xor", ["training.steps=10"]).spec
    edge = bisect(spec, np.zeros(9), np.random.default_rng(3).normal(size=9))
    assert edge.label_before == Outcome.FROZEN
    assert 2**-56 < abs(edge.after).max() < 2**-50
    assert edge.before.any()


def test_ends_that_are_alike_are_refused(product):
    with pytest.raises(ValueError, match="a and b must have different labels; in pair 1 both have 4"):
        bisect(product, [[1, 1], [1, 1]], [[10, 10], [1, 2]])


def steps_to_escape(a, most):
    """Steps of a = b until the loss is 5 % below 1, the plateau's; more than `most` if it takes longer."""
    for step in range(most + 1):
        if (1 - a * a) ** 2 < 0.95:
            return step
        a += a * (1 - a * a) / 2
    return most + 1


def test_the_smallest_kick_is_the_one_that_just_makes_it(product):
    low, high = 0.0, 1.0
    while low < (middle := (low + high) / 2) < high:
        low, high = (low, middle) if steps_to_escape(middle, product.steps) <= product.steps else (middle, high)
    found = kicks(product, [0, 0], [[1, 1], [1, -1], [-3, -3], [0, 1]])
    np.testing.assert_allclose(found.norm[[0, 2]], np.sqrt(2) * high, rtol=NARROWED)
    assert found.norm[1] == np.inf
    assert found.smallest in (0, 2)
    np.testing.assert_allclose(np.linalg.norm(found.direction, axis=1), 1)


def test_the_smallest_kick_of_all_is_along_the_way_out(product):
    """Off zero a + b grows and a - b shrinks, so the way out is along (1, 1), either way."""
    straight, found = kicks(product, [0, 0], [[1, 1]]), smallest_kick(product, [0, 0], tries=16, seed=3)
    assert abs(abs(found.direction) - np.sqrt(0.5)).max() < SEARCHED_DIRECTION
    assert found.direction.prod() > 0
    np.testing.assert_allclose(found.norm, straight.norm, rtol=SEARCHED_NORM)


def test_no_kick_is_found_where_none_frees():
    """Without hidden units nothing says more of XOR than 1/2."""
    spec = ss.load("xor", ["network.hidden=[]", "training.steps=20"]).spec
    assert smallest_kick(spec, np.zeros(3), tries=4).norm.tolist() == [np.inf]


def test_a_start_that_escapes_needs_no_kick(product):
    with pytest.raises(ValueError, match="start must not escape without a kick"):
        kicks(product, [1, 1])
    for direction in ([0, 0], [np.nan, 1], [np.inf, 1]):
        with pytest.raises(ValueError, match="directions must be finite and not zero"):
            kicks(product, [0, 0], [direction])


def test_directions_are_of_any_length(product):
    found = kicks(product, [0, 0], [[s, s] for s in (1, 2.0**700, 2.0**-700, 5e-324, 2.0**1023)])
    np.testing.assert_array_equal(found.direction, np.broadcast_to(found.direction[0], (5, 2)))
    assert np.isfinite(found.norm).all()
    assert (found.norm == found.norm[0]).all()


def test_kicks_off_zero_are_as_the_quartic_of_xor_says():
    """A start at distance s escapes after c / s**2, so a budget of T frees no kick below sqrt(c / T)."""
    changes = ["training.optimizer=gd", "training.momentum=", "training.learning_rate=0.5", "training.steps=200000"]
    spec = ss.load("xor", changes).spec
    found = kicks(spec, np.zeros(9), 6, seed=4, bits=42)
    theory = np.sqrt(xor_escape_constant(found.direction) / (0.5 * 200_000))
    assert np.isfinite(theory).all()
    np.testing.assert_allclose(found.norm / theory, 1, atol=QUARTIC)


def test_drawn_directions_are_the_same_ones_for_a_seed(product):
    one, again, other = (kicks(product, [0, 0], 5, seed=seed, bits=52) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.norm, again.norm)
    assert (one.norm != other.norm).any()
