"""Each claim is decided by its runs: it holds from those of its sweep, and fails from runs that speak against it."""

import re
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from claims_recount import RECOUNT, rows_of
from click.testing import CliRunner

from saddlescape import results
from saddlescape.claims import CLAIMS
from saddlescape.claims.claim import Check, Finding, number, point, share
from saddlescape.claims.conditions import CANCEL, QUIET, SILENT
from saddlescape.claims.many_starts import starts_needed
from saddlescape.claims.page import BEGINNING, page, typeset
from saddlescape.claims.saddle import spelled
from saddlescape.claims.xor import enough_scale, stuck_scale
from saddlescape.errors import RefusedError
from saddlescape.runs import runner
from saddlescape.spec import load, parse
from saddlescape.words.outcomes import Outcome
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


def few(claim, *overrides):
    sweep = load(claim.sweep)
    text = sweep.text.replace('["half_sse", "bce"]', '["bce"]').replace('["gd", "momentum", "adam"]', '["adam"]')
    return parse(text, sweep.folder, [*SMALL[claim.name], *overrides])


def found(claim, folder, *overrides):
    with results.open(runner.run(few(claim, *overrides), folder)) as result:
        return claim.examine(result)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("claims")
    with ExitStack() as stack:
        yield {c.name: stack.enter_context(results.open(runner.run(few(c), folder / c.name))) for c in CLAIMS}


@pytest.fixture(scope="module")
def findings(runs):
    return {claim.name: claim.examine(runs[claim.name]) for claim in CLAIMS}


class Spoilt:
    """A result of which some arrays are others."""

    def __init__(self, result, **arrays):
        self._result, self._arrays = result, arrays

    def __getitem__(self, name):
        return self._arrays[name] if name in self._arrays else self._result[name]

    def __contains__(self, name):
        return name in self._result

    def __getattr__(self, name):
        return getattr(self._result, name)


def assert_recounted(claim, finding, result):
    checks, words = RECOUNT[claim.name](result)
    assert [check.sentence for check in finding.checks] == checks
    told = {name: rows_of(word) if word.startswith("<") else word for name, word in finding.words.items()}
    assert told == words


@claims
def test_the_runs_bear_the_claim_out(claim, findings):
    finding = findings[claim.name]
    assert finding.checks
    assert finding.verdict.startswith("holds"), [check for check in finding.checks if not check.holds]


@claims
def test_every_sentence_is_what_a_recount_of_the_runs_says(claim, findings, runs):
    assert_recounted(claim, findings[claim.name], runs[claim.name])


def changed(array, where, value):
    array = array.copy()
    array[where] = value
    return array


