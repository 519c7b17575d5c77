"""Folders of runs: other processes and readers, links, and missing permissions."""

import contextlib
import errno
import os
import re
import resource
import shutil
import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path

import h5py
import pytest
from spec_cases import TINY
from store_cases import finish, run_folder, small_plan

import saddlescape as ss
from saddlescape.errors import LockedError, RefusedError
from saddlescape.results.export import export
from saddlescape.store import merge_shards
from saddlescape.store.atomic import PART, temporary
from saddlescape_cli import merge, resume, run  # noqa: F401  # which somebody else may not be able to read
from saddlescape_cli.main import main

FORKS = get_context("fork")
NOBODY = 65534


@pytest.fixture
def plan(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    return small_plan(monkeypatch)


def raced(work, number=4):
    """Exit codes of processes that do the same at the same time."""

    def contestant(gate):
        gate.wait()
        try:
            work()
        except (LockedError, RefusedError) as error:
            sys.exit(error.exit_code)

    gate = FORKS.Barrier(number)
    processes = [FORKS.Process(target=contestant, args=(gate,)) for _ in range(number)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]


@pytest.mark.fault("four processes start the same run at once")
@pytest.mark.parametrize("races", [3, pytest.param(100, marks=pytest.mark.slow)])
def test_one_of_many_runs_in_a_folder_goes_on(plan, tmp_path, tried, races):
    reference = finish(tmp_path / "whole", plan)[1]
    for number in range(races):
        folder = tmp_path / str(number)
        codes = raced(lambda folder=folder: finish(folder, plan))
        assert 0 in codes
        assert set(codes) <= {0, LockedError.exit_code}
        assert (folder / "result.h5").read_bytes() == reference
        tried()


@pytest.mark.fault("four processes merge to the same file at once")
@pytest.mark.parametrize("races", [3, pytest.param(100, marks=pytest.mark.slow)])
def test_one_of_many_merges_makes_the_file(plan, tmp_path, tried, races):
    reference = finish(tmp_path / "whole", plan)[1]
    for number in range(races):
        target = tmp_path / f"{number}.h5"
        codes = raced(lambda target=target: merge_shards([tmp_path / "whole"], target))
        assert sorted(codes)[:1] == [0] != sorted(codes)[1:2]
        assert set(codes) <= {0, LockedError.exit_code, RefusedError.exit_code}
        assert target.read_bytes() == reference
        tried()
    assert not [*tmp_path.glob("*.part"), *tmp_path.glob("*.lock")]


@pytest.mark.fault("a reader has the result open while it is written again")
def test_a_reader_keeps_what_it_opened(plan, tmp_path, tried):
    result = run_folder(plan, tmp_path / "run")
    before = result.read_bytes()
    with h5py.File(result) as reader:
        finish(tmp_path / "run", plan)
        assert result.read_bytes() == before
        with h5py.File(result) as other:
            assert (reader["outcome"][()] == other["outcome"][()]).all()
        shutil.rmtree(tmp_path / "run")
        assert reader["outcome"].shape == (10,)
    tried()


@pytest.mark.fault("a link in place of a file of the run")
@pytest.mark.parametrize("name", ["result.h5", temporary(Path("result.h5"), PART).name, "run.json", "lock"])
def test_no_link_is_written_through(plan, tmp_path, tried, name):
    run_folder(plan, tmp_path / "run")
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "run" / name).unlink(missing_ok=True)
    (tmp_path / "run" / name).symlink_to(tmp_path / "mine")
    if name == "lock":
        with pytest.raises(OSError, match="symbolic links"):
            finish(tmp_path / "run", plan)
    else:
        finish(tmp_path / "run", plan)
        assert not (tmp_path / "run" / name).is_symlink()
    assert (tmp_path / "mine").read_text() == "mine"
    tried()


@pytest.mark.fault("foreign files next to the files of a run, a merge or an export")
def test_files_that_are_not_ours_are_left_alone(plan, tmp_path, tried):
    run_folder(plan, tmp_path / "run")
    places = [tmp_path / "run/result.h5", tmp_path / "run/plan.json", tmp_path / "made.h5", tmp_path / "made.csv"]
    places += tmp_path.glob("run/blocks/*")
    others = [p.with_name(f"{p.name}{ending}") for p in places for ending in (".part", ".lock", ".tmp", "~")]
    for other in others:
        other.write_text(f"mine, {other.name}")
    finish(tmp_path / "run", plan)
    merge_shards([tmp_path / "run"], tmp_path / "made.h5")
    with ss.open(tmp_path / "made.h5") as result:
        export(result, "csv", tmp_path / "made.csv")
    assert all(other.read_text() == f"mine, {other.name}" for other in others)
    assert not list(tmp_path.rglob(".*"))
    tried(len(others))


