"""Errors of the operating system: no space, disk errors, short writes, signals.  No data are lost."""

import errno
import itertools
import os
import random
import resource
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import pytest
from spec_cases import TINY
from store_cases import commit, filled, finish, lost, small_plan
from system import interpose

from saddlescape.plan import Shard
from saddlescape.store import RunFolder, merge_shards
from saddlescape_cli.main import main


@pytest.fixture
def plan(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    return small_plan(monkeypatch)


@pytest.fixture
def reference(plan, tmp_path):
    return finish(tmp_path / "whole", plan)[1]


def failing(last, error, count=None):
    """Make file operation `last` fail with this error."""
    count = count or itertools.count()

    def around(name, real, *arguments, **options):
        if next(count) == last:
            raise OSError(error, os.strerror(error))
        return real(*arguments, **options)

    return around


def full(room):
    """A disk with room for this number of bytes; the last write is cut off."""

    def around(name, real, *arguments, **options):
        nonlocal room
        if name == "write":
            descriptor, content = arguments
            if not room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            arguments = descriptor, content[:room]
            room -= len(arguments[1])
        return real(*arguments, **options)

    return around


def opened():
    """Number of objects that libhdf5 has open; open objects may crash the process later."""
    return h5py.h5f.get_obj_count(types=h5py.h5f.OBJ_FILE | h5py.h5f.OBJ_DATASET | h5py.h5f.OBJ_GROUP)


def failed(work, around):
    """What `work` acknowledged before it failed with an OSError; None if it did not fail.  All files are closed."""
    done, before = set(), opened()
    with pytest.MonkeyPatch.context() as patch:
        interpose(patch, around)
        try:
            work(done.add)
        except OSError as error:
            assert error.errno  # noqa: PT017
            return done
        finally:
            assert opened() == before
    return None


ERRORS = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE)


@pytest.mark.fault("an operation of a run fails (EIO, ENOSPC, EDQUOT, EROFS, EMFILE)")
@pytest.mark.parametrize(("step", "errors"), [(7, ERRORS[:1]), pytest.param(1, ERRORS, marks=pytest.mark.slow)])
def test_an_operation_that_fails_loses_nothing(plan, reference, tmp_path, tried, step, errors):
    count = itertools.count()
    failed(lambda tell: finish(tmp_path / "all", plan, tell), failing(None, None, count))
    operations = next(count)
    assert operations > 100
    for error, last in itertools.product(errors, range(0, operations, step)):
        folder = tmp_path / f"{error}-{last}"
        done = failed(lambda tell, folder=folder: finish(folder, plan, tell), failing(last, error))
        if done is None:  # it went on: the folder that could not be made was there
            assert (folder / "result.h5").read_bytes() == reference
        else:
            assert not lost(folder, plan, done, reference)
        tried()


@pytest.mark.fault("the disk is full after any number of bytes of a run")
@pytest.mark.parametrize("step", [4999, pytest.param(97, marks=pytest.mark.slow)])
def test_a_full_disk_loses_nothing_of_a_run(plan, reference, tmp_path, tried, step):
    for room in itertools.count(0, step):
        folder = tmp_path / str(room)
        done = failed(lambda tell, folder=folder: finish(folder, plan, tell), full(room))
        if done is None:
            break
        assert not lost(folder, plan, done, reference)
        tried()
    assert room > sum(path.stat().st_size for path in folder.rglob("*.h5")) > len(reference)


@pytest.mark.fault("the disk is full after any number of bytes of a merge of shards")
@pytest.mark.parametrize("step", [1999, pytest.param(31, marks=pytest.mark.slow)])
def test_a_full_disk_loses_nothing_of_a_merge(plan, reference, tmp_path, tried, step):
    folders = [tmp_path / "1", tmp_path / "2"]
    for number, folder in enumerate(folders, start=1):
        with RunFolder(folder, plan, Shard(number, 2)) as store:
            for block in map(plan.block, store.shard.numbers(plan.blocks)):
                commit(store, block, filled(plan, block))
    before = sorted(tmp_path.rglob("*"))
    for room in itertools.count(0, step):
        if failed(lambda tell: merge_shards(folders, tmp_path / "result.h5"), full(room)) is None:
            break
        assert sorted(tmp_path.rglob("*")) == before
        tried()
    assert room > len(reference)
    assert (tmp_path / "result.h5").read_bytes() == reference


def new_files(most):
    """A file system with inodes for this number of new files."""

    def around(name, real, path, *rest, **options):
        nonlocal most
        if name == "open" and rest[0] & os.O_CREAT:
            if not most:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            most -= not os.path.lexists(path)
        if name == "unlink":
            most += 1
        if name == "replace":
            most += os.path.lexists(rest[0])
        return real(path, *rest, **options)

    return around


