"""Kolen and Pollack's Monte Carlo in our own runs: what they say of it, with 95 % intervals, batch and online."""

import re
from pathlib import Path

import numpy as np
import pytest
from kolen_pollack import SHOWN, STATEMENTS, SWEEP, levels, table, verdicts

import saddlescape as ss
from saddlescape.spec import parse
from saddlescape.system import bundled

PAGE = Path(__file__).parents[1] / "docs/analysis.md"
TEXT = bundled.sweeps()[SWEEP].read_text()
ONE_PAIR = {r"values = \[1, 2\]": "values = [2]", r"values = \[0, 0.5, 0.9\]": "values = [0.5]"}
SHORT = {**ONE_PAIR, r"values = \[0.1, .*\]": "values = [0.2, 2, 3, 10]"}
"""One rate, one momentum, a few p; at p = 4 it takes more runs to tell a fraction from 50 %."""


def monte_carlo(folder, fewer, count):
    """Their sweep with fewer values along axes and so many starts a point, run."""
    text = TEXT
    for axis, values in fewer.items():
        text, found = re.subn(axis, values, text)
        assert found == 1
    return ss.open(ss.run(parse(text, Path(), [f"starts.count={count}"]), folder / "run"))


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    return monte_carlo(tmp_path_factory.mktemp("kolen-pollack"), SHORT, 600)


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


def test_what_the_page_says_below_its_table_is_in_the_table():
    page = re.sub(r"\s+", " ", (text := PAGE.read_text()))
    rows = [line.split(" | ") for line in text.splitlines() if re.match(r"\| (full|online) \| \d \|", line)]
    full, online = (np.array([row[3:] for row in rows if row[0] == f"| {b}"]) for b in ("full", "online"))
    full, online = (np.char.strip(table, " |").astype(float) for table in (full, online))
    between = [SHOWN.index(p) for p in (2, 3, 4)]
    best = full.min(axis=1), online.min(axis=1)
    where = sorted({SHOWN[i] for i in online.argmin(axis=1)})
    least = np.floor(min(full[:, between].min(), online[:, between].min()))
    assert f"at least {least:.0f} % fail from p = 2 to 4" in page
    assert f"{best[0].min()} to {best[0].max()} % at the best p" in page
    low, high = best[1].min(), best[1].max()
    assert f"Online, {low:.0f} to {high:.0f} % fail at the best p, {' or '.join(map(str, where))}," in page
    assert (online[:, 0] > online[:, 1]).all()
    assert f"{online[:, 0].min():.0f} to {online[:, 0].max():.0f} % at p = 0.1" in page
    stay = {batch: int(share) for batch, share in re.findall(r"^\| (full|online) \| (\d+) % \|", text, re.MULTILINE)}
    assert (stay["full"] > 50, stay["online"]) == (True, 0)
    assert "Most starts that fail in full-batch training at p = 0.1 are still on the plateau" in page
    (ends,) = re.findall(r"^\| online \| 0 % \| ([\d., ]+) \|", text, re.MULTILINE)
    assert all(0 < float(loss) - 1 / 3 < 0.001 for loss in ends.split(", "))


@pytest.mark.slow
def test_ten_thousand_starts_give_what_the_page_shows_and_they_say(tmp_path):
    """Of one of the six pairs of rate and momentum, at every p; all of them take half an hour of one core."""
    page = PAGE.read_text()
    result = monte_carlo(tmp_path, ONE_PAIR, 10_000)
    for batch in ("full", "online"):
        row = next(line for line in table(result).splitlines() if line.startswith(f"| {batch} | 2 | 0.5 |"))
        assert row in page.splitlines()
        assert all(held.all() for held in verdicts(result, batch).values())