@pytest.mark.fault("a pipe, a file or a link with the name of a file to be written")
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.write_text(""), lambda path: path.symlink_to("nothing")])
def test_what_is_there_is_not_taken_for_a_folder_or_written_over(plan, tmp_path, tried, make):
    run_folder(plan, tmp_path / "run")
    make(tmp_path / "other")
    before = os.lstat(tmp_path / "other")
    with pytest.raises(RefusedError, match=r"is a (file|symbolic link)"):
        finish(tmp_path / "other", plan)
    with pytest.raises(RefusedError, match="exists and is left alone"):
        merge_shards([tmp_path / "run"], tmp_path / "other")
    assert os.lstat(tmp_path / "other") == before
    tried(2)


def as_somebody_else(words, said):
    """The command line, run by a user with read permission only."""
    sys.stderr = said.open("w")
    if os.geteuid() == 0:
        os.setresuid(NOBODY, NOBODY, NOBODY)
    sys.argv = ["saddlescape", *map(str, words)]
    main()


def tree(folder):
    return {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}


@pytest.mark.fault("a folder without write permission")
def test_a_folder_that_is_not_ours_to_write_is_told_and_left_alone(plan, tmp_path, tried):
    with tempfile.TemporaryDirectory() as place:
        spec, run, empty = (Path(place) / name for name in ("tiny.toml", "run", "empty"))
        spec.write_text(TINY)
        ss.run(spec, run, threads=1, keep_blocks=True)
        empty.mkdir()
        for folder in (Path(place), run, run / "blocks", empty):
            folder.chmod(0o555)
        before = tree(Path(place))
        commands = {
            ("run", spec, "-o", empty / "new"): empty / "new",
            ("run", spec, "-o", empty): empty / "lock",
            ("resume", run): run / "lock",
            ("merge", run, "-o", empty / "result.h5"): empty / "result.h5",
        }
        for words, path in commands.items():
            process = FORKS.Process(target=as_somebody_else, args=(words, tmp_path / "said"))
            process.start()
            process.join()
            assert (tmp_path / "said").read_text().startswith(f"error: {path}")
            assert (tmp_path / "said").read_text().endswith(": Permission denied\n")
            assert process.exitcode == 1
            assert tree(Path(place)) == before
            tried()
        for folder in (Path(place), run, run / "blocks", empty):
            folder.chmod(0o755)


def commands_of_a_reader(place):
    """Commands that read a run, by the file that they need."""
    folder, out = place / "run", place / "out"
    always = [("resume", folder), ("merge", folder, "-o", out), ("verify", folder)]
    return {
        folder / "plan.json": [*always, ("status", folder)],
        folder / "spec.toml": always,
        folder / "arrays.csv": always,
        next(folder.glob("blocks/*.h5")): always,
        folder / "blocks": [*always, ("status", folder)],
        folder / "result.h5": [("info", folder), ("verify", folder), ("export", folder, "-o", out.with_suffix(".csv"))],
    }


@pytest.mark.fault("an intact file of a run that the system fails to read")
def test_a_file_that_may_not_be_read_is_not_called_damaged(plan, tmp_path, tried):
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for name, content in {"tiny.toml": plan.sweep.text.encode(), **plan.sweep.kept}.items():
            (place / name).write_bytes(content)
        ss.run(place / "tiny.toml", place / "run", threads=1, keep_blocks=True)
        for path in (place, *place.rglob("*")):
            path.chmod(0o777)
        for path, commands in commands_of_a_reader(place).items():
            path.chmod(0)
            before = sorted(place.rglob("*"))
            for words in commands:
                process = FORKS.Process(target=as_somebody_else, args=(words, tmp_path / "said"))
                process.start()
                process.join()
                said = (tmp_path / "said").read_text()
                assert (process.exitcode, said) == (1, f"error: {path}: Permission denied\n"), words
                assert sorted(place.rglob("*")) == before
                tried()
            path.chmod(0o777)


@pytest.fixture
def no_descriptors():
    """A context in which no more files can be opened (EMFILE)."""

    @contextlib.contextmanager
    def few():
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    return few


@pytest.mark.fault("an intact file of a run that the system fails to read")
def test_what_the_system_says_of_a_result_is_told(plan, tmp_path, tried, no_descriptors):
    result = run_folder(plan, tmp_path / "run")
    with pytest.raises(OSError, match=re.escape(os.strerror(errno.EMFILE))) as told, no_descriptors():
        ss.open(result)
    assert (told.value.errno, told.value.filename) == (errno.EMFILE, str(result))
    with ss.open(result) as found:
        assert found.dims
    tried()


@pytest.mark.fault("an intact file of a run that the system fails to read")
@pytest.mark.parametrize("error", [errno.EACCES, errno.EAGAIN, errno.EIO, errno.ENOMEM])
def test_a_block_that_the_system_does_not_give_is_not_set_aside(plan, tmp_path, tried, monkeypatch, error):
    run_folder(plan, tmp_path / "run")
    before, read = sorted(tmp_path.rglob("*")), Path.read_bytes

    def refused(path):
        if path.suffix == ".h5":
            raise OSError(error, os.strerror(error), str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(OSError, match=re.escape(os.strerror(error))):
        finish(tmp_path / "run", plan)
    assert sorted(tmp_path.rglob("*")) == before
    tried()
