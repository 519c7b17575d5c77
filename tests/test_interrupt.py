"""Ctrl-C, SIGTERM and --max-time keep committed blocks; a resume computes the others, with the same bytes."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest
from spec_cases import TINY

import saddlescape as ss
from saddlescape.runs.runner import resume
from saddlescape.store.atomic import PART, temporary
from saddlescape_cli import watch

SPEC = TINY.replace("count = 10", "count = 4096").replace("steps = 20", "steps = 20000") + "[stop]\nsolved = 0\n"

MAIN = """
import os
import saddlescape.plan.plan
from saddlescape_cli import leaving, watch
from saddlescape_cli.main import main

leaving.GRACE = 600  # it ends by itself, however busy the machine is

class Event(watch.Event):
    def set(self):
        super().set()
        os.write(1, b"asked\\n")  # in one piece, unlike print: other threads write lines, too

watch.Event = Event
saddlescape.plan.plan.BLOCK_WORK = 2**26
"""

DEAF = """
import saddlescape.runs.dispatch
saddlescape.runs.dispatch.Meter.after_slice = lambda meter, steps: None
saddlescape.plan.plan.BLOCK_WORK = 2**32
"""


WAITING = """
import sys
from saddlescape import store

whole = sys.modules["saddlescape.store.merge"]._copy

def copy(*arguments):
    print("copying", flush=True)
    sys.stdin.readline()
    return whole(*arguments)

sys.modules["saddlescape.store.merge"]._copy = copy
"""

COMPILING = """
import os
import threading
from numba.core import event

class Told(event.Listener):
    def on_start(self, event):
        if threading.current_thread() is not threading.main_thread():
            os.write(1, b"compiling\\n")

    def on_end(self, event):
        pass

