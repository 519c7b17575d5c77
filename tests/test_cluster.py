"""Blocks computed by workers of a Dask cluster, some of which die: the bytes of one run, or one clear line."""

import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from spec_cases import TINY, blocks_of

import saddlescape as ss
from saddlescape.plan import Plan
from saddlescape.runs import cluster
from saddlescape.runs.cluster import ClusterError
from saddlescape.runs.runner import FailedBlocksError, Interrupted, resume
from saddlescape.spec import parse

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
from saddlescape.plan import plan
from saddlescape.runs import cluster

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


PATIENT = f"""
from saddlescape.plan import plan
from saddlescape.runs import cluster
from saddlescape.store import RunFolder
from saddlescape_cli.main import main

plan.BLOCK_WORK = {WORK}
whole = RunFolder.commit_file

def commit_file(*block):
    whole(*block)
    cluster.SILENT = silent

RunFolder.commit_file, silent = commit_file, cluster.SILENT
"""
IMPATIENT = PATIENT + "silent = 1.0\nmain()"
"""From the first block on, which is later than anything that takes its time."""
PATIENT += "main()"

small_blocks = blocks_of(WORK)


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

    @staticmethod
    def end(*processes):
        for process in processes:
            process.kill()
            process.wait()

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
    monkeypatch.setattr("saddlescape.runs.dispatch.compute", nothing_here)
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


@pytest.mark.slow
def test_a_block_that_fails_is_told_as_on_threads_and_can_be_tried_again(processes, sweep, result, tmp_path):
    folder = tmp_path / "run"
    clumsy = processes.workers(1, CLUMSY)
    with cluster.connect(processes.address) as workers:
        with pytest.raises(MemoryError, match="no room"):
            ss.run(sweep, folder, workers=workers)
        with pytest.raises(FailedBlocksError, match=r"^2 blocks failed, .* MemoryError: no room; .*000003\.failed"):
            resume(folder, workers=workers, keep_going=True)
        assert (ss.status(folder).done, ss.status(folder).failed) == (14, 2)
        processes.end(*clumsy)
        processes.workers(1)
        found = resume(folder, workers=workers, retry_failed=True)
    assert found.read_bytes() == result.read_bytes()


def working(workers):
    """The blocks that each worker has in hand."""
    return workers._client.processing().values()


@pytest.mark.slow
def test_a_stop_frees_the_workers_at_once(processes, sweep, result, tmp_path):
    processes.workers(1)
    endless = parse(TINY, tmp_path, ["training.steps=1000000000000", "stop.solved=0"])
    with cluster.connect(processes.address) as workers:
        with pytest.raises(Interrupted):
            ss.run(endless, tmp_path / "endless", workers=workers, should_stop=lambda: any(working(workers)))
        end = time.monotonic() + 60
        found = ss.run(sweep, tmp_path / "run", workers=workers, should_stop=lambda: time.monotonic() > end)
    assert found.read_bytes() == result.read_bytes()


@pytest.mark.slow
def test_a_scheduler_that_is_lost_ends_the_run_and_keeps_what_is_done(processes, sweep, result, tmp_path):
    processes.workers(1)

    def kill(progress):
        if progress.runs_done:
            processes.scheduler.kill()

    lost = pytest.raises(ClusterError, match=r"scheduler at tcp://.* is lost; continue with saddlescape resume")
    with lost, cluster.connect(processes.address) as workers:
        ss.run(sweep, tmp_path / "run", workers=workers, progress=kill)
    assert 0 < ss.status(tmp_path / "run").done < 16
    assert resume(tmp_path / "run", threads=2).read_bytes() == result.read_bytes()


@pytest.mark.fault("the scheduler of a cluster stops responding, or is lost")
@pytest.mark.parametrize("harm", ["SIGSTOP", pytest.param("SIGKILL", marks=pytest.mark.slow)])
def test_a_scheduler_that_does_not_answer_is_one_line(processes, sweep, result, tmp_path, tried, harm):
    processes.workers(1)
    spec, folder = sweep.folder / "spec.toml", tmp_path / "run"
    code = IMPATIENT if harm == "SIGSTOP" else PATIENT
    words = [sys.executable, "-c", code, "run", spec, "-o", folder, "--dask", processes.address]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, **pipes) as process:
        while not list(folder.glob("blocks/*.h5")) and process.poll() is None:
            os.sched_yield()
        processes.scheduler.send_signal(signal.Signals[harm])
        out, told = process.communicate(timeout=120)
    processes.scheduler.send_signal(signal.SIGCONT)
    lost = "does not answer" if harm == "SIGSTOP" else f"at {processes.address} is lost"
    error = f"error: the scheduler {lost}; continue with saddlescape resume\n"
    assert (process.returncode, out, told) == (1, "", error)
    assert 0 < ss.status(folder).done < 16
    assert resume(folder, threads=2).read_bytes() == result.read_bytes()
    tried()


HURRIED = """
from saddlescape.runs import cluster
from saddlescape_cli.start import main
cluster.WAIT_SECONDS = 1
main()
"""


