"""Run the scripts of `docs/scaling.md` without Slurm: a job array, a job that is queued again, and submitit."""

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
    """Return the block of the page that contains these words, with three shards instead of a thousand."""
    (block,) = (text for text in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if words in text)
    assert "1000" in block
    return block.replace("1001", "4").replace("1000", "3")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder with a sweep of three blocks, which is the working directory."""
    (tmp_path / "mine.toml").write_text(TINY.replace("count = 10", "count = 40000"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(folder, name, line):
    """Write a command that is first in the PATH of the script."""
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def job(folder, number):
    slurm = {"SLURM_ARRAY_TASK_ID": number, "SLURM_ARRAY_JOB_ID": 7, "SLURM_CPUS_PER_TASK": 1}
    command(folder, "srun", 'shift && exec "$@"')
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    environment = {**os.environ, **{name: str(value) for name, value in slurm.items()}, "PATH": path}
    return subprocess.run(["bash", "-c", code("sh", "--shard")], env=environment, capture_output=True, text=True)


def test_jobs_of_an_array_are_the_shards_of_a_run(folder):
    whole = ss.run("mine.toml", "whole", threads=1).read_bytes()
    command(folder, "saddlescape", f'exec {sys.executable} -m saddlescape "$@"')
    for number in (1, 2, 3):
        done = job(folder, number)
        assert (done.returncode, done.stderr) == (0, "")
    assert ss.merge(sorted(folder.glob("shards/*")), "result.h5").read_bytes() == whole


def test_a_job_whose_time_is_up_or_that_is_told_to_stop_is_queued_again(folder):
    command(folder, "scontrol", 'echo "$@"')
    for status in (75, 143):
        command(folder, "saddlescape", f"exit {status}")
        done = job(folder, 2)
        assert (done.returncode, done.stdout) == (0, "requeue 7_2\n")
    command(folder, "saddlescape", "exit 3")
    assert job(folder, 2).returncode == 3


class Executor:
    """The part of submitit's executor that the page uses, in this process."""

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
