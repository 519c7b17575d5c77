"""Measure the first run of a new network: a whole process, whose kernels are not compiled yet, and the same again.

    python bench/first_run.py [--rounds N]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from statistics import median

import report

ADAM = ("training.optimizer=adam", "training.momentum=", "training.learning_rate=0.01")
UNUSED = ("training.momentum=", "training.learning_rate=", "training.steps=", "record.steps=")
FLOW = ("training.optimizer=flow", "training.time=1", *UNUSED)
NETWORKS = {
    "one hidden layer": ("network.hidden=[{}]",),
    "two": ("network.hidden=[{0},{0}]",),
    "three": ("network.hidden=[{0},{0},{0}]",),
    "eight": ("network.hidden=[{0},{0},{0},{0},{0},{0},{0},{0}]",),
    "one, adam": ("network.hidden=[{}]", *ADAM),
    "one, minibatches": ("network.hidden=[{}]", "training.batch=2"),
    "one, gradient flow": ("network.hidden=[{}]", *FLOW),
}
"""Settings, with a number of units that differs from round to round."""

FEW = ("starts.count=16", "training.steps=100")


def timed(settings, cache):
    """Return the seconds of a run in a process of its own, with a folder of compiled kernels."""
    words = [word for key in settings for word in ("--set", key)]
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        command = [sys.executable, "-m", "saddlescape", "run", "xor", "-o", f"{folder}/run", *words]
        subprocess.run(command, check=True, capture_output=True, env=environment)
        return time.perf_counter() - began


def measured(settings, rounds, cache):
    """Return the medians of the first and of the second run of a network, after a run of another one."""
    made = [[key.format(turn) for key in (*FEW, *settings)] for turn in range(3, 4 + rounds)]
    made = [list({key.partition("=")[0]: key for key in keys}.values()) for keys in made]
    timed(made[0], cache)  # compiles what all networks share
    pairs = [(timed(keys, cache), timed(keys, cache)) for keys in made[1:]]
    return [median(each) for each in zip(*pairs, strict=True)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    before, rounds = report.machine(), 1 if options.quick else options.rounds
    with tempfile.TemporaryDirectory() as cache:
        data = {name: measured(settings, rounds, cache) for name, settings in NETWORKS.items()}
    rows = [(name, first, again, first - again) for name, (first, again) in data.items()]
    heads = ["hidden layers", "first, s", "again, s", "compiling, s"]
    report.save("first_run", data, report.table(heads, rows), before)


if __name__ == "__main__":
    main()
