"""Estimators of roughness on sets whose answers are known: lines, carpets, Cantor's gaps, Newton's basins, noise."""

from itertools import product
from math import factorial, log, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tolerances import BAR_HELD, BAR_OF, DIMENSION, INTERVAL

from saddlescape.analysis import basin_entropy, basin_fractions, boundary, box_dimension, uncertainty_exponent

THIRD = log(2) / log(3)


def carpet(level):
    """Sierpinski's carpet, 3^level cells a side: no base-3 digit of x and y is 1 in both."""
    cells = np.ones((1, 1), dtype=bool)
    for _ in range(level):
        cells = np.kron(cells, np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=bool))
    return cells


def cantor_gaps(level):
    """Basins on a line of 3^level cells: in a gap cut out at depth d the outcome is d % 2, so they meet on the set."""
    label = np.full(1, level % 2)
    for depth in reversed(range(level)):
        label = np.concatenate([label, np.full(len(label), depth % 2), label])
    return label


CARPET = carpet(7)


def newton(n):
    """Which root of z^3 = 1 Newton's method finds from each cell of [-1.5, 1.5]^2: three basins, one boundary."""
    x = np.linspace(-1.5, 1.5, n)
    z = x[:, None] + 1j * x + 1e-9
    for _ in range(60):
        z = z - (z**3 - 1) / (3 * z**2)
    return np.digitize(np.angle(z), [-1, 1])


def noise(shape, labels, seed=3):
    return np.random.default_rng(seed).integers(labels, size=shape)


def half_planes(n, slope=0.0):
    x = np.arange(n)
    return (x[:, None] + slope * x > n * (1 + slope) / 2).astype(int)


def expected_entropy(cells, labels):
    """Mean entropy of a box of independent cells with equal chances, and of one with two labels at least."""
    total, mixed, chance_of_mixed = 0.0, 0.0, 0.0
    for counts in product(range(cells + 1), repeat=labels):
        if sum(counts) == cells:
            chance = factorial(cells) / prod(factorial(c) for c in counts) / labels**cells
            entropy = -sum(c / cells * log(c / cells) for c in counts if c)
            total += chance * entropy
            chance_of_mixed += chance * (entropy > 0)
    mixed = total / chance_of_mixed
    return total, mixed


def test_fractions_are_counted():
    assert basin_fractions(np.array([[4, 4], [3, 4]], dtype=np.int8)) == {3: 0.25, 4: 0.75}


@pytest.mark.parametrize("column", range(10, 15))
def test_entropy_of_a_straight_edge_by_hand(column):
    label = np.zeros((25, 50), dtype=np.int8)
    label[:, column:] = 1
    p = column % 5 / 5
    mixed = -p * log(p) - (1 - p) * log(1 - p) if p else np.nan
    found = basin_entropy(label, 5)
    assert (found.boxes, found.boundary_boxes) == (50, 5 if p else 0)
    np.testing.assert_allclose(found.boundary_entropy, mixed, rtol=INTERVAL)
    np.testing.assert_allclose(found.entropy, mixed / 10 if p else 0, rtol=INTERVAL)


def test_errors_are_those_of_the_mean_of_boxes():
    """Two boxes, of entropies 0 and ln 2: standard deviation ln 2 / sqrt 2, over sqrt 2; one mixed box has none."""
    found = basin_entropy(np.array([[0, 0, 0, 1], [0, 0, 0, 1]]), 2)
    np.testing.assert_allclose([found.entropy, found.error], log(2) / 2, rtol=INTERVAL)
    assert np.isnan(found.boundary_error)


