"""The kernel against its peers: the same starts, results compared first, rates in interleaved rounds of one run.

Each peer trains in the chunks, and on the threads, that suit it best, the kernel on all cores as it always does;
compiling is not timed.
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
        assert (done.stop_step == steps).all()  # a run that stopped early would flatter the rate
        return done.theta

    return run


def makers(sizes, X, T):
    """The peers of a shape by name: ``run(theta, steps)``."""
    rows = sum(sizes[1:]) * len(X) <= ROWS_AT_MOST
    jax = [form for form in peers_jax.FORMS if rows or form != "JAX rows"]
    return {
        **{form: peers_jax.peer(form, sizes, X, T, RATE) for form in jax},
        "torch vmap(grad)": peer_torch.peer(sizes, X, T, RATE),
        "batched NumPy": batched(sizes, X, T, RATE),
        "scalar njit": scalar_njit.peer(sizes, X, T, RATE),
        OURS: ours(sizes, X, T),
    }


class Way(NamedTuple):
    """How a peer is run: steps of a call, networks of a call, threads, and how often to fill `SECONDS`."""

    steps: int
    chunk: int
    threads: int
    times: int = 1


def seconds(run, theta, way):
    """Mean time of one step of all of `theta`."""
    parts = np.array_split(theta, max(1, len(theta) // way.chunk)) * way.times
    with ThreadPoolExecutor(way.threads) as pool:
        list(pool.map(lambda part: part[:1].copy(), parts))  # starts the threads
        began = time.perf_counter()
        list(pool.map(lambda part: run(part, way.steps), parts))
        return (time.perf_counter() - began) / way.times / way.steps


def suited(run, theta, threads):
    """The fastest way of a peer, repeated or shortened to take about `SECONDS`; at most `STEPS` steps a call."""
    run(theta, 10)
    steps = min(STEPS, max(2, int(SECONDS / seconds(run, theta, Way(10, len(theta), 1)))))
    found = {}
    for chunk, n in itertools.product([c for c in CHUNKS if c <= len(theta)], threads):
        way = Way(steps, chunk, n)
        run(theta[:chunk], steps)
        found[way] = min(seconds(run, theta, way) for _ in range(TRIES))
    best = min(found, key=found.get)
    return best._replace(times=max(1, round(SECONDS / steps / found[best])))


def compare(runs, theta):
    """Assert that all peers agree with the kernel; the largest difference of each."""
    ends = {who: run(theta, ALIKE) for who, run in runs.items()}
    gaps = {who: float(np.abs(end - ends[OURS]).max()) for who, end in ends.items()}
    assert all(gap <= AGREE[theta.dtype.name] for gap in gaps.values()), gaps
    return gaps


def measure(sizes, dtype, networks, rounds):
    """Rates (network-steps a second) of each peer on one shape, how each was run, how far the results differ."""
    X, T = problem(sizes)
    theta, runs = starts(sizes, networks, dtype), makers(sizes, X, T)
    gaps = compare(runs, theta[:256])
    threads = {1, cores()}
    ways = {who: suited(run, theta, {cores()} if who == OURS else threads) for who, run in runs.items()}
    times = {who: [] for who in runs}
    for _ in range(rounds):
        for who, run in runs.items():
            times[who].append(seconds(run, theta, ways[who]))
    return {who: {"rate": networks / median(took), "way": ways[who]._asdict(), "difference": gaps[who],
                  "ratio": median(b / a for a, b in zip(times[OURS], took, strict=True))}
            for who, took in times.items()}  # fmt: skip


def rows(data):
    """For each shape and dtype the rates in millions, the kernel's ratio to each behind it."""
    for case, peers in data.items():
        yield [case, *(_cell(peers.get(who)) for who in ORDER)]


ORDER = (OURS, *peers_jax.FORMS, "torch vmap(grad)", "batched NumPy", "scalar njit")


def _cell(found):
    return "-" if found is None else f"{found['rate'] / 1e6:.3g} ({found['ratio']:.1f} x)"


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="fewer networks, one round: a try of the machinery")
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--shape", help="one shape only, as 2-8-1")
    given, before, data = options.parse_args(), report.machine(), {}
    for sizes, dtype in itertools.product(SHAPES, AGREE):
        if given.shape in (None, name(sizes)):
            networks, rounds = (256, 1) if given.quick else (NETWORKS, given.rounds)
            data[f"{name(sizes)} {dtype}"] = measure(sizes, dtype, networks, rounds)
            print(*next(rows(dict([list(data.items())[-1]]))), flush=True)
    report.keep("peers", data, report.table(["million network-steps/s", *ORDER], rows(data)), before)


if __name__ == "__main__":
    main()
