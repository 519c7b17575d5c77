"""A spec for a data file of the user."""

import subprocess
import sys
import tomllib
from pathlib import PureWindowsPath

import numpy as np
import pytest
from click.testing import CliRunner

import saddlescape as ss
from saddlescape.errors import RefusedError, SpecError
from saddlescape.network.problems import read_problem
from saddlescape.spec import draft, parse
from saddlescape.spec.draft import _from
from saddlescape.words.outcomes import Outcome
from saddlescape_cli.init import init

RNG = np.random.default_rng(11)
X = RNG.normal(size=(40, 2))
CLASS = X[:, 0] * X[:, 1] > 0
DATA = {
    "01": (X, CLASS[:, None], "logistic", "bce"),
    "pm1": (X, 2 * CLASS[:, None] - 1, "tanh", "half_sse"),
    "columns": (X, np.column_stack([CLASS, ~CLASS]), "linear", "softmax_ce"),
    "numbers": (X, X.sum(axis=1, keepdims=True), "linear", "mse"),
}


def write(path, X, T):
    names = [f"x{i + 1}" for i in range(X.shape[1])] + [f"t{i + 1}" for i in range(T.shape[1])]
    np.savetxt(path, np.hstack([X, T]), delimiter=",", header=",".join(names), comments="")
    return path


def drafted(data):
    spec = data.with_suffix(".toml")
    return draft(data, spec)[spec].decode()


@pytest.mark.parametrize(("X", "T", "output", "loss"), DATA.values(), ids=DATA)
def test_outputs_and_loss_fit_the_targets(X, T, output, loss, tmp_path):
    data = write(tmp_path / "mine.csv", X, T)
    sweep = parse(drafted(data), tmp_path)
    assert (sweep.spec.network.output, sweep.spec.training.loss) == (output, loss)
    assert sweep.spec.samples == 40
    assert not sweep.spec.problem.standardize
    few = parse(sweep.text, tmp_path, ["starts.count=20", "axes.starts.scale=1", "training.steps=3000"])
    with ss.open(ss.run(few, tmp_path / "run", threads=1)) as r:
        assert (r.outcome == Outcome.SOLVED).any()


@pytest.mark.parametrize(("scale", "shift"), [(100, 0), (1, 10), (0.01, 0)])
def test_inputs_far_from_unit_scale_are_standardized(scale, shift, tmp_path):
    data = write(tmp_path / "mine.csv", scale * X + shift, CLASS[:, None])
    assert parse(drafted(data), tmp_path).spec.problem.standardize


def test_a_constant_input_is_no_error(tmp_path):
    data = write(tmp_path / "mine.csv", np.column_stack([X[:, :1], np.full(40, 9.0)]), CLASS[:, None])
    assert not parse(drafted(data), tmp_path).spec.problem.standardize


def test_the_command_writes_a_spec_next_to_the_data_and_none_over_a_file(tmp_path):
    data = write(tmp_path / "my data.csv", X, CLASS[:, None])
    done = CliRunner().invoke(init, [str(data)], catch_exceptions=False)
    assert f"saddlescape run '{tmp_path}/my data.toml'" in done.output
    text = (tmp_path / "my data.toml").read_text()
    assert tomllib.loads(text)["problem"]["file"] == "my data.csv"
    ss.load(tmp_path / "my data.toml")
    with pytest.raises(RefusedError, match="exists and is left alone"):
        CliRunner().invoke(init, [str(data)], catch_exceptions=False)
    assert (tmp_path / "my data.toml").read_text() == text


def test_a_data_file_on_another_drive_is_named_from_its_root():
    assert _from(PureWindowsPath("C:/runs"), PureWindowsPath("D:/data/mine.csv")) == "D:/data/mine.csv"


def test_the_spec_may_be_in_another_folder(tmp_path):
    (tmp_path / "specs").mkdir()
    data = write(tmp_path / "mine.csv", X, CLASS[:, None])
    assert CliRunner().invoke(init, [str(data), "-o", str(tmp_path / "specs/a.toml")]).exit_code == 0
    assert ss.load(tmp_path / "specs/a.toml").spec.samples == 40


IRIS = """petal, length ,species
1.5,short,setosa
4.5,long,versicolor
5.5,long,virginica
1.25,short,setosa
"""


def test_columns_with_names_and_words_become_numbers(tmp_path):
    data = tmp_path / "iris.csv"
    data.write_text(IRIS)
    assert CliRunner().invoke(init, [str(data)], catch_exceptions=False).exit_code == 0
    sweep = ss.load(tmp_path / "iris.toml")
    assert sweep.spec.training.loss == "softmax_ce"
    problem = read_problem(tmp_path / "iris-numbers.csv")
    assert problem.X.tolist() == [[1.5, 1], [4.5, 0], [5.5, 0], [1.25, 1]]
    assert problem.T.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    comments = [line for line in sweep.text.splitlines() if line.startswith("# ") and " is " in line]
    assert comments[:3] == ["# x1 is petal", "# x2 is 1 where length is short", "# t1 is 1 where species is setosa"]


