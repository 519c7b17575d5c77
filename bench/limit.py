"""Measure the instruction-throughput bound of one tick on one core, and the share of it that the kernel reaches."""

import argparse
import itertools
import time
from statistics import median

import report
from cases import SHAPES, make_batch, make_trainer, name, problem, starts

from saddlescape.kernels import train
from saddlescape.kernels.limit import CLASSES, limit
from saddlescape.kernels.probe import register

RUNS, STEPS = 1024, 1000


def reached(sizes, dtype, rounds):
    """Yield the network-steps per second of processor time of each round, with no run recorded."""
    X, T = problem(sizes)
    batch = make_batch(starts(sizes, RUNS, dtype), STEPS, every=0)
    train(make_trainer(sizes), X, T, batch)
    for _ in range(rounds):
        began = time.thread_time()
        train(make_trainer(sizes), X, T, batch)
        yield RUNS * STEPS / (time.thread_time() - began)


def measure(sizes, dtype, rounds):
    """Measure the rates of the machine and then of the kernel, as the clock rate changes with the load."""
    bound = limit(make_trainer(sizes), len(problem(sizes)[0]), dtype)
    rates = list(reached(sizes, dtype, rounds))
    return {"rates": vars(bound.times), "operations": dict(bound.operations), "bound": bound.steps_per_second,
            "median": median(rates), "best": max(rates)}  # fmt: skip


def rows(data):
    for case, measured in data.items():
        bound = measured["bound"]
        yield [case, *(measured["operations"][name] for name in CLASSES), bound / 1e6, measured["median"] / 1e6,
               measured["median"] / bound, measured["best"] / bound]  # fmt: skip


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="few rounds; to test the benchmark")
    arguments, before, data = options.parse_args(), report.machine(), {}
    for dtype, sizes in itertools.product(("float64", "float32"), SHAPES):
        data[f"{name(sizes)} {dtype}"] = measure(sizes, dtype, 3 if arguments.quick else 31)
    heads = [f"operations on registers of {register()} bytes", *CLASSES, "bound, million/s", "median", "its share",
             "best share"]  # fmt: skip
    speeds = report.table(
        ["ns a register", "multiply/fma", "add", "both", "with logic", "divide", "multiplier time of a divide"],
        [[case, *measured["rates"].values()] for case, measured in data.items()],
    )
    report.save("limit", data, f"{report.table(heads, rows(data))}\n\n{speeds}", before)


if __name__ == "__main__":
    main()
