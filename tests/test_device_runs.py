"""Runs on a device, whose PTX runs on this CPU: the same bytes, also where the device changes, lies or fails."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner
from spec_cases import TINY, blocks_of
from standin import StandIn

import saddlescape as ss
from saddlescape.claims import Claim, Finding, examine
from saddlescape.errors import DeviceError, MissingExtraError, RefusedError
from saddlescape.kernels import device as devices
from saddlescape.plan import Plan, Shard
from saddlescape.results.refine import refine
from saddlescape.runs import dispatch, throughput
from saddlescape.runs.device_check import ONE_IN, SAMPLE, sample
from saddlescape.runs.device_memory import of_blocks, sizes
from saddlescape.runs.prepare import prepare
from saddlescape.runs.runner import Interrupted, resume
from saddlescape.spec import parse
from saddlescape.system.arguments import ArgumentError
from saddlescape_cli.main import cli

pytestmark = pytest.mark.device

SPEC = TINY.replace("count = 10", "count = 60") + """[record]
runs = 3
[[axes]]
key = "network.activation"
values = ["tanh", "logistic"]
"""
SLICE = [f"starts.{name}={{ index = {index}, from = -10, to = 9.9, n = 9 }}" for name, index in (("x", 8), ("y", 5))]
WORK = 9 * 4 * 20 * 16
"""Eight blocks of 16 runs or less."""

MAIN = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from saddlescape.kernels import device
from saddlescape.plan import plan
from saddlescape_cli.start import main
from standin import StandIn

plan.BLOCK_WORK = {WORK}
number, launches = int(sys.argv.pop(1)), int(sys.argv.pop(1))

class Device(StandIn):
    def launch(self, *arguments):
        super().launch(*arguments)
        if self.launches == launches:
            os.kill(os.getpid(), number)

device.Cuda = Device
main()
"""
"""The command line with a stand-in that sends a signal to its own process after so many launches."""

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


@pytest.mark.fault("SIGKILL or SIGINT of a run on a GPU, which continues on a processor or another GPU")
@pytest.mark.parametrize(
    ("number", "device", "code"), [(signal.SIGKILL, "cpu", -9), (signal.SIGINT, "cuda:1", 130)], ids=["kill", "int"]
)
def test_a_stopped_run_on_a_device_continues(spec, reference, tmp_path, made, tried, number, device, code):
    options = "-o", tmp_path / "run", "--device", "cuda:0", "--threads", "1"
    command = [sys.executable, "-c", MAIN, str(int(number)), "5", "run", spec, *options]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert 0 < len(list(tmp_path.glob("run/blocks/*.h5"))) < 8
    if code > 0:
        told = f"stopped; finished blocks are kept. Continue with: saddlescape resume {tmp_path}/run\n"
        assert done.stderr.endswith(told)
    assert ss.status(tmp_path / "run").done
    assert resume(tmp_path / "run", device=device).read_bytes() == reference
    tried()


def test_the_command_line_runs_on_a_device(spec, reference, tmp_path, made):
    for name in ("cuda", "cuda:0"):
        command = ["run", str(spec), "-o", str(tmp_path / name), "--device", name, "--threads", "2"]
        done = CliRunner().invoke(cli, command, catch_exceptions=False)
        assert done.exit_code == 0
        assert (tmp_path / name / "result.h5").read_bytes() == reference
        assert CliRunner().invoke(cli, ["info", str(tmp_path / name)], catch_exceptions=False).exit_code == 0


@pytest.mark.parametrize("number", [0, 1, 2])
def test_devices_take_blocks_in_turn(made, number):
    used = [StandIn(k) for k in range(number)]
    turn = dispatch.Turn(used)
    assert [turn.next() for _ in range(5)] == ([*used] * 5 if used else [None] * 5)[:5]
    assert dispatch.in_flight(None, used) == (24 * number or dispatch.in_flight(None, ()))
    assert dispatch.in_flight(7, used) == 7


