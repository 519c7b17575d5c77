"""bench/gpu.py on the stand-in for a GPU, and the section of docs/performance.md that its record becomes."""

import json
import subprocess
import sys
from pathlib import Path

import fake_cuda
import gpu
import gpu_bits
import gpu_bound
import gpu_peers
import gpu_tables
import numpy as np
import pytest
import report
from cases import make_batch, make_trainer
from kernel_cases import ACTIVATIONS, DTYPES, LOSSES
from standin import StandIn

from saddlescape.kernels import device as devices
from saddlescape.kernels import train
from saddlescape.kernels.schedules import SCHEDULES
from saddlescape.words.optimizers import OPTIMIZERS

pytestmark = pytest.mark.device

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "bench/gpu.py"
H200 = {"capability": "9.0", "multiprocessors": 132, "clock_mhz": 1980}


def script(*arguments):
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """The folder with the record of a run on the stand-in."""
    folder = tmp_path_factory.mktemp("records")
    ended = script("--stand-in", "--quick", "--minutes", "20", "--records", str(folder))
    assert (ended.returncode, ended.stderr) == (0, "")
    return folder


@pytest.fixture
def data(records):
    return json.loads((records / "gpu_trial.json").read_text())["data"]


def test_the_bits_of_the_cases_are_compared_at_two_grids(data):
    assert list(data["bits"].values()) == [{"1 x 32": [], "4 x 64": []}] * gpu.QUICK.cases
    assert not gpu_tables.wrong(data["bits"])


def test_rates_of_all_settings_are_measured(data):
    assert list(data["rates"]) == ["2-2-1 float64", "2-2-1 float32"] == list(data["compilation"]["driver"])
    for found in data["rates"].values():
        assert [(each["registers"], each["block"]) for each in found["rates"]] == [(128, 2), (128, 4)]
        assert all(0 < each["rate"] < found["bound"] for each in found["rates"])


def test_maps_have_the_same_bytes(data):
    sides = data["map"].values()
    assert [set(each) for each in sides] == [{"gpu", "all cores", "two cores", "same"}] * len(gpu.TINY.sides)
    assert all(each["same"] for each in sides)


def test_nothing_fails_and_libraries_that_are_absent_are_named(data):
    assert (data["failed"], data["skipped"]) == ({}, [])
    for library, found in data["libraries"].items():
        assert found == {"absent": "not installed"} or found["ended"] == 0, library


def test_the_record_becomes_the_section_of_the_page(records, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "RECORDS", records)
    monkeypatch.setattr(report, "PAGE", tmp_path / "page.md")
    report.PAGE.write_text("a\n<!-- gpu_trial -->\n<!-- end -->\nb\n")
    report.main()
    text = report.PAGE.read_text()
    assert "`python bench/gpu.py --stand-in --quick" in text
    assert "gpu stand-in" in text
    assert "every bit equals the processor's, at grids of 1 x 32 and 4 x 64 threads: 1 of 1." in text
    assert "| 2-2-1 float32 | 128 |" in text
    assert "| 8 x 8 |" in text


def test_the_page_contains_the_measured_figures_or_says_that_there_are_none(monkeypatch, tmp_path):
    monkeypatch.setattr(report, "RECORDS", tmp_path)
    page = (ROOT / "docs/performance.md").read_text()
    assert report.sections(page) == page
    record = report.read("gpu")
    assert (record["table"] if record else "<!-- gpu -->\nNot yet measured on a device.\n<!-- end -->") in page


def test_without_time_everything_is_skipped_and_the_report_says_so(tmp_path):
    ended = script("--stand-in", "--quick", "--minutes", "0", "--records", str(tmp_path))
    assert (ended.returncode, ended.stderr) == (0, "")
    for measurement in ("bits of logistic half_sse gd float64", "throughput of 2-2-1 float32 with 128 registers",
                        "map of 8 x 8, two cores"):  # fmt: skip
        assert measurement in ended.stdout.partition("Skipped, because the time was up: ")[2]


def test_without_a_gpu_it_ends_in_one_line(tmp_path):
    ended = script("--records", str(tmp_path))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("error: ")
    assert ended.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


