"""Problems: truth tables, and files good and bad."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from tolerances import SUMMED

from saddlescape.network import reference
from saddlescape.network.problems import drawn_problem, logic_problem, read_problem


@pytest.mark.parametrize(
    ("name", "table"),
    [("xor", "0110"), ("xnor", "1001"), ("and", "0001"), ("nand", "1110"), ("or", "0111"), ("nor", "1000")],
)
def test_logic(name, table):
    problem, signed = logic_problem(name), logic_problem(name, "pm1")
    np.testing.assert_array_equal(problem.X, [[0, 0], [0, 1], [1, 0], [1, 1]])
    np.testing.assert_array_equal(problem.T[:, 0], [int(bit) for bit in table])
    np.testing.assert_array_equal(signed.X, 2 * problem.X - 1)
    np.testing.assert_array_equal(signed.T, 2 * problem.T - 1)


def test_parity_and_encoder():
    np.testing.assert_array_equal(logic_problem("parity", bits=3).T[:, 0], [0, 1, 1, 0, 1, 0, 0, 1])
    np.testing.assert_array_equal(logic_problem("encoder", size=3).X, np.eye(3))
    np.testing.assert_array_equal(logic_problem("encoder", size=3).T, np.eye(3))


def normals(seed, *shapes):
    generator = np.random.Generator(np.random.Philox(key=np.array([seed, 2**64 - 1], dtype=np.uint64)))
    return [generator.standard_normal(shape) for shape in shapes]


def test_the_generator_of_the_page_is_theirs_as_typed():
    """Without a dtype, NumPy makes floats of its key."""
    page = (Path(__file__).parents[1] / "docs/spec.md").read_text(encoding="utf-8")
    (typed,) = re.findall(r"`(Generator\(Philox\(.*2\*\*64.*\)\))`", page)
    names = {"Generator": np.random.Generator, "Philox": np.random.Philox, "np": np, "seed": 5}
    np.testing.assert_array_equal(eval(typed, names).standard_normal((30, 4)), normals(5, (30, 4))[0])


def test_drawn_problems_are_the_documented_draws():
    X, T = normals(5, (30, 4), (30, 2))
    random = drawn_problem("random", 30, 4, 2, seed=5, input_scale=0.5, target_scale=16)
    np.testing.assert_array_equal(random.X, 0.5 * X)
    np.testing.assert_array_equal(random.T, 16 * T)
    X, W = normals(5, (30, 4), (4, 2))
    linear = drawn_problem("linear", 30, 4, 2, seed=5)
    np.testing.assert_array_equal(linear.X, X)
    np.testing.assert_allclose(linear.T, X @ W / 2, rtol=0, atol=SUMMED)
    X, W, V = normals(0, (30, 4), (4, 3), (3, 2))
    teacher = drawn_problem("teacher", 30, 4, 2, hidden=3)
    np.testing.assert_allclose(teacher.T, np.tanh(X @ W / 2) @ V / np.sqrt(3), rtol=0, atol=SUMMED)


def test_drawn_problems_are_the_same_for_ever():
    """Golden: sums and tanh are made of operations that IEEE 754 rounds, so these bits are those of any machine."""
    teacher = drawn_problem("teacher", 100, 8, 1, hidden=4, seed=1)
    digest = hashlib.sha256(teacher.X.tobytes() + teacher.T.tobytes()).hexdigest()
    assert digest == "8a8f6c8a34b2497f0c08373a8a6fa086130581a37a999266ba081efa80bac2f1"


def test_a_student_can_learn_all_of_its_teacher():
    """With the teacher's own weights a network of tanh units and linear output has no loss."""
    problem = drawn_problem("teacher", 20, 3, 1, hidden=2)
    _, W, V = normals(0, (20, 3), (3, 2), (2, 1))
    theta = np.concatenate([(W / np.sqrt(3)).T.ravel(), (V / np.sqrt(2)).ravel()])
    student = reference.Network((3, 2, 1), False, ("tanh", "linear"), "mse")
    assert reference.loss_and_gradient(student, theta, problem.X, problem.T)[0] < SUMMED**2


def test_files_agree(tmp_path):
    (tmp_path / "a.csv").write_text("x1,x2,t1\n0.5,1,-2\n\n3,4,5\n")
    np.savez(tmp_path / "a.npz", X=[[0.5, 1], [3, 4]], T=[[-2], [5]])
    for name in ("a.csv", "a.npz"):
        problem = read_problem(tmp_path / name)
        np.testing.assert_array_equal(problem.X, [[0.5, 1], [3, 4]])
        np.testing.assert_array_equal(problem.T, [[-2], [5]])
        assert problem.X.dtype == problem.T.dtype == np.float64


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be a header"),
        ("x1,x3,t1\n", "must be a header"),
        ("x1,x2\n0,1\n", "must be a header"),
        ("x1,t1\n", r"must have shape .*without zeros"),
        ("x1,t1\n1\n", "line 2 must have 2 numbers"),
        ("x1,t1\n1,2\n1,b\n", "line 3 must be numbers; got '1,b'; write classes as 0 and 1, in a column for each"),
        ("x1,t1\n1,2\n1,\n", "line 3 must be numbers; got '1,'; leave out samples without a value"),
        ("x1,t1\n1,nan\n", "T must be finite; got nan in sample 0"),
        ("x1,t1\n" + "1,1\n" * 4097, "at most 4096 samples; got 4097"),
    ],
)
def test_bad_csv(tmp_path, text, message):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_problem(tmp_path / "bad.csv")


def test_bad_files(tmp_path):
    (tmp_path / "not.npz").write_bytes(b"PK\x03\x04 no")
    (tmp_path / "latin.csv").write_bytes(b"\xe9")
    np.savez(tmp_path / "x.npz", X=[[1.0]])
    np.savez(tmp_path / "s.npz", X=[["a"]], T=[[1.0]])
    np.savez(tmp_path / "n.npz", X=[[1.0]], T=[[1.0], [2.0]])
    faults = {
        "none.csv": "cannot read .*No such file",
        "a.txt": r"must end in .csv or .npz; got 'a.txt'",
        "not.npz": "is not an NPZ file",
        "latin.csv": "is not a CSV file in UTF-8",
        "x.npz": "needs an array T",
        "s.npz": "X must contain numbers; got dtype <U1",
        "n.npz": "equally many samples; got 1 and 2",
    }
    for name, message in faults.items():
        with pytest.raises(ValueError, match=message):
            read_problem(tmp_path / name)


def test_bad_names():
    with pytest.raises(ValueError, match=r"must be one of xor, .*; got 'xorr'"):
        logic_problem("xorr")
    with pytest.raises(ValueError, match="encoder needs its size"):
        logic_problem("encoder")
    with pytest.raises(ValueError, match="parity needs its number of inputs"):
        logic_problem("parity")