@pytest.mark.parametrize(("shape", "box", "labels"), [((401, 402), 2, 2), ((500, 500), 3, 3), ((40, 41, 42), 2, 4)])
def test_entropy_of_noise_is_that_of_multinomial_counts(shape, box, labels):
    found, (total, mixed) = basin_entropy(noise(shape, labels), box), expected_entropy(box ** len(shape), labels)
    assert abs(found.entropy - total) < 4 * found.error
    assert abs(found.boundary_entropy - mixed) < 4 * found.boundary_error
    assert found.boxes == prod(n // box for n in shape)


def test_three_basins_mixed_at_every_scale_pass_ln_2_and_two_never_do():
    assert basin_entropy(noise((200, 200), 3)).boundary_entropy > log(2)
    for label in (noise((200, 200), 2), half_planes(200, 0.3)):
        assert basin_entropy(label).boundary_entropy < log(2)


@given(st.integers(0, 10**6), st.integers(1, 6), st.tuples(st.integers(3, 12), st.integers(3, 12)), st.integers(2, 3))
def test_entropy_knows_neither_names_nor_orientation(seed, labels, shape, box):
    rng = np.random.default_rng(seed)
    label, names = rng.integers(labels, size=shape), rng.permutation(6)
    found = basin_entropy(label, box)
    assert 0 <= found.entropy <= log(len(np.unique(label))) + INTERVAL
    renamed = basin_entropy(names[label].T, box)
    np.testing.assert_allclose(renamed, found, rtol=INTERVAL, atol=INTERVAL)


def test_the_boundary_is_where_four_neighbours_disagree():
    label = np.array([[0, 0, 0], [0, 0, 5], [0, 0, 5]])
    assert boundary(label).tolist() == [[False, True], [False, True]]
    assert boundary(np.array([1, 1, 2, 2])).tolist() == [False, True, False]


def test_the_dimension_of_the_carpet_is_exact():
    found = box_dimension(CARPET[:729, :729], 3 ** np.arange(6))
    assert found.measured.tolist() == [8.0**k for k in range(6, 0, -1)]
    np.testing.assert_allclose([found.value, found.low, found.high], log(8) / log(3), atol=DIMENSION["exact"])


def crop(label, n, rng):
    corner = rng.integers(0, label.shape[0] - n, label.ndim)
    return label[tuple(slice(c, c + n) for c in corner)]


def padded(label, rng):
    return np.pad(label, rng.integers(len(label) // 4, len(label) // 2, 2), "edge")


def random_line(rng, n=256):
    angle, offset, x = rng.uniform(0, np.pi), rng.uniform(-0.2, 0.2) * n, np.arange(n) - n / 2
    return (np.cos(angle) * x[:, None] + np.sin(angle) * x > offset).astype(int)


def random_circle(rng, n=256):
    radius, x, y = rng.uniform(0.1, 0.4) * n, np.arange(n) - rng.uniform(0.45, 0.55) * n, np.arange(n) - n / 2
    return (x[:, None] ** 2 + y**2 > radius**2).astype(int)


KNOWN = [
    (random_line, 1.0),
    (random_circle, 1.0),
    (lambda rng: crop(CARPET, 1024, rng), log(8) / log(3)),
    (lambda rng: padded(cantor_gaps(9), rng), THIRD),
]


@pytest.mark.parametrize(("draw", "dimension"), KNOWN, ids=["line", "circle", "carpet", "cantor"])
def test_the_error_bar_holds_the_dimension_of_known_sets(draw, dimension):
    """At powers of two, whatever the set's own steps are, wherever it lies; the bar is no larger than it need be."""
    rng = np.random.default_rng(7)
    found = [box_dimension(mask if (mask := draw(rng)).dtype == bool else boundary(mask)) for _ in range(BAR_OF)]
    held = [law.low <= dimension <= law.high for law in found]
    assert np.mean(held) >= BAR_HELD
    assert abs(np.mean([law.value for law in found]) - dimension) < DIMENSION["twos"]
    assert np.mean([law.high - law.low for law in found]) < DIMENSION["bar"]


@pytest.mark.parametrize(("mask", "dimension"), [(np.ones((515, 600), dtype=bool), 2), (np.eye(64, dtype=bool)[9], 0)])
def test_the_dimension_of_a_plane_and_a_point_is_exact(mask, dimension):
    found = box_dimension(mask)
    np.testing.assert_allclose([found.value, found.low, found.high], dimension, atol=DIMENSION["exact"])


KNOWN_EXPONENTS = [
    (random_line, 1.0),
    (random_circle, 1.0),
    (lambda rng: noise((256, 256), 3, rng.integers(99)), 0.0),
    (lambda rng: padded(cantor_gaps(9), rng), 1 - THIRD),
]


@pytest.mark.parametrize(("draw", "alpha"), KNOWN_EXPONENTS, ids=["line", "circle", "noise", "cantor"])
def test_the_error_bar_holds_the_uncertainty_exponent_of_known_basins(draw, alpha):
    rng = np.random.default_rng(7)
    found = [uncertainty_exponent(draw(rng)) for _ in range(BAR_OF)]
    assert np.mean([law.low <= alpha <= law.high for law in found]) >= BAR_HELD
    assert abs(np.mean([law.value for law in found]) - alpha) < DIMENSION["twos"]
    assert np.mean([law.high - law.low for law in found]) < DIMENSION["bar"]


def test_the_exponent_counts_starts_whose_neighbours_differ():
    """A straight edge in the middle: 2 r of the 512 - 2 * 32 columns that lie within the margin."""
    found = uncertainty_exponent(half_planes(512))
    assert found.size.tolist() == [1, 2, 4, 8, 16, 32]
    np.testing.assert_allclose(found.measured, 2 * found.size / 448, rtol=INTERVAL)
    np.testing.assert_allclose([found.value, found.low, found.high], 1, atol=DIMENSION["exact"])


def test_newtons_basins_are_fractal_by_every_measure():
    """Three basins with one boundary in common (Wada), of dimension 1.42 to 1.44."""
    label = newton(729)
    dimension, alpha, entropy = box_dimension(boundary(label)), uncertainty_exponent(label), basin_entropy(label)
    assert dimension.low < 1.43 < dimension.high
    assert abs(2 - alpha.value - dimension.value) < DIMENSION["twos"]
    assert entropy.boundary_entropy - 3 * entropy.boundary_error > log(2)
    assert list(basin_fractions(label)) == [0, 1, 2]


@pytest.mark.parametrize("box", [1, 0, 9])
def test_boxes_that_are_none_are_refused(box):
    with pytest.raises(ValueError, match="box must be from 2 to the shortest side of the map, 8"):
        basin_entropy(np.zeros((8, 9), dtype=int), box)


@pytest.mark.parametrize(
    ("estimate", "match"),
    [
        (lambda: box_dimension(np.zeros((64, 64), dtype=bool)), "this set is empty"),
        (lambda: box_dimension(np.arange(70) >= 64), "in the 64 cells that boxes of 8 fill; use smaller sizes"),
        (lambda: box_dimension(np.ones((16, 16), dtype=bool)), "three or more sizes"),
        (lambda: box_dimension(np.ones((64, 64), dtype=bool), [1, 2]), "three or more sizes"),
        (lambda: box_dimension(np.ones((64, 64), dtype=bool), [0, 1, 2, 4]), "of 1 cell or more"),
        (lambda: box_dimension(np.ones((64, 64), dtype=bool), confidence=95), "confidence must be between 0 and 1"),
        (lambda: uncertainty_exponent(np.zeros((64, 64)), [1, 2, 4]), "some start must be uncertain at each radius"),
        (lambda: uncertainty_exponent(half_planes(64), [1, 2, 32]), "less than half of the shortest side, 64; got 32"),
    ],
)
def test_maps_from_which_nothing_can_be_read_are_refused(estimate, match):
    with pytest.raises(ValueError, match=match):
        estimate()
