"""Tests of the claims: each holds with the runs of its sweep and fails with runs of other settings."""

import re
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from claims_recount import RECOUNT, rows_of
from click.testing import CliRunner
from test_report import Page, path, tiles

from saddlescape import results
from saddlescape.claims import CLAIMS, examine
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
    "9-which-zeros": ["starts.count=300"],
    "10-decay-trap": ["starts.count=96"],
    "11-sgd": ["starts.count=16"],
    "12-small-starts": ["training.learning_rate=0.02", "training.steps=30000"],
    "13-bigger-steps": ["starts.count=128", "training.steps=5000"],
}
"""Overrides that give the verdict of the whole sweep with few runs."""

AGAINST = {
    "1-xor": ["training.noise=0.1"],
    "2-delta-rule": ["network.hidden=[2]", "network.activation=tanh"],
    "3-hidden-gradient": ["training.noise=0.1"],
    "4-equal-units": ["training.noise=1e-3"],
    "5-many-starts": ["training.noise=0.01"],
    "6-priors": ["network.activation=logistic"],
    "7-saddle": ["problem.coding=01"],
    "8-usually": ["starts.kind=constant", "starts.scale=0.1"],
    "9-which-zeros": ["training.steps=10"],
    "10-decay-trap": ["training.noise=0.1", "training.steps=20000"],
    "11-sgd": ["training.noise=0.1"],
    "12-small-starts": ["network.activation=linear"],
    "13-bigger-steps": ["training.optimizer=momentum"],
}
"""Overrides with which the claim is false."""

claims = pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)


def few(claim, *overrides):
    sweep = load(claim.sweep)
    text = sweep.text.replace('["half_sse", "bce"]', '["bce"]').replace('["gd", "momentum", "adam"]', '["adam"]')
    return parse(text, sweep.folder, [*SMALL[claim.name], *overrides])


def examined(claim, folder, *overrides):
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


@results.Results.register
class Changed:
    """A result with some arrays replaced."""

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
    counted = {name: rows_of(word) if word.startswith("<") else word for name, word in finding.words.items()}
    assert counted == words


@claims
def test_a_claim_holds_with_the_runs_of_its_sweep(claim, findings):
    finding = findings[claim.name]
    assert finding.checks
    assert finding.verdict.startswith("holds"), [check for check in finding.checks if not check.holds]


@claims
def test_every_sentence_agrees_with_a_recount_of_the_runs(claim, findings, runs):
    assert_recounted(claim, findings[claim.name], runs[claim.name])


def changed(array, where, value):
    array = array.copy()
    array[where] = value
    return array


