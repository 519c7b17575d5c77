"""Measure how the cost of a run grows with runs, steps, samples and width; also optimizers, threads, compilation."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from statistics import median

import numpy as np
import report
from cases import STEADY, make_batch, make_trainer, problem, shares, starts, trained

from saddlescape.system.resources import cores

SIZES = (2, 2, 1)
RUNS, STEPS, SAMPLES = (10**3, 10**4, 10**5, 10**6), (100, 1000, 10_000, 100_000), (4, 16, 64, 256, 1024, 4096)
SMALL = 1e-7
"""A learning rate with which no run reaches a fixed point within its steps."""

STEPS_OF_RUNS, RUNS_OF_STEPS = 1000, 16384
WIDTHS = (1, 2, 4, 8, 16, 32, 64)

FIRST_CALL = """
import sys, time
sys.path.insert(0, "bench")
from cases import make_batch, make_trainer, problem, starts
from saddlescape.kernels import train
sizes = (2, int(sys.argv[1]), 1)
X, T = problem(sizes)
began = time.perf_counter()
train(make_trainer(sizes), X, T, make_batch(starts(sizes, 8, "float64"), 2))
print(time.perf_counter() - began)
"""


def data(samples):
    """Make any number of distinct samples: corners of the square with a little noise."""
    X, T = problem(SIZES)
    X = np.resize(X, (samples, 2)) + 1e-3 * np.random.default_rng(2).normal(size=(samples, 2))
    return X, np.resize(T, (samples, 1))


def seconds(sizes, X, T, runs, steps, threads, optimizer="gd", batch=0):
    """Measure the time in which every thread finishes one call with all of its steps."""
    parts = list(shares(make_batch(starts(sizes, runs, "float64"), steps, SMALL), threads))
    began = time.perf_counter()
    done = trained(make_trainer(sizes, optimizer, batch), X, T, parts, threads)
    took = time.perf_counter() - began
    assert all((part.stop_step == steps).all() for part in done)
    return took


def medians(cases, rounds):
    """Measure the median seconds of each case ``{key: arguments}`` in interleaved rounds, without compilation."""
    took = {key: [] for key in cases}
    for sizes, X, T, _, _, threads, *options in cases.values():
        seconds(sizes, X, T, 64, 4, threads, *options)  # compiles
    for _ in range(rounds):
        for key, arguments in cases.items():
            took[key].append(seconds(*arguments))
    return {key: median(times) for key, times in took.items()}


def exponent(cost):
    """Return the slope of the logarithm of the cost against the logarithm of the number."""
    return float(np.polyfit(*np.log([list(cost), list(cost.values())]), 1)[0])


def linear(small, rounds):
    """Measure seconds against runs, steps and samples on all cores: {quantity: {number: seconds}}."""
    X, T = problem(SIZES)
    shorter, threads = (100, cores()) if small else (1, cores())
    runs = {n // shorter: (SIZES, X, T, n // shorter, STEPS_OF_RUNS, threads) for n in RUNS}
    steps = {n // shorter: (SIZES, X, T, RUNS_OF_STEPS // shorter, n // shorter, threads) for n in STEPS}
    samples = {n: (SIZES, *data(n), 4096 // shorter, 400, threads) for n in SAMPLES}
    return {quantity: medians(cases, rounds) for quantity, cases in
            (("runs", runs), ("steps", steps), ("samples", samples))}  # fmt: skip


def widths(runs, rounds):
    """Measure network-steps per second against hidden units."""
    cases = {h: ((2, h, 1), *problem(SIZES), runs, 200, cores()) for h in WIDTHS}
    return {h: runs * 200 / took for h, took in medians(cases, rounds).items()}


def optimizers(runs, rounds):
    """Measure network-steps per second of each optimizer, and last of gd online, where a step is a quarter."""
    full = {name: (SIZES, *problem(SIZES), runs, 1000, cores(), name) for name in STEADY}
    cases = {**full, "gd online": (SIZES, *problem(SIZES), runs, 4000, cores(), "gd", 1)}
    return {name: runs * 1000 / took for name, took in medians(cases, rounds).items()}


def threads(runs, rounds):
    """Measure network-steps per second against threads."""
    cases = {n: (SIZES, *problem(SIZES), runs, 1000, n) for n in range(1, cores() + 1)}
    return {n: runs * 1000 / took for n, took in medians(cases, rounds).items()}


FIRST_CALLS = {"nothing on disk": "3", "another variant on disk": "5", "this variant on disk": "3"}
"""Hidden units of the variant that is called; each call is in a new process, in this order."""


def compiling(rounds, code=FIRST_CALL):
    """Measure the first call of a variant in a new process, for each content of the disk cache.

    `code` prints the seconds of a call for the hidden units of its argument.
    """
    times = {content: [] for content in FIRST_CALLS}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
            for content, units in FIRST_CALLS.items():
                call = [sys.executable, "-c", code, units]
                run = subprocess.run(call, stdout=subprocess.PIPE, check=True, cwd=report.ROOT, env=environment)
                times[content].append(float(run.stdout))
    return {content: median(seconds) for content, seconds in times.items()}


def tables(data):
    costs = [[name, f"{min(cost)} to {max(cost)}", f"{exponent(cost):.3f}"] for name, cost in data["linear"].items()]
    yield report.table(["seconds against", "from", "exponent"], costs)
    (few, short), (more, longer), *_ = ((int(n), took) for n, took in data["linear"]["steps"].items())
    fixed = (short - few * (longer - short) / (more - few)) / data["runs_of_steps"]
    yield f"Apart from its steps a run costs {fixed * 1e6:.2g} microseconds of all cores, to refill and to measure."
    rate = {n: rate / 1e6 for n, rate in data["widths"].items()}
    yield report.table(["hidden units", *map(str, rate)], [["million network-steps/s", *rate.values()]])
    rates = data["optimizers"]
    rows = [["samples/s over gd's", *(rate / rates["gd"] for rate in rates.values())]]
    yield report.table(["optimizer", *rates], rows)
    one = data["threads"][1]
    yield report.table(["threads", *map(str, data["threads"])],
                       [["rate over one's", *(rate / one for rate in data["threads"].values())]])  # fmt: skip
    yield report.table(["first call of a variant", *data["compiling"]], [["seconds", *data["compiling"].values()]])


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="small numbers, once; to test the benchmark")
    options.add_argument("--rounds", type=int, default=5)
    arguments, before = options.parse_args(), report.machine()
    runs, rounds = (512, 1) if arguments.quick else (16384, arguments.rounds)
    data = {
        "steps_of_runs": STEPS_OF_RUNS, "runs_of_steps": RUNS_OF_STEPS // (100 if arguments.quick else 1),
        "linear": linear(arguments.quick, min(3, rounds)), "widths": widths(runs // 4, rounds),
        "optimizers": optimizers(runs, rounds), "threads": threads(runs, rounds),
        "compiling": compiling(min(3, rounds)),
    }  # fmt: skip
    report.save("scaling", data, "\n\n".join(tables(data)), before)


if __name__ == "__main__":
    main()
