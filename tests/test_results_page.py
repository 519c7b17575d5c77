"""Run the Python blocks of docs/results.md from top to bottom, as in a notebook, and then its commands."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from saddlescape.words.outcomes import Outcome

PAGE = (Path(__file__).parents[1] / "docs/results.md").read_text(encoding="utf-8")


def code(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """Return the folder and the variables after all Python blocks of the page."""
    folder, names = tmp_path_factory.mktemp("cells"), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for cell in code("python"):
            exec(compile(cell, "results.md", "exec"), names)
    return folder, names


def test_the_python_blocks_run_and_agree_with_each_other(cells):
    _, names = cells
    outcome, scale = names["r"].outcome, list(names["r"].scale)
    assert names["r"].dims == {"scale": 11, "run": 500}
    assert names["solved"] == np.mean(outcome[scale.index(1)] == 4)
    assert names["few"].dims == {"scale": 2, "run": 2}
    assert outcome[tuple(names["trapped"][0])] == Outcome.TRAPPED
    assert names["path"]["loss"][-1] > 0
    assert names["recorded"]["loss"].shape == names["r"].record_step.shape
    assert names["table"].loc[1.0, "solved"] == names["solved"]
    assert len(names["slowest"]) == 5
    np.testing.assert_array_equal(names["fraction"], np.mean(outcome == 4, axis=1))
    steps = names["r"].sel(scale=1.0).solve_step
    assert names["mean"].sel(scale=1.0) == np.mean(steps[steps >= 0])
    assert names["done"] == 1


def test_the_commands_run(cells):
    folder, _ = cells
    (commands, _bench) = code("sh")
    for line in commands.splitlines():
        words = shlex.split(line, comments=True)
        done = subprocess.run([sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert {"runs.csv", "runs.parquet", "arrays.npz"} <= {path.name for path in folder.iterdir()}