SPOILT = {
    "frozen": ("1-xor", "outcome", lambda a, r: changed(a, (0, 0), Outcome.SOLVED), "15 of 16 (94 %) runs from exact"),
    "moved": ("1-xor", "stop_step", lambda a, r: changed(a, (0, 3), 7), "in 15 of 16 (94 %) a step changes no bit"),
    "all solved": (
        "1-xor",
        "outcome",
        lambda a, r: changed(a, -1, Outcome.SOLVED),
        "all 16 starts of scale 0.2 solve XOR",
    ),
    "one late": ("1-xor", "escape_step", lambda a, r: changed(a, (-1, 0), 1999), "Of no range of scales"),
    "late at 0.5": ("1-xor", "escape_step", lambda a, r: changed(a, (-2, 0), 1999), "Of scales of 1 at least 95 %"),
    "slow": ("1-xor", "escape_step", lambda a, r: changed(a, -1, 1500), "Of no range of scales that was run at least"),
    "wrong signs": (
        *("2-delta-rule", "start_theta"),
        *(lambda a, r: changed(a, (slice(None), 1), -a[:, 1]), "with signs that are not those of a solution"),
    ),
    "one not from zero": (
        *("2-delta-rule", "outcome", lambda a, r: changed(a, (0, 0, 0, 5), Outcome.TRAPPED)),
        "learns in 31 of 32 (97 %) runs from zero",
    ),
    "below 1/3": (
        "4-equal-units",
        "final_loss",
        lambda a, r: changed(a, (0, 0, 2, 3), 0.1),
        "1 of 160 (1 %) get to a loss",
    ),
    "apart": (
        "4-equal-units",
        "final_separation",
        lambda a, r: changed(a, (0, 1, 1, 1), 0.1),
        "159 of 160 (99 %) runs",
    ),
    "all come through": (
        *("5-many-starts", "outcome", lambda a, r: changed(a, -2, Outcome.SOLVED)),
        "all starts of scale 5 come through",
    ),
    "best at the end": (
        *("5-many-starts", "outcome", lambda a, r: changed(a, -1, Outcome.SOLVED)),
        "10|, the largest that was tried",
    ),
    "best at the beginning": (
        *("5-many-starts", "outcome", lambda a, r: changed(a, 1, Outcome.SOLVED)),
        "0.03|, the smallest but zero that was tried",
    ),
    "two best": (
        *("5-many-starts", "outcome", lambda a, r: changed(a, [3, 4], Outcome.SOLVED)),
        "all starts of scale 0.07 and 0.1 come through",
    ),
    "none from 10": ("5-many-starts", "outcome", lambda a, r: changed(a, -1, Outcome.PLATEAU), "none of 64"),
    "no noise is enough": (
        *("6-priors", "outcome", lambda a, r: changed(a, (1, slice(None), 0), Outcome.PLATEAU)),
        "For XOR none that was tried is enough of noise.",
    ),
    "no harm": ("6-priors", "outcome", lambda a, r: np.full_like(a, Outcome.SOLVED), "XOR all 32 solved at scale 0"),
    "late": (
        *("7-saddle", "escape_time", lambda a, r: changed(a, (1, 1), 2 * a[1, 1])),
        "up to a factor of 2.",
    ),
    "learns": (
        *("8-usually", "outcome", lambda a, r: changed(a, (1, 0, 0, 0, 1), Outcome.SOLVED)),
        "AND and XOR with logistic and tanh units; XOR is among them",
    ),
    "unlike": (
        *("8-usually", "final_separation", lambda a, r: changed(a, (1, 0, 0, 0, 1), 0.5)),
        "of those that move, in 8 of 9 (89 %) the hidden units",
    ),
}
"""Claim, array, what becomes of it, and what is said then, in a check or in words."""


def conditions(findings, name):
    return {condition.words for condition in findings[name].only_when}


def test_verdicts_have_the_conditions_that_other_claims_show(findings, runs):
    """Claim 8 runs every combination from zero, claim 6 noise: what speaks against a claim there must be excluded."""
    usually, spec = runs["8-usually"], runs["8-usually"].sweep.at
    axes = [usually.dims[name] for name in usually.dims if name != "run"]
    by_claim = {
        "7-saddle": lambda here: not usually["final_theta"][here][0].any(),
        "6-priors": lambda here: not usually["final_theta"][here][0, :-1].any(),
    }
    for name, holds in by_claim.items():
        met = {here: all(c.met(spec(here)) for c in findings[name].only_when) for here in np.ndindex(*axes)}
        assert all(holds(here) for here in met if met[here])
        assert not any(holds(here) for here in met if not met[here] and name == "7-saddle")
        assert any(met.values())
        assert not all(holds(here) for here in met)
    shaken = runs["6-priors"]["final_theta"][:, 1:, 0]
    assert (shaken[..., :3] != shaken[..., 3:6]).any(axis=-1).all()
    assert all(QUIET.words in conditions(findings, name) for name in ("1-xor", "4-equal-units", "7-saddle"))
    assert CANCEL.words in conditions(findings, "7-saddle")
    assert SILENT.words in conditions(findings, "6-priors")


def test_conditions_are_met_by_what_they_say():
    def met(condition, *overrides):
        return condition.met(parse(SPEC, Path(), overrides).spec)

    pm1 = ("problem.coding=pm1", "network.output=tanh")
    ways = ((), ("training.batch=online",), ("problem.name=and",), pm1[:1], pm1)
    assert [met(CANCEL, *way) for way in ways] == [True, False, False, False, True]
    units = ("logistic", "softplus", "tanh", "relu", "sin")
    assert [met(SILENT, f"network.activation={unit}") for unit in units] == [False, False, True, True, True]
    assert [met(QUIET, f"training.noise={noise}") for noise in (0, 0.1)] == [True, False]


