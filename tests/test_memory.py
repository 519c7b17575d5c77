"""Memory: it does not grow with the number of runs."""

import subprocess
import sys

import pytest
from tolerances import MEMORY_GROWTH

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
    """Peak resident memory, KiB, of the demo with about so many runs in all."""
    settings = [word for key in (*SETTINGS, f"starts.count={runs // 11}") for word in ("--set", key)]
    command = [sys.executable, "-c", PEAK, "run", "xor", "-o", str(folder), "--threads", "2", *settings]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_runs(tmp_path):
    peak(tmp_path / "compile", 11)
    few, many = peak(tmp_path / "few", 10**4), peak(tmp_path / "many", 10**6)
    assert 0 < many < (1 + MEMORY_GROWTH) * few
