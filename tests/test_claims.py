"""Each claim is decided by its runs: it holds from those of its sweep, and fails from runs that speak against it."""

import re

import numpy as np
import pytest
from click.testing import CliRunner

from saddlescape import results, runner
from saddlescape.claims import CLAIMS
from saddlescape.claims.claim import Check, Finding, number, point, share
from saddlescape.claims.many_starts import starts_needed
from saddlescape.claims.page import page, typeset
from saddlescape.claims.saddle import spelled
from saddlescape.claims.xor import enough_scale, stuck_scale
from saddlescape.spec import load, parse
from saddlescape_cli.claims import claims as command

SMALL = {
    "1-xor": ["starts.count=16", "training.steps=2000"],
    "2-delta-rule": ["starts.count=16"],
    "3-hidden-gradient": ["starts.count=64"],
    "4-equal-units": ["starts.count=16", "training.steps=4000"],
    "5-many-starts": ["starts.count=64", "training.steps=4000"],
    "6-priors": ["training.steps=4000"],
    "7-saddle": ["starts.count=16", "training.rtol=1e-5"],
    "8-usually": ["training.epochs=2000"],
}
"""Enough runs for the verdict of the whole sweep, in little time."""

AGAINST = {
    "1-xor": ["training.noise=0.1"],
    "2-delta-rule": ["network.hidden=[2]", "network.activation=tanh"],
    "3-hidden-gradient": ["training.noise=0.1"],
    "4-equal-units": ["training.noise=1e-3"],
    "5-many-starts": ["training.noise=0.01"],
    "6-priors": ["network.activation=logistic"],
    "7-saddle": ["problem.coding=01"],
    "8-usually": ["starts.kind=constant", "starts.scale=0.1"],
}
"""Runs of which the claim is not true."""

claims = pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)


def found(claim, folder, *overrides):
    sweep = load(claim.sweep)
    text = sweep.text.replace('["half_sse", "bce"]', '["bce"]').replace('["gd", "momentum", "adam"]', '["adam"]')
    small = parse(text, sweep.folder, [*SMALL[claim.name], *overrides])
    with results.open(runner.run(small, folder)) as result:
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


def test_the_command_prints_verdicts_and_writes_the_page(findings, tmp_path, monkeypatch):
    told = [(claim, findings[claim.name]) for claim in CLAIMS]
    monkeypatch.setattr("saddlescape.claims.examine", lambda folder, threads: iter(told))
    done = CliRunner().invoke(command, ["-o", str(tmp_path)])
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[:2] == ["1. XOR never learns from zero: holds", "   + all 16 runs from exact zero are frozen"]
    assert sum(line.startswith("   + ") for line in lines) == sum(len(finding.checks) for _, finding in told)
    assert lines[-1] == str(tmp_path / "claims.html")
    assert '<section id="8-usually">' in (tmp_path / "claims.html").read_text()


def test_traps_that_go_on_for_ever_are_said_to_be_no_minima(findings):
    assert findings["5-many-starts"].verdict == "holds only when minima at infinity are counted"


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
        assert all(f'<g id="p{claim.name}-{name}-' in html for name in findings[claim.name].pictures)
        assert not findings[claim.name].pictures.keys() & findings[claim.name].words.keys()
    assert not re.search(r"<(script|link|img|iframe|base)\b|@import|\bsrc=|url\((?!#)|href=\"(?!#|data:)", html)
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', html)) <= set(ids)


def test_small_scales_are_stuck_up_to_the_first_that_is_not():
    scale, late, soon = np.array([0.0, 0.1, 0.2, 0.3]), np.full(100, 900), np.full(100, 9)
    escape = np.array([np.full(100, -1), late, soon, late])
    assert stuck_scale(scale, escape, 100) == 0.1
    assert stuck_scale(scale, escape, 1000) == 0
    assert stuck_scale(scale[::-1], escape[::-1], 100) == 0.1


def test_words_for_people():
    assert [number(n) for n in (20000, 12, 0.05, 1e-6)] == ["20 000", "12", "0.05", "1e-06"]
    assert [share(n, 2000) for n in (0, 500, 2000)] == ["none of 2 000", "500 of 2 000 (25 %)", "all 2 000"]


def test_numbers_are_set_with_their_signs():
    plain = "1 000 of 2 000 (50 %) < 1e-09 or 3e-05, power -2.0 [-2, -1], 8 x 0, 2-2-1"
    assert typeset(plain) == (
        "1&#8239;000 of 2&#8239;000 (50&nbsp;%) &lt; 10<sup>&minus;9</sup> or 3&nbsp;&times;&nbsp;10<sup>&minus;5</sup>"
        ", power &minus;2.0 [&minus;2, &minus;1], 8 &times; 0, 2-2-1"
    )


def test_starts_needed():
    assert starts_needed(np.array([0, 0.5, 0.99, 1])).tolist() == [np.inf, 7, 1, 1]


def test_scales_that_are_enough_end_at_the_first_that_is_not():
    scale, late, soon = np.array([0.0, 0.1, 0.2, 0.3]), np.full(100, 900), np.full(100, 9)
    escape = np.array([np.full(100, -1), soon, late, soon])
    assert enough_scale(scale, escape, 100) == 0.3
    assert enough_scale(scale, escape, 1000) == 0.1
    assert enough_scale(scale, escape, 1) == np.inf


def test_eigenvalues_are_counted():
    assert spelled(np.array([-2, -2, 1e-9, 3 / 8])) == "0.375, 0, 2 x -2"


def test_a_point_by_its_values(tmp_path):
    run = runner.run(load("claims/3-hidden-gradient", ["starts.count=1"]), tmp_path / "out")
    with results.open(run) as result:
        assert point(result, scale=1e-4, activation="tanh") == (1, 3)
