"""Runs through `kernels/device.py` with a stand-in for numba.cuda: the same bytes, and one line for whatever fails."""

import sys
import threading

import fake_cuda
import pytest
from numba.core import config
from spec_cases import TINY, blocks_of

import saddlescape as ss
from saddlescape.errors import DeviceError, MissingExtraError, RefusedError
from saddlescape.kernels import Trainer, devices
from saddlescape.kernels import device as module
from saddlescape.kernels.lanes import LaneType
from saddlescape.kernels.variant import Variant
from saddlescape.plan import Plan
from saddlescape.runs.runner import resume

pytestmark = pytest.mark.device

small_blocks = blocks_of(9 * 4 * 20 * 3)
NAME = "cuda:0 (NVIDIA T0, driver for CUDA 13.0)"
CALLS = {
    "cuCtxPushCurrent": 3, "cuMemGetInfo": 0, "cuStreamCreate": 1, "cuLibraryLoadData": 0, "cuMemAlloc": 20,
    "cuOccupancyMaxActiveBlocksPerMultiprocessor": 0, "cuMemcpyHtoDAsync": 50, "cuMemcpyDtoHAsync": 8,
    "cuLaunchKernelEx": 1, "cuStreamSynchronize": 90, "cuCtxPopCurrent": 100,
}  # fmt: skip
"""Calls of the driver that fail, each after so many that succeed."""


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    path = tmp_path_factory.mktemp("spec") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="module")
def reference(spec, small_blocks):
    assert Plan(ss.load(spec)).blocks == 4
    return ss.run(spec, spec.parent / "cpu").read_bytes()


@pytest.fixture
def cuda(monkeypatch):
    monkeypatch.setattr(module, "LOST", {})
    return fake_cuda.install(monkeypatch)


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:1"])
def test_a_run_through_numba_cuda_has_the_same_bytes(spec, reference, tmp_path, cuda, name):
    assert ss.run(spec, tmp_path / "run", device=name).read_bytes() == reference
    assert sorted(cuda.driver.compiled) == {"cuda": [0, 1], "cuda:0": [0], "cuda:1": [1]}[name]
    assert len(cuda.driver.contexts) == len({*cuda.driver.compiled})  # those that were selected


def test_memory_is_used_again(spec, tmp_path, cuda):
    ss.run(spec, tmp_path / "run", device="cuda:0", threads=1)
    allocated, copied = (cuda.driver.calls.count(call) for call in ("cuMemAlloc", "cuMemcpyHtoDAsync"))
    assert copied > 3 * allocated  # of four blocks, the first allocates


def test_threads_that_need_a_kernel_at_once_compile_it_once(cuda):
    (device,) = devices("cuda:0")
    variant = Variant(Trainer((2, 2, 1), True, ("tanh", "tanh"), "half_sse", "gd"), 4, False, LaneType("float64", 1))
    threads = [threading.Thread(target=device.grid, args=(variant, 10)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cuda.driver.compiled == [0]


@pytest.mark.fault("a GPU is lost during a run, or its memory is full")
@pytest.mark.parametrize("keep_going", [False, True])
@pytest.mark.parametrize("call", CALLS)
def test_a_lost_device_ends_the_run_and_the_processor_continues_it(
    spec, reference, tmp_path, cuda, tried, call, keep_going
):
    folder, code = tmp_path / "run", "CUDA_ERROR_LAUNCH_TIMEOUT" if keep_going else "CUDA_ERROR_OUT_OF_MEMORY"
    cuda.driver.fail(call, code, CALLS[call])
    with pytest.raises(DeviceError) as failed:
        ss.run(spec, folder, device="cuda:0", threads=1, keep_going=keep_going)
    message = str(failed.value)
    assert message.startswith(f"{NAME} failed: Call to {call} results in {code}; {module.CAUSES[code]}")
    assert "\n" not in message
    if call == "cuMemGetInfo":  # asked before anything is written
        assert not folder.exists()
        return
    assert message.endswith(f"finished blocks are kept. Continue with: saddlescape resume {folder} --device cpu")
    assert not list(folder.glob("blocks/*.failed"))
    assert resume(folder, device="cuda:0" if code == module.FULL else "cpu").read_bytes() == reference
    tried()


def test_a_device_that_fails_at_once_is_named(cuda):
    cuda.driver.get_version = lambda: 1 / 0
    with pytest.raises(DeviceError, match=r"^cuda:0 failed: division by zero$"):
        devices("cuda")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("Call to cuInit results in CUDA_ERROR_NO_DEVICE (100)", r"\(Call to cuInit results in CUDA_ERROR_NO_DEVICE"),
        ("\nCUDA driver library cannot be found.\nEnsure\n", r"\(CUDA driver library cannot be found. Ensure\)"),
    ],
)
def test_without_a_driver_or_a_device_the_reason_is_told(cuda, error, reason):
    cuda.driver.error = error
    with pytest.raises(RefusedError, match=rf"^device: no NVIDIA GPU can be used {reason}.*; use device cpu$"):
        devices("cuda")


def test_without_nvvm_the_reason_is_told(cuda, monkeypatch):
    monkeypatch.setattr(cuda, "is_available", lambda: False)
    with pytest.raises(RefusedError, match="NVVM library of CUDA is missing"):
        devices("cuda:0")


def test_a_number_without_a_device_is_refused(cuda):
    with pytest.raises(RefusedError, match=r"^device: there is no cuda:2; the last one is cuda:1$"):
        devices("cuda:2")


@pytest.mark.parametrize("capability", [(6, 1), (7, 0), (7, 2)])
def test_an_old_architecture_is_refused(monkeypatch, capability):
    fake_cuda.install(monkeypatch, capabilities=[capability, (7, 5)])
    own = ".".join(map(str, capability))
    message = f"has compute capability {own}, but 7.5 or later is needed; use another device, or cpu"
    with pytest.raises(RefusedError) as refused:
        devices("cuda")
    assert str(refused.value) == f"device: {NAME} {message}"
    assert len(devices("cuda:1")) == 1


def test_the_simulator_is_refused(cuda, monkeypatch):
    monkeypatch.setattr(config, "ENABLE_CUDASIM", 1)
    with pytest.raises(RefusedError, match=r"^device: NUMBA_ENABLE_CUDASIM is set, but"):
        devices("cuda")


def test_missing_libraries_of_cuda_are_told(monkeypatch):
    class Finder:
        @staticmethod
        def find_spec(name, path, target=None):
            if name == "numba_cuda":
                raise ImportError("NVIDIA CUDA Python bindings not found.\nInstall them")

    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    with pytest.raises(MissingExtraError, match=r"^numba.cuda lacks libraries \(NVIDIA .* them\); install them"):
        devices("cuda")


def test_without_the_extra_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba_cuda", None)
    with pytest.raises(MissingExtraError, match=r'^numba_cuda is needed; .* pip install "saddlescape\[cuda\]"$'):
        devices("cuda")
