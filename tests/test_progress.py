"""The progress bar: nothing before a refusal, and what takes so long while there are no runs yet."""

import gc
import io
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from numba import njit
from numba.core import event
from spec_cases import TINY
from store_cases import held

from saddlescape.kernels import compiling
from saddlescape.kernels.compiling import _Count
from saddlescape.runs import bar
from saddlescape.runs.dispatch import Progress
from saddlescape.system.bundled import sweeps

ROOT = Path(__file__).parents[1]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_no_bar_is_there_until_there_is_something_to_tell(monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with bar.progress_bar():
        assert terminal.getvalue() == ""
    with bar.progress_bar() as show:
        show(Progress(0, 20, 0, 0.1))
        assert "starting" in terminal.getvalue()
        show(Progress(20, 20, 400, 2.0))
    assert "20.0/20.0" in terminal.getvalue()
    assert "200 network-steps/s" in terminal.getvalue()


def test_the_bar_says_that_kernels_are_compiled(monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setattr(bar, "compiling", lambda: True)
    with bar.progress_bar() as show:
        show(Progress(0, 20, 0, 0.1))
    assert "compiling kernels" in terminal.getvalue()
    assert "network-steps/s" not in terminal.getvalue()


def test_whether_kernels_are_compiled_is_known():
    seen = []

    class Look(event.Listener):
        def on_start(self, event):
            seen.append((compiling(), gc.isenabled()))

        def on_end(self, event):
            pass

    with event.install_listener("numba:compile", Look()):
        assert njit(lambda x: x + 1)(1) == 2
    assert seen == [(True, False)]
    assert not compiling()
    assert gc.isenabled()


@pytest.mark.parametrize("collects", [True, False])
def test_no_garbage_is_collected_while_kernels_are_compiled(collects):
    count, seen = _Count(), []
    (gc.enable if collects else gc.disable)()
    try:
        for change in (count.on_start, count.on_start, count.on_end, count.on_end):
            change(None)
            seen.append(gc.isenabled())
    finally:
        gc.enable()
    assert seen == [False, False, False, collects]


def test_a_refused_run_shows_no_bar(tmp_path):
    (tmp_path / "tiny.toml").write_text(TINY)
    (tmp_path / "out").mkdir()
    parent, child = pty.openpty()
    with held(tmp_path / "out/lock"):
        command = [sys.executable, "-m", "saddlescape", "run", "tiny.toml", "-o", "out"]
        done = subprocess.run(command, stderr=child, cwd=tmp_path, env={**os.environ, "COLUMNS": "100"})
    said = os.read(parent, 10_000).decode()
    os.close(parent)
    os.close(child)
    assert done.returncode == 5
    assert said.startswith("error: out is in use")


def test_what_commands_write_by_default_is_ignored_by_git(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    shutil.copy(ROOT / ".gitignore", tmp_path)
    folders = ["demo", "claims", "gallery", *(path.stem for path in sweeps().values())]
    files = ("blocks/0", "lock", "plan.json", "run.json", "spec.toml", "result.h5", "result.png", "result-refined.h5")
    written = [f"{folder}/{file}" for folder in folders for file in files]
    kept = ["engine/saddlescape/claims/xor.py", "data/sweeps/claims/1-xor.toml", "docs/pictures/gallery/depth.png"]
    done = subprocess.run(["git", "check-ignore", *written, *kept], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.split() == written
