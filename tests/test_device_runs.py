"""Runs on a device, whose PTX runs on this CPU: the same bytes, also where the device changes, lies or fails."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from spec_cases import TINY, blocks_of
from standin import StandIn

import saddlescape as ss
from saddlescape.errors import DeviceError, MissingExtraError, RefusedError
from saddlescape.kernels import device as devices
from saddlescape.plan import Plan, Shard
from saddlescape.runs.runner import Interrupted, resume
from saddlescape.system.arguments import ArgumentError

SPEC = TINY.replace("count = 10", "count = 60") + """[record]
runs = 3
[[axes]]
key = "network.activation"
values = ["tanh", "logistic"]
"""
WORK = 9 * 4 * 20 * 16
"""Eight blocks of 16 runs or less."""

MAIN = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from saddlescape.kernels import device
from saddlescape_cli.main import main
from standin import StandIn

device.Cuda = StandIn
main()
"""

small_blocks = blocks_of(WORK)


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    path = tmp_path_factory.mktemp("spec") / "spec.toml"
    path.write_text(SPEC)
    return path


@pytest.fixture(scope="module")
def reference(spec, small_blocks):
    assert Plan(ss.load(spec)).blocks == 8
    return ss.run(spec, spec.parent / "cpu").read_bytes()


@pytest.fixture
def made(monkeypatch):
    """The stand-ins that were made in place of GPUs."""
    made = []

    def make(number=0):
        made.append(StandIn(number))
        return made[-1]

    monkeypatch.setattr(devices, "Cuda", make)
    return made


@pytest.mark.parametrize("name", ["cuda", "cuda:1"])
def test_a_run_on_a_device_has_the_same_bytes(spec, reference, tmp_path, made, name):
    assert ss.run(spec, tmp_path / "run", device=name).read_bytes() == reference
    assert json.loads((tmp_path / "run" / "run.json").read_text())["device"] == name
    used = [device.number for device in made if device.launches]
    assert sorted(used) == ([0, 1] if name == "cuda" else [1])


@pytest.mark.parametrize("order", [("cpu", "cuda:0"), ("cuda:0", "cpu")], ids=" then ".join)
def test_a_run_continues_on_another_device(spec, reference, tmp_path, made, order):
    steps = []

    def stop_early():
        return bool(list(tmp_path.glob("run/blocks/*.h5")))

    with pytest.raises(Interrupted):
        ss.run(spec, tmp_path / "run", device=order[0], threads=1, progress=steps.append, should_stop=stop_early)
    assert 0 < len(list(tmp_path.glob("run/blocks/*.h5"))) < 8
    assert resume(tmp_path / "run", device=order[1]).read_bytes() == reference


def test_shards_of_different_devices_are_merged(spec, reference, tmp_path, made):
    for number, name in ((1, "cuda:0"), (2, "cpu")):
        ss.run(spec, tmp_path / name, shard=Shard(number, 2), device=name)
    merged = ss.merge([tmp_path / "cuda:0", tmp_path / "cpu"], tmp_path / "merged.h5")
    assert merged.read_bytes() == reference


def test_the_command_line_runs_on_a_device(tmp_path):
    (tmp_path / "tiny.toml").write_text(TINY)
    for name in ("cuda", "cpu"):
        command = [sys.executable, "-c", MAIN, "run", "tiny.toml", "-o", name.replace(":", ""), "--device", name]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "cuda" / "result.h5").read_bytes() == (tmp_path / "cpu" / "result.h5").read_bytes()


def test_starts_from_an_array_have_the_same_bits(made):
    spec, theta = ss.load("xor").spec, np.random.default_rng(1).normal(size=(9, 9))
    spec = spec.replaced("training.steps", 50)
    on_cpu, on_device = (ss.run_starts(spec, theta, device=name) for name in ("cpu", "cuda:0"))
    assert made[0].launches
    assert all(on_cpu[name].tobytes() == on_device[name].tobytes() for name in on_cpu)


class Wrong(StandIn):
    """A device that computes another last bit."""

    name = "cuda:0 (wrong, driver 1)"

    def get(self, address, array):
        super().get(address, array)
        if array.shape[1:] == (4,) and array.dtype == np.float64:  # the final measures
            array[...] = np.nextafter(array, np.inf)


def test_a_block_of_a_device_that_lies_is_not_committed(spec, reference, tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "Cuda", Wrong)
    with pytest.raises(DeviceError, match=r"^cuda:0 \(wrong, driver 1\) computed other bits than this processor"):
        ss.run(spec, tmp_path / "run", device="cuda:0")
    assert not list(tmp_path.glob("run/blocks/*.h5"))
    assert resume(tmp_path / "run", device="cpu").read_bytes() == reference


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:-1", "CUDA", "cuda:0,1", "", None, 0])
def test_an_unknown_device_is_refused_before_anything_is_written(spec, tmp_path, name):
    with pytest.raises(ArgumentError, match="device must be cpu, cuda or cuda:N"):
        ss.run(spec, tmp_path / "run", device=name)
    assert not (tmp_path / "run").exists()


def test_without_a_gpu_a_device_is_refused(spec, tmp_path):
    with pytest.raises((RefusedError, MissingExtraError)) as refused:
        ss.run(spec, tmp_path / "run", device="cuda")
    assert "GPU" in str(refused.value) or "pip install saddlescape[cuda]" in str(refused.value)
    assert not (tmp_path / "run").exists()
