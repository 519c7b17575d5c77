"""Time to merge 2000 blocks.  The blocks are as small as possible, so that their number counts and not their bytes.

    TMPDIR=/dev/shm .venv/bin/pytest bench/test_merge.py --benchmark-enable --benchmark-only
"""

import pytest

import saddlescape as ss
from saddlescape.plan import Plan

BLOCKS = 2002
SIZE = (f"starts.count={BLOCKS}", "training.steps=10", "record.runs=0")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("saddlescape.plan.plan.BLOCK_RUNS", 11)
        assert Plan(ss.load("xor", SIZE)).blocks == BLOCKS
        folder = tmp_path_factory.mktemp("merge") / "run"
        ss.run("xor", folder, overrides=SIZE, keep_blocks=True)
        yield folder


def test_merge(benchmark, run, tmp_path):
    target = tmp_path / "result.h5"
    benchmark.pedantic(lambda: ss.merge([run], target), setup=lambda: target.unlink(missing_ok=True), rounds=15)
    benchmark.extra_info["blocks_per_second"] = round(BLOCKS / benchmark.stats.stats.median)
