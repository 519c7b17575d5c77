"""The atlas of stationary points: exact small ones, XOR's against independent derivatives, and its bits."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from spec_cases import PRODUCT
from test_hessian import second_differences
from tolerances import FOUND, LINE, POLISHED

from saddlescape import plots
from saddlescape.analysis import Atlas, atlas
from saddlescape.analysis.points import NEAR, Kind, derivatives
from saddlescape.analysis.symmetry import orbit_size
from saddlescape.kernels import approach
from saddlescape.network import reference
from saddlescape.plots.atlas import places
from saddlescape.runs.prepare import plain_trainer
from saddlescape.spec import parse
from saddlescape.system.arguments import ArgumentError

DECAY = '[training]\noptimizer = "gd"\nweight_decay = '
XOR = '[problem]\nname = "xor"\ncoding = "pm1"\n[network]\nhidden = [{}]\nactivation = "tanh"\noutput = "linear"\n'


@pytest.fixture
def sample(tmp_path):
    """Function that gives the spec of samples (x, t) with more keys."""

    def of(data, text):
        (tmp_path / "few.csv").write_text("x1,t1\n" + "".join(f"{x},{t}\n" for x, t in data))
        return parse(f'[problem]\nfile = "few.csv"\n{text}', tmp_path).spec

    return of


@pytest.fixture(scope="module")
def xor():
    """The atlas of XOR 2-2-1 with weight decay 0.1."""
    return atlas(parse(XOR.format(2) + DECAY + "0.1", Path()).spec, 4000)


def test_a_product_has_a_saddle_at_zero_and_two_minima(sample):
    """(s - a b)^2 / 2 + m (a^2 + b^2) / 2: a = b = +-sqrt(s - m), which a change of both signs maps to each other."""
    found = atlas(sample([(1, 2)], PRODUCT + DECAY + "0.5"), 200)
    assert found.kind.tolist() == [Kind.MINIMUM, Kind.SADDLE]
    assert (found.index.tolist(), found.orbit.tolist()) == ([0, 1], [2, 1])
    np.testing.assert_allclose(found.theta, [[1.5**0.5] * 2, [0, 0]], atol=POLISHED)
    np.testing.assert_allclose(found.loss, [0.5**2 / 2 + 0.5 * 1.5, 2], rtol=POLISHED)
    np.testing.assert_allclose(found.spectrum, [[1, 3], [-1.5, 2.5]], atol=POLISHED)
    assert found.edges.tolist() == [[1, 0, -1], [1, 0, 1]]
    assert found.multiplicity.sum() + found.unsettled == 200
    assert found.euler == 1


def test_the_starts_of_each_point_are_counted(sample):
    """Those near the two minima together, as they are one point."""
    starts = np.repeat([[1.2, 1.2], [-1.2, -1.2], [0.1, -0.1]], [3, 2, 4], axis=0)
    found = atlas(sample([(1, 2)], PRODUCT + DECAY + "0.5"), starts, descend=False)
    assert (found.multiplicity.tolist(), found.unsettled) == ([5, 4], 0)


def test_beyond_the_threshold_of_decay_there_is_only_zero(sample):
    found = atlas(sample([(1, 2)], PRODUCT + DECAY + "2.5"), 200)
    assert (found.kind.tolist(), found.orbit.tolist(), found.edges.shape) == ([Kind.MINIMUM], [1], (0, 3))
    np.testing.assert_allclose(found.theta, 0, atol=POLISHED)


def test_a_family_is_one_point(sample):
    """Without decay all a b = s are minima."""
    found = atlas(sample([(1, 2)], PRODUCT), 200, descend=False)
    assert found.kind.tolist() == [Kind.FLAT, Kind.SADDLE]
    assert (found.degeneracy.tolist(), found.units.tolist()) == ([1, 0], [1, 0])


def test_a_minimum_of_one_unit_is_a_line_of_two(sample):
    """Units with equal weights w share the outgoing weight v of one: (w, w, k v, (1 - k) v) (Fukumizu & Amari 2000).

    The line has a part of minima, between k = 0 and 1, and parts of saddles; an unused unit is a saddle.
    """
    text = '[network]\nhidden = [{}]\nactivation = "tanh"\noutput = "linear"\nbias = false\n'
    data = [(0.3, 0.3), (1, 0.8), (2, 0.4)]
    one = atlas(sample(data, text.format(1)), 200, descend=False)
    assert (one.kind.tolist(), one.units.tolist()) == ([Kind.MINIMUM, Kind.SADDLE], [1, 0])
    two = atlas(sample(data, text.format(2)), 1000, descend=False, smaller=one)
    assert two.split_of[two.units < 2].tolist() == [0] * (len(two) - 1) + [1]
    line = two.theta[two.split_of == 0]
    np.testing.assert_allclose(two.loss[two.split_of == 0], one.loss[0], atol=POLISHED)
    np.testing.assert_allclose(line[:, 2:].sum(axis=1), one.theta[0, 1], atol=LINE)
    equal = abs(line[:, 0] - line[:, 1]) < LINE
    between, kind = (line[:, 2:] > -LINE).all(axis=1), two.kind[two.split_of == 0]
    np.testing.assert_array_equal(kind == Kind.FLAT, equal & between)
    assert set(kind) == {Kind.FLAT, Kind.SADDLE}
    assert not equal.all()
    assert (equal & ~between).any()


def test_with_decay_only_units_without_weights_are_stationary(xor):
    one = atlas(parse(XOR.format(1) + DECAY + "0.1", Path()).spec, 2000, descend=False)
    found = atlas(xor.spec, xor.theta, descend=False, smaller=one)
    unused = (found.theta[:, [0, 1, 2, 6]] == 0).all(axis=1) | (abs(found.theta[:, [0, 1, 2, 6]]) < FOUND).all(axis=1)
    np.testing.assert_array_equal(found.split_of >= 0, unused)
    assert (found.units[unused] < 2).all()
    assert (found.units == 1).sum() > (unused & (found.units == 1)).sum()  # equal units, not of the smaller network
    assert set(found.split_of) == {-1, *range(len(one))}


def test_xor_with_decay_has_all_its_points(xor):
    """37 points on 10 levels, 129 with their orbits; Morse's sum is 1."""
    assert (len(xor), xor.level.max() + 1, xor.euler) == (37, 10, 1)
    assert np.bincount(xor.index, xor.orbit).tolist() == [49, 112, 64]
    assert set(xor.kind) == {Kind.MINIMUM, Kind.SADDLE}
    assert xor.loss[xor.level == 5].tolist() == [2.0]


