"""Sweeps from Python: from arrays in memory, with the checks of a file, and runs that keep the arrays."""

import json
import os
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas
import pytest

import saddlescape as ss
from saddlescape.errors import CorruptError, RefusedError, SpecError
from saddlescape.network.problems import MAX_SAMPLES
from saddlescape.plan import Plan, Shard
from saddlescape.runs import cluster
from saddlescape.runs.runner import Interrupted, resume
from saddlescape.spec import parse
from saddlescape.store import verify

X, T = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
SCALES = [0.01, 0.1, 1.0]
PROGRAM = """
import sys
import saddlescape as ss
print(ss.open(sys.argv[1]).replay(1, 3)["loss"].tolist())
"""


def sweep(X=X, T=T, **more):
    settings = {"starts": {"kind": "normal", "count": 20}, "training": {"steps": 30}, "record": {"runs": 2}}
    return ss.sweep(X, T, **{"hidden": [3], "axes": {"starts.scale": SCALES}, **settings, **more})


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return ss.run(sweep(), tmp_path_factory.mktemp("arrays") / "run", threads=1)


@pytest.fixture
def copy(finished, tmp_path):
    """A copy of the finished run, without its result."""
    folder = shutil.copytree(finished.parent, tmp_path / "copy")
    (folder / "result.h5").unlink()
    return folder


def test_arrays_give_the_sweep_of_a_file(tmp_path):
    made = ss.sweep(
        X, T, title="XOR", hidden=[3], starts="uniform", training={"optimizer": "adam", "steps": 9},
        network={"bias": False}, record={"runs": 1, "steps": None},
        axes={"starts.scale": np.array(SCALES), "stop.solved": {"linspace": [0.1, 0.3, 3]}},
    )  # fmt: skip
    (tmp_path / "arrays.csv").write_text("x1,x2,t1\n0.0,0.0,0.0\n0.0,1.0,1.0\n1.0,0.0,1.0\n1.0,1.0,0.0\n")
    text = """schema = 1
title = "XOR"
[problem]
file = "arrays.csv"
[network]
hidden = [3]
bias = false
[starts]
kind = "uniform"
[training]
optimizer = "adam"
steps = 9
[record]
runs = 1
[[axes]]
key = "starts.scale"
values = [0.01, 0.1, 1.0]
[[axes]]
key = "stop.solved"
linspace = [0.1, 0.3, 3]
"""
    assert made.resolved() == parse(text, tmp_path).resolved()
    assert Plan(made).digest == Plan(parse(text, tmp_path)).digest
    assert repr(made) == "<saddlescape sweep 'XOR': starts.scale 3, stop.solved 3; arrays.csv, 2-3-1, adam>"


def test_a_built_in_problem_needs_no_arrays():
    made = ss.sweep(problem="xor", axes=[{"key": "starts.scale", "values": [0, 1]}])
    file = parse('[problem]\nname = "xor"\n[[axes]]\nkey = "starts.scale"\nvalues = [0, 1]\n', Path())
    assert made.resolved() == file.resolved()
    assert ss.sweep(problem={"name": "parity", "bits": 3}).spec.sizes == (3, 2, 1)


AWKWARD = np.array([[0.1, -0.0, 1 / 3], [5e-324, 1e22, -1.2345678901234567e299]])


def test_every_bit_of_the_arrays_is_kept():
    loaded = ss.sweep(AWKWARD, AWKWARD[:, :2]).spec.loaded
    assert loaded.X.tobytes() == AWKWARD.tobytes()
    assert loaded.T.tobytes() == AWKWARD[:, :2].tobytes()


@pytest.mark.parametrize(
    ("X", "T"),
    [
        (np.float32(X), np.bool_(T)),
        (tuple(map(tuple, X)), np.array(T)[:, None]),
        (pandas.DataFrame(X, columns=["a", "b"]), pandas.Series(T, index=list("wxyz"))),
        (pandas.DataFrame({"a": [0.0, 0, 1, 1], "b": [False, True, False, True]}), T),
        (np.array(X, order="F"), [Fraction(t) for t in T]),
    ],
)
def test_anything_that_is_an_array_is_taken(X, T):
    assert ss.sweep(X, T).data == ss.sweep(np.array(X, float), np.array(T, float)).data == sweep().data


