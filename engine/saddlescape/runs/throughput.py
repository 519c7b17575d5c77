"""Measure the throughput of the kernel for a spec, in network-steps per second, and estimate the time of a sweep."""

import math
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from statistics import median

import numpy as np
import numpy.typing as npt

from saddlescape.errors import RefusedError
from saddlescape.kernels import Device
from saddlescape.kernels.batch import LANE_BYTES
from saddlescape.kernels.caching import WARNED
from saddlescape.kernels.limit import limit
from saddlescape.kernels.network import ACTIVATION_COST, TILE
from saddlescape.kernels.update_rules import RULES
from saddlescape.plan import Plan, starts
from saddlescape.runs.cost import SWITCHES, kernels, stored
from saddlescape.runs.device_memory import Batches, check_batches
from saddlescape.runs.dispatch import Turn
from saddlescape.runs.prepare import Prepared, prepare, trainer
from saddlescape.spec import LARGEST, NUMERIC, Spec, Starts, Sweep, only_numbers
from saddlescape.words.measures import CURVATURE, FROM_PARAMETERS, TANGENT_KERNEL

Floats = npt.NDArray[np.float64]
RUNS, LONGEST, SECONDS, ROUNDS = 1024, 2**20, 0.3, 5
ON_DEVICE = 4096
"""Runs of a batch on a device."""

LONGEST_TIME = 1e12

# Upper bounds; in parentheses, processor time measured on two busy cores, where it is longer than on idle ones.

BEGIN, BLOCK, RUN, BYTE = 4.0, 0.02, 2e-5, 4e-8
"""Seconds to start (2.3 to 2.9), to write and merge a block (0.008), for a run without its steps (1e-6), and for each
byte that is stored of it (1e-8)."""

KERNEL, LAYER, UNROLLED, FULL = 1.5, 0.25, 1.35, 64
"""Seconds to compile a kernel (2-2-1: gd 1.1, flow 1.9), for each of its layers, and for each layer in proportion to
its weights, up to `FULL` weights (8 layers of 8, 16 samples: 7.1; in batches of 5 of 17: 36; 8 layers of 64, flow:
12.7)."""

OTHER_DTYPE = 12.0
"""Seconds to compile the code that all kernels of a dtype share (gd 4.3 to 8.4, flow 6.5 to 11.5)."""

VALUE = 3e-7
"""Seconds for each input, target and hidden unit of each sample of a problem, which is created twice (0.7 to 1e-7)."""

FOLLOWED = 4.0
"""Time to follow a tangent vector, relative to that of training (1.9 to 2.5)."""

WATCHED = 1e-37
"""A limit of the gradient that runs reach only at fixed points, also in float32."""

FEWEST, PROBED = 32, 2**26
"""Minimum number of runs of a probe; maximum of its runs times parameters times samples."""


def _numbers(spec: Spec, runs: int = RUNS) -> dict[str, Floats]:
    """The numbers of the spec for every run, with limits so that no run stops early."""
    numbers = {key: np.full(runs, spec.number(key)) for key in NUMERIC}
    watched = np.minimum(numbers["stop.gradient"], WATCHED)  # not 0: the check takes time
    return {**numbers, "stop.solved": np.zeros(runs), "stop.gradient": watched}


def _timed(ready: Prepared, epochs: int, threads: int, turn: Turn) -> tuple[float, float]:
    """(seconds, network-steps) of training the batch once on every thread."""
    work = replace(ready.batch, steps=np.full(len(ready.batch.theta), epochs * ready.spec.epoch))
    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        trained = list(pool.map(lambda _: replace(ready, device=turn.next()).train(work), range(threads)))
        return time.perf_counter() - began, float(sum(part.stop_step.sum() for part in trained))


def steps_per_second(
    spec: Spec, threads: int, runs: int = RUNS, rounds: int = ROUNDS, devices: Sequence[Device] = ()
) -> float:
    """Network-steps per second of all threads together: the median of `rounds` rounds of a fraction of a second.

    Each thread trains `runs` runs at once, on the devices in turn if there are any, and checks some on the processor.

    Raises
    ------
    RefusedError
        If no run of the spec takes a step.
    """
    training = spec.training.model_copy(update={"time": LONGEST_TIME})
    spec, turn = spec.model_copy(update={"training": training}), Turn(devices)
    check_batches(Batches([spec], runs), devices, threads)
    ready, epochs = prepare(spec, np.arange(runs) % starts.of_point(spec), _numbers(spec, runs)), 4
    _timed(ready, 1, max(1, len(devices)), turn)  # compiles
    while (seconds := _timed(ready, epochs, threads, turn)[0]) < SECONDS and epochs < LONGEST:
        epochs *= 1 + int(min(7, SECONDS / seconds))
    timed = [_timed(ready, epochs, threads, turn) for _ in range(rounds)]
    if not any(steps for _, steps in timed):
        raise RefusedError("no run of this spec takes a step, so there is nothing to measure; raise starts.scale")
    return median(steps / seconds for seconds, steps in timed)


