"""How fast the kernel is for a spec: network-steps a second, and the share of what the machine could do at most."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from statistics import median

import numpy as np
import numpy.typing as npt

from saddlescape import starts
from saddlescape.compute import batch, trainer
from saddlescape.errors import RefusedError
from saddlescape.kernels import Batch, train
from saddlescape.kernels.limit import limit
from saddlescape.spec import NUMERIC, Spec

Floats = npt.NDArray[np.float64]
RUNS, LONGEST, SECONDS, ROUNDS = 1024, 2**20, 0.3, 5
LONGEST_TIME = 1e12


def _numbers(spec: Spec) -> dict[str, Floats]:
    """The spec's own numbers for every run, without stops that come before the steps are taken."""
    numbers = {key: np.full(RUNS, spec.number(key)) for key in NUMERIC}
    return {**numbers, "stop.solved": np.zeros(RUNS), "stop.gradient": np.zeros(RUNS)}


def _timed(spec: Spec, given: Batch, epochs: int, threads: int) -> tuple[float, float]:
    """(seconds, network-steps) of the batch once on every thread."""
    problem, kernel = spec.loaded, trainer(spec, _numbers(spec))
    work = replace(given, steps=np.full(RUNS, epochs * spec.epoch))
    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        done = list(pool.map(lambda _: train(kernel, problem.X, problem.T, work), range(threads)))
        return time.perf_counter() - began, float(sum(each.stop_step.sum() for each in done))


def rate(spec: Spec, threads: int) -> float:
    """Network-steps a second on so many threads: the median of a few rounds of a fraction of a second.

    Raises
    ------
    RefusedError
        No start of the spec takes a step.
    """
    training = spec.training.model_copy(update={"time": LONGEST_TIME})
    spec = spec.model_copy(update={"training": training})
    start = np.arange(RUNS) % starts.count(spec)
    given, epochs = batch(spec, start, _numbers(spec), np.full(RUNS, -1), np.zeros(1, dtype=np.int64)), 4
    _timed(spec, given, 1, 1)  # compiles
    while (seconds := _timed(spec, given, epochs, threads)[0]) < SECONDS and epochs < LONGEST:
        epochs *= 1 + int(min(7, SECONDS / seconds))
    rounds = [_timed(spec, given, epochs, threads) for _ in range(ROUNDS)]
    if not any(done for _, done in rounds):
        raise RefusedError("no start of this spec takes a step, so there is nothing to time; raise starts.scale")
    return median(done / seconds for seconds, done in rounds)


def most(spec: Spec) -> float:
    """Network-steps a second that the arithmetic of a step allows one core."""
    samples = len(spec.loaded.X)
    return limit(trainer(spec, _numbers(spec)), samples, spec.network.dtype).steps_per_second
