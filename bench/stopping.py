"""Measure how soon a command ends after Ctrl-C or SIGTERM, in the slowest known cases.

    python bench/stopping.py [CASE ...]
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

SPEC = """schema = 1
[problem]
name = "random"
samples = 4096
inputs = 2
outputs = 1
[network]
hidden = [64, 64, 64, 64, 64, 64, 64, 64]
[starts]
scale = 0.3
count = 64
[training]
{}
"""
ADAM = SPEC.format('optimizer = "adam"\nlearning_rate = 1e-3\nsteps = 1000000')
FLOW = SPEC.format('optimizer = "flow"\ntime = 1e6')
SLICES = """
from saddlescape.runs import dispatch
from saddlescape_cli.start import main

whole = dispatch.Meter.after_slice

def after_slice(meter, steps):
    print("slice", flush=True)
    whole(meter, steps)

dispatch.Meter.after_slice = after_slice
main()
"""
FEW = "import saddlescape.plan.plan; saddlescape.plan.plan.BLOCK_RUNS = 11\n"
SIZE = [f"--set={key}" for key in ("starts.count=2000", "training.steps=10", "record.runs=0")]
SCHEDULER = """
import asyncio
from distributed import Scheduler, Worker

async def main():
    async with Scheduler(host="127.0.0.1", port=0, dashboard=False) as scheduler:
        async with Worker(scheduler.address, nthreads=1, dashboard=False):
            print(scheduler.address, flush=True)
            await scheduler.finished()

asyncio.run(main())
"""


def begin(folder: Path, *words: str, code: str = SLICES) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, *words], cwd=folder, stdout=subprocess.PIPE, text=True)


def wait_for(process: subprocess.Popen[str], path: Path, pattern: str) -> None:
    """Wait until a process has written a file."""
    while not list(path.glob(pattern)):
        assert process.poll() is None, process.returncode
        time.sleep(0.01)


def stopped(process: subprocess.Popen[str], number: int) -> float:
    """Return the seconds from a signal to the end of the process."""
    process.send_signal(number)
    began = time.perf_counter()
    process.wait()
    assert process.returncode == 128 + number, process.returncode
    return time.perf_counter() - began


def training(folder: Path, spec: str, number: int) -> float:
    (folder / "big.toml").write_text(spec)
    process = begin(folder, "run", "big.toml")
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(2)] == ["slice\n"] * 2
    return stopped(process, number)


def compiling(folder: Path, number: int) -> float:
    os.environ["NUMBA_CACHE_DIR"] = str(folder / "cache")
    (folder / "big.toml").write_text(ADAM)
    process = begin(folder, "run", "big.toml")
    wait_for(process, folder, "big/plan.json")
    time.sleep(8)  # after the imports, during the compilation
    return stopped(process, number)


def merging(folder: Path, number: int) -> float:
    begin(folder, "run", "xor", "-o", "run", "--keep-blocks", *SIZE, code=FEW + SLICES).communicate()
    process = begin(folder, "merge", "run", "-o", "made.h5", code=FEW + SLICES)
    wait_for(process, folder, ".made*")
    time.sleep(1)
    return stopped(process, number)


def clustered(folder: Path, number: int) -> float:
    scheduler = begin(folder, code=SCHEDULER)
    assert scheduler.stdout is not None
    process = begin(folder, "run", "xor", "-o", "run", "--set", "starts.count=1000000",
                    "--dask", scheduler.stdout.readline().strip())  # fmt: skip
    wait_for(process, folder, "run/blocks/*.h5")
    scheduler.send_signal(signal.SIGSTOP)
    time.sleep(1)
    try:
        return stopped(process, number)
    finally:
        scheduler.kill()


CASES = {
    "kernels are compiled, eight layers of 64": compiling,
    "adam, eight layers of 64, 4096 samples": lambda folder, number: training(folder, ADAM, number),
    "flow, eight layers of 64, 4096 samples": lambda folder, number: training(folder, FLOW, number),
    "merge of 2000 blocks": merging,
    "Dask, the scheduler stopped": clustered,
}


def main() -> None:
    print("| meanwhile | SIGINT, s | SIGTERM, s |\n| --- | --- | --- |", flush=True)
    for name, case in CASES.items():
        if any(re.search(word, name) for word in sys.argv[1:] or [""]):
            seconds = []
            for number in (signal.SIGINT, signal.SIGTERM):
                with TemporaryDirectory() as folder:
                    seconds.append(case(Path(folder), number))
            print(f"| {name} | {seconds[0]:.2f} | {seconds[1]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
