"""Estimate 10^12 network-steps in shards from one shard that is run; and run and merge 10 000 shards."""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import report

import saddlescape as ss
from saddlescape.plan import Plan, Shard
from saddlescape.plan import plan as plans
from saddlescape.runs.runner import resume

STEPS = 10**12
CORES = (2, 64, 1024, 10_000)

ONE = """
import sys
import saddlescape as ss
from saddlescape.plan import Shard
progress = []
ss.run("xor", sys.argv[1], overrides=[sys.argv[2]], shard=Shard(int(sys.argv[3]), int(sys.argv[4])), threads=1,
       progress=progress.append, keep_blocks=True)
print(progress[-1].runs_done, progress[-1].steps_done)
"""
SMALL = ("training.steps=10", "record.runs=0")


def processor_time():
    """Return the processor seconds of the child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def one_shard(count, number, of):
    """Run one shard of xor with `count` starts per scale; return its size and its processor seconds."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", ONE, folder, f"starts.count={count}", str(number), str(of)]
        before = processor_time()
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        took, blocks = processor_time() - before, list(Path(folder).glob("blocks/*.h5"))
        runs, steps = map(int, done.stdout.split())
        size = sum(path.stat().st_size for path in blocks)
    return {"runs": runs, "steps": steps, "seconds": took, "blocks": len(blocks), "bytes": size}


def extrapolated(shard, start_up):
    """Yield the rows for 10^12 network-steps on each number of cores."""
    work = shard["seconds"] - start_up
    total = STEPS * work / shard["steps"]
    for cores in CORES:
        rate = cores * shard["blocks"] / work
        yield [cores, total / cores / 3600, rate, start_up / (total / cores)]


@contextmanager
def clock(times, name):
    began = time.perf_counter(), time.process_time()
    yield
    times[name] = time.perf_counter() - began[0], time.process_time() - began[1]


def many(shards, folder):
    """Measure wall clock and processor time of operations on `shards` shards of one block; return also their number."""
    plans.BLOCK_RUNS, times = 11, {}
    with clock(times, "load the spec and plan"):
        sweep = ss.load("xor", (*SMALL, f"starts.count={shards}"))
        shards = Plan(sweep).blocks
    folders = [folder / "shards" / str(number) for number in range(1, shards + 1)]
    with clock(times, "run all shards"):
        for number, each in enumerate(folders, start=1):
            ss.run(sweep, each, shard=Shard(number, shards), threads=1)
    with clock(times, "status of all shards"):
        assert ss.status(*folders).done == shards
    with clock(times, "merge all shards"):
        merged = ss.merge(folders, folder / "merged.h5")
    with clock(times, "the same blocks as one run"):
        whole = ss.run(sweep, folder / "whole", threads=1, keep_blocks=True)
    assert whole.read_bytes() == merged.read_bytes()
    with clock(times, "status of that run"):
        assert ss.status(folder / "whole").done == shards
    whole.unlink()
    with clock(times, "resume it: check every block, merge"):
        resume(folder / "whole", threads=1)
    return times, shards


def tables(data):
    shard, start = data["shard"], data["start_up"]
    work, blocks, times = shard["seconds"] - start, shard["blocks"], STEPS / shard["steps"]
    yield (
        f"A shard of {blocks} blocks: {shard['runs']} runs, {shard['steps']:.3g} network-steps, "
        f"{shard['steps'] / work / 1e6:.3g} million of them a second of one core, {work / blocks:.2g} s and "
        f"{shard['bytes'] / blocks / 1e3:.3g} kB a block; a process starts in {start:.2g} s. 10^12 network-steps: "
        f"{times * work / 3600:.3g} core-hours, {times * blocks:.3g} blocks, {times * shard['bytes'] / 1e9:.3g} GB."
    )
    yield report.table(["cores", "hours", "blocks/s", "start-up, share"], data["cores"])
    n = data["shards"]
    rows = [[name, wall, used, n / used] for name, (wall, used) in data["many"].items()]
    yield report.table([f"{n} blocks", "wall clock, s", "processor, s", "blocks a processor second"], rows)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="small numbers; to test the benchmark")
    options.add_argument("--shards", type=int, default=10_000)
    arguments, before = options.parse_args(), report.machine()
    of, shards = (40_000, 100) if arguments.quick else (2000, arguments.shards)
    empty = one_shard(1, 1, 1)  # compiles
    empty = one_shard(1, 1, 1)
    shard = one_shard(STEPS // 20_000 // 11, of // 2, of)
    with tempfile.TemporaryDirectory() as folder:
        times, shards = many(shards, Path(folder))
    data = {"shard": shard, "start_up": empty["seconds"], "cores": list(extrapolated(shard, empty["seconds"])),
            "shards": shards, "many": times}  # fmt: skip
    report.save("shards", data, "\n\n".join(tables(data)), before)


if __name__ == "__main__":
    main()