CHANGED = {
    "frozen": ("1-xor", "outcome", lambda a, r: changed(a, (0, 0), Outcome.SOLVED), "15 of 16 (94 %) runs from exact"),
    "moved": (
        "1-xor",
        "stop_step",
        lambda a, r: changed(a, (0, 3), 7),
        "15 of 16 (94 %) the first step changes no bit",
    ),
    "all solved": (
        "1-xor",
        "outcome",
        lambda a, r: changed(a, -1, Outcome.SOLVED),
        "all 16 starts of scale 0.2 solve XOR",
    ),
    "one late": (
        "1-xor",
        "escape_step",
        lambda a, r: changed(a, (-1, 0), 1999),
        "largest that was run, fewer than",
    ),
    "late at 0.5": ("1-xor", "escape_step", lambda a, r: changed(a, (-2, 0), 1999), "At scale 1, at least 95 %"),
    "slow": (
        "1-xor",
        "escape_step",
        lambda a, r: changed(a, -1, 1500),
        "largest that was run, fewer than",
    ),
    "wrong signs": (
        *("2-delta-rule", "start_theta"),
        *(lambda a, r: changed(a, (slice(None), 1), -a[:, 1]), "with a wrong sign"),
    ),
    "one not from zero": (
        *("2-delta-rule", "outcome", lambda a, r: changed(a, (0, 0, 0, 5), Outcome.TRAPPED)),
        "solves the problem in 31 of 32 (97 %) runs from zero",
    ),
    "below 1/3": (
        "4-equal-units",
        "final_loss",
        lambda a, r: changed(a, (0, 0, 2, 3), 0.1),
        "1 of 160 (1 %) reach a loss",
    ),
    "apart": (
        "4-equal-units",
        "final_separation",
        lambda a, r: changed(a, (0, 1, 1, 1), 0.1),
        "159 of 160 (99 %) runs",
    ),
    "all solved at one scale": (
        *("5-many-starts", "outcome", lambda a, r: changed(a, -2, Outcome.SOLVED)),
        "all starts of scale 5 solve XOR",
    ),
    "best at the end": (
        *("5-many-starts", "outcome", lambda a, r: changed(a, -1, Outcome.SOLVED)),
        "10|, the largest that was run",
    ),
    "best at the beginning": (
        *("5-many-starts", "outcome", lambda a, r: changed(a, 1, Outcome.SOLVED)),
        "0.03|, the smallest but zero that was run",
    ),
    "two best": (
        *("5-many-starts", "outcome", lambda a, r: changed(a, [3, 4], Outcome.SOLVED)),
        "all starts of scale 0.07 and 0.1 solve XOR",
    ),
    "none from 10": ("5-many-starts", "outcome", lambda a, r: changed(a, -1, Outcome.PLATEAU), "none of 64"),
    "no noise is enough": (
        *("6-priors", "outcome", lambda a, r: changed(a, (1, slice(None), 0), Outcome.PLATEAU)),
        "For XOR no noise that was run is enough.",
    ),
    "no harm": ("6-priors", "outcome", lambda a, r: np.full_like(a, Outcome.SOLVED), "XOR all 32 solved at scale 0"),
    "late": (
        *("7-saddle", "escape_time", lambda a, r: changed(a, (1, 1), 2 * a[1, 1])),
        "the escape times of XOR are 2.",
    ),
    "learns": (
        *("8-usually", "outcome", lambda a, r: changed(a, (1, 0, 0, 0, 1), Outcome.SOLVED)),
        "AND and XOR with logistic and tanh units; XOR is among them",
    ),
    "a zero that learns": (
        *("9-which-zeros", "outcome", lambda a, r: changed(a, 6, Outcome.SOLVED)),
        "\u201cnever start with weights at zero\u201d (right in 1 of 7 rows)",
    ),
    "a part that does not learn": (
        *("9-which-zeros", "outcome", lambda a, r: changed(a, 3, Outcome.TRAPPED)),
        "in 15 of 16 (94 %) rows starts learn",
    ),
    "one gets away": (
        *("10-decay-trap", "escape_step", lambda a, r: changed(a, (1, slice(None)), 9)),
        "starts, as close to zero in proportion, do",
    ),
    "a start that is pulled in early": (
        *("11-sgd", "outcome", lambda a, r: changed(a, (1, 1, 0), Outcome.COLLAPSED)),
        "1 of 16 (6 %) starts collapse at rate 0.95",
    ),
    "a late start": (
        *("12-small-starts", "final_loss", lambda a, r: changed(a, (0, slice(40)), 0.2)),
        "points; only k is fitted",
    ),
    "unlike": (
        *("8-usually", "final_separation", lambda a, r: changed(a, (1, 0, 0, 0, 1), 0.5)),
        "of the starts that move, 8 of 9 (89 %) have equal hidden units",
    ),
}
"""Claim, array, function that changes the array, and text that a check or a word must then contain."""


def conditions(findings, name):
    return {condition.words for condition in findings[name].only_when}


def test_verdicts_have_the_conditions_that_other_claims_show(findings, runs):
    """The conditions of claims 6 and 7 must exclude the runs of claims 8 and 6 that contradict them."""
    usually, spec = runs["8-usually"], runs["8-usually"].sweep.at
    axes = [usually.dims[name] for name in usually.dims if name != "run"]
    by_claim = {
        "7-saddle": lambda index: not usually["final_theta"][index][0].any(),
        "6-priors": lambda index: not usually["final_theta"][index][0, :-1].any(),
    }
    for name, holds in by_claim.items():
        met = {at: all(c.met(spec(at)) for c in findings[name].only_when) for at in np.ndindex(*axes)}
        assert all(holds(index) for index in met if met[index])
        assert not any(holds(index) for index in met if not met[index] and name == "7-saddle")
        assert any(met.values())
        assert not all(holds(index) for index in met)
    noisy = runs["6-priors"]["final_theta"][:, 1:, 0]
    assert (noisy[..., :3] != noisy[..., 3:6]).any(axis=-1).all()
    assert all(QUIET.words in conditions(findings, name) for name in ("1-xor", "4-equal-units", "7-saddle"))
    assert CANCEL.words in conditions(findings, "7-saddle")
    assert SILENT.words in conditions(findings, "6-priors")


