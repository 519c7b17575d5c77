"""Kolen and Pollack's Monte Carlo in our own runs: what they say of it, with 95 % intervals, batch and online."""

import re
from pathlib import Path

import numpy as np
import pytest
from kolen_pollack import STATEMENTS, SWEEP, levels, table, verdicts

import saddlescape as ss
from saddlescape import bundled
from saddlescape.spec import parse

TEXT = bundled.sweeps()[SWEEP].read_text()
SHORT = {
    r"values = \[1, 2\]": "values = [2]",
    r"values = \[0, 0.5, 0.9\]": "values = [0.5]",
    r"values = \[0.1, .*\]": "values = [0.2, 2, 3, 10]",
}
"""One rate, one momentum, a few p; at p = 4 it takes more runs to tell a fraction from 50 %."""


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    text = TEXT
    for axis, fewer in SHORT.items():
        text, found = re.subn(axis, fewer, text)
        assert found == 1
    sweep = parse(text, Path(), ["starts.count=600"])
    return ss.open(ss.run(sweep, tmp_path_factory.mktemp("kolen-pollack") / "run"))


@pytest.mark.parametrize("batch", ["full", "online"])
def test_what_they_say_holds(short, batch):
    assert {said: bool(held.all()) for said, held in verdicts(short, batch).items()} == dict.fromkeys(STATEMENTS, True)


def test_online_fails_more_often_near_zero(short):
    p, _, low, high = levels(short)
    full, online = (list(short.coords["batch"]).index(batch) for batch in ("full", "online"))
    assert (low[online, ..., p <= 1] > high[full, ..., p <= 1]).all()


def test_the_sweep_is_theirs():
    sweep = parse(TEXT, Path())
    assert sweep.shape == (2, 2, 3, 19)
    spec = sweep.spec
    assert (spec.sizes, spec.starts.kind, spec.stop.solved, spec.training.epochs) == ((2, 2, 1), "uniform", 0.5, 50_000)
    tenths = [axis.values for axis in sweep.axes][3]
    np.testing.assert_allclose(tenths, [*np.arange(1, 10) / 10, *range(1, 11)])


@pytest.mark.slow
def test_the_page_shows_what_ten_thousand_starts_give(tmp_path):
    page = (Path(__file__).parents[1] / "docs/analysis.md").read_text()
    shown = re.search(r"<!-- kolen-pollack -->\n(.*?)\n<!-- end -->", page, re.DOTALL)
    assert shown
    with ss.open(ss.run(SWEEP, tmp_path / "run", overrides=["starts.count=10000"])) as result:
        assert shown[1] == table(result)
