"""Colors of the page of the explorer: texts have contrast, and meanings are told apart with any color vision."""

import re

import pytest
from matplotlib.colors import to_rgb
from test_colours import VISION, distance, lab
from tolerances import GLANCE

from saddlescape.explorer.page import text

READABLE = 4.5
"""Contrast of texts with their background, at least: success criterion 1.4.3 of the Web Content Accessibility
Guidelines 2.2, whose formula is `contrast`."""


CSS = text("explore.css")
LIGHT, DARK = (dict(re.findall(r"(--\w+): (#\w{6})", part)) for part in CSS.split("prefers-color-scheme: dark"))
SCHEMES = {"light": LIGHT, "dark": {**LIGHT, **DARK}}


def luminance(color):
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in to_rgb(color)]
    return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def test_black_on_white_has_the_largest_contrast():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_texts_and_lines_have_contrast(scheme):
    colors = SCHEMES[scheme]
    for name in ("--text", "--fault", "--accent", "--other"):
        assert contrast(colors[name], colors["--page"]) >= READABLE, name


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_two_paths_are_told_apart(scheme, vision):
    colors = SCHEMES[scheme]
    assert distance(to_rgb(colors["--accent"]), to_rgb(colors["--other"]), vision) > GLANCE


@pytest.mark.parametrize("vision", VISION)
def test_low_and_high_outputs_are_told_apart(vision):
    cold, middle, warm = re.search(
        r'COLD, MIDDLE, WARM\] = \["(#\w+)", "(#\w+)", "(#\w+)"', text("surface.js")
    ).groups()
    for pair in ((cold, warm), (cold, middle), (middle, warm)):
        assert distance(*map(to_rgb, pair), vision) > GLANCE, pair
    assert lab(to_rgb(middle), vision)[0] > 90