def test_the_sum_shows_that_points_are_missing(xor):
    assert atlas(xor.spec, xor.theta[:30], descend=False).euler != 1


def test_each_point_is_stationary_by_the_reference(xor):
    spec, data = xor.spec, xor.spec.loaded
    network = reference.Network(spec.sizes, True, spec.activations, spec.training.loss)
    for theta, index, loss, spectrum in zip(xor.theta, xor.index, xor.loss, xor.spectrum, strict=True):
        value, gradient, _ = reference.loss_and_gradient(network, theta, data.X, data.T)
        assert np.linalg.norm(gradient + 0.1 * theta) <= 2 * NEAR
        assert abs(value + 0.05 * theta @ theta - loss) <= POLISHED
        hessian = second_differences(network, theta, data.X, data.T) + 0.1 * np.eye(9)
        values = np.linalg.eigvalsh((hessian + hessian.T) / 2)
        np.testing.assert_allclose(values, spectrum, atol=1e-6)
        assert (values < 0).sum() == index


def test_descents_go_down_and_leave_each_saddle_to_both_sides(xor):
    start, end, way = xor.edges.T
    assert (end >= 0).all()
    assert (xor.loss[end] < xor.loss[start]).all()
    for point, index in enumerate(xor.index):
        ways = [sign * (k + 1) for k in range(index) for sign in (-1, 1)]
        assert sorted(way[start == point]) == sorted(ways)


def test_descents_find_points_that_the_search_missed(xor):
    from_saddles = atlas(xor.spec, xor.theta[xor.index == 1])
    minima = from_saddles.index == 0
    assert (from_saddles.multiplicity == ~minima).all()
    np.testing.assert_allclose(from_saddles.loss[minima], xor.loss[xor.index == 0], atol=POLISHED)


def same(one: Atlas, other: Atlas):
    for each in fields(Atlas):
        if each.name != "spec":
            np.testing.assert_array_equal(getattr(one, each.name), getattr(other, each.name))


def test_neither_threads_nor_pieces_change_a_bit(xor, monkeypatch):
    same(atlas(xor.spec, 200, threads=2), atlas(xor.spec, 200, threads=1))
    expected = atlas(xor.spec, 200)
    monkeypatch.setattr("saddlescape.analysis.search.PIECE", 7)
    same(atlas(xor.spec, 200), expected)


def test_the_order_of_starts_changes_no_point(xor):
    starts = np.random.default_rng(4).normal(size=(3000, 9))
    one, other = (atlas(xor.spec, rows, descend=False) for rows in (starts, starts[::-1]))
    np.testing.assert_allclose(one.theta, other.theta, atol=FOUND)
    np.testing.assert_array_equal(one.multiplicity, other.multiplicity)


