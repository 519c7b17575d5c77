"""Measure a GPU in ten minutes: bits, compilation, throughput, a whole map, and other libraries.

The bits are compared first.  A measurement that no longer fits is skipped, and the report says so.  The record is
bench/records/gpu.json, from which bench/report.py writes the section of docs/performance.md.
"""

import argparse
import faulthandler
import importlib.util
import itertools
import json
import math
import os
import subprocess
import sys
import tempfile
import time
import traceback
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import gpu_bits
import report
from cases import AGREE, make_batch, make_trainer, name, problem, starts
from gpu_bound import bound
from gpu_devices import Gpu, OnProcessor, Timed
from gpu_tables import text, wrong
from scaling import compiling

from saddlescape.errors import SaddlescapeError
from saddlescape.kernels import train
from saddlescape.kernels.ptx import ptx
from saddlescape.runs import runner
from saddlescape.spec import load

MANY, WAVES = 2**31, 2
"""More runs than threads, and runs of each thread: with a whole number all threads finish together."""

SLOW = 1e-3
"""A learning rate with which no run reaches a fixed point within its steps."""

CASE, COMPILE, PROCESSES, LIBRARY = 5, 5, 20, 30
"""Seconds that a case of the bits, a kernel, the new processes of `compiling` and a library need, at the most usual."""

FIRST_GUESS, CALIBRATIONS = 1e6, 3
"""Network-steps per second, and measurements to find a better guess."""

COMPILES = 2
"""Starts along each parameter of a map that only compiles."""

GROWTH = 4.5
"""Seconds of a map over those of the map with half as many starts along each parameter."""

GRACE = 120
"""Seconds after the budget, after which the script prints where it is and ends."""

PTX = """
import sys, time
sys.path.insert(0, "bench")
from cases import make_batch, make_trainer, problem, starts
from gpu_bits import variant_of
from saddlescape.kernels.ptx import ptx
sizes = (2, int(sys.argv[1]), 1)
variant = variant_of(make_trainer(sizes), problem(sizes)[0], make_batch(starts(sizes, 8, "float64"), 2))
began = time.perf_counter()
ptx(variant)
print(time.perf_counter() - began)
"""


class Scale(NamedTuple):
    """How much is measured."""

    cases: int | None
    shapes: tuple[tuple[int, ...], ...]
    registers: tuple[int | None, ...]
    blocks: tuple[int, ...]
    seconds: float
    sides: tuple[int, ...]
    rounds: int
    networks: tuple[int, ...]


FULL = Scale(
    cases=None, shapes=((2, 2, 1), (2, 8, 1)), registers=(None, 64, 96, 128, 168, 255), blocks=(32, 64, 128, 256),
    seconds=0.4, sides=(256, 512, 1024, 2048, 4096), rounds=3, networks=(65536, 1048576),
)  # fmt: skip
QUICK = Scale(1, ((2, 2, 1),), (None, 128), (64, 128), 0.1, (64, 128), 1, (4096,))
TINY = Scale(None, ((2, 2, 1),), (128,), (2, 4), 1e-3, (4, 8), 0, (64,))


class Budget:
    """The time that is left; what an earlier part does not use, a later one may."""

    def __init__(self, seconds):
        self._began, self._seconds, self._end, self.skipped = time.monotonic(), seconds, math.inf, []

    def until(self, share):
        """Let the next part end when this share of the time has passed."""
        self._end = self._began + share * self._seconds

    def left(self):
        return self._end - time.monotonic()

    def fits(self, measurement, seconds):
        """Return whether there is time for a measurement, which is noted as skipped if not."""
        fits = seconds <= self.left()
        if not fits:
            self.skipped.append(measurement)
        return fits


def timed(work):
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def bits(gpu, scale, budget, data):
    """Compare each case at two grids with the processor."""
    cases = dict(itertools.islice(gpu_bits.cases().items(), scale.cases))
    if budget.fits("bits", CASE):
        gpu_bits.prepare(cases)
    device = gpu.device()
    for case, arguments in cases.items():
        if budget.fits(f"bits of {case}", CASE):
            try:
                data[case] = gpu_bits.differences(device, arguments)
            except Exception as error:  # the other cases are compared
                data[case] = {"failed": brief(error)}


def brief(error):
    return f"{type(error).__name__}: {error}".splitlines()[0]


def variant_of(sizes, dtype):
    return gpu_bits.variant_of(make_trainer(sizes), problem(sizes)[0], make_batch(starts(sizes, 1, dtype), 1))


def compilation(gpu, scale, budget, data):
    """Measure the PTX of a variant by what is on disk, and the driver's compilation."""
    for sizes, dtype in itertools.product(scale.shapes, AGREE):
        if budget.fits(f"compilation of {name(sizes)} {dtype} by the driver", COMPILE):
            variant = variant_of(sizes, dtype)
            ptx(variant)
            seconds, _ = timed(partial(gpu.device().grid, variant, 1))
            data.setdefault("driver", {})[f"{name(sizes)} {dtype}"] = seconds
    if scale.rounds and budget.fits("PTX in new processes", PROCESSES * scale.rounds):
        data["ptx"] = compiling(scale.rounds, PTX)


def rate(device, sizes, dtype, seconds, guess):
    """Measure the network-steps per second of the launches, with enough steps for `seconds` at the guessed rate."""
    variant, timer = variant_of(sizes, dtype), Timed(device)
    runs = WAVES * math.prod(device.grid(variant, MANY))
    batch = make_batch(starts(sizes, runs, dtype), max(10, int(seconds * guess / runs)), SLOW, every=0)
    trained = train(make_trainer(sizes), *problem(sizes), batch, device=timer)
    return float(trained.stop_step.sum()) / timer.seconds


