"""A command begins with streams that may be closed, and ends soon after it was asked to, whatever it is doing."""

import itertools
import os
import signal
import subprocess
import sys

import pytest
from spec_cases import TINY

import saddlescape as ss

START = "from saddlescape_cli.start import main; main()"
SOON = 60
"""Seconds after which a process that should have left at once is given up, on a machine however busy."""

SIGNALLED = """
import signal, sys

class Signals:
    def find_spec(self, name, path, target=None):
        if name == "{module}":
            signal.raise_signal(signal.{number})

sys.meta_path.insert(0, Signals())
"""

DEAF = """
import time
from saddlescape_cli import sweeps

def deaf():
    print("ready", flush=True)
    while True:
        try:
            time.sleep(SOON)
        except KeyboardInterrupt:
            pass

sweeps.sweeps.callback = deaf
""".replace("SOON", str(SOON))

COMPILED = """
import ctypes
from saddlescape_cli import sweeps

def compiled():
    print("ready", flush=True)
    mutex = ctypes.create_string_buffer(256)
    while True:
        ctypes.CDLL(None).pthread_mutex_lock(mutex)

sweeps.sweeps.callback = compiled
"""


def slow(cases):
    return [pytest.param(case, marks=pytest.mark.slow) for case in cases]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("tiny") / "tiny.toml"
    path.write_text(TINY)
    ss.run(path, path.parent / "run")
    return path


def saddlescape(*words, before="", **options):
    return subprocess.run([sys.executable, "-c", before + START, *map(str, words)], text=True, timeout=SOON, **options)


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2), *slow(itertools.combinations(range(3), 2))])
def test_streams_that_are_closed_are_null(tiny, tmp_path, closed):
    shut = " ".join(f"{descriptor}>&-" for descriptor in closed)
    command = [sys.executable, "-m", "saddlescape", "run", str(tiny), "-o", str(tmp_path / "run")]
    done = subprocess.run(["sh", "-c", f'exec "$@" {shut}', "sh", *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run/result.h5").read_bytes() == (tiny.parent / "run/result.h5").read_bytes()
    assert (done.stdout == "") == (1 in closed)
    assert done.stderr == ""


def test_characters_that_a_console_lacks_are_no_traceback(tiny):
    path = tiny.parent / "greek.toml"
    path.write_text(TINY.replace("tiny", "\u03b1 \u2192 0 \xb1 1"), encoding="utf-8")
    ss.run(path, tiny.parent / "greek")
    console = {**os.environ, "PYTHONIOENCODING": "cp1252:strict"}
    command = [sys.executable, "-m", "saddlescape", "info", "greek"]
    done = subprocess.run(command, cwd=tiny.parent, env=console, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"? ? 0 \xb1 1" in done.stdout


def test_a_reader_that_has_gone_is_no_traceback(tiny):
    command = [sys.executable, "-m", "saddlescape", "info", str(tiny.parent / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.parametrize("words", [("info",), ("run", "-o", "other")])
def test_stdout_that_is_full_is_told(tiny, tmp_path, words):
    command, *rest = words
    source = tiny.parent / "run" if command == "info" else tiny
    with open("/dev/full", "w") as full:
        done = saddlescape(command, source, *rest, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE)
    remedy = "No space left on device; free some space and give the command again: finished work is kept"
    assert (done.returncode, done.stderr) == (3, f"error: output: {remedy}\n")


IMPORTS = [("sweeps", "click"), ("info", "numpy"), ("info", "h5py"), ("plot", "matplotlib"), ("claims", "numba")]


@pytest.mark.parametrize(("command", "module"), IMPORTS)
@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_while_something_is_imported_is_no_traceback(tiny, tmp_path, command, module, number, code):
    words = [] if command in ("sweeps", "claims") else [tiny.parent / "run/result.h5"]
    before = SIGNALLED.format(module=module, number=number)
    done = saddlescape(command, *words, before=before, cwd=tmp_path, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (code, "", "")


@pytest.mark.parametrize("busy", [DEAF, COMPILED], ids=["deaf", "compiled"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_that_hears_nothing_ends_all_the_same(busy, number, code):
    command = [sys.executable, "-c", busy + START, "sweeps"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        try:
            assert (process.wait(SOON), process.stderr.read()) == (code, "\n")
        finally:
            process.kill()


ALARMED = "import signal\nsignal.signal(signal.SIGALRM, lambda number, frame: None)\n" + "".join(
    SIGNALLED.format(module=module, number="SIGALRM") for module in ("numpy", "h5py")
)


def test_signals_that_ask_for_something_else_end_no_command(tiny):
    done = saddlescape("info", tiny.parent / "run", before=ALARMED, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")