@pytest.mark.fault("the scheduler of a cluster stops responding, or is lost")
def test_a_scheduler_that_takes_calls_and_is_silent_is_not_waited_for(sweep, tmp_path, tried):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        command = [sys.executable, "-c", HURRIED, "run", sweep.folder / "spec.toml", "-o", tmp_path / "run"]
        done = subprocess.run([*command, "--dask", where], capture_output=True, text=True, timeout=60)
    told = f"error: no Dask scheduler answers at {where} (no answer for 1 seconds)\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", told)
    tried()


@pytest.mark.slow
def test_a_block_that_ends_its_workers_is_given_up(sweep, tmp_path):
    with Processes(tmp_path, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0") as processes:
        processes.workers(2, DEADLY)
        given_up = pytest.raises(ClusterError, match=r"1 workers were lost while they computed the same block, the last tcp://.*memory")
        with given_up, cluster.connect(processes.address) as workers:
            ss.run(sweep, tmp_path / "run", workers=workers)


@pytest.mark.slow
def test_workers_with_other_packages_fail_no_block(processes, sweep, tmp_path):
    processes.workers(1, "real = cluster.versions\ncluster.versions = lambda: {**real(), 'numpy': '0'}\n")
    refused = pytest.raises(ClusterError, match=r"has numpy 0 instead of \d.*; install the packages of")
    with refused, cluster.connect(processes.address) as workers:
        ss.run(sweep, tmp_path / "run", workers=workers, keep_going=True)
    assert (ss.status(tmp_path / "run").done, ss.status(tmp_path / "run").failed) == (0, 0)


def test_a_worker_makes_the_same_plan_or_none(sweep):
    plan = Plan(sweep)
    sent = cluster.job(plan)
    assert cluster.plan_of(sent).digest == plan.digest
    cluster.plan_of.cache_clear()
    with pytest.raises(ClusterError, match="a data file has changed"):
        cluster.plan_of(dataclasses.replace(sent, data={"samples.csv": b"x1,t1\n0,0\n"}))


def command(*args):
    return [sys.executable, "-m", "saddlescape", *map(str, args)]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("nonsense", "error: workers must be tcp://HOST:PORT of a Dask scheduler, or local:N; got 'nonsense'\n"),
        ("local:0", "error: workers must be tcp://HOST:PORT of a Dask scheduler, or local:N; got 'local:0'\n"),
        ("tcp://127.0.0.1:1", "error: no Dask scheduler answers at tcp://127.0.0.1:1 "),
    ],
)
def test_a_wrong_address_is_told_in_one_line(tmp_path, address, words):
    imports = "from saddlescape.runs import cluster; from saddlescape_cli.main import main"
    short = f"{imports}; cluster.WAIT_SECONDS = 1; main()"
    args = ["run", "xor", "-o", tmp_path / "run", "--dask", address]
    done = subprocess.run([sys.executable, "-c", short, *args], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(words)
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_threads_are_not_those_of_other_machines(tmp_path):
    args = ["run", "xor", "-o", tmp_path / "run", "--dask", "tcp://127.0.0.1:1", "--threads", "2"]
    done = subprocess.run(command(*args), capture_output=True, text=True)
    assert done.returncode == 2
    assert "set those of other workers with: dask worker --nthreads" in done.stderr


def test_without_dask_the_remedy_is_told(tmp_path):
    program = "import sys; sys.modules['distributed'] = None; from saddlescape_cli.main import main; main()"
    args = ["run", "xor", "-o", tmp_path / "run", "--dask", "local:1"]
    done = subprocess.run([sys.executable, "-c", program, *args], capture_output=True, text=True)
    assert done.stderr == 'error: distributed is needed; install it with: pip install "saddlescape[dask]"\n'


LONG = TINY.replace("count = 10", "count = 65536").replace("steps = 20", "steps = 2000") + "[stop]\nsolved = 0\n"


@pytest.mark.slow
def test_ctrl_c_in_a_terminal_stops_workers_of_ones_own_in_good_order(tmp_path):
    (tmp_path / "long.toml").write_text(LONG)
    subprocess.run(command("run", tmp_path / "long.toml", "-o", tmp_path / "whole"), check=True, capture_output=True)
    folder = tmp_path / "run"
    args = command("run", tmp_path / "long.toml", "-o", folder, "--dask", "local:2")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(args, start_new_session=True, **pipes) as process:
        while not list(folder.glob("blocks/*.h5")) and process.poll() is None:
            os.sched_yield()
        os.killpg(process.pid, signal.SIGINT)
        out, told = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert told == f"stopped; finished blocks are kept. Continue with: saddlescape resume {folder}\n"
    assert 0 < ss.status(folder).done < ss.status(folder).blocks
    resumed = subprocess.run(command("resume", folder, "--dask", "local:2"), capture_output=True, text=True)
    assert (resumed.returncode, resumed.stderr) == (0, "")
    assert (folder / "result.h5").read_bytes() == (tmp_path / "whole/result.h5").read_bytes()
