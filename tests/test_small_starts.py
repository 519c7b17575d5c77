"""Where small starts of relu networks end: the shares of Boursier and Flammarion's example, and their law."""

import re
from pathlib import Path

import numpy as np
import pytest
from tolerances import SHARE_LAW, SHARE_TABLE

from saddlescape import results
from saddlescape.runs import runner
from saddlescape.spec import load

TABLE = {1e-5: 0.78, 1e-4: 0.56, 1e-3: 0.28, 1e-2: 0.016, 0.1: 0.0, 0.3: 0.0}
"""Share of the starts left after 10^5 steps at the loss of the linear regressor."""

LINE = 0.2625641
PAGE = re.sub(r"\s+", " ", (Path(__file__).parents[1] / "docs/traps.md").read_text(encoding="utf-8"))


def left(folder, *overrides):
    with results.open(runner.run(load("claims/12-small-starts", overrides), folder)) as result:
        return result.coords["scale"], (abs(result["final_loss"] - LINE) < 1e-5).mean(axis=1), result["final_loss"]


def test_shares_left_at_the_line_are_those_of_the_table(tmp_path):
    scale, share, loss = left(tmp_path / "runs")
    assert scale.tolist() == list(TABLE)
    np.testing.assert_allclose(share, list(TABLE.values()), atol=SHARE_TABLE)
    assert ((abs(loss - LINE) < 1e-5) | (loss < 1e-3)).all(), "every other run fits the points"
    assert "{}, {}, {} and {} are left from the scales 10^-5, ".format(*np.rint(64 * share).astype(int)) in PAGE


@pytest.mark.slow
def test_shares_of_a_thousand_starts_follow_the_law(tmp_path):
    """-ln(share) grows like the scale to the power of the slowest unit's rate over the fastest: 0.8062 / 2.1449."""
    changes = ["starts.count=1000", "training.learning_rate=0.02", "training.steps=30000"]
    scale, share, _ = left(tmp_path / "runs", *changes)
    assert "of 1000 starts, {:.0f}, {:.0f}, {:.0f} and {:.0f} %".format(*100 * share) in PAGE
    power = np.hypot(0.1, 0.8) / np.hypot(0.775, 2)
    k = -np.log(share[1]) / scale[1] ** power
    np.testing.assert_allclose(share, np.exp(-k * scale**power), atol=SHARE_LAW)
