"""Compare the bits of a device with those of this processor, for cases in which everything that selects code occurs."""

import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace
from itertools import cycle
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from saddlescape.kernels import Trainer, train
from saddlescape.kernels.lanes import LaneType
from saddlescape.kernels.ptx import ptx
from saddlescape.kernels.variant import Variant
from saddlescape.system.resources import cores

TESTS = Path(__file__).parents[1] / "tests"
RUNS, STEPS, SAMPLES = 97, 60, 5
GRIDS = ((1, 32), (4, 64))
"""(blocks, threads in a block): fewer threads than runs, so that lanes are refilled, and more."""

SCALES = (1e-320, 1e-40, 1e-10, 1.0, 1e30, 1e160, 1e308)
"""Of starts whose numbers become subnormal, infinite or NaN."""

OPTIONS = (
    {"weight_decay": True, "layer_rates": True, "schedule": "cosine"},
    {"noise": True, "schedule": "exponential"},
    {"batch": 2, "schedule": "inverse_time"},
    {"batch": 1, "shuffled": True, "noise": True},
    {"bias": False, "schedule": "step"},
    {"layer_rates": True, "schedule": "one_cycle"},
)


class OnGrid:
    """A device with a fixed grid."""

    def __init__(self, device, grid):
        self._device, self._grid = device, grid

    def __getattr__(self, name):
        return getattr(self._device, name)

    def grid(self, variant, runs):
        return self._grid


def cases():
    """Return the arguments of `train` by name; every run is recorded, with its parameters."""
    sys.path.append(str(TESTS))
    import kernel_cases as k

    size = max(len(k.ACTIVATIONS), len(k.LOSSES), len(k.STEPPING))
    factors = (k.ACTIVATIONS, k.LOSSES, k.STEPPING, k.HIDDEN, ("float64", "float32", "float32", "float64"))
    values = zip(*(cycle(factor) for factor in factors), range(size), strict=False)
    given = {"samples": SAMPLES, "runs": RUNS, "steps": STEPS}
    found = {_name(*case): k.arguments(case, **given) for *case, _ in values}
    for number, options in enumerate(OPTIONS):
        case = ("tanh", "half_sse", "momentum", (3,), k.DTYPES[number % 2])
        with_options = _name(*case, *(f"{key}={value}" for key, value in options.items()))
        found[with_options] = k.arguments(case, **given, **options)
    for dtype in k.DTYPES:
        found[f"flow {dtype}"] = _flow(k, dtype)
        found[f"subnormal and infinite numbers {dtype}"] = _scaled(k, dtype)
    return found


def _name(*parts):
    return " ".join("-".join(map(str, part)) if isinstance(part, tuple) else str(part) for part in parts if part != ())


def _flow(k, dtype):
    trainer = Trainer((2, 2, 1), True, ("tanh", "tanh"), "half_sse", "flow")
    theta = np.random.default_rng(3).normal(0, 0.5, (RUNS, 9)).astype(dtype)
    batch = k.make_batch(theta, 10**5, every=10**5, solved=0.4, escape=0.47, time=20.0, rtol=1e-6, atol=1e-9)
    return trainer, k.XOR, k.TARGET, replace(batch, record_at=np.linspace(0, 20, 9))


def _scaled(k, dtype):
    trainer = Trainer((2, 2, 1), True, ("relu", "linear"), "half_sse", "momentum", weight_decay=True)
    with np.errstate(over="ignore", under="ignore"):
        theta = np.random.default_rng(5).normal(0, 1, (RUNS, 9)) * np.resize(SCALES, RUNS)[:, None]
        batch = k.make_batch(theta.astype(dtype), STEPS, learning_rate=1.0)
    return trainer, k.XOR, k.TARGET, replace(batch, diverged=np.full(RUNS, np.inf))


def variant_of(trainer, X, batch):
    """Return the variant that `train` uses on a device."""
    return Variant(trainer, len(X), bool((batch.gradient > 0).any()), LaneType(batch.theta.dtype.name, 1))


def _compile(name):
    """Put the machine code and the PTX of a case on the disk."""
    trainer, X, T, batch = cases()[name]
    train(trainer, X, T, batch)
    ptx(variant_of(trainer, X, batch))


def prepare(names):
    """Compile cases in a process for each core; without it they would be compiled one after another."""
    with ProcessPoolExecutor(cores(), get_context("spawn")) as pool:
        list(pool.map(_compile, names))


def differences(device, arguments):
    """Return the names of the arrays that differ in a bit, by grid."""
    expected = train(*arguments)
    found = {}
    for grid in GRIDS:
        trained = train(*arguments, device=OnGrid(device, grid))
        found[" x ".join(map(str, grid))] = [
            field.name for field in fields(expected)
            if getattr(expected, field.name).tobytes() != getattr(trained, field.name).tobytes()
        ]  # fmt: skip
    return found