def test_targets_are_chosen_by_name(tmp_path):
    (tmp_path / "iris.csv").write_text(IRIS)
    files = draft(str(tmp_path / "iris.csv"), str(tmp_path / "mine.toml"), ["petal"])
    assert b"x1,x2,x3,x4,t1\n1.0,1.0,0.0,0.0,1.5\n" in files[tmp_path / "mine-numbers.csv"]
    assert b'file = "mine-numbers.csv"' in files[tmp_path / "mine.toml"]
    assert b'loss = "mse"' in files[tmp_path / "mine.toml"]
    files = draft(tmp_path / "iris.csv", tmp_path / "mine.toml", ["length", "petal"])
    assert files[tmp_path / "mine-numbers.csv"].startswith(b"x1,x2,x3,t1,t2\n1.0,0.0,0.0,1.5,1.0\n")


def test_words_in_columns_of_numbered_names_become_numbers(tmp_path):
    (tmp_path / "mine.csv").write_text("x1,t1,x2\n1,yes,5\n2,no,6\n")
    files = draft(tmp_path / "mine.csv", tmp_path / "mine.toml")
    assert files[tmp_path / "mine-numbers.csv"] == b"x1,x2,t1\n1.0,5.0,1.0\n2.0,6.0,0.0\n"
    (tmp_path / "mine.csv").write_text("x1,x2\n1,5\n2,6\n")
    assert b"x1,t1\n1.0,5.0\n" in draft(tmp_path / "mine.csv", tmp_path / "mine.toml")[tmp_path / "mine-numbers.csv"]


def test_no_run_diverges_because_targets_are_large(tmp_path):
    data = write(tmp_path / "mine.csv", X, 4000 * X[:, :1])
    sweep = parse(drafted(data), tmp_path, ["starts.count=4", "axes.starts.scale=1", "training.steps=20"])
    with ss.open(ss.run(sweep, tmp_path / "run", threads=1)) as r:
        assert Outcome.DIVERGED not in r.outcome
    assert "diverged" not in drafted(write(tmp_path / "small.csv", X, X[:, :1]))


def test_a_table_that_is_not_in_utf_8_is_told_so_once(tmp_path):
    (tmp_path / "bad.csv").write_bytes("a,b\n1,\xe9\n".encode("latin-1"))
    with pytest.raises(SpecError, match=r"^\S+bad.csv: is not a CSV file in UTF-8: .*; save it as such$"):
        draft(tmp_path / "bad.csv", tmp_path / "bad.toml")


def test_nothing_is_written_if_one_of_both_files_exists(tmp_path):
    (tmp_path / "iris.csv").write_text(IRIS)
    (tmp_path / "iris.toml").write_text("kept")
    with pytest.raises(RefusedError, match=r"iris.toml exists"):
        CliRunner().invoke(init, [str(tmp_path / "iris.csv")], catch_exceptions=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["iris.csv", "iris.toml"]


BAD = {
    "1,2\n3,4\n": "the first line must be the names of the columns; got '1,2'",
    "a,a\n3,4\n": "the names of the columns must differ",
    "a,b\n3,4\n5\n": "sample 2 must have 2 cells, as the header has; got 1",
    "a,b\n3,\n": "b of sample 1 must not be empty; leave out samples without a value",
    "a\n3\n": "must have an input and a target at least, a column each; got 'a'",
    "t1\n3\n": "must have an input and a target at least, a column each; got 't1'",
    "a;b\n1,5;2\n": "columns must be separated by commas, and decimals by a point; got 'a;b'",
    "a\tb\n1\t2\n": "columns must be separated by commas",
    ",a,b\n0,1,2\n": "each column must have a name; got ',a,b'; leave out a column of row numbers",
    "x1,x2,x2,t1\n1,2,3,4\n": "the names of the columns must differ",
    "": "must have a header and samples",
    "a,b\nNA,2\n5,3\n": "a must have only numbers or only words; got 'NA' in sample 1 and '5' in sample 2; leave out",
    "a,b\n1,only\n2,only\n": "targets must differ between samples; all are 1",
    "x1,t1\n1,7\n2,7\n": "targets must differ between samples; all are 7",
    "a,b\n": "must have a header and samples",
    "a,b\n1,nan\n": "T must be finite; got nan in sample 0",
    "a,b\n" + "".join(f"1,w{i}\n" for i in range(21)): "b must have numbers, or at most 20 different words; got 21",
}


@pytest.mark.parametrize(("text", "words"), BAD.items(), ids=range(len(BAD)))
def test_what_is_no_table_is_told_in_one_line(text, words, tmp_path):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(SpecError) as refused:
        draft(tmp_path / "bad.csv", tmp_path / "bad.toml")
    assert words in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_messages(tmp_path):
    (tmp_path / "iris.csv").write_text(IRIS)
    with pytest.raises(SpecError, match=r"--target must be one of petal, length, species; got 'specie'; did you mean"):
        draft(tmp_path / "iris.csv", tmp_path / "iris.toml", ["specie"])
    with pytest.raises(SpecError, match=r"must be a CSV file for --target; got 'mine.npz'"):
        draft(tmp_path / "mine.npz", tmp_path / "mine.toml", ["a"])
    done = subprocess.run(
        [sys.executable, "-m", "saddlescape", "init", "gone.csv"], capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.returncode, done.stderr.splitlines()) == (
        2,
        ["error: gone.csv: cannot read 'gone.csv': No such file or directory"],
    )