event.register("numba:compile", Told())
"""


def command(*args, code=MAIN):
    threads = () if "merge" in args else ("--threads", "2")
    return [sys.executable, "-c", f"{code}\nmain()", *map(str, args), *threads]


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    path = tmp_path_factory.mktemp("spec") / "long.toml"
    path.write_text(SPEC)
    return path


@pytest.fixture(scope="module")
def uninterrupted(spec, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    subprocess.run(command("run", spec, "-o", folder, "--keep-blocks"), check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("tiny") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="module")
def finished(tiny):
    subprocess.run(command("run", tiny, "-o", tiny.parent / "run", "--keep-blocks"), check=True, capture_output=True)
    return tiny.parent / "run"


@pytest.fixture
def begin():
    """Start a command; its processes are killed at the end of the test."""
    with contextlib.ExitStack() as stack:

        def begin(*words, code=MAIN, **options):
            pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
            arguments = command(*words, code=code)
            process = stack.enter_context(subprocess.Popen(arguments, **pipes, text=True, **options))
            stack.callback(process.kill)
            return process

        yield begin


@pytest.fixture
def start(begin, spec):
    return lambda folder, code=MAIN: begin("run", spec, "-o", folder, code=code)


def until(condition, process):
    """Wait for a condition while the process runs."""
    while not condition():
        with contextlib.suppress(subprocess.TimeoutExpired):
            pytest.fail(f"ended with {process.wait(0.01)}: {process.stderr.read()}")


def committed(folder):
    return {path.name for path in folder.glob("blocks/*.h5")}


@pytest.mark.fault("SIGINT or SIGTERM, once or twice, during a run")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_keeps_what_is_done_and_resume_gives_the_same_bytes(start, uninterrupted, tmp_path, tried, number):
    folder = tmp_path / "my run"
    process = start(folder)
    until(lambda: committed(folder), process)
    process.send_signal(number)
    assert process.communicate()[1] == (
        f"stopped; finished blocks are kept. Continue with: saddlescape resume '{folder}'\n"
    )
    assert process.returncode == 128 + number
    kept = committed(folder)
    assert kept < committed(uninterrupted)
    assert not (folder / "result.h5").exists()
    assert not list(folder.rglob("*.part"))
    resumed = subprocess.run(command("resume", folder), capture_output=True, text=True)
    assert resumed.returncode == 0, resumed.stderr
    assert (folder / "result.h5").read_bytes() == (uninterrupted / "result.h5").read_bytes()
    tried()


@pytest.mark.fault("SIGINT or SIGTERM, once or twice, during a run")
def test_a_second_ctrl_c_does_not_wait_and_loses_nothing_that_was_committed(start, tmp_path, tried):
    folder = tmp_path / "run"
    process = start(folder, MAIN + DEAF)
    until((folder / "plan.json").exists, process)
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "asked\n"
    process.send_signal(signal.SIGINT)
    assert "stopped at once" in process.communicate()[1]
    assert process.returncode == 130
    assert not committed(folder)
    resumed = subprocess.run(command("resume", folder, code=MAIN + DEAF), capture_output=True, text=True)
    assert resumed.returncode == 0, resumed.stderr
    assert (folder / "result.h5").exists()
    tried()


def interrupted(process, signals):
    """Exit code and stderr of a process that gets these signals during a merge."""
    assert process.stdout.readline() == "copying\n"
    process.send_signal(signals[0])
    assert process.stdout.readline() == "asked\n"
    for number in signals[1:]:
        process.send_signal(number)
        process.wait()
    return process.communicate("\n")[1], process.returncode


NOW = "\nstopped at once; finished blocks are kept; continue with saddlescape resume\n"
ONCE, TWICE = [signal.SIGTERM], [signal.SIGINT, signal.SIGINT]
OTHERS = [[signal.SIGINT], [signal.SIGTERM, signal.SIGINT]]


def slow(cases):
    return [pytest.param(case, marks=pytest.mark.slow) for case in cases]


@pytest.mark.fault("SIGINT or SIGTERM, once or twice, during a merge")
@pytest.mark.parametrize("signals", [ONCE, TWICE, *slow(OTHERS)])
def test_a_stop_in_a_merge_leaves_all_blocks_and_no_result(begin, finished, tmp_path, tried, signals):
    folder, target = shutil.copytree(finished, tmp_path / "run"), tmp_path / "merged.h5"
    reference = (folder / "result.h5").read_bytes()
    (folder / "result.h5").unlink()
    blocks = committed(folder)
    told = {
        "resume": f"stopped; finished blocks are kept. Continue with: saddlescape resume {folder}\n",
        "merge": f"stopped; {target} was not written, and the shards are unchanged\n",
    }
    again = {"resume": lambda: resume(folder, keep_blocks=True), "merge": lambda: ss.merge([folder], target)}
    for name, words, result in (("resume", (), folder / "result.h5"), ("merge", ("-o", target), target)):
        process = begin(name, folder, *words, code=MAIN + WAITING)
        code = 128 + signals[-1]
        assert interrupted(process, signals) == (told[name] if len(signals) == 1 else NOW, code)
        assert not result.exists()
        assert committed(folder) == blocks
        assert list(tmp_path.rglob("*.part")) == [temporary(result, PART)] * (len(signals) == 2)
        assert again[name]().read_bytes() == reference
        assert not list(tmp_path.rglob("*.part"))
        tried()


@pytest.mark.fault("SIGINT or SIGTERM, once or twice, while kernels are compiled")
@pytest.mark.parametrize("signals", [TWICE, *slow([ONCE])])
def test_a_stop_while_kernels_are_compiled_leaves_a_run_to_go_on_with(begin, tiny, finished, tmp_path, tried, signals):
    fresh = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    process = begin("run", tiny, "-o", tmp_path / "run", code=MAIN + COMPILING, env=fresh)
    assert process.stdout.readline() == "compiling\n"
    process.send_signal(signals[0])
    assert "asked\n" in process.stdout
    for number in signals[1:]:
        process.send_signal(number)
    process.communicate()
    assert process.returncode == 128 + signals[-1]
    assert not committed(tmp_path / "run")
    assert resume(tmp_path / "run").read_bytes() == (finished / "result.h5").read_bytes()
    tried()


def test_a_run_ends_in_good_order_when_its_time_is_up(spec, tmp_path):
    endless = command("run", spec, "-o", tmp_path / "run", "--set", "training.steps=1000000000000", "--max-time", "1s")
    done = subprocess.run(endless, capture_output=True, text=True)
    assert done.returncode == 75
    assert done.stderr == f"stopped; finished blocks are kept. Continue with: saddlescape resume {tmp_path / 'run'}\n"
    assert json.loads((tmp_path / "run/run.json").read_text())["ended"]


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("55m", 3300), ("1h30m", 5400), ("2d", 172800)])
def test_a_time_is_in_days_hours_minutes_and_seconds(text, seconds):
    assert watch.duration(None, None, text) == seconds


@pytest.mark.parametrize("text", ["", "5", "0s", "5x", "m", "-1s", "1m1h", "inf"])
def test_other_times_are_refused(spec, text):
    done = subprocess.run(command("run", spec, "--max-time", text), capture_output=True, text=True)
    assert done.returncode == 2
    assert "must be a duration such as 90s, 55m or 1h30m" in done.stderr


def test_ctrl_c_before_the_run_began_ends_with_130_too():
    program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a job may ignore it
    program += "from saddlescape_cli import main, sweeps\n"
    program += "sweeps.sweeps.callback = lambda: signal.raise_signal(signal.SIGINT); main.main()"
    done = subprocess.run([sys.executable, "-c", program, "sweeps"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "\n")
