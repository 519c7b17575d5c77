"""The NVIDIA GPUs of this machine, through numba.cuda, which nothing else imports.

numba.cuda compiles a kernel of one line, which calls the PTX of ptx.py for each thread.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba.core import config

from saddlescape.errors import DeviceError, MissingExtraError, RefusedError, SaddlescapeError
from saddlescape.kernels.on_device import Device
from saddlescape.kernels.variant import Variant
from saddlescape.system.arguments import device_name
from saddlescape.system.extras import extra

BLOCK = 128
"""Threads in a block."""

REGISTERS = 128
"""Maximum number of registers of a thread; with fewer, more threads are resident, and more numbers are spilled."""

OLDEST = (7, 5)
"""The oldest compute capability for which there is PTX."""


COMPILING = threading.Lock()
"""Held while a kernel is compiled, so that no two threads compile the same one."""

FULL = "CUDA_ERROR_OUT_OF_MEMORY"
CAUSES = {
    FULL: "its memory is full: use fewer --threads, or end other programs that use it",
    "CUDA_ERROR_LAUNCH_TIMEOUT": "a launch took longer than the system allows, as it does for GPUs with a display",
}
"""What some errors of the driver mean."""

LOST: dict["Cuda", str] = {}
"""Devices that failed, each with its first error; their memory is not released, because the driver would fail again."""


SMALLEST = 255
"""Arrays have at least this many bytes, plus one, on the device; the number is rounded up to a power of two."""


def as_bytes(array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """The memory of an array."""
    return array.reshape(-1).view(np.uint8)


def one_line(error: BaseException) -> str:
    """An error of numba.cuda or of the driver as one line."""
    text = " ".join(str(getattr(error, "msg", "") or error).split())[:300] or type(error).__name__
    return "; ".join([text, *(cause for code, cause in CAUSES.items() if code in text)])


def numba_cuda() -> Any:
    """The module numba.cuda of a machine with a driver and a GPU.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    RefusedError
        If there is no driver or no GPU, or numba.cuda only simulates one.
    """
    if config.ENABLE_CUDASIM:
        raise RefusedError("device: NUMBA_ENABLE_CUDASIM is set, but the simulator runs no PTX; unset it")
    os.environ.setdefault("NUMBA_CUDA_LOW_OCCUPANCY_WARNINGS", "0")  # batches are small, and many are in flight
    try:
        with extra("cuda"):
            import numba_cuda  # noqa: F401  # which replaces the numba.cuda that Numba contains
            from numba import cuda
    except MissingExtraError:
        raise
    except ImportError as error:  # libraries of CUDA are missing
        remedy = 'install them with: pip install "saddlescape[cuda]"'
        raise MissingExtraError(f"numba.cuda lacks libraries ({one_line(error)}); {remedy}", name="cuda") from None
    if not cuda.is_available():
        reason = " ".join((cuda.cuda_error() or "the NVVM library of CUDA is missing").split())
        raise RefusedError(f"device: no NVIDIA GPU can be used ({reason}); use device cpu")
    return cuda


class Kernel(NamedTuple):
    """A kernel: what launches it, and its compiled code."""

    launcher: Any
    compiled: Any


class Cuda:
    """GPU `number` of this machine; see `on_device.Device`.

    Each host thread that calls it has its own stream, so several host threads keep one GPU busy.

    Parameters
    ----------
    number : from 0.
    registers : maximum number of registers of a thread; None leaves it to the driver.
    block : threads in a block.

    Raises
    ------
    MissingExtraError
        If numba.cuda is not installed.
    RefusedError
        If there is no driver, no such device, or its architecture is too old.
    DeviceError
        If the device fails, now or later.
    """

    def __init__(self, number: int = 0, registers: int | None = REGISTERS, block: int = BLOCK) -> None:
        self._cuda, self.number, self.name = numba_cuda(), number, f"cuda:{number}"
        self.registers, self.block = registers, block
        self._own, self._memory, self._streams = threading.local(), threading.Lock(), list[Any]()
        self._kernels: dict[Variant, Kernel] = {}
        self._arrays: dict[int, Any] = {}
        self._spare: dict[int, list[Any]] = {}
        with self._failing():
            self.count = len(self._cuda.gpus)
            if number >= self.count:
                raise RefusedError(f"device: there is no cuda:{number}; the last one is cuda:{self.count - 1}")
            gpu = self._cuda.gpus[number]
            self.name = f"cuda:{number} ({gpu.name}, driver for CUDA {self._driver_version()})"
            if tuple(gpu.compute_capability) < OLDEST:
                needed, present = (".".join(map(str, each)) for each in (OLDEST, gpu.compute_capability))
                capability = f"has compute capability {present}, but {needed} or later is needed"
                raise RefusedError(f"device: {self.name} {capability}; use another device, or cpu")
            self._cuda.select_device(number)  # a context is needed where the memory is released at last
            self.resident = gpu.MULTIPROCESSOR_COUNT * gpu.MAX_THREADS_PER_MULTIPROCESSOR

    def _driver_version(self) -> str:
        """The version of CUDA that the driver supports."""
        from numba.cuda.cudadrv.driver import driver

        return ".".join(map(str, driver.get_version()))

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Raise DeviceError for any error: those of numba.cuda and of the libraries below it have no common class."""
        if self in LOST:
            raise DeviceError(LOST[self])
        try:
            yield
        except (SaddlescapeError, MemoryError):
            raise
        except Exception as error:
            message = f"{self.name} failed: {one_line(error)}"
            raise DeviceError(message if FULL in message else LOST.setdefault(self, message)) from error

    def _kernel(self, variant: Variant) -> Kernel:
        """The kernel of a variant, compiled once; the device must be selected."""
        if variant not in self._kernels:
            with COMPILING:
                if variant not in self._kernels:
                    self._kernels[variant] = self._compiled(variant)
        return self._kernels[variant]

    def _compiled(self, variant: Variant) -> Kernel:
        from saddlescape.kernels.ptx import ENTRY, measures_ptx, ptx  # here: runs on the processor do not load it

        cuda = self._cuda
        texts = [cuda.PTXSource(text.encode()) for text in (ptx(variant), measures_ptx())]
        run = cuda.declare_device(ENTRY, "int64(int64, int64, int64, int64)", texts, abi="c")

        @cuda.jit("void(int64, int64)", max_registers=self.registers)
        def kernel(ticks, table):  # type: ignore[no-untyped-def]
            run(cuda.grid(1), cuda.gridsize(1), ticks, table)

        (compiled,) = kernel.overloads.values()
        return Kernel(kernel, compiled)

    @contextmanager
    def _stream_of_thread(self) -> Iterator[Any]:
        """The stream of the calling host thread, with the device selected."""
        with self._failing(), self._cuda.gpus[self.number], self._failing():  # leaving a lost device fails, too
            if not hasattr(self._own, "stream"):
                self._own.stream = self._cuda.stream()
                self._streams.append(self._own.stream)  # it lives as long as the device
            yield self._own.stream

    def free_memory(self) -> int:
        """Bytes of memory that are free."""
        with self._stream_of_thread():
            return int(self._cuda.current_context().get_memory_info().free)

    def grid(self, variant: Variant, runs: int) -> tuple[int, int]:
        """(blocks, threads in a block): as many as are resident at once, but no more than there are runs."""
        with self._stream_of_thread():
            resident = self._kernel(variant).compiled.max_cooperative_grid_blocks(self.block)
        return max(1, min(resident, -(-runs // self.block))), self.block

    def put(self, array: npt.NDArray[Any]) -> int:
        """Copy an array to the device; returns its address."""
        with self._stream_of_thread() as stream:
            memory = self._take(1 << max(SMALLEST, array.nbytes - 1).bit_length())
            address = int(memory.device_ctypes_pointer.value)
            self._arrays[address] = memory
            if array.size:
                memory[: array.nbytes].copy_to_device(as_bytes(np.ascontiguousarray(array)), stream)
                stream.synchronize()
        return address

    def _take(self, size: int) -> Any:
        """Memory of so many bytes, which is used again: the driver waits for all launches before it releases any."""
        with self._memory:
            spare = self._spare.setdefault(size, [])
            return spare.pop() if spare else self._cuda.device_array(size, np.uint8)

    def get(self, address: int, array: npt.NDArray[Any]) -> None:
        """Copy an array back from the device."""
        if array.size:
            with self._stream_of_thread() as stream:
                self._arrays[address][: array.nbytes].copy_to_host(as_bytes(array), stream)
                stream.synchronize()

    def free(self, address: int) -> None:
        """Let other arrays use the memory of an array."""
        with self._memory:
            memory = self._arrays.pop(address)
            self._spare[memory.size].append(memory)

    def launch(self, variant: Variant, grid: tuple[int, int], ticks: int, table: int) -> None:
        """Run every thread for a number of ticks, and wait for them."""
        with self._stream_of_thread() as stream:
            self._kernel(variant).launcher[(*grid, stream)](ticks, table)
            stream.synchronize()


def devices(name: str) -> tuple[Device, ...]:
    """The devices of a `name`: none for "cpu", all GPUs for "cuda", one for "cuda:N".

    Raises
    ------
    ArgumentError
        If it is no such name.
    MissingExtraError, RefusedError, DeviceError
        If there is no such device, or it fails.
    """
    kind, _, number = device_name(name).partition(":")
    if kind == "cpu":
        return ()
    if number:
        return (Cuda(int(number)),)
    first = Cuda()
    return (first, *map(Cuda, range(1, first.count)))
