"""The disk cache of machine code: a kernel is loaded only by the sources that it was compiled from."""

import contextlib
import ctypes
import os
import resource
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from numba.core import config
from numba.core.caching import IndexDataCacheFile
from spec_cases import TINY

import saddlescape
from saddlescape.kernels import caching
from saddlescape.kernels.caching import KernelFiles, UserCacheLocator, prune

OUTPUTS = """
import os, sys
import numpy as np
import saddlescape
from saddlescape.kernels import Trainer
from saddlescape.kernels.outputs import fill, outputs

assert saddlescape.__file__.startswith(sys.argv[1]), saddlescape.__file__
trainer = Trainer((2, 2, 1), True, ("tanh", "linear"), "half_sse", "gd")
values = outputs(trainer, np.eye(2), np.full((1, 9), 0.5))
print(values.tobytes().hex(), sum(fill.stats.cache_hits.values()))
"""
LINEAR = "    return z, z.like(1.0)"
HALF = LINEAR.replace("z,", "z * 0.5,")


def reset_warning(monkeypatch):
    """No warning has been shown in this process; after the test, the environment is as before."""
    monkeypatch.setenv(caching.WARNED, "")
    monkeypatch.delenv(caching.WARNED)



@pytest.fixture
def package(tmp_path):
    """A copy of the package, without machine code."""
    source = Path(saddlescape.__file__).parent
    return shutil.copytree(source, tmp_path / "saddlescape", ignore=shutil.ignore_patterns("__pycache__"))


def computed(package):
    """(outputs, whether the machine code was loaded from disk) of a new process that runs the copy."""
    command = [sys.executable, "-c", OUTPUTS, str(package)]
    path = {"PYTHONPATH": str(package.parent)}
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | path)
    assert done.returncode == 0, done.stderr
    values, hits = done.stdout.split()
    return values, hits == "1"


def test_edited_sources_never_meet_stale_machine_code(package):
    activations, cache = package / "kernels/activations.py", package / "kernels/__pycache__"
    text = activations.read_text()
    whole, _ = first = computed(package)
    assert first == (whole, False)
    assert computed(package) == (whole, True)
    files = {path.name for path in cache.glob("*.nb?")}
    assert files
    assert text.count(LINEAR) == 1
    activations.write_text(text.replace(LINEAR, HALF))
    half, loaded = computed(package)
    assert (half == whole, loaded) == (False, False)
    assert not files & {path.name for path in cache.glob("*.nb?")}
    activations.write_text(text)
    assert computed(package) == (whole, False)
    assert {path.name for path in cache.glob("*.nb?")} == files


def files(folder):
    return KernelFiles(str(folder), "advance-1.py3", None)