def slowly(spec, theta, near, steps):
    """The steps of kernels.stationary, written out for one start."""
    (at,), damping = ([derivatives(spec, theta[None])], 1.0)
    for _ in range(steps):
        g, h = at.gradient[0], at.hessian[0]
        if np.linalg.norm(g) <= near:
            break
        square = h @ h
        m = max(damping * g @ g, 1e-14 * square.diagonal().max())
        step = -np.linalg.solve(square + m * np.eye(len(g)), h @ g)
        step /= max(1.0, np.linalg.norm(step))
        new = derivatives(spec, (theta + step)[None])
        if np.linalg.norm(new.gradient) < np.linalg.norm(g):
            theta, at, damping = theta + step, new, damping * 0.1
        else:
            damping *= 10
    return theta


@pytest.mark.parametrize("steps", [1, 4, 12])
def test_the_steps_of_the_kernel_are_those_of_the_reference(xor, steps):
    spec, starts = xor.spec, np.random.default_rng(5).normal(size=(19, 9))
    penalties = np.array([[0.1] * 9, [0.0] * 9, [1.0] * 9])
    ends, size = approach(plain_trainer(spec), spec.loaded.X, spec.loaded.T, starts, penalties, NEAR, 100.0, steps)
    expected = [slowly(spec, start, NEAR, steps) for start in starts]
    np.testing.assert_allclose(ends, expected, atol=1e-9)
    np.testing.assert_allclose(size, np.linalg.norm(derivatives(spec, ends).gradient, axis=1), atol=1e-12)


def test_starts_that_lead_nowhere_are_counted(xor):
    found = atlas(xor.spec, np.full((3, 9), 1e200))
    assert (len(found), found.unsettled, found.edges.shape, found.euler) == (0, 3, (0, 3), 0)
    assert plots.atlas(found).get_title() == "2-2-1: 0 points, 0 with symmetric copies"


def test_orbits_are_counted(xor):
    points = np.array([[0] * 9, [1, 2, 3, 1, 2, 3, 4, 4, 5], [1, 2, 3, -1, -2, -3, 4, -4, 5], range(9)], dtype=float)
    assert orbit_size(xor.spec, points).tolist() == [1, 4, 4, 8]
    relu = parse(XOR.format(2).replace("tanh", "relu"), Path()).spec
    assert orbit_size(relu, points).tolist() == [1, 1, 2, 2]


def test_families_of_xor_without_decay_are_few_points():
    """None is a minimum, as every minimum is at infinity (Sprinkhuizen-Kuyper & Boers 1998)."""
    logistic = parse('[problem]\nname = "xor"', Path()).spec
    found = atlas(logistic, 2000, descend=False)
    assert found.multiplicity.sum() > 1000
    assert len(found) < 20
    assert set(found.kind) == {Kind.FLAT, Kind.SADDLE}
    assert found.loss.min() > 0.5 - POLISHED


def test_the_graph_shows_all_points_and_descents(xor):
    ax, at = plots.atlas(xor), places(xor)
    drawn = {each.get_gid(): each for each in ax.collections if each.get_gid()}
    shown = [drawn[name].get_offsets() for name in ("minimum", "index 1", "index 2")]
    np.testing.assert_array_equal(np.concatenate(shown), at[np.argsort(xor.index, kind="stable")])
    ends = {tuple(at[[a, b]].ravel()) for a, b, _ in xor.edges}
    assert {tuple(np.ravel(line)) for line in drawn["descents"].get_segments()} == ends
    np.testing.assert_array_equal(at[:, 1], xor.level)
    assert [tick.get_text() for tick in ax.get_yticklabels()][:2] == ["0.5728", "1.4767"]
    areas = drawn["minimum"].get_sizes()
    assert areas.argmax() == np.flatnonzero(xor.loss[xor.index == 0] == 2.0)
    open_circles = (drawn["index 1"].get_facecolors()[:, :3] == 1).all(axis=1)
    np.testing.assert_array_equal(open_circles, xor.units[xor.index == 1] < 2)


@pytest.mark.slow
def test_three_units_have_all_their_points():
    """83 points on 20 levels."""
    found = atlas(parse(XOR.format(3) + DECAY + "0.1", Path()).spec, 20_000)
    assert (len(found), found.level.max() + 1, found.euler) == (83, 20, 1)


@pytest.mark.parametrize(
    ("starts", "message"),
    [
        (0, "starts must be a number of starts, at least 1, or an array; got 0"),
        (2.5, "starts must be an integer; got 2.5"),
        (np.zeros((2, 8)), r"theta must have the shape \(n_runs, 9\)"),
        ([[np.nan] * 9], "theta must be finite"),
    ],
)
def test_starts_that_are_none_are_refused(xor, starts, message):
    with pytest.raises(ArgumentError, match=message):
        atlas(xor.spec, starts)


def test_an_atlas_of_another_problem_is_refused(xor):
    with pytest.raises(ArgumentError, match=r"smaller must be .*got sizes \(2, 2, 1\) for \(2, 2, 1\)"):
        atlas(xor.spec, 10, smaller=xor)
