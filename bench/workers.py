"""Measure the cost of Dask: one sweep on threads and on the same number of local workers, in turn."""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import report

import saddlescape as ss
from saddlescape.plan import Plan
from saddlescape.runs import cluster
from saddlescape.system.resources import cores

SETTINGS = ("starts.count=20000", "training.steps=2000")
QUICK = ("starts.count=6000", "training.steps=500")
EMPTY = ("stop.diverged=1e-9", "training.steps=40000000", "record.runs=0")
"""Blocks of one run each that stops at once: only the writing of blocks takes time."""


def spent(workers):
    """Return the processor time so far of this process, which contains the scheduler, and of the workers."""
    return time.process_time() + sum(workers._client.run(time.process_time).values())


def timed(sweep, workers, folder, /, **options):
    """Return the wall clock and the processor time of a run, and the bytes of its result."""
    began, before = time.perf_counter(), spent(workers)
    result = ss.run(sweep, folder, **options)
    return time.perf_counter() - began, spent(workers) - before, result.read_bytes()


def rounds(sweep, number, times):
    """Yield for each round the wall clock and the processor time of threads, of Dask, and their ratio."""
    with tempfile.TemporaryDirectory() as name, cluster.connect(f"local:{number}") as workers:
        ss.run(sweep, Path(name) / "warm", workers=workers)  # compiles
        for turn in range(times):
            *threads, one = timed(sweep, workers, Path(name) / f"threads-{turn}", threads=number)
            *dask, other = timed(sweep, workers, Path(name) / f"dask-{turn}", workers=workers)
            assert one == other
            yield {"threads": threads, "dask": dask, "ratio": [d / t for d, t in zip(dask, threads, strict=True)]}


def empty_blocks(number, blocks):
    """Measure the blocks per second that threads and Dask commit if there is nothing to compute."""
    sweep = ss.load("xor", (*EMPTY, f"starts.count={blocks // 11}"))
    with tempfile.TemporaryDirectory() as name, cluster.connect(f"local:{number}") as workers:
        ss.run(sweep, Path(name) / "warm", workers=workers)
        threads, *_ = timed(sweep, workers, Path(name) / "threads", threads=number)
        dask, *_ = timed(sweep, workers, Path(name) / "dask", workers=workers)
    return [Plan(sweep).blocks / threads, Plan(sweep).blocks / dask]


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="a small sweep; to test the benchmark")
    options.add_argument("--rounds", type=int, default=5)
    arguments, before = options.parse_args(), report.machine()
    sweep, number = ss.load("xor", QUICK if arguments.quick else SETTINGS), cores()
    turns = list(rounds(sweep, number, arguments.rounds))
    rows = [[name, *(median(turn[who][i] for turn in turns) for who in ("threads", "dask", "ratio"))]
            for i, name in enumerate(("wall clock, s", "processor time, s"))]  # fmt: skip
    threads, dask = empty_blocks(number, 220 if arguments.quick else 1100)
    rows.append(["empty blocks/s", threads, dask, dask / threads])
    text = report.table(["median", f"{number} threads", f"Dask, {number} workers", "ratio in a round"], rows)
    report.save("workers", {"rounds": turns, "empty": [threads, dask]}, text, before)


if __name__ == "__main__":
    main()
