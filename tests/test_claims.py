"""Each claim is decided by its runs: it holds from those of its sweep, and fails from runs that speak against it."""

import re

import numpy as np
import pytest

from saddlescape import results, runner
from saddlescape.claims import CLAIMS
from saddlescape.claims.claim import Check, Finding, number, point, share
from saddlescape.claims.page import page
from saddlescape.claims.xor import stuck_scale
from saddlescape.spec import load

SMALL = {
    "1-xor": ["starts.count=16", "training.steps=2000"],
    "2-delta-rule": ["starts.count=16"],
    "3-hidden-gradient": ["starts.count=64"],
}
"""Enough runs for the verdict of the whole sweep, in little time."""

AGAINST = {
    "1-xor": ["training.noise=0.1"],
    "2-delta-rule": ["network.hidden=[2]", "network.activation=tanh"],
    "3-hidden-gradient": ["training.noise=0.1"],
}
"""Runs of which the claim is not true."""

claims = pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)


def found(claim, folder, *overrides):
    with results.open(runner.run(load(claim.sweep, [*SMALL[claim.name], *overrides]), folder)) as result:
        return claim.examine(result)


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("claims")
    return {claim.name: found(claim, folder / claim.name) for claim in CLAIMS}


@claims
def test_the_runs_bear_the_claim_out(claim, findings):
    finding = findings[claim.name]
    assert finding.checks
    assert finding.verdict.startswith("holds"), [check for check in finding.checks if not check.holds]


@claims
def test_runs_that_speak_against_it_make_it_fail(claim, tmp_path):
    assert found(claim, tmp_path / "out", *AGAINST[claim.name]).verdict == "fails"


def test_verdicts():
    good, bad = Check("", True), Check("", False)
    assert Finding((good, good), {}, {}).verdict == "holds"
    assert Finding((good, bad), {}, {}).verdict == "fails"
    assert Finding((good,), {}, {}, only_when="it rains").verdict == "holds only when it rains"
    assert Finding((bad,), {}, {}, only_when="it rains").verdict == "fails"


def test_the_page_tells_every_claim_and_needs_nothing_else(findings):
    html = page([(claim, findings[claim.name]) for claim in CLAIMS])
    for claim in CLAIMS:
        assert f'<section id="{claim.name}">' in html
        assert f"saddlescape run {claim.sweep} -o {claim.name}" in html
        assert html.count(f'<g id="p{claim.name}-') >= 1
    assert not re.search(r"<(script|link|img|iframe|base)\b|@import|\bsrc=|url\((?!#)|href=\"(?!#)", html)
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', html)) <= set(ids)


def test_small_scales_are_stuck_up_to_the_first_that_is_not():
    scale, late, soon = np.array([0.0, 0.1, 0.2, 0.3]), np.full(100, 900), np.full(100, 9)
    escape = np.array([np.full(100, -1), late, soon, late])
    assert stuck_scale(scale, escape, 100) == 0.1
    assert stuck_scale(scale, escape, 1000) == 0
    assert stuck_scale(scale[::-1], escape[::-1], 100) == 0.1


def test_words_for_people():
    assert [number(n) for n in (20000, 12, 0.05, 1e-6)] == ["20\N{NARROW NO-BREAK SPACE}000", "12", "0.05", "1e-06"]
    assert share(3, 4) == "3 of 4 (75 %)"


def test_a_point_by_its_values(tmp_path):
    run = runner.run(load("claims/3-hidden-gradient", ["starts.count=1"]), tmp_path / "out")
    with results.open(run) as result:
        assert point(result, scale=1e-4, activation="tanh") == (1, 3)
