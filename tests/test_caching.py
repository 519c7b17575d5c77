"""Machine code on disk: that of the very sources and kernel, and of no others."""

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from numba.core.caching import IndexDataCacheFile

import saddlescape
from saddlescape.kernels.caching import Files

TRAIN = """
import os, sys
import numpy as np
import saddlescape
from kernel_cases import TARGET, XOR, make_batch
from saddlescape.kernels import Trainer, train
from saddlescape.kernels.train import advance

assert saddlescape.__file__.startswith(sys.argv[1]), saddlescape.__file__
trainer = Trainer((2, 2, 1), True, ("tanh", "tanh"), "half_sse", "gd")
trained = train(trainer, XOR, TARGET, make_batch(np.full((1, 9), 0.5), 3))
print(trained.theta.tobytes().hex(), sum(advance.stats.cache_hits.values()))
"""
STEP, HALF = "return fma(-rates[\"learning_rate\"], g, theta)", "return fma(-0.5 * rates[\"learning_rate\"], g, theta)"


@pytest.fixture
def package(tmp_path):
    """A copy of the package, without machine code."""
    source = Path(saddlescape.__file__).parent
    return shutil.copytree(source, tmp_path / "saddlescape", ignore=shutil.ignore_patterns("__pycache__"))


def trained(package):
    """(parameters, whether the machine code was found on disk) of a fresh process that runs the copy."""
    path = os.pathsep.join([str(package.parent), str(Path(__file__).parent)])
    command = [sys.executable, "-c", TRAIN, str(package)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    theta, hits = done.stdout.split()
    return theta, hits == "1"


def test_edited_sources_never_meet_stale_machine_code(package):
    steppers, kept = package / "kernels/steppers.py", package / "kernels/__pycache__"
    text = steppers.read_text()
    whole, _ = first = trained(package)
    assert first == (whole, False)
    assert trained(package) == (whole, True)
    files = {path.name for path in kept.glob("*.nb?")}
    assert files
    assert text.count(STEP) == 1
    steppers.write_text(text.replace(STEP, HALF))
    half, found = trained(package)
    assert (half == whole, found) == (False, False)
    for path in kept.glob("*.nbc"):  # as a process with other sources does
        path.unlink()
    assert trained(package) == (half, False)
    assert trained(package) == (half, True)
    assert not files & {path.name for path in kept.glob("*.nb?")}
    steppers.write_text(text)
    assert trained(package) == (whole, False)
    assert {path.name for path in kept.glob("*.nb?")} == files


def files(folder):
    return Files(str(folder), "advance-1.py3", None)


def test_kernels_compiled_at_once_keep_their_own_code(tmp_path, monkeypatch):
    """Numba reads an index before it numbers a file: here both have read it before either writes."""
    both, read = threading.Barrier(2), IndexDataCacheFile._load_index

    def read_together(self):
        found = read(self)
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(timeout=10)
        return found

    monkeypatch.setattr(IndexDataCacheFile, "_load_index", read_together)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda key: files(tmp_path).save(key, f"code of {key}"), ("adam", "gd")))
    monkeypatch.undo()
    assert [files(tmp_path).load(key) for key in ("adam", "gd")] == ["code of adam", "code of gd"]


@pytest.mark.parametrize("harm", [lambda code: code[:-1], lambda code: code[:-1] + b"?", lambda code: b""])
def test_torn_machine_code_is_as_good_as_none(tmp_path, harm):
    files(tmp_path).save("gd", "code")
    path = files(tmp_path).path("gd")
    path.write_bytes(harm(path.read_bytes()))
    assert files(tmp_path).load("gd") is None
    files(tmp_path).save("gd", "code")
    assert files(tmp_path).load("gd") == "code"


def test_code_that_cannot_be_kept_is_compiled_again(tmp_path):
    files(tmp_path / "gone").save("gd", "code")
    assert files(tmp_path / "gone").load("gd") is None
