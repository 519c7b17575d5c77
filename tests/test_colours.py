"""Colours that mean something are told apart, whatever the reader's colour vision."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from tolerances import GLANCE

from saddlescape.plots import COLORS, RAMP
from saddlescape.plots.convergence import GRAY
from saddlescape.words.outcomes import Outcome

VISION = {
    "common": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]
    ],
}  # fmt: skip
"""What is seen of linear red, green and blue: Machado, Oliveira & Fernandes (2009), IEEE TVCG 15, 1291-1298."""

XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = XYZ.sum(axis=1)


def lab(colours, vision):
    """CIELAB of sRGB colours (..., 3) as they are seen."""
    colours = np.asarray(colours)
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    share = np.clip(linear @ np.transpose(VISION[vision]), 0, 1) @ XYZ.T / WHITE
    x, y, z = np.moveaxis(np.where(share > 0.008856, np.cbrt(share), 7.787 * share + 16 / 116), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def distance(a, b, vision):
    return np.linalg.norm(lab(a, vision) - lab(b, vision), axis=-1).min()


def test_a_grey_is_grey_and_white_is_white():
    np.testing.assert_allclose(lab([1, 1, 1], "common"), [100, 0, 0], atol=1e-9)
    assert distance(to_rgb("#777777"), to_rgb("#777777"), "protanopia") == 0


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("pair", list(combinations(Outcome, 2)), ids=lambda pair: "-".join(o.label for o in pair))
def test_outcomes_are_told_apart(pair, vision):
    assert distance(*(to_rgb(COLORS[o]) for o in pair), vision) > GLANCE


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("flat", [*(c for o, c in COLORS.items() if o != Outcome.SOLVED), GRAY])
def test_flat_colours_are_off_the_ramp(flat, vision):
    assert distance(to_rgb(flat), RAMP(np.linspace(0, 1, 256))[:, :3], vision) > GLANCE