def test_specs_meet_conditions():
    def met(condition, *overrides):
        return condition.met(parse(SPEC, Path(), overrides).spec)

    pm1 = ("problem.coding=pm1", "network.output=tanh")
    settings = ((), ("training.batch=online",), ("problem.name=and",), pm1[:1], pm1)
    assert [met(CANCEL, *setting) for setting in settings] == [True, False, False, False, True]
    random = [f"{{ size = {n}, order = \"{order}\" }}" for order in ("shuffled", "sampled") for n in (2, 4)]
    tables = ["2", *random]
    assert [met(CANCEL, f"training.batch={table}") for table in tables] == [True, False, True, False, False]
    units = ("logistic", "softplus", "tanh", "relu", "sin")
    assert [met(SILENT, f"network.activation={unit}") for unit in units] == [False, False, True, True, True]
    assert [met(QUIET, f"training.noise={noise}") for noise in (0, 0.1)] == [True, False]


SPEC = """schema = 1
[problem]
name = "xor"
"""


@pytest.mark.parametrize("case", CHANGED)
def test_sentences_follow_changed_arrays(case, runs):
    name, array, change, text = CHANGED[case]
    (claim,) = (claim for claim in CLAIMS if claim.name == name)
    result = Changed(runs[name], **{array: change(runs[name][array], runs[name])})
    finding = claim.examine(result)
    assert text in "|".join([*(check.sentence for check in finding.checks), *finding.words.values()])
    assert_recounted(claim, finding, result)


@claims
def test_a_claim_fails_with_runs_that_contradict_it(claim, tmp_path):
    assert examined(claim, tmp_path / "out", *AGAINST[claim.name]).verdict == "fails"


def test_the_command_prints_verdicts_and_writes_the_page(findings, tmp_path, monkeypatch):
    pairs = [(claim, findings[claim.name]) for claim in CLAIMS]
    monkeypatch.setattr("saddlescape.claims.examine", lambda folder, device, threads: iter(pairs))
    done = CliRunner().invoke(command, ["-o", str(tmp_path)])
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[:2] == [
        "1. XOR never learns from zero: holds only when no noise is added",
        "   + all 16 runs from exact zero are frozen",
    ]
    assert sum(line.startswith("   + ") for line in lines) == sum(len(finding.checks) for _, finding in pairs)
    assert lines[-1] == str(tmp_path / "claims.html")
    assert '<section id="8-usually">' in (tmp_path / "claims.html").read_text()


@pytest.mark.parametrize("content", ["<!doctype html><p>mine", ""])
def test_a_foreign_page_is_kept_and_nothing_runs(content, tmp_path, monkeypatch):
    monkeypatch.setattr("saddlescape.claims.examine", lambda folder, device, threads: pytest.fail("ran"))
    (tmp_path / "claims.html").write_text(content)
    done = CliRunner().invoke(command, ["-o", str(tmp_path)])
    assert isinstance(done.exception, RefusedError)
    assert [path.read_text() for path in tmp_path.iterdir()] == [content]


def test_an_older_page_is_overwritten(tmp_path, monkeypatch):
    monkeypatch.setattr("saddlescape.claims.examine", lambda folder, device, threads: iter(()))
    monkeypatch.setattr("saddlescape.claims.page.page", lambda findings: "new")
    (tmp_path / "claims.html").write_bytes(BEGINNING + b"old")
    assert CliRunner().invoke(command, ["-o", str(tmp_path)]).exit_code == 0
    assert [path.read_text() for path in tmp_path.iterdir()] == ["new"]


def test_the_verdict_on_traps_depends_on_minima_at_infinity(findings):
    assert findings["5-many-starts"].verdict == "holds only when minima at infinity are counted"


def test_verdicts():
    good, bad = Check("", True), Check("", False)
    assert Finding((good, good), {}, {}).verdict == "holds"
    assert Finding((good, bad), {}, {}).verdict == "fails"
    assert Finding((good,), {}, {}, (QUIET,)).verdict == "holds only when no noise is added"
    two = "holds only when the errors of a batch cancel and no noise is added"
    assert Finding((good,), {}, {}, (CANCEL, QUIET)).verdict == two
    assert Finding((bad,), {}, {}, (QUIET,)).verdict == "fails"


