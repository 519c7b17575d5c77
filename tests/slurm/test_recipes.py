"""The recipes of `docs/scaling.md` under a real Slurm: each result has the bytes of one run."""

import os
import re

import pytest
from conftest import block, free_ports, said, until

import saddlescape as ss

SPEC = """schema = 1
[problem]
name = "xor"
[starts]
count = 12_000
scale = 0.01
[training]
learning_rate = 0.01
"""
"""A sweep of nine blocks, each half a second of work."""

SOON = "$((1 + 600 * ${SLURM_RESTART_COUNT:-0}))s"
"""The time of a shard: too short the first time."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of the result of one run."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "mine.toml").write_text(SPEC)
    with ss.run(folder / "mine.toml", folder / "run", progress=False) as result:
        return result.path.read_bytes()


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The working directory, with the sweep."""
    (tmp_path / "mine.toml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def smaller(script, **changes):
    """The script with other numbers, each of which must be in it."""
    for old, new in {"cpus-per-task=4": "cpus-per-task=1", **changes}.items():
        assert old in script
        script = script.replace(old, new)
    return script


def restarts(slurm, job):
    return [int(each) for each in re.findall(r"Restarts=(\d+)", said("scontrol", "show", "job", job, env=slurm))]


def finished(slurm, here, result):
    """Wait until no job is left, and return the bytes of the result."""
    until(lambda: not said("squeue", "-h", env=slurm), "all jobs end")
    outputs = "".join(f"{path.name}:\n{path.read_text()}" for path in sorted(here.glob("slurm-*.out")))
    assert (here / result).exists(), outputs
    return (here / result).read_bytes()


def test_shards_of_an_array_are_queued_again_when_their_time_is_up_and_merged_when_all_are_finished(slurm, here, whole):
    (here / "sweep.sh").write_text(smaller(block("--shard"), **{"1000": "3", "55m": SOON}))
    ids = said("bash", "-ec", block("afterok"), env=slurm)
    (merge,) = re.findall(r"Submitted batch job (\d+)", ids)
    assert finished(slurm, here, "result.h5") == whole
    assert restarts(slurm, str(int(merge) - 1)) == [1, 1, 1]


def test_a_shard_that_slurm_tells_to_stop_is_queued_again_and_goes_on(slurm, here, whole):
    (here / "sweep.sh").write_text(smaller(block("--shard"), **{"1000": "1"}))
    job = said("sbatch", "--parsable", "sweep.sh", env=slurm).strip()
    until(lambda: list(here.glob("shards/1/blocks/*")), "a block is committed")
    said("scancel", "--signal=TERM", job, env=slurm)  # what --signal=TERM@60 does a minute before the time limit
    until(lambda: restarts(slurm, job) == [1], "the shard is queued again")
    assert finished(slurm, here, "shards/1/result.h5") == whole


def test_workers_of_dask_are_tasks_of_a_job(slurm, here, whole):
    pytest.importorskip("distributed")
    (port,) = free_ports(1)
    small = {"ntasks=16": f"ntasks={os.cpu_count()}", "8786": str(port)}
    (here / "workers.sh").write_text(smaller(block("dask worker $scheduler"), **small))
    said("sbatch", "workers.sh", env=slurm)
    assert finished(slurm, here, "my-run/result.h5") == whole
