"""The merging method: a fractal whose basins share a boundary, stripes whose basins do not, and brute force."""

import numpy as np
import pytest

from saddlescape.analysis import boundary, wada_merge


def newton(cells):
    """The root of z^3 = 1 that Newton's method finds from each start; the three basins share their boundary."""
    x = np.linspace(-2, 2.01, cells)
    z = x[:, None] + 1j * x
    for _ in range(60):
        z = z - (z**3 - 1) / (3 * z**2)
    return np.abs(z[..., None] - np.exp(2j * np.pi * np.arange(3) / 3)).argmin(-1)


def by_definition(label, radius):
    cells = [np.argwhere(boundary(label == basin)) for basin in np.unique(label)]
    nearest = [np.abs(a[:, None] - b).max(-1).min(1) for a in cells for b in cells]
    return max(each.max() for each in nearest), max((each > radius).mean() for each in nearest)


def test_basins_of_newtons_method_share_their_boundary():
    assert wada_merge(newton(300), radius=3).apart < 0.01
    assert wada_merge(newton(300)).distance < 10


def test_stripes_do_not():
    label = np.repeat([5, -1, 7], [5, 8, 9])[:, None] + np.zeros(10, int)
    assert wada_merge(label, radius=7) == (8, 1.0)
    assert wada_merge(label, radius=8) == (8, 0.0)


@pytest.mark.parametrize("seed", range(5))
def test_distances_are_those_of_the_definition(seed):
    label = np.kron(np.random.default_rng(seed).integers(3, size=(5, 4)), np.ones((4, 3), int))
    for radius in (0, 1, 2):
        np.testing.assert_allclose(wada_merge(label, radius), by_definition(label, radius))


@pytest.mark.parametrize(
    ("label", "radius", "words"),
    [
        (np.eye(4), 1, "three or more basins"),
        (np.arange(5)[:, None], 1, "two or more cells"),
        (np.arange(9).reshape(3, 3), -1, "0 or more cells"),
    ],
)
def test_what_has_no_answer_is_refused(label, radius, words):
    with pytest.raises(ValueError, match=words):
        wada_merge(label, radius)
