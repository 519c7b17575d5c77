"""A spec for a data file of the user."""

import subprocess
import sys
import tomllib

import numpy as np
import pytest
from click.testing import CliRunner

import saddlescape as ss
from saddlescape.errors import RefusedError, SpecError
from saddlescape.spec import draft, parse
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


@pytest.mark.parametrize(("X", "T", "output", "loss"), DATA.values(), ids=DATA)
def test_outputs_and_loss_fit_the_targets(X, T, output, loss, tmp_path):
    data = write(tmp_path / "mine.csv", X, T)
    sweep = parse(draft(data, tmp_path / "mine.toml"), tmp_path)
    assert (sweep.spec.network.output, sweep.spec.training.loss) == (output, loss)
    assert sweep.spec.samples == 40
    assert not sweep.spec.problem.standardize
    few = parse(sweep.text, tmp_path, ["starts.count=20", "axes.starts.scale=1", "training.steps=3000"])
    with ss.open(ss.run(few, tmp_path / "run", threads=1)) as r:
        assert (r.outcome == Outcome.SOLVED).any()


@pytest.mark.parametrize(("scale", "shift"), [(100, 0), (1, 10), (0.01, 0)])
def test_inputs_far_from_unit_scale_are_standardized(scale, shift, tmp_path):
    data = write(tmp_path / "mine.csv", scale * X + shift, CLASS[:, None])
    assert parse(draft(data, tmp_path / "mine.toml"), tmp_path).spec.problem.standardize


def test_a_constant_input_is_no_error(tmp_path):
    data = write(tmp_path / "mine.csv", np.column_stack([X[:, :1], np.full(40, 9.0)]), CLASS[:, None])
    assert not parse(draft(data, tmp_path / "mine.toml"), tmp_path).spec.problem.standardize


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


def test_the_spec_may_be_in_another_folder(tmp_path):
    (tmp_path / "specs").mkdir()
    data = write(tmp_path / "mine.csv", X, CLASS[:, None])
    assert CliRunner().invoke(init, [str(data), "-o", str(tmp_path / "specs/a.toml")]).exit_code == 0
    assert ss.load(tmp_path / "specs/a.toml").spec.samples == 40


def test_messages(tmp_path):
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SpecError, match="the first line must be a header such as x1,x2,t1"):
        draft(tmp_path / "bad.csv", tmp_path / "bad.toml")
    done = subprocess.run(
        [sys.executable, "-m", "saddlescape", "init", "gone.csv"], capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.returncode, done.stderr.splitlines()) == (
        2,
        ["error: gone.csv: cannot read 'gone.csv': No such file or directory"],
    )
