"""The bytes of a result depend neither on threads, order of blocks, hash seed, locale and folder, nor on shards."""

import hashlib
import itertools
import os
import subprocess
import sys

import pytest
from spec_cases import TINY, blocks_of

import saddlescape as ss
from saddlescape.plan import Plan, Shard
from saddlescape.runs.runner import Interrupted

SPEC = TINY.replace('"tiny"', '"Sättel bei π"').replace("count = 10", "count = 300") + """[record]
runs = 20
[[axes]]
key = "network.activation"
values = ["tanh", "logistic"]
"""
WORK = 9 * 4 * 20 * 32
"""Twenty blocks of 32 runs each."""

ELSEWHERE = """
import random, sys
import saddlescape as ss
from saddlescape.plan import plan
from saddlescape.runs import runner

def shuffled(plan, blocks, *others):
    blocks = list(blocks)
    random.Random(int(sys.argv[2])).shuffle(blocks)
    yield from in_order(plan, iter(blocks), *others)

plan.BLOCK_WORK, in_order, runner.dispatch = int(sys.argv[1]), runner.dispatch, shuffled
ss.run(sys.argv[3], "made here", threads=int(sys.argv[2]))
"""


small_blocks = blocks_of(WORK)


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    path = tmp_path_factory.mktemp("spec") / "spec.toml"
    path.write_text(SPEC, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def reference(spec, small_blocks):
    assert Plan(ss.load(spec)).blocks == 20
    return sha256(ss.run(spec, spec.parent / "run", threads=1))


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
WORLDS = {
    1: {"PYTHONHASHSEED": "0", "TZ": "Pacific/Apia"},
    2: {"PYTHONHASHSEED": "1", **ASCII},
    3: {"PYTHONHASHSEED": "4294967295", "LC_ALL": "tr_TR.UTF-8"},
    4: {"PYTHONHASHSEED": "random", "LANG": "de_DE.ISO-8859-1", "PYTHONUTF8": "0", "OMP_NUM_THREADS": "1"},
}
"""Results by number of threads, which also changes the order of blocks."""


@pytest.mark.fault("different numbers of threads, orders of blocks, hash seeds, locales and folders")
@pytest.mark.parametrize("threads", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 3, 4))])
def test_nothing_around_a_run_changes_a_byte(spec, reference, tmp_path, tried, threads):
    command = [sys.executable, "-c", ELSEWHERE, str(WORK), str(threads), str(spec)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | WORLDS[threads]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert sha256(tmp_path / "made here/result.h5") == reference
    tried()


@pytest.mark.fault("a run in shards")
@pytest.mark.parametrize("of", [3, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 4, 5, 6, 7))])
def test_shards_of_a_run_are_merged_to_its_bytes(spec, reference, tmp_path, tried, of):
    folders = [tmp_path / str(n) for n in range(1, of + 1)]
    for n, folder in enumerate(folders, start=1):
        ss.run(spec, folder, shard=Shard(n, of), threads=2)
    assert sha256(ss.merge(folders, tmp_path / "result.h5")) == reference
    tried(of)


@pytest.mark.fault("the clock jumps by a year at every reading")
def test_a_jumping_clock_changes_no_byte(spec, reference, tmp_path, tried, monkeypatch):
    looks, asked = itertools.count(), itertools.count()
    monkeypatch.setattr("saddlescape.store.folder._now", lambda: f"{2026 - next(looks) % 2}-01-01T00:00:00.000+00:00")
    with pytest.raises(Interrupted):
        ss.run(spec, tmp_path / "run", threads=1, should_stop=lambda: next(asked) > 30)
    assert 0 < ss.status(tmp_path / "run").done < 20
    for year in (0, 4 * 10**9):
        for path in tmp_path.glob("run/*"):
            os.utime(path, (year, year))
        ss.status(tmp_path / "run")
        tried()
    assert sha256(ss.run(spec, tmp_path / "run", threads=2)) == reference
    assert next(looks) > 3