def test_kernels_compiled_at_the_same_time_do_not_exchange_their_code(tmp_path, monkeypatch):
    """Numba reads an index before it numbers a file; here both threads have read it before either writes."""
    both, read = threading.Barrier(2), IndexDataCacheFile._load_index

    def read_together(self):
        index = read(self)
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(timeout=10)
        return index

    monkeypatch.setattr(IndexDataCacheFile, "_load_index", read_together)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda key: files(tmp_path).save(key, f"code of {key}"), ("adam", "gd")))
    monkeypatch.undo()
    assert [files(tmp_path).load(key) for key in ("adam", "gd")] == ["code of adam", "code of gd"]


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def changed(path):
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def emptied(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("harm", [cut, changed, emptied, Path.unlink])  # processes with other sources delete files
def test_damaged_machine_code_is_ignored(tmp_path, harm):
    files(tmp_path).save("gd", "code")
    harm(files(tmp_path).path("gd"))
    assert files(tmp_path).load("gd") is None
    files(tmp_path).save("gd", "code")
    assert files(tmp_path).load("gd") == "code"


def test_code_that_cannot_be_written_is_compiled_again(tmp_path, monkeypatch):
    reset_warning(monkeypatch)
    with pytest.warns(UserWarning, match="No such file"):
        files(tmp_path / "gone").save("gd", "code")
    assert files(tmp_path / "gone").load("gd") is None


DROP_FROM_BOUNDING_SET = 24
"""Argument of prctl."""


def drop_root_permissions():
    """Drop the two capabilities with which root ignores file permissions; has no effect for other users."""
    for capability in (1, 2):
        ctypes.CDLL(None).prctl(DROP_FROM_BOUNDING_SET, capability)


def command(package, *args, **environment):
    """Run the command line of the copy of the package as a user without write permission and without a home folder."""
    code = "import sys; from saddlescape_cli.main import main; import saddlescape as s"
    code += f"; assert s.__file__.startswith({str(package)!r}); main()"
    variables = os.environ | {"PYTHONPATH": str(package.parent), "HOME": os.devnull, **environment}
    for unset in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", caching.WARNED):
        if unset not in environment:
            variables.pop(unset, None)
    program = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.run(program, capture_output=True, text=True, env=variables, preexec_fn=drop_root_permissions)


@pytest.fixture
def read_only(package):
    """The copy of the package in read-only folders."""
    folders = [package, *(path for path in package.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    yield package
    for folder in folders:
        folder.chmod(0o755)


@pytest.fixture
def tiny(tmp_path):
    (tmp_path / "tiny.toml").write_text(TINY)
    return tmp_path / "tiny.toml"


@pytest.mark.fault("machine code cannot be stored on the disk")
def test_without_a_folder_for_machine_code_a_run_goes_on_with_one_warning(read_only, tiny, tmp_path, tried):
    run, warning = tmp_path / "run", "warning: machine code cannot be cached (no folder for it is writable)"
    done = command(read_only, "run", tiny, "-o", run, "--keep-blocks")
    assert (done.returncode, done.stderr.count("\n"), done.stderr.startswith(warning)) == (0, 1, True), done.stderr
    assert done.stderr.endswith("; set NUMBA_CACHE_DIR to a writable folder\n")
    compiling_nothing = (("status", run), ("merge", run, "-o", tmp_path / "merged.h5"), ("resume", run))
    for words in compiling_nothing:
        done = command(read_only, *words)
        assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "merged.h5").read_bytes() == (run / "result.h5").read_bytes()
    assert not list(tmp_path.rglob("~"))
    tried()


@pytest.fixture
def named(tmp_path, monkeypatch):
    """The cache folder that the user has set, in a process that has shown no warning."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "cache"))
    reset_warning(monkeypatch)
    return tmp_path / "cache"


def doubled():
    """A function that no process has compiled before."""

    @caching.cached()
    def double(x):
        return 2 * x

    return double


@pytest.mark.fault("machine code cannot be stored on the disk")
def test_a_deleted_folder_is_created_again(named, tried):
    double = doubled()
    shutil.rmtree(named)
    assert double(3) == 6
    assert len(list(named.rglob("*.nbc"))) == 1
    assert doubled()(3) == 6
    tried()


@pytest.mark.fault("machine code cannot be stored on the disk")
def test_a_folder_replaced_by_a_file_causes_one_warning(named, tried):
    double = doubled()
    shutil.rmtree(named)
    named.write_text("")
    with pytest.warns(UserWarning, match=r"cannot be cached \(Not a directory\)") as warned:
        assert (double(3), double(1.5)) == (6, 3)
    assert len(warned) == 1
    tried()


@pytest.mark.fault("machine code cannot be stored on the disk")
def test_a_full_disk_causes_one_warning(tmp_path, monkeypatch, tried):
    reset_warning(monkeypatch)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
        with pytest.warns(UserWarning, match=r"cannot be cached \(File too large\)") as warned:
            [files(tmp_path).save(key, "code" * 1000) for key in ("gd", "adam")]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(warned) == 1
    assert list(tmp_path.iterdir()) == []
    tried()


@pytest.mark.parametrize("name", ["train.advance_{}-331.py311.{}.nbc", "train.advance_{}-331.py311.{}.nbc.tmp.0"])
def test_the_least_recently_used_files_are_removed(tmp_path, monkeypatch, name):
    monkeypatch.setattr(caching, "MAX_BYTES", 250)
    ours = [tmp_path / name.format(caching.SOURCES, number) for number in range(4)]
    foreign = [tmp_path / "f-1.py311.1.nbc", tmp_path / "f_0123456789abcdef.py"]
    for age, path in enumerate([*ours, *foreign]):
        path.write_bytes(bytes(100))
        os.utime(path, (1000 - age, 1000 - age))
    prune(str(tmp_path))
    assert {*tmp_path.iterdir()} == {*ours[:2], *foreign}


def test_reading_updates_the_time_of_last_use(tmp_path):
    files(tmp_path).save("gd", "code")
    path = files(tmp_path).path("gd")
    os.utime(path, (0, 0))
    assert files(tmp_path).load("gd") == "code"
    assert path.stat().st_mtime > 0


def test_without_a_home_no_folder_of_that_name_is_created(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "~/.cache")  # what Numba uses for a user without an entry or a home
    assert UserCacheLocator.from_function(prune.__wrapped__, caching.__file__) is None
    assert list(tmp_path.iterdir()) == []


def test_a_disabled_compiler_is_refused_in_one_line(tiny, tmp_path):
    package = Path(saddlescape.__file__).parent
    done = command(package, "run", tiny, "-o", tmp_path / "run", NUMBA_DISABLE_JIT="1")
    assert done.returncode == 3
    assert done.stderr == (
        "error: NUMBA_DISABLE_JIT is set, but the kernels must be compiled; unset it\n"
    )