def test_a_sweep_of_other_arrays_is_another():
    assert Plan(sweep()).digest == Plan(sweep(np.array(X), np.array(T))).digest
    assert Plan(sweep()).digest != Plan(sweep(X, [0, 1, 1, 1])).digest
    assert Plan(sweep()).digest != Plan(sweep([[0, 0], [0, 1], [1, 0], [1, np.nextafter(1, 2)]])).digest


MISSING = 'problem: is missing; give X and T, or a problem, such as problem="xor"'
KINDS = "starts: must be 'zero'"
WORD = "must be a dict of keys and their values; got "
FAULTS = [
    ({}, [MISSING]),
    ({"X": X}, ["T: is missing; inputs and targets belong together"]),
    ({"X": [[0.0], [np.nan]], "T": [0, 1]}, ["X: must be finite; got nan in sample 1"]),
    ({"X": X, "T": [0, 1, np.inf, 0]}, ["T: must be finite; got inf in sample 2"]),
    ({"X": pandas.DataFrame({"a": [1.0, None]}), "T": [0, 1]}, ["X: must be finite; got nan in sample 1"]),
    (
        {"X": [1, 2], "T": np.zeros((2, 1, 1))},
        [
            "X: must have shape (samples, columns) without zeros; got (2,); for one column, add [:, None]",
            "T: must have shape (samples, columns) without zeros; got (2, 1, 1)",
        ],
    ),
    ({"X": X, "T": [1, 2, 3]}, ["X and T: must have equally many samples; got 4 and 3"]),
    ({"X": [[1, 2], [3]], "T": [1, 2]}, ["X: must be an array of numbers; setting an array element"]),
    ({"X": [["a"]], "T": [1j]}, [f"{name}: must be an array of real numbers; got " for name in "XT"]),
    ({"X": [[None]], "T": [1]}, ["X: must be an array of real numbers; got object values"]),
    (
        {"X": np.zeros((MAX_SAMPLES + 1, 1)), "T": np.zeros(MAX_SAMPLES + 1)},
        [f"X and T: must have at most {MAX_SAMPLES} samples; got {MAX_SAMPLES + 1} or more"],
    ),
    ({"X": [[1e40]], "T": [1], "network": {"dtype": "float32"}}, ["X and T: must be at most 1e+30 in size"]),
    ({"X": X, "T": [*"abba"]}, ["T: must be an array of real numbers; got <U1 values; write words as numbers"]),
    ({"X": X, "T": np.ma.masked_equal(T, 1)}, ["T: must have no masked values; leave their samples out"]),
    ({"X": X, "T": T, "axes": {"problem.file": ["a.csv"]}}, ["axes: cannot change X and T; run", "X and T: "]),
    ({"X": X, "T": T, "problem": "xor"}, ["problem: cannot be combined with X and T; leave one out"]),
    ({"X": X, "T": T, "test_X": [[0]]}, ["test_T: is missing; inputs and targets belong together"]),
    ({"X": X, "T": T, "test_X": [[0]], "test_T": [1]}, ["test_X and test_T: "]),
    ({"problem": "xor", "test_X": X, "test_T": T}, ["test_X and test_T: belongs to problem.file"]),
    ({"X": X, "T": T, "test_X": [[0, np.nan]], "test_T": [[1]]}, ["test_X: must be finite; got nan in sample 0"]),
    (
        {"X": X, "T": T, "test_X": X, "test_T": T, "problem": {"test_fraction": 0.5}},
        ["test_X and test_T: cannot be combined with problem.test_fraction"],
    ),
    (
        {"X": X, "T": T, "test_X": X, "test_T": T, "problem": {"test_file": "a.csv"}},
        ["problem: cannot be combined with test_X and test_T; leave one out"],
    ),
    ({"X": X, "T": T, "problem": {"bits": 3}}, ['problem.bits: belongs to name = "parity"']),
    ({"problem": "xr"}, ["problem: must be 'xor', "]),
    ({"problem": "xor", "hidden": 8}, ["hidden: must be a list; got 8; write [8]"]),
    ({"problem": "xor", "hidden": [0, 2]}, ["hidden[0]: must be at least 1; got 0"]),
    ({"problem": "xor", "hidden": [2], "network": {"hidden": [3]}}, ["hidden: is also in network; leave one out"]),
    ({"problem": "xor", "starts": np.zeros(3)}, [f"starts: {WORD}array([0., 0., 0.])"]),
    ({"problem": "xor", "training": "adam"}, [f"training: {WORD}'adam'"]),
    ({"problem": "xor", "optimizer": "adam"}, ["optimizer: is not an argument; write training={'optimizer': ...}"]),
    ({"problem": "xor", "trainin": {}}, ["trainin: is not an argument; did you mean 'training'?"]),
    ({"problem": "xor", "stop": {"solved": len}}, ["stop.solved: must be a number, a string, a list or a dict; got "]),
    ({"problem": "xor", "axes": "scale"}, ["axes: must be a dict of keys, each with its values; got 'scale'"]),
    ({"problem": "xor", "axes": {"starts.scale": [0, -1]}}, ["axes['starts.scale'].values[1]: must be at least 0"]),
    ({"problem": "xor", "axes": {"scale": [0, 1]}}, ["axes['scale'].key: must be a key of the spec; got 'scale'"]),
    ({"problem": "xor", "axes": {"starts.scale": np.arange(2 * 10**5)}}, ["axes: must have fewer values; as text "]),
    (
        {"X": [[np.nan]], "starts": "nromal", "training": {"steps": 0}, "title": 3, "lr": 1},
        ["T: is missing", "title: must be a string", KINDS, "training.steps: must be at least 1; got 0", "lr: is not"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "messages"), FAULTS)
def test_all_faults_of_the_arguments_are_named_at_once(arguments, messages):
    with pytest.raises(ValueError, match=r".") as refused:
        ss.sweep(**arguments)
    assert isinstance(refused.value, SpecError)
    lines = str(refused.value).splitlines()
    assert len(lines) == len(messages)
    assert all(any(line.startswith(message) for line in lines) for message in messages), lines


def test_a_run_of_arrays_is_that_of_a_file(finished, tmp_path):
    text = sweep().text.replace("arrays.csv", "xor.csv")
    shutil.copy(finished.parent / "arrays.csv", tmp_path / "xor.csv")
    of_file = ss.run(parse(text, tmp_path), tmp_path / "run", threads=1)
    assert sorted(of_file) == sorted(finished)
    assert all(of_file[name].tobytes() == finished[name].tobytes() for name in finished)
    assert not (tmp_path / "run/xor.csv").exists()


def test_test_data_may_be_arrays_too(tmp_path):
    held = [[0, 0.5], [1, 0.5]], [1, 0]
    made = sweep(test_X=held[0], test_T=held[1])
    np.testing.assert_array_equal(made.spec.loaded.X_test, held[0])
    np.testing.assert_array_equal(made.spec.loaded.T_test[:, 0], held[1])
    r = ss.run(made, tmp_path / "run", threads=1)
    (tmp_path / "run/result.h5").unlink()
    assert saddlescape("resume", tmp_path / "run").returncode == 0
    assert r.sweep.kept.keys() == {"arrays.csv", "test-arrays.csv"}
    np.testing.assert_array_equal(r.sweep.spec.loaded.X_test, held[0])
    edit(tmp_path / "run/test-arrays.csv", "0.5", "0.6")
    with pytest.raises(CorruptError, match=r"test-arrays\.csv is missing or has changed"):
        resume(tmp_path / "run")


def saddlescape(*words):
    return subprocess.run([sys.executable, "-m", "saddlescape", *map(str, words)], capture_output=True, text=True)


def test_another_process_finishes_the_run_without_the_arrays(finished, tmp_path):
    with pytest.raises(Interrupted):
        ss.run(sweep(), tmp_path / "begun", threads=1, should_stop=lambda: True)
    moved = (tmp_path / "begun").rename(tmp_path / "moved")
    assert ss.open(moved).so_far == (0, 60)
    assert saddlescape("resume", moved).returncode == 0
    assert (moved / "result.h5").read_bytes() == finished.read_bytes()
    assert saddlescape("verify", moved).stdout == f"{moved} is intact: result.h5\n"
    assert json.loads((moved / "plan.json").read_text())["stored"] == ["arrays.csv"]


def test_the_spec_in_the_folder_is_a_spec_like_any_other(finished, copy):
    for folder in (copy, copy.parent / "new"):
        assert saddlescape("run", copy / "spec.toml", "-o", folder).returncode == 0
        assert (folder / "result.h5").read_bytes() == finished.read_bytes()


def test_shards_of_arrays_are_merged_and_the_result_contains_the_arrays(finished, tmp_path, monkeypatch):
    monkeypatch.setattr("saddlescape.plan.plan.BLOCK_WORK", 13 * 4 * 30 * 20)
    parts = [ss.run(sweep(), tmp_path / str(number), shard=Shard(number, 2), threads=1) for number in (1, 2)]
    assert [part.so_far for part in parts] == [(40, 60), (20, 60)]
    (tmp_path / "elsewhere").mkdir()
    merged = ss.merge(parts, tmp_path / "elsewhere/merged.h5")
    for part in parts:
        shutil.rmtree(part.path)
    done = subprocess.run([sys.executable, "-c", PROGRAM, merged], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == finished.replay(1, 3)["loss"].tolist()
    with ss.open(merged) as result:
        assert result.sweep.resolved() == sweep().resolved()
        np.testing.assert_array_equal(result.outcome, finished.outcome)


def cut(path):
    path.write_bytes(path.read_bytes()[:-4])


def edit(path, old="1.0,1.0,0.0", new="1.0,1.0,0.5"):
    path.write_text(path.read_text().replace(old, new))


def pipe(path):
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("change", [cut, edit, pipe, Path.unlink])
def test_changed_arrays_are_refused_and_named(copy, change):
    change(copy / "arrays.csv")
    uses = [resume, verify, ss.open]
    if change is not Path.unlink:
        uses.append(lambda folder: ss.run(sweep(), folder))
    message = rf"^{copy}/arrays\.csv is missing or has changed since the run began; put the old file back$"
    for use in uses:
        with pytest.raises(CorruptError, match=message):
            use(copy)


def test_missing_arrays_are_restored_from_memory(finished, copy):
    (copy / "arrays.csv").unlink()
    assert ss.run(sweep(), copy, threads=1).read_bytes() == finished.read_bytes()
    assert verify(copy).endswith("is intact: result.h5")


def test_a_folder_with_other_arrays_is_refused(copy, tmp_path):
    with pytest.raises(RefusedError, match=r"^arrays\.csv: must have the same content as when the run in .* began"):
        ss.run(sweep(X, [1, 0, 0, 1]), copy)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/arrays.csv").write_text("x1,t1\n0,1\n")
    with pytest.raises(RefusedError, match=r"mine exists and is not a run's folder; choose another"):
        ss.run(sweep(), tmp_path / "mine")
    assert (tmp_path / "mine/arrays.csv").read_text() == "x1,t1\n0,1\n"


def test_a_run_that_was_killed_before_its_plan_was_written_is_begun_again(finished, tmp_path):
    (tmp_path / "run").mkdir()
    shutil.copy(finished.parent / "arrays.csv", tmp_path / "run")
    (tmp_path / "run/.spec.toml.saddlescape.part").write_text("half")
    assert ss.run(sweep(), tmp_path / "run", threads=1).read_bytes() == finished.read_bytes()


def test_a_cluster_gets_the_arrays():
    plan = Plan(sweep())
    assert cluster.plan_of(cluster.job(plan)).digest == plan.digest
