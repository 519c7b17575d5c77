"""Epochs as a unit beside steps."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import saddlescape as ss
from saddlescape.errors import SpecError
from saddlescape.plan import Plan
from saddlescape.spec import parse

TEXT = """[problem]
name = "xor"
[starts]
count = 6
[training]
epochs = 200
[record]
epochs = "every:50"
runs = "all"
[[axes]]
key = "training.batch"
values = ["full", "online", 3]
"""
STEPS = np.array([1, 4, 2])
"""Steps of an epoch of each batch."""


def test_records_and_solutions_are_counted_in_epochs(tmp_path):
    r = ss.run(parse(TEXT, Path()), tmp_path / "out")
    assert r["record_step"].tolist() == sorted({50 * k * n for k in range(5) for n in STEPS})
    expected = np.where(r["solve_step"] < 0, -1, r["solve_step"] // STEPS[:, None])
    np.testing.assert_array_equal(r["solve_epoch"], expected)
    assert (r["solve_step"] % STEPS[:, None])[r["solve_step"] >= 0].tolist() == [0] * (r["solve_step"] >= 0).sum()
    unsolved = np.flatnonzero(r["solve_step"][1] < 0)[0]
    recorded = ~np.isnan(r["loss"][1, unsolved])
    assert r["record_step"][recorded].tolist() == [0, 100, 200, 300, 400, 600, 800]


def test_results_with_minibatches_have_epochs(tmp_path):
    batches, whole = (parse(text, Path(), ["record.epochs="]) for text in (TEXT, TEXT.partition("[[axes]]")[0]))
    r = ss.run(batches, tmp_path / "out")
    expected = np.where(r["solve_step"] < 0, -1, r["solve_step"] // STEPS[:, None])
    np.testing.assert_array_equal(r["solve_epoch"], expected)
    assert not Plan(whole).counts_epochs
    assert not Plan(replace(batches, generation=2)).counts_epochs
    assert "solve_epoch" in ss.run_starts(batches.at((1,)), np.zeros((1, 9)))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("record.steps=every:4", "record.steps: does not go with record.epochs; leave one of them out"),
        ("record.epochs=every:0", 'record.epochs: must be "log:N", "every:N" or a list of epochs'),
        ("record.epochs=[300]", "record.epochs: must end by the last epoch, 200; got 300"),
    ],
)
def test_faults_of_epochs(override, message):
    with pytest.raises(SpecError) as raised:
        parse(TEXT, Path(), [override])
    assert message in str(raised.value)


def test_the_flow_has_no_epochs():
    text = TEXT.partition("[[axes]]")[0].replace("epochs = 200\n", 'optimizer = "flow"\n')
    with pytest.raises(SpecError, match=r'record\.epochs: does not go with optimizer = "flow"'):
        parse(text, Path())
