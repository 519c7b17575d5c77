"""Test data and standardized inputs: which samples are held out, exact numbers, files, and what training sees."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from tolerances import SUMMED

import saddlescape as ss
from saddlescape.errors import RefusedError, SpecError
from saddlescape.network.division import divided
from saddlescape.network.problems import Problem, read_problem, to_csv
from saddlescape.spec import parse

DRAWN = np.random.default_rng(4)
X, T = DRAWN.normal(3, 2, (20, 3)), DRAWN.integers(0, 2, (20, 1)).astype(float)
FILE = """[problem]
file = "train.csv"
test_file = "test.csv"
[starts]
count = 4
[training]
steps = 8
[record]
fields = ["accuracy", "test_accuracy", "test_loss"]
final_parameters = true
"""


@pytest.mark.parametrize("fraction", [0.1, 0.325, 0.9])
def test_held_out_samples_are_those_of_the_page_and_all_others_are_trained_on(fraction):
    problem = divided(Problem("p", X, T), None, fraction, 7, False)
    u = np.random.Generator(np.random.Philox(key=np.array([7, 2**64 - 2], dtype=np.uint64))).random(20)
    held_out = np.sort(np.argsort(u)[: int(20 * fraction + 0.5)])
    others = np.setdiff1d(np.arange(20), held_out)
    for actual, expected in ((problem.X_test, X[held_out]), (problem.T_test, T[held_out]), (problem.X, X[others]),
                             (problem.T, T[others])):  # fmt: skip
        np.testing.assert_array_equal(actual, expected)


def test_inputs_are_standardized_by_the_training_samples_alone():
    whole = Problem("p", X, T)
    plain, problem = (divided(whole, None, 0.3, 0, standardize) for standardize in (False, True))
    mean, deviation = plain.X.mean(axis=0), plain.X.std(axis=0)
    np.testing.assert_allclose(problem.X, (plain.X - mean) / deviation, rtol=0, atol=SUMMED)
    np.testing.assert_allclose(problem.X_test, (plain.X_test - mean) / deviation, rtol=0, atol=SUMMED)
    np.testing.assert_allclose(problem.X.std(axis=0), 1, rtol=0, atol=SUMMED)
    np.testing.assert_array_equal(problem.T, plain.T)


def test_a_constant_input_becomes_zero_and_huge_ones_do_not_overflow():
    inputs = np.array([[0.1, 0.0, 1e300], [0.1, 0.0, -1e300], [0.1, 0.0, 1e300]])
    test = Problem("t", np.array([[0.6, 2.0, 0.0]]), T[:1])
    problem = divided(Problem("p", inputs, T[:3]), test, None, 0, True)
    np.testing.assert_array_equal(problem.X[:, :2], 0)
    np.testing.assert_allclose(problem.X[:, 2], np.array([1, -2, 1]) / np.sqrt(2), rtol=SUMMED)
    np.testing.assert_allclose(problem.X_test, [[0.5, 2.0, -1 / np.sqrt(8)]], rtol=SUMMED)


def test_the_bits_of_standardized_inputs_are_the_same_for_ever():
    """Golden: sums are added in order, and IEEE 754 rounds every operation."""
    sweep = ss.sweep(problem={"name": "moons", "samples": 50, "noise": 0.2, "test_fraction": 0.2, "standardize": True})
    problem = sweep.spec.loaded
    assert (problem.X.shape, problem.X_test.shape) == ((40, 2), (10, 2))
    assert hashlib.sha256(problem.X.tobytes() + problem.X_test.tobytes()).hexdigest()[:16] == "7375f7ec27a018d7"


def test_numbers_of_the_division_are_axes():
    axes = {"problem.test_fraction": [0.1, 0.5], "problem.test_seed": [0, 1], "problem.standardize": [False, True]}
    sweep = ss.sweep(X, T, axes=axes)
    for index in np.ndindex(2, 2, 2):
        fraction, seed, standardize = (values[i] for values, i in zip(axes.values(), index, strict=True))
        expected, actual = divided(Problem("p", X, T), None, fraction, seed, standardize), sweep.at(index).loaded
        for name in ("X", "T", "X_test", "T_test"):
            np.testing.assert_array_equal(getattr(actual, name), getattr(expected, name))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train.csv").write_bytes(to_csv(X, T))
    (tmp_path / "test.csv").write_bytes(to_csv(X[:5] + 1, T[:5]))
    return tmp_path


def test_training_does_not_depend_on_test_data_and_a_changed_test_file_is_named(folder):
    first = ss.run(parse(FILE, folder), folder / "first", threads=1)
    with ss.open(first) as r:
        theta, digest = r["final_theta"], r.sweep.data["test.csv"]
        problem = r.sweep.spec.loaded
        np.testing.assert_array_equal(problem.X_test, X[:5] + 1)
        assert digest == hashlib.sha256((folder / "test.csv").read_bytes()).hexdigest()
    (folder / "test.csv").write_bytes(to_csv(X[5:15], T[5:15]))
    with ss.open(ss.run(parse(FILE, folder), folder / "second", threads=1)) as r:
        np.testing.assert_array_equal(r["final_theta"], theta)
    with ss.open(first) as r, pytest.raises(RefusedError, match=r"test\.csv: has changed since"):
        _ = r.sweep
    with pytest.raises(RefusedError, match=r"test\.csv"):
        ss.run(parse(FILE, folder), folder / "first", threads=1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (to_csv(X[:, :2], T), "problem.test_file: must have as many inputs and outputs as the training data, 3 and 1"),
        (b"x1,t1\n1\n", "problem.test_file: line 2 must have 2 numbers"),
        (to_csv(1e301 * X, T), r"problem.test_file: must be at most 1e\+300 in size"),
        (None, "problem.test_file: cannot read .*No such file"),
    ],
)  # fmt: skip
def test_bad_test_files(folder, content, message):
    if content is None:
        (folder / "test.csv").unlink()
    else:
        (folder / "test.csv").write_bytes(content)
    with pytest.raises(SpecError, match=message):
        parse(FILE, folder)


def test_bad_problem_files_are_named_before_test_files(folder):
    (folder / "train.csv").unlink()
    with pytest.raises(SpecError, match=r"problem\.file: cannot read"):
        parse(FILE, folder)
    assert read_problem(Path(folder / "test.csv")).X.shape == (5, 3)