SPEC = """schema = 1
[problem]
name = "xor"
"""


@pytest.mark.parametrize("case", SPOILT)
def test_other_runs_are_told_in_other_words(case, runs):
    name, array, spoil, said = SPOILT[case]
    (claim,) = (claim for claim in CLAIMS if claim.name == name)
    result = Spoilt(runs[name], **{array: spoil(runs[name][array], runs[name])})
    finding = claim.examine(result)
    assert said in "|".join([*(check.sentence for check in finding.checks), *finding.words.values()])
    assert_recounted(claim, finding, result)


@claims
def test_runs_that_speak_against_it_make_it_fail(claim, tmp_path):
    assert found(claim, tmp_path / "out", *AGAINST[claim.name]).verdict == "fails"


def test_the_command_prints_verdicts_and_writes_the_page(findings, tmp_path, monkeypatch):
    told = [(claim, findings[claim.name]) for claim in CLAIMS]
    monkeypatch.setattr("saddlescape.claims.examine", lambda folder, threads: iter(told))
    done = CliRunner().invoke(command, ["-o", str(tmp_path)])
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[:2] == [
        "1. XOR never learns from zero: holds only when no noise is added",
        "   + all 16 runs from exact zero are frozen",
    ]
    assert sum(line.startswith("   + ") for line in lines) == sum(len(finding.checks) for _, finding in told)
    assert lines[-1] == str(tmp_path / "claims.html")
    assert '<section id="8-usually">' in (tmp_path / "claims.html").read_text()


@pytest.mark.parametrize("content", ["<!doctype html><p>mine", ""])
def test_a_page_of_others_is_left_alone_and_nothing_run(content, tmp_path, monkeypatch):
    monkeypatch.setattr("saddlescape.claims.examine", lambda folder, threads: pytest.fail("ran"))
    (tmp_path / "claims.html").write_text(content)
    done = CliRunner().invoke(command, ["-o", str(tmp_path)])
    assert isinstance(done.exception, RefusedError)
    assert [path.read_text() for path in tmp_path.iterdir()] == [content]


def test_an_older_page_is_written_over(tmp_path, monkeypatch):
    monkeypatch.setattr("saddlescape.claims.examine", lambda folder, threads: iter(()))
    monkeypatch.setattr("saddlescape.claims.page.page", lambda found: "new")
    (tmp_path / "claims.html").write_bytes(BEGINNING + b"old")
    assert CliRunner().invoke(command, ["-o", str(tmp_path)]).exit_code == 0
    assert [path.read_text() for path in tmp_path.iterdir()] == ["new"]


def test_traps_that_go_on_for_ever_are_said_to_be_no_minima(findings):
    assert findings["5-many-starts"].verdict == "holds only when minima at infinity are counted"


def test_verdicts():
    good, bad = Check("", True), Check("", False)
    assert Finding((good, good), {}, {}).verdict == "holds"
    assert Finding((good, bad), {}, {}).verdict == "fails"
    assert Finding((good,), {}, {}, (QUIET,)).verdict == "holds only when no noise is added"
    two = "holds only when the errors of a batch cancel and no noise is added"
    assert Finding((good,), {}, {}, (CANCEL, QUIET)).verdict == two
    assert Finding((bad,), {}, {}, (QUIET,)).verdict == "fails"


def test_the_page_tells_every_claim_and_needs_nothing_else(findings):
    html = page([(claim, findings[claim.name]) for claim in CLAIMS])
    for claim in CLAIMS:
        assert f'<section id="{claim.name}">' in html
        assert f"saddlescape run {claim.sweep} -o {claim.name}" in html
        assert all(f'<g id="p{claim.name}-{name}-' in html for name in findings[claim.name].pictures)
        assert not findings[claim.name].pictures.keys() & findings[claim.name].words.keys()
    assert not re.search(r"<(script|link|img|iframe|base)\b|@import|\bsrc=|url\((?!#)|href=\"(?!#|data:)", html)
    ids = re.findall(r'\bid="([^"]+)"', html)
    links = set(re.findall(r'(?:href="|url\()#([^")]+)', html))
    assert set() < links <= set(ids)


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
