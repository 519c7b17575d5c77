"""Compare the kernel with other libraries: the same starts, results compared first, interleaved rounds of timing.

Each library trains with the batch size and the number of threads that are fastest for it, the kernel on all cores;
compilation is not timed.
"""

import argparse
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import NamedTuple

import batched_numpy
import numpy as np
import peer_torch
import peers_jax
import report
import scalar_njit
from cases import AGREE, ALIKE, RATE, SHAPES, make_batch, make_trainer, name, problem, starts

from saddlescape.kernels import train
from saddlescape.system.resources import cores

OURS, SECONDS, STEPS, NETWORKS = "saddlescape", 0.4, 1000, 4096
CHUNKS, TRIES = (256, 1024, 4096), 3
ROWS_AT_MOST = 100
"""Units times samples up to which the unrolled form of JAX is tried: beyond, XLA compiles for half a minute."""


def batched(sizes, X, T, rate):
    return lambda theta, steps: batched_numpy.train(theta, sizes, X, T, rate, steps)[0]


def ours(sizes, X, T):
    def run(theta, steps):
        done = train(make_trainer(sizes), X, T, make_batch(theta, steps, every=0))
        assert (done.stop_step == steps).all()  # a run that stopped early would increase the rate
        return done.theta

    return run


def makers(sizes, X, T):
    """Return ``run(theta, steps)`` of each peer of a shape, by name."""
    rows = sum(sizes[1:]) * len(X) <= ROWS_AT_MOST
    jax = [form for form in peers_jax.FORMS if rows or form != "JAX rows"]
    return {
        **{form: peers_jax.peer(form, sizes, X, T, RATE) for form in jax},
        "torch vmap(grad)": peer_torch.peer(sizes, X, T, RATE),
        "batched NumPy": batched(sizes, X, T, RATE),
        "scalar njit": scalar_njit.peer(sizes, X, T, RATE),
        OURS: ours(sizes, X, T),
    }


class Setting(NamedTuple):
    """How a peer runs: steps and networks in a call, threads, and repetitions to fill `SECONDS`."""

    steps: int
    chunk: int
    threads: int
    times: int = 1


def seconds(run, theta, setting):
    """Measure the mean time of one step of all of `theta`."""
    parts = np.array_split(theta, max(1, len(theta) // setting.chunk)) * setting.times
    with ThreadPoolExecutor(setting.threads) as pool:
        list(pool.map(lambda part: part[:1].copy(), parts))  # starts the threads
        began = time.perf_counter()
        list(pool.map(lambda part: run(part, setting.steps), parts))
        return (time.perf_counter() - began) / setting.times / setting.steps


def fastest(run, theta, threads):
    """Find the fastest setting of a peer, with calls of at most `STEPS` steps that take about `SECONDS`."""
    run(theta, 10)
    steps = min(STEPS, max(2, int(SECONDS / seconds(run, theta, Setting(10, len(theta), 1)))))
    times = {}
    for chunk, n in itertools.product([c for c in CHUNKS if c <= len(theta)], threads):
        setting = Setting(steps, chunk, n)
        run(theta[:chunk], steps)
        times[setting] = min(seconds(run, theta, setting) for _ in range(TRIES))
    best = min(times, key=times.get)
    return best._replace(times=max(1, round(SECONDS / steps / times[best])))


def compare(runs, theta):
    """Assert that all peers agree with the kernel, and return the largest difference of each."""
    ends = {who: run(theta, ALIKE) for who, run in runs.items()}
    differences = {who: float(np.abs(end - ends[OURS]).max()) for who, end in ends.items()}
    assert all(difference <= AGREE[theta.dtype.name] for difference in differences.values()), differences
    return differences


def measure(sizes, dtype, networks, rounds):
    """Measure the network-steps per second of each peer on one shape, with its setting and its difference."""
    X, T = problem(sizes)
    theta, runs = starts(sizes, networks, dtype), makers(sizes, X, T)
    differences = compare(runs, theta[:256])
    threads = {1, cores()}
    settings = {who: fastest(run, theta, {cores()} if who == OURS else threads) for who, run in runs.items()}
    times = {who: [] for who in runs}
    for _ in range(rounds):
        for who, run in runs.items():
            times[who].append(seconds(run, theta, settings[who]))
    return {who: {"rate": networks / median(took), "way": settings[who]._asdict(), "difference": differences[who],
                  "ratio": median(b / a for a, b in zip(times[OURS], took, strict=True))}
            for who, took in times.items()}  # fmt: skip


def rows(data):
    """Yield for each shape and dtype the rates in millions, each with the ratio of the kernel to it."""
    for case, peers in data.items():
        yield [case, *(_cell(peers.get(who)) for who in ORDER)]


ORDER = (OURS, *peers_jax.FORMS, "torch vmap(grad)", "batched NumPy", "scalar njit")


def _cell(peer):
    return "-" if peer is None else f"{peer['rate'] / 1e6:.3g} ({peer['ratio']:.1f} x)"


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="fewer networks, one round; to test the benchmark")
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--shape", help="one shape only, as 2-8-1")
    arguments, before, data = options.parse_args(), report.machine(), {}
    for sizes, dtype in itertools.product(SHAPES, AGREE):
        if arguments.shape in (None, name(sizes)):
            networks, rounds = (256, 1) if arguments.quick else (NETWORKS, arguments.rounds)
            data[f"{name(sizes)} {dtype}"] = measure(sizes, dtype, networks, rounds)
            print(*next(rows(dict([list(data.items())[-1]]))), flush=True)
    report.save("peers", data, report.table(["million network-steps/s", *ORDER], rows(data)), before)


if __name__ == "__main__":
    main()