def test_starts_from_an_array_have_the_same_bits(made):
    spec, theta = ss.load("xor").spec, np.random.default_rng(1).normal(size=(9, 9))
    spec = spec.replaced("training.steps", 50)
    rates, told = {"training.learning_rate": np.linspace(0.1, 0.9, 9)}, []
    on_cpu = ss.run_starts(spec, theta, numbers=rates)
    on_device = ss.run_starts(spec, theta, numbers=rates, device="cuda:0", progress=told.append)
    assert made[0].launches
    assert sorted(run for table in told for run in table.run) == list(range(9))
    assert all(on_cpu[name].tobytes() == on_device[name].tobytes() for name in on_cpu)


def test_a_prepared_batch_has_the_bits_of_the_sweep(spec, made, small_blocks):
    point = ss.load(spec).at((1,))
    whole = ss.run_starts(point, [ss.start(spec, 1, run) for run in range(7)])
    for name in ("cpu", "cuda:1", "cuda"):
        ready = ss.prepare(point, 7, device=name)
        for trained in (ready.train(), ready.train()):
            assert trained.theta.tobytes() == whole["final_theta"].tobytes()
            assert trained.stop_step.tobytes() == whole["stop_step"].tobytes()
    assert [(device.number, device.launches > 0) for device in made] == [(1, True), (0, True), (1, False)]
    assert len(ss.prepare(point).batch.theta) == 60


def test_a_slice_is_prepared_cell_by_cell():
    point = ss.load("xor-slice", SLICE).spec
    theta = ss.prepare(point).batch.theta
    assert theta.shape == (81, 9)
    np.testing.assert_array_equal(theta[32], ss.start(ss.load("xor-slice", SLICE), run=32))


def final(array):
    """The next number in place of each final measure."""
    if array.shape[1:] == (4,) and array.dtype == np.float64:
        array[:, 1:] = np.nextafter(array[:, 1:], np.inf)


def trajectory(array):
    """The next number in place of each measure of trajectories."""
    if array.ndim == 3 and array.dtype == np.float64 and array.shape[2] < 9:
        array[...] = np.nextafter(array, np.inf)


def nan(array):
    """NaN with another sign in place of the final parameters."""
    if array.shape[1:] == (9,):
        array[...] = -np.nan


LIES = {final: "final", trajectory: "measures", nan: "theta"}


@pytest.mark.fault("a GPU computes other bits than the processor")
@pytest.mark.parametrize("keep_going", [False, True])
@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_block_of_a_device_that_lies_is_not_committed(
    spec, reference, tmp_path, monkeypatch, tried, lie, keep_going
):
    class Wrong(StandIn):
        name = "cuda:0 (wrong, driver 1)"

        def get(self, address, array):
            super().get(address, array)
            lie(array)

    monkeypatch.setattr(devices, "Cuda", Wrong)
    with pytest.raises(DeviceError) as failed:
        ss.run(spec, tmp_path / "run", device="cuda:0", keep_going=keep_going)
    difference = f"computed other bits than this processor ({LIES[lie]} of a run)"
    way_on = f"finished blocks are kept. Continue with: saddlescape resume {tmp_path}/run --device cpu"
    assert str(failed.value) == f"cuda:0 (wrong, driver 1) {difference}; {way_on}"
    assert not list(tmp_path.glob("run/blocks/*.failed"))
    committed = len(list(tmp_path.glob("run/blocks/*.h5")))
    assert committed == 0 or (lie is trajectory and committed < 8)  # blocks without a trajectory are right
    assert resume(tmp_path / "run").read_bytes() == reference
    tried()


