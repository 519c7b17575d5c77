"""Processor time that a block costs besides its training, by part, in microseconds per block and per run.

    TMPDIR=/dev/shm .venv/bin/pytest bench/test_host.py --benchmark-enable --benchmark-only

The compiled training is replaced by a copy of the results of an earlier call with the same arguments.
"""

import math
import time

import numpy as np
import pytest

import saddlescape as ss
from saddlescape.kernels import batch as kernel
from saddlescape.kernels import state as s
from saddlescape.plan import Plan
from saddlescape.runs.compute import compute
from saddlescape.runs.prepare import prepare
from saddlescape.store import RunFolder, encode, variables
from saddlescape.store.blocks import ranges

CASES = {
    "XOR": ("xor", ()),
    "XOR with all trajectories": ("xor", ("starts.count=256", "record.runs=all", "record.parameters=true")),
    "XOR with 16 runs": ("xor", ("starts.count=16", "record.runs=0")),
    "slice": ("xor-slice", ()),
}
"""Bundled sweep and overrides; the block in the middle of the plan is measured."""

pytestmark = pytest.mark.benchmark(timer=time.process_time)


class Remembered:
    """A compiled function that trains, called once for each batch; later calls copy its results."""

    def __init__(self, train):
        self._train, self._results = train, {}

    def __call__(self, net, X, T, lanes, runs, records, measured, ticks):
        key = (runs.theta.shape, runs.theta[:1].tobytes(), runs.theta[-1:].tobytes())
        if key not in self._results:
            while lanes.clock[s.TICK] < 0 or lanes.clock[s.ACTIVE] > 0:
                self._train(net, X, T, lanes, runs, records, measured, ticks)
            self._results[key] = [array.copy() for array in (*runs, *records)]
        for array, result in zip((*runs, *records), self._results[key], strict=True):
            array[...] = result
        lanes.clock[s.TICK], lanes.clock[s.ACTIVE] = 1, 0


@pytest.fixture(scope="module", autouse=True)
def without_training():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "advance", Remembered(kernel.advance))
        yield


@pytest.fixture(params=CASES, scope="module")
def case(request):
    """Name of the case, its plan, a block and the data of the block."""
    plan = Plan(ss.load(*CASES[request.param]))
    block = plan.block(plan.blocks // 2)
    return request.param, plan, block, compute(plan, block)


@pytest.fixture
def note(benchmark, case, costs):
    """Return a function that saves the median of a finished benchmark per block and per run."""

    def save(part, blocks=1):
        name, plan, block, _ = case
        micros = 1e6 * benchmark.stats.stats.median / blocks
        runs = math.prod(block.shape) if blocks == 1 else plan.runs / blocks
        benchmark.extra_info.update(us_per_block=round(micros), us_per_run=round(micros / runs, 3))
        costs.setdefault(name, {})[part] = micros, micros / runs

    return save


def measure(benchmark, function):
    benchmark.pedantic(function, rounds=50, warmup_rounds=2)


def test_prepare(benchmark, case, note):
    """The starts and the other arguments of the kernel, which `compute` includes."""
    _, plan, block, _ = case
    runs = np.arange(block.start[-1], block.stop[-1])
    measure(benchmark, lambda: prepare(plan.structures[0], runs))
    note("prepare")


def test_compute(benchmark, case, note):
    _, plan, block, _ = case
    measure(benchmark, lambda: compute(plan, block))
    note("compute")


def test_encode(benchmark, case, note):
    _, plan, block, data = case
    measure(benchmark, lambda: encode(plan, block, data))
    note("encode")


def test_commit(benchmark, case, note, tmp_path):
    """Hash, write, sync and rename the file of a block."""
    _, plan, block, data = case
    content = encode(plan, block, data)
    with RunFolder(tmp_path / "run", plan) as store:
        measure(benchmark, lambda: store.commit_file(block, content))
    note("commit")


def test_merge(benchmark, case, note, tmp_path):
    """Merge a run whose blocks all contain the data of one, per block."""
    _, plan, _, data = case
    with RunFolder(tmp_path / "run", plan) as store:
        for block in plan:
            store.commit_file(block, encode(plan, block, resized(plan, block, data)))
        benchmark.pedantic(store.merge, rounds=5)
    note("merge", plan.blocks)


def resized(plan, block, data):
    indices = ranges(plan, block)
    return {v.name: np.resize(data[v.name], [len(indices[dim]) for dim in v.dims]) for v in variables(plan)}
