"""Blocks computed by workers of a Dask cluster, some of which die: the bytes of one run, or one clear line."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest
from spec_cases import TINY

import saddlescape as ss
from saddlescape import cluster
from saddlescape.plan import Plan

WORK = 9 * 4 * 2000 * 64
SPEC = TINY.replace('name = "xor"', 'file = "samples.csv"').replace("count = 10", "count = 1024")
SPEC = SPEC.replace("steps = 20", "steps = 2000")
"""Sixteen blocks, of samples that only the client has."""

SCHEDULER = """
import asyncio
from distributed import Scheduler

async def main():
    async with Scheduler(host="127.0.0.1", port=0, dashboard=False) as scheduler:
        print(scheduler.address, flush=True)
        await scheduler.finished()

asyncio.run(main())
"""

WORKER = """
import asyncio, os, sys
from distributed import Worker
from saddlescape import cluster, plan

plan.BLOCK_WORK = int(sys.argv[2])
computed = cluster.compute

async def main():
    async with Worker(sys.argv[1], nthreads=1, dashboard=False) as worker:
        print("ready", flush=True)
        await worker.finished()

"""
START = "\nasyncio.run(main())"

CLUMSY = """
def clumsy(plan, block, after_slice):
    if block.number in (3, 5):
        raise MemoryError("no room")
    return computed(plan, block, after_slice)

cluster.compute = clumsy
"""

DEADLY = """
def deadly(plan, block, after_slice):
    return os._exit(1) if block.number == 3 else computed(plan, block, after_slice)

cluster.compute = deadly
"""


@pytest.fixture(autouse=True, scope="module")
def small_blocks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("saddlescape.plan.BLOCK_WORK", WORK)
        yield


@pytest.fixture(scope="module")
def sweep(tmp_path_factory, small_blocks):
    folder = tmp_path_factory.mktemp("spec")
    (folder / "samples.csv").write_text("x1,x2,t1\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n")
    (folder / "spec.toml").write_text(SPEC)
    return ss.load(folder / "spec.toml")


@pytest.fixture(scope="module")
def result(sweep, tmp_path_factory):
    """The result of a run on threads."""
    assert Plan(sweep).blocks == 16
    return ss.run(sweep, tmp_path_factory.mktemp("threads") / "run", threads=2)


class Processes(contextlib.ExitStack):
    """A scheduler, and workers that compute blocks in a folder without data; all end with the context."""

    def __init__(self, folder, **environment):
        super().__init__()
        self.folder, self.environment = folder, {**os.environ, **environment}
        self.scheduler = self.start(SCHEDULER)
        self.address = self.scheduler.stdout.readline().strip()

    def start(self, code, *args):
        command = [sys.executable, "-c", code, *map(str, args)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        process = subprocess.Popen(command, cwd=self.folder, env=self.environment, **pipes)
        self.enter_context(process)
        self.callback(process.kill)
        return process

    def workers(self, number, code=""):
        started = [self.start(WORKER + code + START, self.address, WORK) for _ in range(number)]
        assert [worker.stdout.readline() for worker in started] == ["ready\n"] * number
        return started


@pytest.fixture
def processes(tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    with Processes(folder) as started:
        yield started


def nothing_here(*args):
    raise AssertionError("the client computes nothing")


def test_a_worker_that_is_killed_changes_no_byte(processes, sweep, result, tmp_path, monkeypatch):
    monkeypatch.setattr("saddlescape.runner.compute", nothing_here)
    lost, _ = processes.workers(2)
    seen = []

    def kill(progress):
        seen.append(progress)
        if progress.runs_done:
            lost.kill()

    with cluster.connect(processes.address) as workers:
        assert workers.threads() == 2
        found = ss.run(sweep, tmp_path / "run", workers=workers, progress=kill)
    assert lost.wait() == -signal.SIGKILL
    assert found.read_bytes() == result.read_bytes()
    assert seen[-1].runs_done == seen[-1].runs == 1024
    assert seen[-1].steps_done > 1024 * 100