def test_the_page_contains_every_claim_and_is_self_contained(findings):
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


def test_stuck_scales_end_at_the_first_scale_that_escapes():
    scale, late, soon = np.array([0.0, 0.1, 0.2, 0.3]), np.full(100, 900), np.full(100, 9)
    escape = np.array([np.full(100, -1), late, soon, late])
    assert stuck_scale(scale, escape, 100) == 0.1
    assert stuck_scale(scale, escape, 1000) == 0
    assert stuck_scale(scale[::-1], escape[::-1], 100) == 0.1


def test_numbers_and_shares_are_formatted():
    assert [number(n) for n in (20000, 12, 0.05, 1e-6)] == ["20 000", "12", "0.05", "1e-06"]
    assert [share(n, 2000) for n in (0, 500, 2000)] == ["none of 2 000", "500 of 2 000 (25 %)", "all 2 000"]


def test_typeset():
    plain = "1 000 of 2 000 (50 %) < 1e-09 or 3e-05, power -2.0 [-2, -1], 8 x 0, 2-2-1"
    assert typeset(plain) == (
        "1&#8239;000 of 2&#8239;000 (50&nbsp;%) &lt; 10<sup>&minus;9</sup> or 3&nbsp;&times;&nbsp;10<sup>&minus;5</sup>"
        ", power &minus;2.0 [&minus;2, &minus;1], 8 &times; 0, 2-2-1"
    )


def test_starts_needed():
    assert starts_needed(np.array([0, 0.5, 0.99, 1])).tolist() == [np.inf, 7, 1, 1]


def test_sufficient_scales_end_at_the_first_insufficient_scale():
    scale, late, soon = np.array([0.0, 0.1, 0.2, 0.3]), np.full(100, 900), np.full(100, 9)
    escape = np.array([np.full(100, -1), soon, late, soon])
    assert enough_scale(scale, escape, 100) == 0.3
    assert enough_scale(scale, escape, 1000) == 0.1
    assert enough_scale(scale, escape, 1) == np.inf


def test_equal_eigenvalues_are_counted():
    assert spelled(np.array([-2, -2, 1e-9, 3 / 8])) == "0.375, 0, 2 x -2"


def test_index_of_a_point_by_its_values(tmp_path):
    run = runner.run(load("claims/3-hidden-gradient", ["starts.count=1"]), tmp_path / "out")
    with results.open(run) as result:
        assert point(result, scale=1e-4, activation="tanh") == (1, 3)


def test_the_page_has_one_map_to_zoom_into_from_the_runs_of_its_claim(findings, tmp_path):
    (claim,) = [claim for claim in CLAIMS if claim.mapped]
    text = load(claim.sweep).text.replace("count = 32", "count = 3").replace("steps = 20000", "steps = 30")
    (tmp_path / "small.toml").write_text(text)
    ((_, finding),) = examine(str(tmp_path / "out"), [replace(claim, sweep=str(tmp_path / "small.toml"))])
    html = Page(page([(other, finding if other is claim else findings[other.name]) for other in CLAIMS]))
    with results.open(tmp_path / "out/small.toml") as result:
        xor = result.sel(name="xor")
        found = tiles(html.embedded, [("count", "i4")])
        counts = np.stack([(xor["outcome"] == o).sum(axis=-1) for o in Outcome], axis=-1)
        assert np.array_equal(found["outcome"][:7, :8], counts.argmax(axis=-1))
        assert np.array_equal(found["count"][:7, :8], counts.max(axis=-1))
        grid = html.embedded["spec"]["grid"]
        assert grid["values"] == {"x": xor.coords["noise"].tolist(), "y": xor.coords["scale"].tolist()}
        ends = [path(told, 9)[1][-1] for told in html.embedded["paths"]]
        assert len(ends) > 1
        assert set(ends) <= set(xor["final_loss"].ravel())
    assert "Content-Security-Policy" in html.text
    assert [tag for tag, _ in html.elements].count("script") == 2
    assert not re.search(r"<(link|img|iframe|base)\b|@import|\bsrc=", re.sub(r"(?s)<script.*?</script>", "", html.text))
