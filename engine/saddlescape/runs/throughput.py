"""How fast the kernel is for a spec: network-steps a second, and the share of what the machine could do at most."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from statistics import median

import numpy as np
import numpy.typing as npt

from saddlescape.errors import RefusedError
from saddlescape.kernels import Batch, train
from saddlescape.kernels.limit import limit
from saddlescape.plan import starts
from saddlescape.runs.compute import batch, trainer
from saddlescape.runs.cost import kernels
from saddlescape.spec import LARGEST, NUMERIC, Spec, Starts, Sweep

Floats = npt.NDArray[np.float64]
RUNS, LONGEST, SECONDS, ROUNDS = 1024, 2**20, 0.3, 5
LONGEST_TIME = 1e12

BEGIN, COMPILED, BLOCK, RUN = 3.0, 4.0, 0.02, 2e-5
"""Seconds that take, at most: to begin, to compile a kernel, to write and merge a block, and a run beside its steps."""

FEWEST, PROBED = 32, 2**26
"""Runs of a probe, and parameters times samples that its runs have together at most."""


def _numbers(spec: Spec, runs: int = RUNS) -> dict[str, Floats]:
    """The spec's own numbers for every run, without stops that come before the steps are taken."""
    numbers = {key: np.full(runs, spec.number(key)) for key in NUMERIC}
    return {**numbers, "stop.solved": np.zeros(runs), "stop.gradient": np.zeros(runs)}


def _timed(spec: Spec, given: Batch, epochs: int, threads: int) -> tuple[float, float]:
    """(seconds, network-steps) of the batch once on every thread."""
    problem, kernel = spec.loaded, trainer(spec, _numbers(spec))
    work = replace(given, steps=np.full(len(given.theta), epochs * spec.epoch))
    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        done = list(pool.map(lambda _: train(kernel, problem.X, problem.T, work), range(threads)))
        return time.perf_counter() - began, float(sum(each.stop_step.sum() for each in done))


def rate(spec: Spec, threads: int, runs: int = RUNS, rounds: int = ROUNDS) -> float:
    """Network-steps a second on so many threads: the median of a few rounds of a fraction of a second.

    Each thread trains `runs` runs together.

    Raises
    ------
    RefusedError
        No start of the spec takes a step.
    """
    training = spec.training.model_copy(update={"time": LONGEST_TIME})
    spec = spec.model_copy(update={"training": training})
    start = np.arange(runs) % starts.count(spec)
    given, epochs = batch(spec, start, _numbers(spec, runs), np.full(runs, -1), np.zeros(1, dtype=np.int64)), 4
    _timed(spec, given, 1, 1)  # compiles
    while (seconds := _timed(spec, given, epochs, threads)[0]) < SECONDS and epochs < LONGEST:
        epochs *= 1 + int(min(7, SECONDS / seconds))
    timed = [_timed(spec, given, epochs, threads) for _ in range(rounds)]
    if not any(done for _, done in timed):
        raise RefusedError("no start of this spec takes a step, so there is nothing to time; raise starts.scale")
    return median(done / seconds for seconds, done in timed)


def seconds(sweep: Sweep, runs: int, threads: int, blocks: int = 1) -> float:
    """How long so many runs of a sweep, spread over its points, take at most: if every one uses all its steps.

    From a probe of about a second of the network that costs most; the others are taken to cost in proportion to
    parameters times samples.  All kernels are counted as to be compiled, but for that of the probe.
    """
    specs = sweep.structures
    costliest = max(specs, key=_work)
    alike = sum(spec.steps * _work(spec) for spec in specs) / _work(costliest)
    few = min(RUNS, max(FEWEST, PROBED // _work(costliest)))
    trained = runs / len(specs) * alike / rate(_gentle(costliest, sweep), threads, few, rounds=2)
    return BEGIN + trained + COMPILED * (kernels(specs) - 1) + BLOCK * blocks + RUN * runs


def _work(spec: Spec) -> int:
    """What a step costs."""
    return spec.n_params * (spec.batch or spec.samples)


def _gentle(spec: Spec, sweep: Sweep) -> Spec:
    """The same kernel where no run stops: normal starts and small steps."""
    for key in ("training.noise", "training.weight_decay"):
        spec = spec.replaced(key, float(sweep.numeric(key).max()))
    training = spec.training.model_copy(update={"learning_rate": 1e-4})
    if training.layer_rates is not None:
        training = training.model_copy(update={"layer_rates": (1.0,) * len(training.layer_rates)})
    stop = spec.stop.model_copy(update={"diverged": LARGEST[spec.network.dtype]})
    return spec.model_copy(update={"starts": Starts(), "training": training, "stop": stop})


def most(spec: Spec) -> float:
    """Network-steps a second that the arithmetic of a step allows one core."""
    samples = spec.samples
    return limit(trainer(spec, _numbers(spec)), samples, spec.network.dtype).steps_per_second
