"""Time to open a result of a million runs, and to read one trajectory, one fraction and all outcomes.

    .venv/bin/pytest bench/test_reading.py --benchmark-enable --benchmark-only
"""

import numpy as np
import pytest

import saddlescape as ss
from saddlescape.words.outcomes import Outcome

SIZE = ("starts.count=90910", "training.steps=20", "record.runs=256")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return ss.run("xor", tmp_path_factory.mktemp("reading") / "run", overrides=SIZE)


@pytest.fixture
def result(file):
    with ss.open(file) as opened:
        assert opened["outcome"].size > 10**6
        yield opened


def test_open(benchmark, file):
    benchmark(lambda: ss.open(file).close())


def test_trajectory(benchmark, result):
    rng = np.random.default_rng(1)

    def one():
        return result.trajectory(int(rng.integers(11)), int(rng.choice(recorded)))

    recorded = result["trajectory_run"]
    assert np.isfinite(benchmark(one)["loss"]).all()


def test_fraction_of_one_scale(benchmark, result):
    benchmark(lambda: np.mean(result.sel(scale=0.1).outcome == Outcome.PLATEAU))


def test_all_outcomes(benchmark, result):
    benchmark(lambda: result["outcome"])


def test_lazy_data_set(benchmark, result):
    benchmark(result.to_xarray)