class Lying:
    """A device that returns another last bit of the parameters."""

    def __init__(self, device):
        self._device = device

    def __getattr__(self, name):
        return getattr(self._device, name)

    def get(self, address, array):
        self._device.get(address, array)
        if array.shape == (gpu_bits.RUNS, 6):
            array[...] = np.nextafter(array, np.inf)


def test_a_bit_that_differs_and_a_part_that_fails_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(devices, "Cuda", None)  # which OnProcessor replaces
    monkeypatch.setattr(gpu.OnProcessor, "device", lambda _: Lying(StandIn()))
    monkeypatch.setattr(gpu_bits, "prepare", list)
    monkeypatch.setattr(gpu, "PARTS", {"bits": (gpu.bits, 0.5), "broken": (lambda *_: 1 / 0, 1.0)})
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--stand-in", "--quick", "--records", str(tmp_path)])
    case = "logistic half_sse gd float64"
    with pytest.raises(SystemExit, match=f"^error: not all is right: broken, {case}$"):
        gpu.main()
    record = json.loads((tmp_path / "gpu_trial.json").read_text())
    assert record["data"]["bits"] == {case: {"1 x 32": ["theta"], "4 x 64": ["theta"]}}
    assert f"threads: 0 of 1. The others: {case}." in record["table"]
    assert "Failed: broken (ZeroDivisionError: division by zero)." in record["table"]
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_gpu_is_described_and_measured_through_numba_cuda(monkeypatch):
    monkeypatch.setattr(devices, "LOST", {})
    cuda = fake_cuda.install(monkeypatch)
    machine, data, budget = gpu.Gpu(), {}, gpu.Budget(600)
    described = {"gpu": "NVIDIA T0", "capability": "9.0", "multiprocessors": 2, "clock_mhz": 1500.0, "gpu_gib": 32,
                 "driver": "13.0"}  # fmt: skip
    assert machine.described() == described
    gpu.rates(machine, gpu.TINY._replace(registers=(None, 64), blocks=(32, 64)), budget, data)
    assert cuda.driver.compiled == [0] * 4  # once for each dtype and number of registers
    for found in data.values():
        assert not found["failed"]
        settings = [(each["registers"], each["block"], each["used"], each["grid"]) for each in found["rates"]]
        assert settings == [(registers, block, registers or 255, (128 // block, block))
                            for registers in (None, 64) for block in (32, 64)]  # fmt: skip


def test_a_setting_that_fails_does_not_end_the_others(monkeypatch):
    class Fake:
        grid, block = staticmethod(lambda variant, runs: (1, 32)), None

    class Gpu:
        device, described = staticmethod(lambda registers: Fake()), staticmethod(lambda: H200)
        used = staticmethod(lambda device, variant: {"used": 64, "local": 0})
        set_block = staticmethod(lambda device, block: setattr(device, "block", block))

    def rate(device, *_):
        if device.block == 4:
            raise RuntimeError("too many resources\nrequested")
        return 1e9

    monkeypatch.setattr(gpu, "rate", rate)
    data, budget = {}, gpu.Budget(60)
    gpu.rates(Gpu, gpu.TINY, budget, data)
    for found in data.values():
        assert [each["block"] for each in found["rates"]] == [2]
        assert found["failed"] == [{"registers": 128, "block": 4, "error": "RuntimeError: too many resources"}]
    text = gpu_tables.text({"failed": {}, "skipped": [], "rates": data})
    failed = "2-2-1 float64 with 128 registers, 4 threads in a block (RuntimeError: too many resources)"
    assert f"Failed: {failed}, " in text


def test_everything_that_selects_code_occurs_in_the_cases():
    trainers = [trainer for trainer, *_ in gpu_bits.cases().values()]
    assert {name for trainer in trainers for name in trainer.activations} == set(ACTIVATIONS)
    assert {trainer.loss for trainer in trainers} == set(LOSSES)
    assert {trainer.optimizer for trainer in trainers} == set(OPTIMIZERS)
    assert {trainer.schedule for trainer in trainers} == {"constant", *SCHEDULES}
    assert {len(trainer.sizes) for trainer in trainers} == {2, 3, 4, 5}
    for option in ("weight_decay", "layer_rates", "shuffled", "noise", "bias"):
        assert {getattr(trainer, option) for trainer in trainers} == {False, True}
    assert {trainer.batch for trainer in trainers} == {0, 1, 2}
    assert {batch.theta.dtype.name for *_, batch in gpu_bits.cases().values()} == set(DTYPES)


def test_the_bound_is_that_of_the_scarcest_resource():
    operations = {dtype: gpu_bound.counted((2, 2, 1), dtype) for dtype in DTYPES}
    assert operations["float64"] == {"multiply/fma": 346, "add": 52, "divide": 12, "compare/blend/logic": 70}
    clocks = 132 * 1980e6
    assert gpu_bound.bound((2, 2, 1), "float64", H200) == clocks / ((346 + 52 + 12 * 8) / 64)
    assert gpu_bound.bound((2, 2, 1), "float32", H200) == clocks / ((298 + 52 + 12 * 8 + 70) / 128)
    assert gpu_bound.bound((2, 2, 1), "float32", {**H200, "capability": "99.0"}) is None


def test_time_that_a_part_leaves_over_is_for_the_next(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(gpu.time, "monotonic", lambda: now[0])
    budget = gpu.Budget(10)
    budget.until(0.5)
    assert budget.fits("a", 5)
    assert not budget.fits("b", 6)
    now[0] += 2
    budget.until(0.8)
    assert budget.left() == 6
    assert budget.skipped == ["b"]


@pytest.mark.parametrize(("error", "last"), [(0, ["rate", "failed"] * 2), (1, ["failed"] * 2)])
def test_a_library_is_compared_first_and_all_that_it_measured_is_kept(monkeypatch, capsys, error, last):
    """A library that has the kernel's own results, plus an error, for at most 32 networks."""

    def maker(sizes, X, T, rate):
        def run(theta, steps):
            if len(theta) > 32:
                raise MemoryError("too many")
            return train(make_trainer(sizes), X, T, make_batch(theta, steps, every=0)).theta + error

        return run

    monkeypatch.setattr(gpu_peers, "LIBRARIES", {"own": lambda: ("cpu", {"own": maker})})
    monkeypatch.setattr(gpu_peers, "SHAPES", ((2, 2, 1),))
    monkeypatch.setattr(sys, "argv", ["gpu_peers.py", "own", "--networks", "16", "64", "--seconds", "0.001"])
    gpu_peers.main()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [list(line)[-1] for line in lines] == last
    assert lines[-1]["failed"] == (
        "AssertionError: the parameters differ by 1.0e+00 after 20 steps" if error else "MemoryError: too many"
    )
    best = {"registers": 128, "block": 64, "rate": 4e9, "used": 120, "local": 8}
    rates = {case: {"bound": 8e9, "rates": [best], "failed": []} for case in ("2-2-1 float64", "2-2-1 float32")}
    for line in lines:
        line["rate"] = 1e9 * ("rate" in line)
    libraries = {"own": {"lines": lines, "ended": 0}}
    text = gpu_tables.text({"failed": {}, "skipped": [], "rates": rates, "libraries": libraries})
    row = "| 2-2-1 float64 | 4 | 128 | 64 | 120 | 8 | 8 | 0.5 | "
    assert row + ("- |" if error else "1 (4.0 x) |") in text


def test_an_absent_library_and_one_that_is_stopped_are_said_to_be(monkeypatch):
    monkeypatch.setattr(gpu.importlib.util, "find_spec", lambda name: name == "torch" or None)
    monkeypatch.setattr(gpu, "LIBRARY", 0)
    data, budget = {}, gpu.Budget(0.02)
    budget.until(1.0)
    gpu.libraries(None, gpu.TINY, budget, data)
    assert data == {"jax": {"absent": "not installed"}, "torch": {"lines": [], "ended": "stopped, as the time was up"}}
    text = gpu_tables.text({"failed": {}, "skipped": [], "libraries": data})
    assert "jax: not installed." in text
    assert "torch: stopped, as the time was up." in text


def test_ptx_is_timed_in_a_new_process():
    """With the cache of this process: only that the code of the process runs."""
    ended = subprocess.run([sys.executable, "-c", gpu.PTX, "2"], capture_output=True, cwd=ROOT, text=True, check=True)
    assert float(ended.stdout) > 0
