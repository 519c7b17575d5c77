"""The command line as its users meet it: words on stdout and stderr, and exit codes."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from spec_cases import TINY
from store_cases import held

import saddlescape as ss
from saddlescape.results import outcome_table as table
from saddlescape.words.outcomes import Outcome
from saddlescape_cli.main import COMMANDS, cli

SPEC = TINY + """[[axes]]
key = "starts.scale"
values = [0, 1]
"""


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(SPEC)
    return path


def saddlescape(*args, cwd=None):
    command = [sys.executable, "-m", "saddlescape", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


def refused(done, code, *words):
    """Assert a failure of one or more `error:` lines with these words, and no traceback."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert {line[:7] for line in done.stderr.splitlines()} == {"error: "}
    assert all(word in done.stderr for word in words), done.stderr


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help_leads_with_an_example(command):
    done = CliRunner().invoke(cli, [*command, "--help"])
    assert done.exit_code == 0
    usage, example, *_ = [line for line in done.stdout.splitlines() if line.strip()]
    assert usage.startswith("Usage:")
    assert example.strip().startswith("Example")


@pytest.mark.parametrize("command", [[], ["run"]])
def test_help_has_a_short_name(command):
    assert CliRunner().invoke(cli, [*command, "-h"]).stdout == CliRunner().invoke(cli, [*command, "--help"]).stdout


@pytest.mark.parametrize(
    "line", ["plot a", "report a", "export a", "merge a", "refine a", "init a.csv", "bench --asm nowhere/x"]
)
def test_a_new_file_is_in_a_folder_that_exists(line):
    done = CliRunner().invoke(cli, [*line.split(), *([] if "--asm" in line else ["-o", "nowhere/x"])])
    assert done.exit_code == 2
    assert done.stderr.endswith("nowhere/x: the folder nowhere does not exist; make it, or choose another\n")


def test_unknown_command_is_a_usage_error():
    done = saddlescape("fly")
    assert done.returncode == 2
    assert "No such command 'fly'" in done.stderr


def test_a_wrong_argument_of_the_library_is_a_wrong_command(tmp_path):
    refused(saddlescape("bench", "xor", "--against", "nosuch", cwd=tmp_path), 2, "'nosuch' is no spec")


def test_a_kind_has_its_other_name_on_the_command_line(tmp_path):
    refused(saddlescape("plot", "nosuch", "--kind", "spectra", cwd=tmp_path), 2, "nosuch: must be a result file")


def test_an_axis_of_the_command_line_is_that_of_a_file(spec, tmp_path):
    assert saddlescape("run", spec, "-o", tmp_path / "file").returncode == 0
    spec.write_text(TINY)
    assert saddlescape("run", spec, "--axis", "starts.scale=0,1", "-o", tmp_path / "axis").returncode == 0
    file, axis = (ss.open(tmp_path / name / "result.h5") for name in ("file", "axis"))
    with file, axis:
        assert axis.dims["scale"] == 2
        assert {name: file[name].tobytes() for name in file} == {name: axis[name].tobytes() for name in axis}
    assert saddlescape("resume", tmp_path / "axis").returncode == 0


def test_sweeps_lists_what_run_takes():
    names = [line.split()[0] for line in saddlescape("sweeps").stdout.splitlines()]
    assert {"xor", "xor-slice"} <= set(names)


def test_every_fault_of_a_spec_is_a_line(spec):
    done = saddlescape("run", spec, "--set", "training.steps=-1", "--set", "network.activation='cosine'")
    refused(done, 2, "training.steps", "-1", "network.activation", "cosine")
    assert len(done.stderr.splitlines()) == 2


def test_a_missing_spec_is_named(tmp_path):
    refused(saddlescape("run", tmp_path / "none.toml"), 2, "none.toml")


def test_broken_toml_is_no_traceback(spec):
    spec.write_text("schema = ")
    refused(saddlescape("run", spec), 2, "must be valid TOML")


def test_a_missing_result_is_named(tmp_path):
    refused(saddlescape("info", tmp_path / "none.h5"), 2, "none.h5", "it does not exist")
    refused(saddlescape("plot", tmp_path), 2, "this folder contains no result.h5 and no run")  # do not advise resume
    (tmp_path / "plan.json").write_text("{}")
    refused(saddlescape("info", tmp_path), 4, "plan.json is damaged; start the run again in another folder")


def test_dry_run_tells_the_cost_and_runs_nothing(spec, tmp_path):
    done = saddlescape("run", spec, "-o", tmp_path / "out", "--dry-run", "--json")
    cost = json.loads(done.stdout)
    assert (cost["points"], cost["runs"]) == (2, 20)
    assert not (tmp_path / "out").exists()


