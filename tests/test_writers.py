"""A file has one writer at a time, replaces no other kind of file, and a kill leaves nothing."""

import os
import shutil
import signal
import subprocess
import sys
from multiprocessing import get_context
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from spec_cases import TINY
from store_cases import filled, finish, run_folder, small_plan

import saddlescape as ss
from saddlescape import plots
from saddlescape.errors import LockedError, RefusedError
from saddlescape.results.export import export
from saddlescape.store import merge_shards, write_result
from saddlescape.store.atomic import PART, TEMPORARY, creating, replacing, temporary, write_atomic

FORKS = get_context("fork")


@pytest.fixture
def plan(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    return small_plan(monkeypatch)


class Writers:
    """All commands that write a file with a given name."""

    def __init__(self, plan, folder):
        self.plan, self.run, self.result = plan, folder / "run", run_folder(plan, folder / "run")

    def merge(self, target):
        merge_shards([self.run], target)

    def refine(self, target):
        write_result(self.plan, ((block, filled(self.plan, block)) for block in self.plan), target)

    def export(self, target):
        with ss.open(self.result) as results:
            export(results, "csv", target)

    def plot(self, target):
        figure = Figure()
        figure.add_subplot().plot([0, 1])
        plots.save(figure, target)


ENDINGS = {"merge": "h5", "refine": "h5", "export": "csv", "plot": "png"}
KINDS = pytest.mark.parametrize("kind", ENDINGS)


@pytest.fixture
def writers(plan, tmp_path):
    return Writers(plan, tmp_path)


def at_once(*works):
    """Exit codes of processes that work at the same time."""

    def contestant(work):
        gate.wait()
        try:
            work()
        except (LockedError, RefusedError) as error:
            sys.exit(error.exit_code)

    gate = FORKS.Barrier(len(works))
    processes = [FORKS.Process(target=contestant, args=(work,)) for work in works]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]


def litter(folder):
    return [path for path in folder.rglob(TEMPORARY.format("*", "*"))]


@KINDS
@pytest.mark.fault("two processes write one file at once")
def test_a_file_that_is_being_written_is_left_to_its_writer(writers, tmp_path, tried, kind):
    target, write = tmp_path / f"made.{ENDINGS[kind]}", getattr(writers, kind)
    mine, theirs = FORKS.Barrier(2), FORKS.Barrier(2)

    def slow():
        with creating(target) as descriptor:
            mine.wait()
            theirs.wait()
            os.write(descriptor, b"theirs")

    other = FORKS.Process(target=slow)
    other.start()
    mine.wait()
    with pytest.raises(LockedError, match=r"another process is writing .*made.*; wait for it"):
        write(target)
    assert not target.exists()
    theirs.wait()
    other.join()
    assert (other.exitcode, target.read_bytes(), litter(tmp_path)) == (0, b"theirs", [])
    with pytest.raises(RefusedError, match="exists and is left alone"):
        write(target)
    assert target.read_bytes() == b"theirs"
    tried()


@KINDS
@pytest.mark.fault("two processes write one file at once")
@pytest.mark.parametrize("races", [3, pytest.param(100, marks=pytest.mark.slow)])
def test_one_of_many_writers_makes_the_file(writers, tmp_path, tried, kind, races):
    write, ending = getattr(writers, kind), ENDINGS[kind]
    write(reference := tmp_path / f"reference.{ending}")
    for number in range(races):
        target = tmp_path / f"{number}.{ending}"
        codes = at_once(*[lambda target=target: write(target)] * 4)
        assert 0 in codes
        assert set(codes) <= {0, LockedError.exit_code, RefusedError.exit_code}
        assert kind == "plot" or codes.count(0) == 1
        assert target.read_bytes() == reference.read_bytes()
        tried()
    assert not litter(tmp_path)


@pytest.mark.fault("two processes write one file at once")
@pytest.mark.parametrize("races", [5, pytest.param(100, marks=pytest.mark.slow)])
def test_a_merge_into_a_folder_beside_its_resume_tears_nothing(plan, tmp_path, tried, races):
    reference = run_folder(plan, tmp_path / "whole").read_bytes()
    for number in range(races):
        folder = shutil.copytree(tmp_path / "whole", tmp_path / str(number))
        result = folder / "result.h5"
        result.unlink()
        codes = at_once(lambda f=folder: finish(f, plan), lambda f=folder, r=result: merge_shards([f], r))
        assert 0 in codes
        assert set(codes) <= {0, LockedError.exit_code, RefusedError.exit_code}
        assert result.read_bytes() == reference
        assert not litter(folder)
        tried()


def killed(work, target):
    """Kill a process before it renames the file it has written."""

    def victim():
        os.replace = lambda *names: os.kill(os.getpid(), signal.SIGKILL)
        work(target)

    process = FORKS.Process(target=victim)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


