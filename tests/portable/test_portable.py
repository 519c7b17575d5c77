"""From a spec to pictures and the explorer, typed as a user types it, without what Windows lacks."""

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from spec_cases import TINY

import saddlescape as ss
from saddlescape.errors import LockedError
from saddlescape.store.atomic import write_atomic

COMMAND = [sys.executable, "-m", "saddlescape"]
SPEC = TINY + '[record]\nruns = 2\n[[axes]]\nkey = "starts.scale"\nvalues = [0, 0.1, 1]\n'
SMALL = """
import os, sys
import saddlescape.plan.plan
from saddlescape.store import RunFolder
from saddlescape_cli.start import main

saddlescape.plan.plan.BLOCK_RUNS = 4
whole = RunFolder.commit_file

def commit(self, block, content):
    whole(self, block, content)
    os.kill(os.getpid(), 9)

if sys.argv[-1] == "killed":
    RunFolder.commit_file = commit
main()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(SPEC)
    return tmp_path


def saddlescape(*words, code=0, command=COMMAND):
    done = subprocess.run([*command, *words], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done.stdout


def test_a_run_is_verified_exported_and_plotted():
    saddlescape("run", "tiny.toml", "-o", "run")
    assert "intact" in saddlescape("verify", "run")
    assert "merged" in saddlescape("status", "run")
    saddlescape("export", "run", "-o", "run.csv")
    assert b"\r" not in Path("run.csv").read_bytes()
    saddlescape("plot", "run", "-o", "run.png")
    saddlescape("plot", "run", "--kind", "trajectories", "-o", "run.png")
    assert Path("run.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    with ss.open("run") as results:
        assert results["outcome"].shape == (3, 10)


def test_a_run_that_is_killed_goes_on_and_shards_make_the_same_bytes():
    small = [sys.executable, "-c", SMALL]
    saddlescape("run", "tiny.toml", "-o", "killed", command=small, code=-9)
    assert "stopped: 1 of 9 blocks done" in saddlescape("status", "killed")
    saddlescape("resume", "killed", "--threads", "1", command=small)
    for number in "12":
        saddlescape("run", "tiny.toml", "-o", number, "--shard", f"{number}/2", command=small)
    saddlescape("merge", "1", "2", "-o", "merged.h5", command=small)
    assert Path("killed/result.h5").read_bytes() == Path("merged.h5").read_bytes()


def test_a_finished_run_is_extended():
    saddlescape("run", "tiny.toml", "-o", "run")
    saddlescape("run", "tiny.toml", "-o", "one", "--set", "starts.count=20")
    saddlescape("more", "run", "--count", "20")
    assert {path.name for path in Path("run").iterdir()} == {path.name for path in Path("one").iterdir()}
    with ss.open("run") as extended, ss.open("one") as one:
        assert extended["final_loss"].tobytes() == one["final_loss"].tobytes()


def test_the_time_that_is_up_has_its_exit_code():
    steps = ["--set", "training.steps=2000000", "--set", "starts.count=4096", "--set", "stop.solved=0"]
    saddlescape("run", "tiny.toml", "-o", "run", "--max-time", "1s", *steps, code=75)


def test_the_explorer_answers_and_ends():
    command = [*COMMAND, "explore", "tiny.toml", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        address = process.stdout.readline()
        with urllib.request.urlopen(re.match(r"http://127\.0\.0\.1:\d+/", address)[0]) as answer:
            assert b"<title>" in answer.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130


def test_a_result_that_is_open_is_not_replaced_and_nothing_is_left():
    saddlescape("run", "tiny.toml", "-o", "run")
    before = Path("run/result.h5").read_bytes()
    with ss.open("run/result.h5"), pytest.raises(LockedError, match=r"result\.h5 is open or being written, here or in"):
        write_atomic(Path("run/result.h5"), b"new")
    assert Path("run/result.h5").read_bytes() == before
    assert not list(Path("run").glob(".*"))
    write_atomic(Path("run/result.h5"), b"new")
    assert Path("run/result.h5").read_bytes() == b"new"
