"""numba.cuda itself, without a GPU: it compiles and links kernels that call our PTX, and says that there is no GPU."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from numba import cuda
from numba.cuda import codegen, dispatcher

from saddlescape.kernels import Trainer
from saddlescape.kernels.device import REGISTERS, Cuda
from saddlescape.kernels.lanes import LaneType
from saddlescape.kernels.variant import Variant


@pytest.fixture
def compute_capability(monkeypatch):
    """numba.cuda compiles for a GPU of compute capability 9.0, and loads nothing."""
    monkeypatch.setattr(dispatcher, "get_current_device", lambda: SimpleNamespace(compute_capability=(9, 0)))
    monkeypatch.setattr(codegen.CUDACodeLibrary, "_ensure_cc", lambda self, cc: cc or (9, 0, "a"))
    monkeypatch.setattr(dispatcher._Kernel, "bind", lambda self: None)


@pytest.mark.parametrize("optimizer", ["gd", "flow"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_kernel_is_compiled_and_linked(compute_capability, capfd, optimizer, dtype):
    device = object.__new__(Cuda)  # the constructor needs a GPU
    device._cuda, device.registers = cuda, REGISTERS
    trainer = Trainer((2, 2, 1), True, ("tanh", "tanh"), "half_sse", optimizer)
    kernel = device._compiled(Variant(trainer, 4, False, LaneType(dtype, 1)))
    assert kernel.compiled._codelibrary.get_cubin().code.startswith(b"\x7fELF")
    assert capfd.readouterr() == ("", "")


def test_without_a_gpu_a_run_is_refused_in_a_line(tmp_path):
    command = [sys.executable, "-m", "saddlescape", "run", "xor", "-o", str(tmp_path / "run"), "--device", "cuda"]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert done.stderr.startswith("error: device: no NVIDIA GPU can be used (")
    assert not (tmp_path / "run").exists()
