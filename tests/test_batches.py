"""The samples of a step: the forms of `training.batch`, draws with replacement, and what they do to one known start."""

import numpy as np
import pytest
from spec_cases import TINY
from tolerances import FEW_DRAWS, STANDARD_ERRORS

import saddlescape as ss
from saddlescape.errors import SpecError
from saddlescape.network import random
from saddlescape.plan import Plan
from saddlescape.spec import parse
from saddlescape.words.outcomes import Outcome

SHUFFLED, SAMPLED = (f'{{ size = 2, order = "{order}" }}' for order in ("shuffled", "sampled"))
SAME = [
    ('{ size = 1, order = "shuffled" }', '"shuffled"'), ('{ size = 1, order = "sampled" }', '"sampled"'),
    ('{ order = "fixed", size = 2.0 }', "2"), ('{ size = 1, order = "fixed" }', "1"), ("2.0", "2"),
]  # fmt: skip
WORDS = ('"full"', '"online"', '"shuffled"', '"sampled"', "2", SHUFFLED, SAMPLED)


def of(folder, batch):
    return parse(TINY, folder, (f"training.batch={batch}",))


def digest(folder, batch):
    return Plan(of(folder, batch)).digest


@pytest.mark.parametrize(("table", "short"), SAME)
def test_equal_meanings_have_one_digest(tmp_path, table, short):
    assert digest(tmp_path, table) == digest(tmp_path, short)


def test_different_meanings_have_different_digests(tmp_path):
    assert len({digest(tmp_path, batch) for batch in WORDS}) == len(WORDS)


@pytest.mark.parametrize(
    "batch",
    ["{ size = 2 }", '{ order = "sampled" }', '{ size = 0, order = "fixed" }', '{ size = 2, order = "random" }',
     '{ size = true, order = "sampled" }', '{ size = 2, order = "sampled", seed = 1 }', "true", "[2]"],
)  # fmt: skip
def test_other_tables_are_refused(tmp_path, batch):
    with pytest.raises(SpecError, match=r"training.batch: must be \"full\", .* or \{ size = N, order = O \}"):
        of(tmp_path, batch)


def test_a_batch_has_at_most_all_samples(tmp_path):
    with pytest.raises(SpecError, match=r"training.batch: must be at most 4, the number of samples; got 5"):
        of(tmp_path, '{ size = 5, order = "sampled" }')


def test_a_step_may_draw_as_many_samples_as_there_are(tmp_path):
    spec = of(tmp_path, '{ size = 4, order = "sampled" }').spec
    assert (spec.batch, spec.order, spec.epoch) == (4, "sampled", 1)


def test_tables_are_values_of_an_axis(tmp_path):
    text = TINY + f'[[axes]]\nkey = "training.batch"\nvalues = ["sampled", 2, {SAMPLED}]\n'
    with ss.open(ss.run(parse(text, tmp_path), tmp_path / "run", threads=1)) as results:
        assert results.coords["batch"].tolist() == ["sampled", "2", "2-sampled"]
        together = results["final_loss"][2]
    with ss.open(ss.run(of(tmp_path, SAMPLED), tmp_path / "alone", threads=1)) as results:
        assert results["final_loss"].tobytes() == together.tobytes()
        assert results.replay((), 3)["loss"][-1] == together[3]


def test_draws_are_uniform_and_independent_of_their_neighbours():
    draws = np.array([random.below(5, 7, run, step, np.arange(6)) for run in range(40) for step in range(50)])
    assert draws.min() == 0
    counts = np.bincount(draws.ravel(), minlength=5)
    expected = draws.size / 5
    assert (abs(counts - expected) < STANDARD_ERRORS * np.sqrt(expected * 0.8)).all()


START = [-0.1269259, -0.84495576, 0.39650733, -0.93574275, 0.81736516, -0.49808474, -0.5832663, 0.53089478, 0.29089411]
"""Serialized in issue 155 of Toy-Neural-Network-JS, which draws a sample at each step: "XOR not training properly"."""

STREAMS = 200
SOLVED = {0.5: (80_000, 0.12), 0.1: (200_000, 0.225), 0.01: (400_000, 0.195)}
"""By rate: draws, and the share of 200 streams of draws that a loop in plain NumPy solved."""


@pytest.mark.parametrize("rate", [0.5, *(pytest.param(rate, marks=pytest.mark.slow) for rate in (0.1, 0.01))])
def test_draws_solve_a_start_that_shuffles_never_solve(tmp_path, rate):
    """The difference of two shares of n streams has variance 2 p (1 - p) / n."""
    steps, share = SOLVED[rate]
    np.save(tmp_path / "start.npy", np.tile(START, (STREAMS, 1)))
    problem = '[problem]\nname = "xor"\n[starts]\nkind = "file"\nfile = "start.npy"\n'
    training = f'[training]\noptimizer = "gd"\nlearning_rate = {rate}\nsteps = {steps}\n[record]\nruns = 0\n'
    axis = '[[axes]]\nkey = "training.batch"\nvalues = ["sampled", "shuffled"]\n'
    with ss.open(ss.run(parse(problem + training + axis, tmp_path), tmp_path / "run", threads=1)) as results:
        sampled, shuffled = results["outcome"] == Outcome.SOLVED
    assert not shuffled.any()
    mean = (sampled.mean() + share) / 2
    assert abs(sampled.mean() - share) < FEW_DRAWS * np.sqrt(2 * mean * (1 - mean) / STREAMS)