@KINDS
@pytest.mark.fault("SIGKILL of a process that writes a file; the next start removes the part file")
@pytest.mark.parametrize("name", ["made", "other"])
def test_what_a_kill_leaves_is_hidden_and_gone_after_the_next_start(writers, tmp_path, tried, kind, name):
    write, ending, before = getattr(writers, kind), ENDINGS[kind], {*tmp_path.iterdir()}
    killed(write, tmp_path / f"made.{ending}")
    left = {*tmp_path.iterdir()} - before
    assert left
    assert left == {*litter(tmp_path)}
    write(target := tmp_path / f"{name}.{ending}")
    assert {*tmp_path.iterdir()} == before | {target}
    tried()


@pytest.mark.fault("SIGKILL of a process that writes a file; the next start removes the part file")
def test_what_a_refinement_kept_for_a_while_goes_with_its_part(writers, tmp_path, tried):
    before = {*tmp_path.iterdir()}

    def parts():
        for block in writers.plan:
            yield block, filled(writers.plan, block)
        os.kill(os.getpid(), signal.SIGKILL)

    process = FORKS.Process(target=lambda: write_result(writers.plan, parts(), tmp_path / "made.h5"))
    process.start()
    process.join()
    assert {path.name.rpartition(".")[2] for path in litter(tmp_path)} == {"part", "pieces"}
    assert {*tmp_path.iterdir()} - before == {*litter(tmp_path)}
    writers.export(tmp_path / "made.csv")
    assert {*tmp_path.iterdir()} == before | {tmp_path / "made.csv"}
    tried()


STOPPED = """
from saddlescape.results import export
from saddlescape_cli.start import main

def slow(results, file):
    file.write(b"half")
    file.flush()
    print("ready", flush=True)
    threading.Event().wait()

import threading
export.FORMATS["csv"] = slow
main()
"""


@pytest.mark.fault("SIGINT or SIGTERM during an export")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_export_that_is_stopped_leaves_nothing(writers, tmp_path, tried, number):
    before = {*tmp_path.iterdir()}
    command = [sys.executable, "-c", STOPPED, "export", writers.result, "-o", tmp_path / "made.csv"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stderr.read() == "\n"
    assert process.returncode == 128 + number
    assert {*tmp_path.iterdir()} == before
    tried()


@pytest.mark.fault("a result, a link or another file in place of a picture")
@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_a_picture_replaces_a_picture_of_its_kind_and_nothing_else(writers, tmp_path, tried, ending):
    target, mine = tmp_path / f"made.{ending}", tmp_path / "mine"
    writers.plot(target)
    target.write_bytes(target.read_bytes() + b" ")
    writers.plot(target)
    assert not target.read_bytes().endswith(b" ")
    shutil.copy(target, mine)
    links, others = (lambda: target.symlink_to(mine),), (writers.result.read_bytes(), b"", b"notes")
    for put in (*links, *(lambda content=content: target.write_bytes(content) for content in others)):
        target.unlink()
        put()
        before = mine.read_bytes(), target.is_symlink(), target.read_bytes()
        with pytest.raises(RefusedError, match="exists and is left alone; choose another name with -o"):
            writers.plot(target)
        assert (mine.read_bytes(), target.is_symlink(), target.read_bytes()) == before
        tried()


@pytest.mark.fault("a result, a link or another file in place of a picture")
def test_a_picture_does_not_take_the_place_of_its_result(tmp_path, tried):
    (tmp_path / "tiny.toml").write_text(TINY)
    result = ss.run(tmp_path / "tiny.toml", tmp_path / "run")
    (picture := tmp_path / "r.png").write_bytes(result.read_bytes())
    command = [sys.executable, "-m", "saddlescape", "plot", result, "-o", picture]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (RefusedError.exit_code, "")
    assert done.stderr == f"error: {picture} exists and is left alone; choose another name with -o\n"
    assert picture.read_bytes() == result.read_bytes()
    tried()


@pytest.mark.parametrize("command", ["claims", "gallery"])
def test_a_folder_of_pictures_is_no_link(tmp_path, command):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    words = [sys.executable, "-m", "saddlescape", command, "-o", tmp_path / "link"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == RefusedError.exit_code
    assert "is a symbolic link, which is not written through" in done.stderr
    assert not list((tmp_path / "elsewhere").iterdir())


def test_what_another_process_writes_is_not_cleared_away(plan, tmp_path):
    run_folder(plan, tmp_path / "run")
    with replacing(tmp_path / "run/extra") as descriptor:
        os.write(descriptor, b"mine")
        others = FORKS.Process(target=finish, args=(tmp_path / "run", plan))
        others.start()
        others.join()
        assert others.exitcode == 0
    assert (tmp_path / "run/extra").read_bytes() == b"mine"


def test_a_part_that_goes_while_it_is_looked_at_is_none(tmp_path, monkeypatch):
    target, opened = tmp_path / "made.csv", os.open
    temporary(target, PART).write_bytes(b"left by a kill")

    def late(path, flags, *mode):
        if not flags & os.O_CREAT:
            Path(path).unlink()
            monkeypatch.setattr(os, "open", opened)
        return opened(path, flags, *mode)

    monkeypatch.setattr(os, "open", late)
    write_atomic(target, b"whole")
    assert target.read_bytes() == b"whole"
    assert [*tmp_path.iterdir()] == [target]
