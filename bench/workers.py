"""What Dask costs: one sweep on threads and on as many workers of this machine, in turn."""

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
"""Blocks of one run each, which is over before it has begun: what is left is the way of a block to the disk."""


def spent(workers):
    """Processor time so far of this process, which has the scheduler too, and of the workers."""
    return time.process_time() + sum(workers._client.run(time.process_time).values())


def timed(sweep, team, folder, **who):
    """(wall clock, processor time) of a run, and its bytes."""
    began, before = time.perf_counter(), spent(team)
    result = ss.run(sweep, folder, **who)
    return time.perf_counter() - began, spent(team) - before, result.read_bytes()


def rounds(sweep, number, times):
    """For each round: wall clock and processor time of Dask over those of threads."""
    with tempfile.TemporaryDirectory() as name, cluster.connect(f"local:{number}") as workers:
        ss.run(sweep, Path(name) / "warm", workers=workers)  # compiles
        for turn in range(times):
            *threads, one = timed(sweep, workers, Path(name) / f"threads-{turn}", threads=number)
            *dask, other = timed(sweep, workers, Path(name) / f"dask-{turn}", workers=workers)
            assert one == other
            yield {"threads": threads, "dask": dask, "ratio": [d / t for d, t in zip(dask, threads, strict=True)]}


def empty_blocks(number, blocks):
    """Blocks a second that threads and Dask compute and commit if there is nothing to compute."""
    sweep = ss.load("xor", (*EMPTY, f"starts.count={blocks // 11}"))
    with tempfile.TemporaryDirectory() as name, cluster.connect(f"local:{number}") as workers:
        ss.run(sweep, Path(name) / "warm", workers=workers)
        threads, *_ = timed(sweep, workers, Path(name) / "threads", threads=number)
        dask, *_ = timed(sweep, workers, Path(name) / "dask", workers=workers)
    return [Plan(sweep).blocks / threads, Plan(sweep).blocks / dask]


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="a small sweep: a try of the machinery")
    options.add_argument("--rounds", type=int, default=5)
    given, before = options.parse_args(), report.machine()
    sweep, number = ss.load("xor", QUICK if given.quick else SETTINGS), cores()
    found = list(rounds(sweep, number, given.rounds))
    rows = [[what, *(median(turn[who][i] for turn in found) for who in ("threads", "dask", "ratio"))]
            for i, what in enumerate(("wall clock, s", "processor time, s"))]  # fmt: skip
    threads, dask = empty_blocks(number, 220 if given.quick else 1100)
    rows.append(["empty blocks/s", threads, dask, dask / threads])
    text = report.table(["median", f"{number} threads", f"Dask, {number} workers", "ratio in a round"], rows)
    report.keep("workers", {"rounds": found, "empty": [threads, dask]}, text, before)


if __name__ == "__main__":
    main()