def test_the_sample_differs_between_blocks_and_contains_a_trajectory():
    number = np.arange(500)
    ready = prepare(ss.load("xor").spec, number, recorded=np.where(number % 100 == 7, number // 100, -1))
    results = (np.random.default_rng(seed).normal(size=(500, 3)) for seed in range(200))
    samples = [sample(ready.batch, SimpleNamespace(final=final, stop_step=number)) for final in results]
    assert {len(runs) for runs in samples} <= {SAMPLE - 1, SAMPLE}
    assert all((ready.batch.recorded[runs] >= 0).any() for runs in samples)
    long = [runs.max() > 250 for runs in samples]  # longer than the median
    assert 0.5 < np.mean(long) * ONE_IN < 2
    assert len(set(np.concatenate(samples).tolist())) > 300
    few = SimpleNamespace(final=np.zeros((3, 3)), stop_step=np.full(3, 20))
    assert sample(replace(ready.batch, recorded=ready.batch.recorded[:3]), few).tolist() == [0, 1, 2]


def test_a_refined_map_of_a_device_has_the_same_bytes(tmp_path, made, monkeypatch):
    with ss.open(ss.run("xor-slice", tmp_path / "run", overrides=SLICE)) as coarse:
        files = [refine(coarse, tmp_path / f"{k}.h5", device=name).path for k, name in enumerate(("cpu", "cuda"))]
        assert files[0].read_bytes() == files[1].read_bytes()
        assert sum(device.launches for device in made) > 0
        monkeypatch.setattr(devices, "Cuda", Broken)
        monkeypatch.setattr(Broken, "last", 0)
        with pytest.raises(DeviceError) as failed:
            refine(coarse, tmp_path / "never.h5", device="cuda:0")
    assert str(failed.value) == f"cuda:0 failed: it burned; {tmp_path}/never.h5 was not written; use device cpu"
    assert not (tmp_path / "never.h5").exists()


def test_claims_run_on_a_device(spec, reference, tmp_path, made):
    claim = Claim(str(spec), "title", "statement", lambda results: Finding((), {"runs": str(results.dims["run"])}, {}))
    ((_, finding),) = examine(tmp_path, [claim], device="cuda:0")
    assert finding.words == {"runs": "60"}
    assert made[0].launches
    assert (tmp_path / "spec.toml/result.h5").read_bytes() == reference


def test_bench_measures_a_device(spec, made, monkeypatch):
    monkeypatch.setattr(throughput, "SECONDS", 1e-3)
    monkeypatch.setattr(throughput, "ROUNDS", 1)
    monkeypatch.setattr(throughput, "ON_DEVICE", 4)
    done = CliRunner().invoke(cli, ["bench", str(spec), "--device", "cuda:1"], catch_exceptions=False)
    head, row = done.stdout.splitlines()
    assert head.split() == ["threads", "network-steps/s", "device"]
    assert row.split()[::2] == ["24", "stand-in"]
    assert float(row.split()[1]) > 1
    assert made[0].launches > 24


def test_the_prompt_completes_devices():
    for command in ("run", "resume", "bench", "claims", "refine"):
        offered = ShellComplete(cli, {}, "saddlescape", "_").get_completions([command, "--device"], "cu")
        assert [each.value for each in offered] == ["cuda", "cuda:0"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--device", "gpu"], "Invalid value for '--device': must be cpu, cuda or cuda:N, such as cuda:0; got 'gpu'"),
        (["--device", "cuda", "--dask", "local:2"], "--device is for this machine; leave out --dask, or --device"),
        (["--device", "cuda", "--dry-run"], "--dry-run estimates the cost on the processor; leave out --device, or"),
    ],
)
def test_options_that_exclude_each_other_are_refused(spec, tmp_path, options, told):
    done = CliRunner().invoke(cli, ["run", str(spec), "-o", str(tmp_path / "run"), *options])
    assert done.exit_code == 2
    assert f"Error: {told}" in done.output
    assert not (tmp_path / "run").exists()


def test_workers_of_other_machines_exclude_a_device(spec, tmp_path):
    with dispatch.Threads(1) as workers, pytest.raises(ArgumentError, match="device must be cpu with workers"):
        ss.run(spec, tmp_path / "run", device="cuda", workers=workers)
    assert not (tmp_path / "run").exists()


class Broken(StandIn):
    """A device that fails after its third launch."""

    last = 3

    def launch(self, *arguments):
        if self.launches >= self.last:
            raise DeviceError("cuda:0 failed: it burned")
        super().launch(*arguments)


@pytest.mark.parametrize("keep_going", [False, True])
@pytest.mark.parametrize("threads", [1, None])
def test_a_device_that_breaks_ends_the_run_once(spec, reference, tmp_path, monkeypatch, keep_going, threads):
    monkeypatch.setattr(devices, "Cuda", Broken)
    with pytest.raises(DeviceError) as failed:
        ss.run(spec, tmp_path / "run", device="cuda:0", threads=threads, keep_going=keep_going)
    way_on = f"Continue with: saddlescape resume {tmp_path}/run --device cpu"
    assert str(failed.value) == f"cuda:0 failed: it burned; finished blocks are kept. {way_on}"
    assert not list(tmp_path.glob("run/blocks/*.failed"))
    assert resume(tmp_path / "run").read_bytes() == reference


def test_a_failure_of_a_device_is_one_line_of_the_command_line(spec, tmp_path):
    broken = "Device.launch = lambda *_: (_ for _ in ()).throw(device.DeviceError('cuda:0 failed'))"
    main = MAIN.replace("device.Cuda = Device", f"device.Cuda = Device; {broken}")
    command = [sys.executable, "-c", main, "0", "-1", "run", str(spec), "-o", "run", "--device", "cuda", "--keep-going"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    way_on = "Continue with: saddlescape resume run --device cpu"
    assert done.stderr == f"error: cuda:0 failed; finished blocks are kept. {way_on}\n"


class Counting(StandIn):
    """A device that counts the bytes of its arrays."""

    def __init__(self, number=0):
        super().__init__(number)
        self.most = 0

    def put(self, array):
        address = super().put(array)
        self.most = max(self.most, sum(each.nbytes for each in self._arrays.values()))
        return address


PER_OUTCOME = ("record.runs={ per_outcome = 2 }", "record.parameters=true")


@pytest.mark.parametrize("changes", [(), PER_OUTCOME], ids=["few recorded", "all recorded"])
def test_memory_is_estimated_from_above(tmp_path, monkeypatch, changes):
    made = []
    monkeypatch.setattr(devices, "Cuda", lambda number: made.append(Counting(number)) or made[-1])
    sweep = parse(TINY, tmp_path, changes)
    ss.run(sweep, tmp_path / "run", device="cuda:0", threads=1)
    (device,), batches = made, of_blocks(Plan(sweep))
    _, batch, _ = sizes(device, batches, batches.needs())
    assert 0.4 * batch < device.most <= batch / 2


def test_a_network_too_large_for_a_thread_is_refused(tmp_path, made):
    deep = ("network.hidden=[64, 64, 64]", "starts.count=2")
    told = r"^device: a thread of stand-in has 512 KiB of memory, and a 2-64-64-64-1 network needs up to \d+ KiB; use"
    with pytest.raises(RefusedError, match=told):
        ss.run(parse(TINY, tmp_path, deep), tmp_path / "run", device="cuda:0")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("resident", "room", "told"),
    [
        (10, 2**27 + 100_000, r"24 batches of 16 runs need up to .* MiB of memory of stand-in, 128 MiB available"),
        (10, 2**27 + 100_000, r"; use --threads [1-9]$"),
        (10, 2**27 + 20_000, r"; use device cpu$"),
        (10**6, 2**30, r" of memory of stand-in, 1 GiB available; use device cpu$"),
    ],
)
def test_too_little_memory_is_refused_with_numbers(spec, tmp_path, monkeypatch, resident, room, told):
    monkeypatch.setattr(StandIn, "room", room)
    monkeypatch.setattr(StandIn, "resident", resident)
    monkeypatch.setattr(devices, "Cuda", StandIn)
    with pytest.raises(RefusedError, match=told):
        ss.run(spec, tmp_path / "run", device="cuda:0")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:-1", "CUDA", "cuda:0,1", "", None, 0])
def test_an_unknown_device_is_refused_before_anything_is_written(spec, tmp_path, name):
    with pytest.raises(ArgumentError, match="device must be cpu, cuda or cuda:N"):
        ss.run(spec, tmp_path / "run", device=name)
    assert not (tmp_path / "run").exists()


def test_without_a_gpu_a_device_is_refused(spec, tmp_path):
    with pytest.raises((RefusedError, MissingExtraError)) as refused:
        ss.run(spec, tmp_path / "run", device="cuda")
    assert "GPU" in str(refused.value) or 'pip install "saddlescape[cuda]"' in str(refused.value)
    assert not (tmp_path / "run").exists()