def seconds(sweep: Sweep, runs: int, threads: int, blocks: int = 1) -> float:
    """Upper bound of the time for this many runs of a sweep, evenly over its points, if none stops early.

    It extrapolates from a probe of about a second with the most expensive network; the cost of the others is assumed
    proportional to their arithmetic.  All kernels count as not compiled, except that of the probe if it is cached.
    """
    plan, specs = Plan(sweep), sweep.structures
    costliest = max(specs, key=_work)
    steps = sum(spec.steps * _work(spec) for spec in specs) / _work(costliest) / len(specs)  # per run, in its steps
    few = min(RUNS, max(FEWEST, PROBED // (costliest.n_params * (costliest.batch or costliest.samples))))
    speed = steps_per_second(_gentle(costliest, sweep), threads, few, rounds=2) / threads
    one_thread = -(-blocks // threads) / blocks  # its share of the blocks
    trained = one_thread * (runs + _idle(plan, blocks)) * steps / speed
    trained *= 1 + FOLLOWED * ("lyapunov" in plan.fields)
    written = BLOCK * blocks + RUN * runs + BYTE * stored(plan) * runs / plan.runs
    return BEGIN + trained + _compiled(sweep, costliest) + _made(specs) + written


def _idle(plan: Plan, blocks: int) -> int:
    """Upper bound of the lanes without a run: in each block, in the last group of lanes of every network."""
    sweep = plan.sweep
    networks: int = math.prod(n for n, side in zip(plan.tile, sweep.grid, strict=False) if not only_numbers(side))
    lanes = max(TILE // (s.batch or s.samples) or 1 for s in sweep.structures) * LANE_BYTES // 4
    return blocks * networks * (lanes - 1)


def _compiled(sweep: Sweep, probed: Spec) -> float:
    """Seconds to compile all kernels, except that of the probe if it is cached."""
    compiled, each = kernels(sweep), 1 + len(_evaluated(sweep.spec))  # outputs have kernels of their own
    dtypes = {spec.network.dtype for spec in compiled}
    cached = 0.0 if WARNED in os.environ else _kernel(probed)
    return OTHER_DTYPE * (len(dtypes) - 1) + each * sum(map(_kernel, compiled)) - cached


def _evaluated(spec: Spec) -> set[str]:
    """What more kernels are for: training samples, test samples, their losses, hidden units, tangent vectors."""
    own = {"accuracy": "outputs", "rms_error": "outputs"}
    own |= {name: "hessian" for name in CURVATURE} | {name: "jacobian" for name in TANGENT_KERNEL}
    return {own.get(name, name) for name in spec.record.fields if name in (*FROM_PARAMETERS, "lyapunov")}


def _kernel(spec: Spec) -> float:
    """Seconds to compile the kernel of a spec: each layer for every number of samples that one call processes."""
    counts = (spec.samples, *((spec.batch, spec.samples % spec.batch) if spec.batch else ()))
    tiles = sum((n >= TILE) + (n % TILE > 0) for n in counts)
    layers = sum(LAYER + UNROLLED * min(1.0, a * b / FULL) for a, b in pairwise(spec.sizes))
    return float(KERNEL + tiles * layers)


def _made(specs: Sequence[Spec]) -> float:
    """Seconds to create the problems."""
    problems = {spec.problem: (spec.sizes[0], spec.sizes[-1], spec.problem.hidden or 0) for spec in specs}
    samples = {spec.problem: spec.samples for spec in specs}
    return VALUE * sum(samples[problem] * sum(values) for problem, values in problems.items())


def _work(spec: Spec) -> int:
    """Arithmetic of a step: forward and backward pass of each sample, and the update."""
    units = sum(spec.sizes[1:])
    update = 1 + 16 * RULES[spec.training.optimizer].states
    return (spec.n_params + ACTIVATION_COST * units) * (spec.batch or spec.samples) + spec.n_params * update


def _gentle(spec: Spec, sweep: Sweep) -> Spec:
    """A spec with the same kernel whose runs do not stop: normal starts and small steps."""
    for key in (*SWITCHES, "stop.gradient"):
        spec = spec.replaced(key, float(sweep.numeric(key).max()))
    rates = sweep.numeric("training.bias_rate")
    spec = spec.replaced("training.bias_rate", float(rates.flat[abs(rates - 1).argmax()]))
    training = spec.training.model_copy(update={"learning_rate": 1e-4})
    if training.layer_rates is not None:
        training = training.model_copy(update={"layer_rates": (1.0,) * len(training.layer_rates)})
    stop = spec.stop.model_copy(update={"diverged": LARGEST[spec.network.dtype]})
    return spec.model_copy(update={"starts": Starts(), "training": training, "stop": stop})


def peak_steps_per_second(spec: Spec) -> float:
    """Upper bound of the network-steps per second of one core, from the arithmetic of a step."""
    samples = spec.samples
    return limit(trainer(spec, _numbers(spec)), samples, spec.network.dtype).steps_per_second
