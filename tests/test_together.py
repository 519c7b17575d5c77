"""Wide layers, skip connections, drawn samples, dropout and clipping together: the same bytes wherever they run."""

from pathlib import Path

import numpy as np
import pytest
from spec_cases import TINY, blocks_of
from standin import StandIn

import saddlescape as ss
from saddlescape.kernels import device as devices
from saddlescape.plan import Plan, Shard, starts
from saddlescape.runs.runner import Interrupted, resume
from saddlescape.spec import parse

TOGETHER = TINY.replace("hidden = [2]", 'hidden = [100]\nskip = "input"').replace("count = 10", "count = 9")
TOGETHER = TOGETHER.replace("learning_rate = 0.5\nsteps = 20", "learning_rate = 0.1\nsteps = 8")
TOGETHER += """dropout = 0.3
clip = 0.2
batch = { size = 3, order = "sampled" }
[record]
runs = 2
final_parameters = true
"""
small_blocks = blocks_of(403 * 4 * 8 * 5)
"""Three blocks; a run has 403 parameters, four samples and 8 steps."""


@pytest.fixture(scope="module")
def sweep():
    return parse(TOGETHER, Path(), ["network.dtype=float32"])


@pytest.fixture(scope="module")
def reference(sweep, small_blocks, tmp_path_factory):
    folder = tmp_path_factory.mktemp("together")
    assert Plan(sweep).blocks == 3
    return ss.run(sweep, folder / "run", threads=1)


def test_all_words_together_have_the_same_bytes_in_shards_of_a_device_and_after_an_interruption(
    sweep, reference, tmp_path, monkeypatch
):
    monkeypatch.setattr(devices, "Cuda", StandIn)
    for number, name in ((1, "cuda:0"), (2, "cpu")):
        ss.run(sweep, tmp_path / name, shard=Shard(number, 2), device=name)
    merged = ss.merge([tmp_path / "cuda:0", tmp_path / "cpu"], tmp_path / "merged.h5")
    assert merged.read_bytes() == reference.path.read_bytes()
    with pytest.raises(Interrupted):
        ss.run(sweep, tmp_path / "run", threads=1, should_stop=lambda: bool(list(tmp_path.glob("run/blocks/*.h5"))))
    assert resume(tmp_path / "run", device="cuda", threads=3).read_bytes() == reference.path.read_bytes()


def test_all_words_together_have_the_same_bits_in_calls_for_single_runs(sweep, reference):
    spec, final = sweep.spec, reference["final_theta"]
    assert len(np.unique(final, axis=0)) == 9
    for run in (0, 5):
        np.testing.assert_array_equal(ss.replay(sweep, (), run)["theta"][-1], final[run])
    given = ss.run_starts(spec, starts.draw(spec, np.arange(9)))
    np.testing.assert_array_equal(given["final_theta"], final)
    np.testing.assert_array_equal(ss.prepare(spec, 9).train().theta, final)