def test_run_info_and_plot(spec, tmp_path):
    out = tmp_path / "out"
    done = saddlescape("run", spec, "-o", out, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert told["result"] == str(out / "result.h5")
    zero, one = told["rows"]
    assert (zero["scale"], zero["frozen"], zero["distinct_starts"]) == (0, 10, 1)
    assert (one["scale"], one["frozen"], one["distinct_starts"]) == (1, 0, 10)
    assert saddlescape("status", out).stdout.startswith("merged: 1 of 1 blocks done, 0 left, 0 failed\n")
    assert json.loads(saddlescape("status", out, "--json").stdout)["done"] == 1
    shown = saddlescape("info", out).stdout
    assert shown.startswith("tiny\n")
    assert "scale 2, run 10" in shown
    drawn = saddlescape("plot", out / "result.h5")
    assert drawn.returncode == 0, drawn.stderr
    assert (out / "result.png").read_bytes().startswith(b"\x89PNG")
    refused(saddlescape("plot", out, "--kind", "map"), 2, "needs two axes")


def test_shards_are_merged_to_the_bytes_of_one_run(spec, tmp_path):
    spec.write_text(SPEC.replace("count = 10", "count = 20000").replace("steps = 20", "steps = 1"))
    shards = [tmp_path / name for name in "ab"]
    for number, folder in enumerate(shards, start=1):
        done = saddlescape("run", spec, "-o", folder, "--shard", f"{number}/2")
        assert done.returncode == 0, done.stderr
        assert f"saddlescape merge {folder} ... -o result.h5" in done.stdout
    assert json.loads(saddlescape("resume", shards[0], "--json").stdout) == {"shard": str(shards[0])}
    refused(saddlescape("merge", shards[0], "-o", tmp_path / "r.h5"), 3, "name the folders of shard 2/2 too")
    done = saddlescape("merge", *shards, "-o", tmp_path / "r.h5")
    assert done.stdout.endswith(f"{tmp_path / 'r.h5'}\n"), done.stderr
    assert saddlescape("run", spec, "-o", tmp_path / "one").returncode == 0
    assert (tmp_path / "one/result.h5").read_bytes() == (tmp_path / "r.h5").read_bytes()


@pytest.mark.parametrize("shard", ["0/3", "4/3", "1", "1/2/3", "-1/3", "x/y"])
def test_a_shard_is_one_of_n(spec, shard):
    done = saddlescape("run", spec, "--shard", shard)
    assert done.returncode == 2
    assert "must be I/N" in done.stderr


def test_a_changed_data_file_is_refused_and_named(spec, tmp_path):
    spec.write_text(TINY.replace('name = "xor"', 'file = "mine.csv"'))
    data, out = tmp_path / "mine.csv", tmp_path / "out"
    data.write_text("x1,t1\n0,0\n1,1\n")
    assert saddlescape("run", spec, "-o", out).returncode == 0
    before = (out / "result.h5").read_bytes()
    data.write_text("x1,t1\n0,0\n1,0\n")
    elsewhere = "put the old file back, or choose another folder with -o\n"
    for command, remedy in ((["run", spec, "-o", out], elsewhere), (["resume", out], "put the old file back\n")):
        refused(saddlescape(*command), 3, "mine.csv: must have the same content as when", remedy)
    data.write_text("x1,t1\n0,0\n1,1\n")
    assert saddlescape("resume", out).returncode == 0
    assert (out / "result.h5").read_bytes() == before


def test_a_folder_that_is_in_use_is_told(spec, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with held(out / "lock"):
        refused(saddlescape("run", spec, "-o", out), 5, str(out), "in use by another process", "-o")
    assert saddlescape("run", spec, "-o", out).returncode == 0
    with held(out / "lock"):
        told = f"error: {out} is in use by another process; wait for it\n"  # -o is no option of resume
        done = saddlescape("resume", out)
        assert (done.returncode, done.stderr) == (5, told)


def test_a_foreign_folder_is_refused_and_left_alone(spec, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    refused(saddlescape("run", spec, "-o", tmp_path), 3, str(tmp_path), "is not a run's folder", "-o")
    refused(saddlescape("resume", tmp_path), 3, str(tmp_path), "is not a run's folder")
    assert {path.name for path in tmp_path.iterdir()} == {"thesis.txt", spec.name}


def test_a_folder_that_cannot_be_made_is_no_traceback(spec, tmp_path):
    (tmp_path / "file").write_text("")
    refused(saddlescape("run", spec, "-o", tmp_path / "file/out"), 1, "Not a directory")
    refused(saddlescape("run", spec, "-o", tmp_path / ("x" * 300)), 1, "File name too long")


def test_plot_without_matplotlib_names_the_extra(tmp_path):
    code = "import sys; sys.modules['matplotlib'] = None; from saddlescape_cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "plot", "x.h5"], capture_output=True, text=True)
    refused(done, 1, "saddlescape[plot]")


def test_of_a_long_table_both_ends_are_shown():
    labels = {outcome.label: 0 for outcome in Outcome} | {"solved": 1}
    rows = [{"scale": n / 8, **labels, "distinct_starts": 1} for n in range(20_000)]
    lines = table.text(rows).splitlines()
    assert len(lines) == 1 + 2 * table.ENDS + 1
    assert lines[1 + table.ENDS] == "... 19,960 more"
    assert (lines[1].split()[0], lines[-1].split()[0]) == ("0", "2499.88")
    assert len(table.text(rows[: 2 * table.ENDS]).splitlines()) == 1 + 2 * table.ENDS