def rates(gpu, scale, budget, data):
    """Measure each shape and dtype by the maximum number of registers and the number of threads in a block."""
    for sizes, dtype in itertools.product(scale.shapes, AGREE):
        case, variant, guess = f"{name(sizes)} {dtype}", variant_of(sizes, dtype), FIRST_GUESS
        data[case] = {"bound": bound(sizes, dtype, gpu.described()), "rates": [], "failed": []}
        for registers in scale.registers:
            if not budget.fits(f"throughput of {case} with {registers or 'any number of'} registers", COMPILE):
                continue
            device = gpu.device(registers)
            for block in scale.blocks:
                gpu.set_block(device, block)
                setting = {"registers": registers, "block": block}
                try:
                    compiled, _ = timed(partial(device.grid, variant, 1))  # by the first block
                    for _ in range(CALIBRATIONS if guess == FIRST_GUESS else 1):
                        guess = rate(device, sizes, dtype, scale.seconds, guess)
                except Exception as error:  # the other settings are measured
                    data[case]["failed"].append({**setting, "error": brief(error)})
                    continue
                found = {"rate": guess, "grid": device.grid(variant, MANY), "compile": compiled}
                data[case]["rates"].append({**setting, **found, **gpu.used(device, variant)})


CONTENDERS = {"gpu": {"device": "cuda:0"}, "all cores": {}, "two cores": {"threads": 2}}


def whole_map(gpu, scale, budget, data):
    """Run figure 11 of Kolen and Pollack from its spec to its result, with ever more starts, and compare the bytes."""
    took = dict.fromkeys(CONTENDERS, COMPILE / GROWTH)
    for side in (COMPILES, *scale.sides):
        with tempfile.TemporaryDirectory() as folder:
            files = {}
            for who, where in CONTENDERS.items():
                if budget.fits(f"map of {side} x {side}, {who}", GROWTH * took[who]):
                    run = partial(runner.run, figure(side), Path(folder, who), **where)
                    took[who], files[who] = timed(run)
                    data.setdefault(side, {})[who] = took[who]
                else:
                    took[who] *= GROWTH
            digests = {sha256(file.read_bytes()).hexdigest() for file in files.values()}
            if len(files) > 1:
                data[side]["same"] = len(digests) == 1
        if side == COMPILES:
            data.pop(side, None)


def figure(side):
    """Return figure 11 with `side` starts along each parameter."""
    sides = [f"starts.{k}={{ index = {index}, from = -10, to = 9.9, n = {side} }}" for k, index in (("x", 8), ("y", 5))]
    return load("gallery/figure-11", sides)


def libraries(gpu, scale, budget, data):
    """Measure JAX and PyTorch, where they are installed, each in a new process, which is stopped when time is up."""
    for library, share in (("jax", 0.6), ("torch", 1.0)):
        if importlib.util.find_spec(library) is None:
            data[library] = {"absent": "not installed"}
        elif budget.fits(library, LIBRARY):
            data[library] = measured(library, scale, share * budget.left())


def measured(library, scale, seconds):
    """Return the lines of gpu_peers.py, and how it ended."""
    command = [sys.executable, str(report.ROOT / "bench/gpu_peers.py"), library, "--seconds", str(scale.seconds)]
    command += ["--networks", *map(str, scale.networks)]
    environment = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # this process uses the same GPU
    with tempfile.TemporaryFile("w+") as output:
        try:
            ended = subprocess.run(command, stdout=output, env=environment, timeout=seconds, check=False).returncode
        except subprocess.TimeoutExpired:
            ended = "stopped, as the time was up"
        output.seek(0)
        return {"lines": [json.loads(line) for line in output], "ended": ended}


PARTS = {"bits": (bits, 0.3), "compilation": (compilation, 0.4), "rates": (rates, 0.6), "map": (whole_map, 0.8),
         "libraries": (libraries, 1.0)}  # fmt: skip
"""Each part with the share of the time after which it must end."""


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=10, help="after which nothing new begins")
    options.add_argument("--quick", action="store_true", help="little of each; to test the benchmark")
    options.add_argument("--stand-in", action="store_true", help="on the tests' stand-in; to test it without a GPU")
    options.add_argument("--records", type=Path, help="the folder of the record")
    arguments = options.parse_args()
    gpu, before = OnProcessor() if arguments.stand_in else Gpu(), report.machine()
    try:
        before |= gpu.described()
    except SaddlescapeError as error:
        sys.exit(f"error: {error}")
    scale = QUICK if arguments.quick else FULL
    scale = TINY._replace(cases=scale.cases) if arguments.stand_in else scale
    faulthandler.dump_traceback_later(60 * arguments.minutes + GRACE, exit=True, file=sys.__stderr__)
    budget, data = Budget(60 * arguments.minutes), {"failed": {}}
    data["skipped"] = budget.skipped
    trial = arguments.quick or arguments.stand_in  # not for the page
    place = "gpu_trial" if trial else "gpu", arguments.records or (report.RECORDS if trial else report.KEPT)
    for part, (measure, share) in PARTS.items():
        budget.until(share)
        data[part] = {}
        try:
            measure(gpu, scale, budget, data[part])
        except Exception as error:  # what was measured is kept, and the other parts are tried
            traceback.print_exc()
            data["failed"][part] = brief(error)
        report.store(place[0], data, text(data), before, place[1])
    faulthandler.cancel_dump_traceback_later()
    report.save(place[0], data, text(data), before, place[1])
    if data["failed"] or wrong(data["bits"]):
        sys.exit(f"error: not all is right: {', '.join([*data['failed'], *wrong(data['bits'])])}")


if __name__ == "__main__":
    main()
