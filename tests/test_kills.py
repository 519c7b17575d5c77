"""A process killed at any moment loses nothing that it acknowledged, and the resumed run gives the same bytes."""

import itertools
import os
import random
import signal
from multiprocessing import get_context

import pytest
from spec_cases import TINY
from store_cases import acknowledged, finish, lost, small_plan, telling
from system import interpose

import saddlescape as ss
from saddlescape.plan import Plan
from saddlescape.spec import parse
from saddlescape.store import RunFolder

FORKS = get_context("fork")
KILLS = 10**6
"""More file operations than a run has."""


def victim(folder, last, torn):
    """Run in `folder` until file operation `last`, or half of it if it is a write, and kill the process there."""
    count = itertools.count()

    def around(name, real, *arguments, **options):
        if next(count) == last:
            if torn and name == "write":
                real(arguments[0], arguments[1][: len(arguments[1]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        interpose(patch, around)
        finish(folder, small_plan(patch), telling(folder))


def killed(folder, last, torn=False):
    """Whether `victim` was killed before its end."""
    process = FORKS.Process(target=victim, args=(folder, last, torn))
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


@pytest.fixture
def plan(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    return small_plan(monkeypatch)


SHORT = [(False, 9), (True, 13)]
LONG = [pytest.param(torn, 1, marks=pytest.mark.slow) for torn in (False, True)]


@pytest.mark.fault("SIGKILL before or halfway through an operation of a run")
@pytest.mark.parametrize(("torn", "step"), [*SHORT, *LONG])
def test_a_kill_at_any_operation_loses_nothing(plan, tmp_path, tried, torn, step):
    reference = finish(tmp_path / "whole", plan)[1]
    folders = (tmp_path / str(last) for last in range(0, KILLS, step))
    for folder in itertools.takewhile(lambda folder: killed(folder, int(folder.name), torn), folders):
        assert not lost(folder, plan, acknowledged(folder), reference)
        tried()
    assert int(folder.name) > 100


@pytest.mark.fault("SIGKILL of a run resumed after a SIGKILL")
@pytest.mark.parametrize("chains", [3, pytest.param(100, marks=pytest.mark.slow)])
def test_a_run_comes_to_its_end_through_any_number_of_kills(plan, tmp_path, tried, chains):
    reference, rng = finish(tmp_path / "whole", plan)[1], random.Random(1)
    for folder in (tmp_path / str(number) for number in range(chains)):
        while killed(folder, rng.randrange(150), torn=rng.random() < 0.5):
            tried()
        assert acknowledged(folder) >= {"result"}
        assert not lost(folder, plan, acknowledged(folder), reference)


def commits(sweep, folder):
    """Run a sweep and report committed blocks."""
    tell, whole = telling(folder), RunFolder.commit_file

    def commit_file(store, block, content):
        whole(store, block, content)
        tell(block.number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("saddlescape.store.RunFolder.commit_file", commit_file)
        ss.run(sweep, folder, threads=2, keep_blocks=True)


@pytest.mark.slow
@pytest.mark.fault("SIGKILL of a large run at a random moment")
def test_a_kill_at_a_random_moment_loses_nothing(tmp_path, tried, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr("saddlescape.plan.plan.BLOCK_WORK", 2**21)
    sweep = parse(TINY, tmp_path, ["starts.count=20000", "training.steps=300"])
    assert Plan(sweep).blocks > 100
    reference, kills = ss.run(sweep, tmp_path / "whole", threads=2).read_bytes(), 0
    rng = random.Random(1)
    for folder in (tmp_path / str(number) for number in itertools.count()):
        process = FORKS.Process(target=commits, args=(sweep, folder))
        process.start()
        process.join(rng.uniform(0, 1))
        process.kill()
        process.join()
        there = {int(path.name[:6]) for path in folder.glob("blocks/*.h5")}
        assert acknowledged(folder) <= there
        assert ss.run(sweep, folder, threads=2).read_bytes() == reference
        assert not [*folder.rglob("*.part"), *folder.rglob("*.corrupt")]
        tried()
        kills += process.exitcode == -signal.SIGKILL
        if kills == 200:
            break
