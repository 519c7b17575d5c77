"""Differences of fractions against published numbers, scipy, and simulated coverage; two results side by side."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import binomtest, fisher_exact
from spec_cases import TINY
from tolerances import DIFFERENCE_HELD, P_VALUE, PUBLISHED

import saddlescape as ss
from saddlescape.analysis import compare, fraction_difference, holm
from saddlescape.spec import parse
from saddlescape.system.arguments import ArgumentError
from saddlescape.words.outcomes import Outcome
from saddlescape_cli.compare import compare as command

SEED = 20261129
SCALES = """[[axes]]
key = "starts.scale"
values = [0, 1, 3]
"""


def events(k, n):
    return np.arange(n) < k


@pytest.mark.parametrize(
    ("k", "n", "j", "m", "low", "high"),
    [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (10, 10, 0, 10, 0.6075, 1.0),
    ],
)
def test_intervals_as_published_and_fisher_as_scipy(k, n, j, m, low, high):
    """Newcombe (1998), Statist. Med. 17, 873-890, table II, method 10."""
    found = fraction_difference(events(j, m), events(k, n))
    np.testing.assert_allclose(found[:3], [k / n - j / m, low, high], atol=PUBLISHED)
    np.testing.assert_allclose(found.p, fisher_exact([[k, n - k], [j, m - j]]).pvalue, rtol=P_VALUE)


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 0), (1, 0), (3, 9), (12, 12), (0, 30)])
def test_mcnemar_is_the_sign_test_of_the_runs_that_differ(only_a, only_b):
    a = np.repeat([True, False, True, False], [only_a, only_b, 8, 5])
    b = np.repeat([False, True, True, False], [only_a, only_b, 8, 5])
    expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    np.testing.assert_allclose(fraction_difference(a, b, paired=True).p, expected, rtol=P_VALUE)


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize(("p", "q"), [(0.5, 0.5), (0.2, 0.35), (0.9, 0.6)])
def test_intervals_cover_the_difference_and_tests_are_level(p, q, paired):
    """Of paired runs, those of the same number are solved by the same uniform numbers in half of the cases."""
    rng = np.random.default_rng(SEED)
    u, v = rng.random((2, 4000, 60))
    v = np.where(rng.random(u.shape) < 0.5, u, v) if paired else v
    found = fraction_difference(u < p, v < q, paired=paired)
    held = ((found.low <= q - p) & (q - p <= found.high)).mean()
    assert DIFFERENCE_HELD[0] < held < DIFFERENCE_HELD[1], SEED
    if p == q:
        assert (found.p <= 0.05).mean() <= 0.05
    else:
        assert found.p.mean() < 0.35


def test_pairing_shortens_the_interval_of_runs_that_agree():
    rng = np.random.default_rng(SEED)
    a = rng.random(200) < 0.5
    b = np.where(rng.random(200) < 0.9, a, ~a)
    alone, paired = (fraction_difference(a, b, paired=each) for each in (False, True))
    assert paired.high - paired.low < 0.6 * (alone.high - alone.low)


def test_holm_multiplies_by_the_tests_that_are_left():
    adjusted = holm([0.01, np.nan, 0.04, 0.03, 0.2])
    np.testing.assert_allclose(adjusted, [0.04, np.nan, 0.09, 0.09, 0.2], rtol=P_VALUE)
    assert holm([0.9, 0.8]).tolist() == [1.0, 1.0]


def test_differences_refuse_what_does_not_fit():
    for a, b in ((events(1, 3), np.zeros((2, 3))), (events(1, 3), np.zeros(0))):
        with pytest.raises(ValueError, match="same points, and runs"):
            fraction_difference(a, b)
    with pytest.raises(ValueError, match="same shape"):
        fraction_difference(events(1, 3), events(1, 4), paired=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    many = ["starts.count=40", "training.steps=400"]
    for name, overrides in {
        "a": many,
        "rate": [*many, "training.learning_rate=2"],
        "seed": [*many, "starts.seed=5"],
        "axis": [*many, "axes.starts.scale=1,3"],
    }.items():
        ss.run(parse(TINY + SCALES, Path(), overrides), folder / name, threads=1)
    return folder


def opened(folder, *names):
    return [ss.open(folder / name) for name in names]


def test_results_are_compared_at_each_point(folder):
    a, b = opened(folder, "a", "rate")
    found = compare(a, b, "trapped")
    rate = str(a.resolved["training"]["learning_rate"])
    assert found.settings == {"training.learning_rate": (rate, "2.0")}
    assert found.points == [{"scale": 0.0}, {"scale": 1.0}, {"scale": 3.0}]
    shares = [(each.outcome == Outcome.TRAPPED).mean(axis=1) for each in (a, b)]
    np.testing.assert_array_equal([found.a.value, found.b.value], shares)
    np.testing.assert_array_equal(found.difference.value, shares[1] - shares[0])
    assert found.paired
    expected = fraction_difference(*((each.outcome == Outcome.TRAPPED)[1:] for each in (a, b)), paired=True)
    np.testing.assert_array_equal(found.difference.p[1:], holm(expected.p))
    np.testing.assert_array_equal([found.difference.low[1:], found.difference.high[1:]], expected[1:3])
    for alike in (found.a.low, found.b.high, found.difference.low, found.difference.p):
        assert np.isnan(alike).tolist() == [True, False, False]  # at scale 0 there is one start


def test_other_starts_are_not_paired(folder):
    a, b = opened(folder, "a", "seed")
    assert not compare(a, b).paired
    assert compare(a, a).difference.p[1:].tolist() == [1.0, 1.0]
    assert compare(a, a).settings == {}


def test_the_command_prints_both_sides(folder):
    done = CliRunner().invoke(
        command, [str(folder / "a"), str(folder / "rate"), "--outcome", "trapped"], catch_exceptions=False
    )
    assert "training.learning_rate" in done.output
    assert "starts that are trapped" in done.output
    assert "McNemar" in done.output
    (row,) = [line for line in done.output.splitlines() if line.strip().startswith("0 ")]
    assert row.split()[-2:] == ["-", "-"]


def test_unlike_results_are_refused(folder):
    a, b = opened(folder, "a", "axis")
    with pytest.raises(
        ArgumentError, match=r"must have the axes of .*: scale \(0.0, 1.0, 3.0\); got scale \(1.0, 3.0\)"
    ):
        compare(a, b)
    with pytest.raises(ArgumentError, match="did you mean 'solved'"):
        compare(a, a, "solvd")
    assert compare(a.sel(scale=[1, 3]), b).points == [{"scale": 1.0}, {"scale": 3.0}]
