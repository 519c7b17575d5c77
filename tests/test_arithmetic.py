"""Results do not depend on a floating-point environment changed by other libraries, which is restored afterwards."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import environment
import numpy as np
import pytest
from environment import FLUSHED, WAYS, change, changed, control, reciprocals
from kernel_cases import TARGET, XOR, everything, make_batch
from spec_cases import TINY

import saddlescape as ss
from saddlescape.kernels import Trainer, derivatives, outputs, train
from saddlescape.kernels.limit import limit
from saddlescape.kernels.probe import OperationTimes
from saddlescape.spec import parse
from saddlescape.system import arithmetic

SPEC = f"""{TINY.replace("steps = 20", "steps = 600")}
[record]
runs = 3
parameters = true
final_parameters = true
fields = ["loss", "grad_norm", "distance", "cosine", "outputs"]
[[axes]]
key = "starts.scale"
logspace = [1e-320, 3.0, 9]
[[axes]]
key = "training.optimizer"
values = ["gd", "adam"]
"""
NOISY = ("training.batch='shuffled'", "training.noise=1e-3")
NETWORK = Trainer((2, 2, 1), True, ("tanh", "logistic"), "half_sse", "gd")
SITE = "import sys\nsys.path.insert(0, {tests!r})\nfrom environment import change\nchange({way!r})\n"
CONSTRUCTOR = """
#include <xmmintrin.h>
__attribute__((constructor)) static void flush(void) { _mm_setcsr(_mm_getcsr() | 0x8040); }
"""
LIBRARY = "import ctypes\nctypes.CDLL({library!r})\n"


DIRECTIONS = np.random.default_rng(8).normal(size=(12, 9))
STARTS = DIRECTIONS * np.logspace(-320, 1, 12)[:, None]
SINGLE = (DIRECTIONS * np.logspace(-43, 1, 12)[:, None]).astype("float32")
"""Starts of all magnitudes."""


def packed(arrays):
    return [np.ascontiguousarray(array).tobytes() for array in arrays.values()]


def bytes_of_run(folder, *overrides):
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    return ss.run(parse(SPEC, folder, overrides), out, threads=2).read_bytes()


def flow():
    changes = ("training.optimizer='flow'", "training.learning_rate=", "training.time=50")
    spec = parse(SPEC.split("[record]")[0], Path(), changes).spec
    return packed(ss.run_starts(spec, STARTS, threads=2))


def hessians():
    found = derivatives(NETWORK, XOR, TARGET, STARTS)
    return packed(vars(found))


ENTRIES = {
    "run": bytes_of_run,
    "noisy run": lambda folder: bytes_of_run(folder, *NOISY),
    "load": lambda folder: parse(SPEC, str(folder)).resolved(),
    "start": lambda folder: ss.start(parse(SPEC, folder), (0, 0), 3).tobytes(),
    "replay": lambda folder: packed(ss.replay(parse(SPEC, folder), (3, 1), 3)),
    "starts given, of the flow": lambda folder: flow(),
    "train": lambda folder: everything(train(NETWORK, XOR, TARGET, make_batch(STARTS, 300))),
    "train in float32": lambda folder: everything(train(NETWORK, XOR, TARGET, make_batch(SINGLE, 300))),
    "derivatives": lambda folder: hessians(),
    "outputs": lambda folder: outputs(NETWORK, XOR, STARTS).tobytes(),
    "limit": lambda folder: limit(NETWORK, 4, "float64", OperationTimes(1.0, 1.0, 1.0, 1.0, 1.0, 1.0)),
}


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """Results of the entry points in the default environment."""
    folder = tmp_path_factory.mktemp("clean")
    return {name: entry(folder) for name, entry in ENTRIES.items()}


@pytest.mark.fault("another library changes the arithmetic of a thread: subnormal numbers or rounding")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ENTRIES)
def test_bits_and_the_callers_arithmetic_are_kept(name, way, clean, tmp_path, tried):
    usual = reciprocals()
    with changed(way):
        before, theirs = control(), reciprocals()
        found = ENTRIES[name](tmp_path)
        assert (control(), reciprocals()) == (before, theirs)
    assert theirs != usual
    assert found == clean[name]
    tried()


def test_what_a_callback_changes_does_not_last():
    batch = make_batch(STARTS, 2000)
    kept, slices = control(), []

    def load(steps):
        slices.append(steps)
        change("upward")

    assert everything(train(NETWORK, XOR, TARGET, batch, after_slice=load)) == everything(
        train(NETWORK, XOR, TARGET, batch)
    )
    assert len(slices) > 1
    assert control() == kept


def test_the_control_word_of_windows_is_set_and_restored(monkeypatch):
    word = 0x0009_001F | 0x0100_0300  # flushes subnormal numbers and rounds toward zero

    def controlfp(now, new, mask):
        nonlocal word
        word = word & ~mask | getattr(new, "value", new) & mask
        now._obj.value = word
        return 0

    monkeypatch.setattr(arithmetic, "_C", SimpleNamespace(_controlfp_s=controlfp))
    with arithmetic._windows():
        assert word == 0x0009_001F
    assert word == 0x0109_031F


def library(folder):
    """A library that flushes subnormal numbers when it is loaded, as GCC before 13 makes all libraries with -Ofast."""
    code, made = folder / "fast.c", folder / "fast.so"
    code.write_text(CONSTRUCTOR)
    subprocess.run(["gcc", "-Ofast", "-shared", "-fPIC", code, "-o", made], check=True)
    return made


def site(way, folder):
    """Write a module that changes the arithmetic of an interpreter at its start; returns its environment."""
    text = SITE.format(tests=str(Path(environment.__file__).parent), way=way)
    if way == "library":
        text = LIBRARY.format(library=str(library(folder)))
    (folder / "sitecustomize.py").write_text(text)
    return {**os.environ, "PYTHONPATH": str(folder)}


LOADED = "library" if shutil.which("gcc") and platform.machine() == "x86_64" else FLUSHED


@pytest.mark.fault("another library changes the arithmetic of a thread: subnormal numbers or rounding")
@pytest.mark.parametrize(("way", "options"), [(LOADED, ()), ("upward", ()), (FLUSHED, ("--dask", "local:1"))])
def test_commands_and_workers_make_the_same_bytes(way, options, clean, tmp_path, tried):
    (tmp_path / "spec.toml").write_text(SPEC)
    command = [sys.executable, "-m", "saddlescape", "run", "spec.toml", "-o", "out", *options]
    subprocess.run(command, cwd=tmp_path, env=site(way, tmp_path), check=True, capture_output=True)
    assert (tmp_path / "out" / "result.h5").read_bytes() == clean["run"]
    tried()
