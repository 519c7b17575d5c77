"""How fast the kernel is for a spec: network-steps a second, and the share of what the machine could do at most."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from statistics import median

import numpy as np

from saddlescape import starts
from saddlescape.compute import batch, trainer
from saddlescape.errors import RefusedError
from saddlescape.kernels import Batch, train
from saddlescape.kernels.limit import limit
from saddlescape.spec import NUMERIC, Spec

RUNS, LONGEST, SECONDS, ROUNDS = 1024, 2**20, 0.3, 5


def _batch(spec: Spec) -> Batch:
    """Runs of a spec that nothing but a fixed point or divergence stops before its steps are taken."""
    parts = {key: key.split(".") for key in NUMERIC}
    numbers = {key: np.full(RUNS, getattr(getattr(spec, part), name)) for key, (part, name) in parts.items()}
    numbers["stop.solved"][:] = numbers["stop.gradient"][:] = 0
    theta = starts.draw(spec, np.arange(RUNS) % starts.count(spec), numbers["starts.scale"])
    return batch(spec, theta, numbers, np.full(RUNS, -1), np.zeros(1, dtype=np.int64))


def _timed(spec: Spec, given: Batch, steps: int, threads: int) -> tuple[float, float]:
    """(seconds, network-steps) of the batch once on every thread."""
    problem = spec.load_problem()
    work = replace(given, steps=np.full(RUNS, steps))
    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        done = list(pool.map(lambda _: train(trainer(spec), problem.X, problem.T, work), range(threads)))
        return time.perf_counter() - began, float(sum(each.stop_step.sum() for each in done))


def rate(spec: Spec, threads: int) -> float:
    """Network-steps a second on so many threads: the median of a few rounds of a fraction of a second.

    Raises
    ------
    RefusedError
        No start of the spec takes a step.
    """
    given, steps = _batch(spec), 16
    _timed(spec, given, 1, 1)  # compiles
    while (seconds := _timed(spec, given, steps, threads)[0]) < SECONDS and steps < LONGEST:
        steps *= 1 + int(min(7, SECONDS / seconds))
    rounds = [_timed(spec, given, steps, threads) for _ in range(ROUNDS)]
    if not any(done for _, done in rounds):
        raise RefusedError("no start of this spec takes a step, so there is nothing to time; raise starts.scale")
    return median(done / seconds for seconds, done in rounds)


def most(spec: Spec) -> float:
    """Network-steps a second that the arithmetic of a step allows one core."""
    return limit(trainer(spec), len(spec.load_problem().X), spec.network.dtype).steps_per_second
