"""Memory does not grow with the number of runs or blocks."""

import os
import subprocess
import sys

import pytest
from spec_cases import TINY
from store_cases import run_folder, sweep
from tolerances import INDEX, MEMORY_GROWTH, ROOMY

from saddlescape.plan import Plan
from saddlescape.plan import plan as plans
from saddlescape.store.merge import METADATA

# Of this process alone: ru_maxrss of a child starts with the memory of the process that forked it.
PEAK = """
from pathlib import Path
from saddlescape_cli.main import main
try:
    main()
finally:
    print(*(line.split()[1] for line in Path("/proc/self/status").open() if line.startswith("VmHWM:")))
"""
SETTINGS = ("training.steps=20", "record.runs=0")


def peak(folder, runs):
    """Peak resident memory in KiB of the demo with about this number of runs."""
    settings = [word for key in (*SETTINGS, f"starts.count={runs // 11}") for word in ("--set", key)]
    command = [sys.executable, "-c", PEAK, "run", "xor", "-o", str(folder), "--threads", "2", *settings]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_runs(tmp_path):
    peak(tmp_path / "compile", 11)
    few, many = peak(tmp_path / "few", 10**4), peak(tmp_path / "many", 10**6)
    assert 0 < many < (1 + MEMORY_GROWTH) * few


GREW = """
import sys
from pathlib import Path
import saddlescape as ss
from saddlescape.runs.cost import COMPILER, cost
from saddlescape.plan import Plan

def peak():
    return next(int(line.split()[1]) for line in Path("/proc/self/status").open() if line.startswith("VmHWM:"))

folder, settings = Path(sys.argv[1]), sys.argv[2:]
ss.run("xor", folder / "few", overrides=[*settings, "starts.count=2"], threads=2)
before, sweep = peak(), ss.load("xor", settings)
ss.run(sweep, folder / "many", threads=2)
print(1024 * (peak() - before), cost(Plan(sweep), 2).memory_bytes - COMPILER)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "record",
    [
        ["record.runs=0", "starts.count=30000"],
        ["record.runs=0", "starts.count=30000", "record.final_parameters=true"],
        ["record.runs='all'", "starts.count=9000", "record.steps='every:1'"],
        ["record.runs='all'", "starts.count=9000", "record.steps='every:1'", "record.parameters=true"],
        ["record.runs=0", "starts.count=1000", "network.hidden=[16, 16]", "record.final_parameters=true"],
    ],
)
def test_a_run_takes_no_more_memory_than_was_said(tmp_path, record):
    command = [sys.executable, "-c", GREW, str(tmp_path), "training.steps=20", *record]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    grew, said = map(int, done.stdout.split())
    assert grew < said < ROOMY * grew


MERGED = """
import os, sys
from pathlib import Path
from saddlescape.plan import plan
from saddlescape.store import merge_shards

def look():
    global merged
    merged += 1
    if merged % 100 == 0:
        told = Path("/proc/self/status").read_text().split()
        print(merged, told[told.index("VmRSS:") + 1], len(os.listdir("/proc/self/fd")))

plan.BLOCK_RUNS, merged = 1, 0
sys.modules["saddlescape.store.merge"].METADATA = int(sys.argv[1])
merge_shards([Path("run")], Path("merged.h5"), look)
"""


@pytest.mark.parametrize(("blocks", "metadata"), [(800, 2**15), pytest.param(10_000, METADATA, marks=pytest.mark.slow)])
def test_memory_and_handles_of_a_merge_do_not_grow_with_the_number_of_blocks(tmp_path, monkeypatch, blocks, metadata):
    monkeypatch.setattr(plans, "BLOCK_RUNS", 1)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    run_folder(Plan(sweep(f"starts.count={blocks}", "record.runs=0", text=TINY)), tmp_path / "run")
    command = [sys.executable, "-c", MERGED, str(metadata)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    number, kib, handles = zip(*(map(int, line.split()) for line in done.stdout.splitlines()), strict=True)
    assert number == tuple(range(100, blocks + 1, 100))
    assert len(set(handles)) == 1
    assert 1024 * (max(kib) - kib[len(kib) // 2]) < INDEX, kib
