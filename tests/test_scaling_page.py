"""The scripts of `docs/scaling.md` run: a job of an array, queued again when its time is up, and jobs of submitit."""

import os
import re
import subprocess
import sys
import types
from functools import partial
from pathlib import Path

import pytest
from spec_cases import TINY

import saddlescape as ss

PAGE = (Path(__file__).parents[1] / "docs/scaling.md").read_text()


def code(language, words):
    """The block of the page in which these words are, with three shards for a thousand."""
    (found,) = (text for text in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if words in text)
    assert "1000" in found
    return found.replace("1001", "4").replace("1000", "3")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a sweep of three blocks, in which the commands are run."""
    (tmp_path / "mine.toml").write_text(TINY.replace("count = 10", "count = 40000"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(folder, name, line):
    """A command that the script finds before any other."""
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def job(folder, number):
    names = {"SLURM_ARRAY_TASK_ID": number, "SLURM_ARRAY_JOB_ID": 7, "SLURM_CPUS_PER_TASK": 1}
    there = {**os.environ, **{k: str(v) for k, v in names.items()}, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    return subprocess.run(["bash", "-c", code("sh", "SBATCH")], env=there, capture_output=True, text=True)


def test_jobs_of_an_array_are_the_shards_of_a_run(folder):
    whole = ss.run("mine.toml", "whole", threads=1).read_bytes()
    command(folder, "saddlescape", f'exec {sys.executable} -m saddlescape "$@"')
    for number in (1, 2, 3):
        done = job(folder, number)
        assert (done.returncode, done.stderr) == (0, "")
    assert ss.merge(sorted(folder.glob("shards/*")), "result.h5").read_bytes() == whole


def test_a_job_whose_time_is_up_is_queued_again(folder):
    command(folder, "saddlescape", "exit 75")
    command(folder, "scontrol", 'echo "$@"')
    done = job(folder, 2)
    assert (done.returncode, done.stdout) == (0, "requeue 7_2\n")
    command(folder, "saddlescape", "exit 3")
    assert job(folder, 2).returncode == 3


class Executor:
    """As much of submitit's as the page uses, in this process."""

    def __init__(self, folder):
        self.parameters = {}

    def update_parameters(self, **parameters):
        self.parameters |= parameters

    def map_array(self, function, *arguments):
        return [types.SimpleNamespace(result=partial(function, *each)) for each in zip(*arguments, strict=True)]


def test_jobs_of_submitit_are_the_shards_of_a_run(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", types.SimpleNamespace(AutoExecutor=Executor))
    exec(code("python", "submitit"), {})
    assert Path("result.h5").read_bytes() == ss.run("mine.toml", "whole", threads=1).read_bytes()
