"""Exports: what other programs read is what the result holds, and no file is lost."""

import csv
import json
import subprocess
import sys

import numpy as np
import pandas
import pytest
from spec_cases import TINY
from store_cases import run_folder, sweep
from tolerances import MEMORY_GROWTH

import saddlescape as ss
from saddlescape.errors import RefusedError, SaddlescapeError
from saddlescape.plan import Plan
from saddlescape.results.export import FORMATS, export
from saddlescape.spec import parse


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return run_folder(Plan(sweep()), tmp_path_factory.mktemp("export") / "run")


@pytest.fixture
def result(file, monkeypatch):
    monkeypatch.setattr("saddlescape.results.tables.ROWS", 7)
    with ss.open(file) as opened:
        yield opened


def exported(result, to, folder):
    export(result, to, folder / "out")
    assert [path.name for path in folder.iterdir()] == ["out"]
    return folder / "out"


def test_csv_has_a_row_a_run_and_every_bit_of_a_number(result, tmp_path):
    with exported(result, "csv", tmp_path).open(newline="") as text:
        rows = list(csv.DictReader(text))
    frame = result.to_dataframe()
    assert list(rows[0]) == list(frame.columns)
    assert [row["outcome"] for row in rows] == list(frame["outcome"])
    for name in ("final_loss", "stop_step", "run"):
        assert [float(row[name]) for row in rows] == frame[name].tolist()


def test_csv_keeps_what_has_no_value(tmp_path):
    lonely = parse(TINY.replace("hidden = [2]", "hidden = []"), tmp_path)
    with ss.open(ss.run(lonely, tmp_path / "run")) as result:
        export(result, "csv", tmp_path / "runs.csv")
        frame = pandas.read_csv(tmp_path / "runs.csv")
        assert frame["final_separation"].isna().all()
        np.testing.assert_array_equal(frame["final_loss"], result.final_loss)


def test_parquet_is_the_data_frame(result, tmp_path):
    made = pandas.read_parquet(exported(result, "parquet", tmp_path))
    pandas.testing.assert_frame_equal(made, result.to_dataframe(), check_categorical=False)


def test_npz_has_every_variable(result, tmp_path):
    with np.load(exported(result, "npz", tmp_path), allow_pickle=False) as arrays:
        assert set(arrays) == set(result)
        for name, values in result.items():
            np.testing.assert_array_equal(arrays[name], values, name)
            assert arrays[name].dtype.kind == values.dtype.kind


def test_a_part_is_exported_as_such(result, tmp_path):
    part = result.sel(activation="tanh", run=slice(2, 4))
    export(part, "npz", tmp_path / "part.npz")
    export(part, "csv", tmp_path / "part.csv")
    with np.load(tmp_path / "part.npz") as arrays:
        np.testing.assert_array_equal(arrays["outcome"], result["outcome"][0, :, 2:5])
    assert set(pandas.read_csv(tmp_path / "part.csv")["activation"]) == {"tanh"}


@pytest.mark.parametrize("to", FORMATS)
def test_equal_results_give_equal_bytes(result, tmp_path, to):
    export(result, to, tmp_path / "a")
    export(result, to, tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("to", FORMATS)
def test_a_file_that_is_there_is_left_alone(result, tmp_path, to):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(RefusedError, match="is left alone; choose another name"):
        export(result, to, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize("to", FORMATS)
def test_an_export_that_fails_leaves_nothing(result, tmp_path, to, monkeypatch):
    def full(*args, real=result._source.cell):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(result._source, "cell", full)
    with pytest.raises((OSError, SaddlescapeError)):
        export(result, to, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_parquet_without_pyarrow_names_the_extra(result, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SaddlescapeError, match=r'pip install "saddlescape\[parquet\]"$'):
        export(result, "parquet", tmp_path / "out")
    assert not list(tmp_path.iterdir())


def saddlescape(*args):
    command = [sys.executable, "-m", "saddlescape", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_command_names_the_file_it_has_made(file, tmp_path):
    done = saddlescape("export", file, "--to", "csv", "-o", tmp_path / "runs.csv")
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'runs.csv'}\n"), done.stderr
    again = saddlescape("export", file, "-o", tmp_path / "runs.csv")
    assert again.returncode == 3
    assert again.stderr.startswith("error: ")
    other = saddlescape("export", file, "-o", tmp_path / "runs.xlsx")
    assert other.returncode == 2
    assert "the format is missing; give --to csv, npz or parquet, or --out with such an extension; got" in other.stderr


def test_memory_does_not_grow_with_the_number_of_runs(tmp_path):
    """Ten times as many runs, exported in the pieces they are read in."""
    peak = """
import sys, tracemalloc, json
import saddlescape as ss
from saddlescape.results.export import export
from pathlib import Path
import pyarrow.parquet
peaks = []
for name in sys.argv[1:]:
    with ss.open(name) as result:
        tracemalloc.start()
        for to in ("csv", "npz", "parquet"):
            export(result, to, Path(name).with_suffix("." + to))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
print(json.dumps(peaks))
"""
    files = []
    for count in (10**4, 10**5):
        few = parse(TINY.replace("count = 10", f"count = {count}") + "[record]\nruns = 0\n", tmp_path)
        files.append(run_folder(Plan(few), tmp_path / str(count)))
    program = f"import saddlescape.results.tables\nsaddlescape.results.tables.ROWS = 2**13\n{peak}"
    done = subprocess.run([sys.executable, "-c", program, *files], capture_output=True, text=True, check=True)
    few, many = json.loads(done.stdout)
    assert many < (1 + MEMORY_GROWTH) * few
