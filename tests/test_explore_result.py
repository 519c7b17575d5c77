"""What `saddlescape explore` opens: specs, bundled sweeps and results."""

import shutil

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from spec_cases import TINY

import saddlescape as ss
from saddlescape.errors import RefusedError
from saddlescape.explorer.document import document
from saddlescape.explorer.opened import opened
from saddlescape.explorer.train import train
from saddlescape_cli.explore import explore

OWN = TINY.replace('name = "xor"', 'file = "own.csv"')


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of a spec with a data file that is gone, and with an override."""
    folder = tmp_path_factory.mktemp("results")
    rows = np.random.default_rng(3).normal(size=(5, 3))
    np.savetxt(folder / "own.csv", rows, delimiter=",", header="x1,x2,t1", comments="")
    (folder / "own.toml").write_text(OWN)
    ss.run(folder / "own.toml", folder / "run", overrides=["training.learning_rate=0.25"], threads=1).close()
    shutil.copy(folder / "run/result.h5", folder / "copy.h5")
    return folder


@pytest.mark.parametrize("name", ["run", "run/result.h5"])
def test_a_result_is_opened_with_its_data_and_overrides_and_run_r_is_its_run(folder, name):
    shown = document(opened(str(folder / name)))
    assert shown.spec.training.learning_rate == 0.25
    assert len(shown.spec.loaded.X) == 5
    with ss.open(folder / "run") as result:
        for run in (0, 7):
            start = np.array(shown.through(0, 1, run).plane.base)[None]
            trained = train(shown.spec, start, lambda: False)
            assert start[0].tobytes() == ss.start(result.sweep, (), run).tobytes()
            assert trained["loss"].tobytes() == result.final_loss[run : run + 1].tobytes()
            assert trained["outcome"] == result.outcome[run]


def test_a_spec_and_a_bundled_sweep_are_opened(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert opened("own.toml").spec.training.learning_rate == 0.5
    (folder / "xor-slice").mkdir()  # a folder does not hide a bundled sweep
    assert opened("xor-slice").text == ss.load("xor-slice").text


def damaged(folder):
    content = (folder / "copy.h5").read_bytes()
    (folder / "cut.h5").write_bytes(content[: len(content) // 2])


def unresolved(folder):
    shutil.copy(folder / "copy.h5", folder / "unresolved.h5")
    with h5py.File(folder / "unresolved.h5", "a") as file:
        del file["provenance/resolved"]


def foreign(folder):
    h5py.File(folder / "foreign.h5", "w").close()


def without_a_run(folder):
    (folder / "empty").mkdir()


def text(folder):
    (folder / "data.csv").write_text("x1,t1\n\xff\n", encoding="latin-1")


@pytest.mark.parametrize(
    ("name", "make", "line", "code"),
    [
        ("cut.h5", damaged, "is damaged", 4),
        ("unresolved.h5", unresolved, "resolved", 4),
        ("foreign.h5", foreign, "no result of saddlescape", 4),
        ("empty", without_a_run, "has no plan.json", 3),
        ("data.csv", text, "must be UTF-8", 2),
        ("nothing", lambda folder: None, "is no file and no bundled sweep", 2),
        ("nothing.h5", lambda folder: None, "nothing.h5", 2),
    ],
)
def test_what_is_neither_a_spec_nor_a_result_gets_one_line(folder, monkeypatch, name, make, line, code):
    monkeypatch.chdir(folder)
    make(folder)
    told = CliRunner().invoke(explore, [name, "--no-browser"])
    assert told.exception.exit_code == code
    assert line in str(told.exception)
    assert len(str(told.exception).splitlines()) == 1


def test_a_result_whose_data_file_has_changed_is_refused(folder):
    shutil.copytree(folder, folder / "moved")
    result = folder / "moved/result.h5"
    shutil.copy(folder / "copy.h5", result)
    (folder / "moved/own.csv").write_text("x1,x2,t1\n1,2,3\n")
    with pytest.raises(RefusedError, match="has changed"):
        opened(str(result))


def test_a_result_whose_runs_depend_on_more_than_their_starts_is_refused(tmp_path):
    (tmp_path / "noisy.toml").write_text(TINY.replace("steps = 20", "steps = 2\nnoise = 0.1"))
    ss.run(tmp_path / "noisy.toml", tmp_path / "run", threads=1).close()
    with pytest.raises(RefusedError, match="depends on more than its start"):
        document(opened(str(tmp_path / "run")))
