"""Tests of the README: its text agrees with its table, and the table with the runs."""

import re
import shlex
import subprocess
import sys
import tomllib
from itertools import pairwise, takewhile
from pathlib import Path

import numpy as np
import pytest
from tolerances import SURE

import saddlescape as ss
from saddlescape.analysis import outcome_counts, wilson_interval
from saddlescape.words.outcomes import Outcome

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
TEXT = re.sub(r"\s+", " ", README)
HEAD, *LINES = re.search(r"```\n(scale .*?)```", README, re.DOTALL)[1].splitlines()
NAMES = HEAD.replace("distinct starts", "distinct_starts").split()
TABLE = {
    name: np.array(column) for name, column in zip(NAMES, np.array([x.split() for x in LINES], float).T, strict=True)
}
SCALE, STARTS = TABLE["scale"], 4096


def test_the_text_agrees_with_the_table():
    assert f"{STARTS} normal starts at each scale" in TEXT
    assert TABLE["frozen"].tolist() == [STARTS] + [0] * (len(SCALE) - 1)
    stay = list(takewhile(lambda i: TABLE["plateau"][i] == STARTS, range(1, len(SCALE))))
    assert f"up to scale {SCALE[stay[-1]]:g} no start leaves the plateau in time" in TEXT
    more = list(
        takewhile(lambda pair: pair[0][1] < pair[1][1], pairwise((i, TABLE["trapped"][i]) for i in range(6, 11)))
    )
    first, last = more[0][0][0], more[-1][1][0]
    assert not TABLE["trapped"][:first].any()
    assert f"from scale {SCALE[first]:g} to {SCALE[last]:g} more and more get trapped" in TEXT


def test_the_install_lines_bring_what_the_examples_use():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = re.findall(r'^pip install "\S+\[(\S+)\]"', README + (ROOT / "docs/install.md").read_text(), re.MULTILINE)
    used = {*re.findall(r"^import (\w+)$", README, re.MULTILINE), *re.findall(r'engine="(\w+)"', README)}
    assert len(lines) == 4
    assert used == {"xarray", "h5netcdf"}
    for line in lines:
        needed = [each for extra in line.split(",") for each in project["optional-dependencies"][extra]]
        assert used | {"matplotlib", "websockets"} <= {re.match(r"\w+", each)[0] for each in needed}


def test_the_example_sweep_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table, spec, commands, python = re.findall(
        r"```\w*\n(.*?)```", README.split("## A sweep of your own")[1], re.DOTALL
    )
    Path("mine.csv").write_text(table)
    Path("mine.toml").write_text(spec)
    for line in commands.splitlines():
        name, *words = shlex.split(line, comments=True)
        assert name == ".venv/bin/saddlescape"
        subprocess.run([sys.executable, "-m", "saddlescape", *words], check=True, capture_output=True)
    assert Path("curve.png").exists()
    names = {}
    exec(python, names)
    assert names["r"].outcome.shape == (4, 1000)
    np.testing.assert_array_equal(names["data"].outcome, names["r"].outcome)


def counts(folder, starts):
    with ss.open(ss.run("xor", folder, overrides=[f"starts.count={starts}"])) as result:
        assert result.coords["scale"].tolist() == SCALE.tolist()
        assert f"at most {result.sweep.spec.steps:,} steps".replace(",", " ") in TEXT
        numbers = outcome_counts(result["outcome"])
        table = {name: numbers[:, Outcome[name.upper()]] for name in NAMES[1:-1]}
        assert sum(table.values()).tolist() == [starts] * len(SCALE)
        return table | {"distinct_starts": result["distinct_starts"]}


def test_the_table_agrees_with_some_of_its_runs(tmp_path):
    few = counts(tmp_path / "xor", 64)
    for name in NAMES[1:-1]:
        low, high = wilson_interval(few[name], 64, SURE)
        share = TABLE[name] / STARTS
        assert ((low <= share) & (share <= high)).all(), name


@pytest.mark.slow
def test_the_table_equals_the_runs(tmp_path):
    for name, column in counts(tmp_path / "xor", STARTS).items():
        assert column.tolist() == TABLE[name].tolist(), name