@pytest.mark.fault("no inodes are left")
def test_where_no_inodes_are_left_it_is_told_of_the_file_that_needed_one(plan, reference, tmp_path, tried):
    texts = ("arrays.csv", "spec.toml", "plan.json", "run.json")
    need = ["lock", *texts, *(f"blocks/{n:06d}-*.h5" for n in range(3)), "result.h5"]
    for most, last in enumerate(need):
        folder, done = tmp_path / str(most), set()
        with pytest.MonkeyPatch.context() as patch:
            interpose(patch, new_files(most))
            with pytest.raises(OSError, match="No space") as told:
                finish(folder, plan, done.add)
        assert Path(told.value.filename).match(str(folder / last))
        assert not lost(folder, plan, done, reference)
        tried()


@pytest.mark.parametrize(("left", "remedy"), [(0, "no inodes are left: remove other files"), (9, "free some space")])
def test_what_the_file_system_lacks_is_told(tmp_path, monkeypatch, capsys, left, remedy):
    monkeypatch.setattr(sys, "argv", ["saddlescape", "run", "xor", "-o", str(tmp_path / "run")])
    told = os.statvfs_result((4096, 4096, 2**30, 2**30, 2**30, 1000, left, left, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda path: told)
    interpose(monkeypatch, new_files(0))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 3
    remedy += " and give the command again: finished work is kept"
    message = f"{tmp_path}/run/lock: No space left on device; {remedy}"
    assert capsys.readouterr().err == f"error: {message}\n"


@pytest.mark.fault("the system writes fewer bytes than requested")
def test_short_writes_change_no_byte(plan, reference, tmp_path, tried):
    rng, short = random.Random(1), 0

    def around(name, real, *arguments, **options):
        nonlocal short
        if name == "write" and len(arguments[1]) > 1:
            arguments = arguments[0], arguments[1][: rng.randrange(1, len(arguments[1]))]
            short += 1
        return real(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        interpose(patch, around)
        assert finish(tmp_path / "run", plan)[1] == reference
    assert short > 100
    tried(short)


@pytest.mark.fault("a signal arrives during a run and its merge")
def test_signals_change_no_byte(plan, reference, tmp_path, tried):
    came = []
    previous = signal.signal(signal.SIGALRM, lambda number, frame: came.append(number))
    signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
    try:
        assert finish(tmp_path / "run", plan)[1] == reference
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert len(came) > 10
    tried(len(came))


def saddlescape(*words, room=resource.RLIM_INFINITY):
    """The command line with a limit `room` of the size of files."""
    return subprocess.run(
        [sys.executable, "-m", "saddlescape", *map(str, words)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
        capture_output=True,
        text=True,
    )


REMEDY = "free some space and give the command again: finished work is kept"


@pytest.mark.fault("a file reaches the size limit of the system (RLIMIT_FSIZE), from the command line")
def test_a_full_disk_is_one_line_and_exit_code_3(tmp_path, tried):
    (tmp_path / "tiny.toml").write_text(TINY)
    run, shard = tmp_path / "run", tmp_path / "shard"
    assert saddlescape("run", tmp_path / "tiny.toml", "-o", tmp_path / "whole", "--keep-blocks").returncode == 0
    reference = (tmp_path / "whole/result.h5").read_bytes()
    (block,) = tmp_path.glob("whole/blocks/*.h5")
    commands = [
        (["run", tmp_path / "tiny.toml", "-o", run], block.stat().st_size - 1, f"{run}/blocks/{block.name}"),
        (["resume", run], len(reference) - 1, f"{run}/result.h5"),
        (["merge", run, "-o", shard], 5000, f"{shard}"),
    ]
    assert block.stat().st_size < len(reference)
    for words, room, path in commands:
        done = saddlescape(*words, room=room)
        assert (done.returncode, done.stdout, done.stderr) == (3, "", f"error: {path}: File too large; {REMEDY}\n")
        tried()
    assert not list(tmp_path.rglob("*.part"))
    assert saddlescape("resume", run).returncode == 0
    assert (run / "result.h5").read_bytes() == reference


THREADLESS = "import threading; threading.stack_size(2**47); from saddlescape_cli.main import main; main()"


@pytest.mark.fault("no thread can be started, from the command line")
def test_a_thread_that_cannot_be_started_is_one_line_and_exit_code_3(tmp_path, tried):
    (tmp_path / "tiny.toml").write_text(TINY)
    words = [sys.executable, "-c", THREADLESS, "run", str(tmp_path / "tiny.toml"), "-o", str(tmp_path / "run")]
    done = subprocess.run(words, capture_output=True, text=True)
    remedy = "use fewer --threads, or raise the limit (ulimit -u, pids.max); finished work is kept"
    told = (done.returncode, done.stdout, done.stderr)
    assert told == (3, "", f"error: can't start new thread; {remedy}\n")
    tried()
    assert saddlescape("resume", tmp_path / "run").returncode == 0
