"""The NVIDIA GPUs of this machine, through numba.cuda, which nothing else imports.

numba.cuda compiles a kernel of one line, which calls the PTX of ptx.py for each thread.
"""

import functools
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.errors import RefusedError
from saddlescape.kernels.on_device import Device
from saddlescape.kernels.ptx import ENTRY, measures_ptx, ptx
from saddlescape.kernels.variant import Variant
from saddlescape.system.arguments import ArgumentError
from saddlescape.system.extras import extra

BLOCK = 128
"""Threads in a block."""

REGISTERS = 128
"""Maximum number of registers of a thread; with fewer, more threads are resident, and more numbers are spilled."""

OLDEST = (7, 5)
"""The oldest compute capability for which there is PTX."""


class Cuda:
    """GPU `number` of this machine; see `on_device.Device`.

    Each host thread that calls it has its own stream, so several host threads keep one GPU busy.

    Raises
    ------
    MissingExtraError
        If numba.cuda is not installed.
    RefusedError
        If there is no driver, no such device, or its architecture is too old.
    """

    def __init__(self, number: int = 0) -> None:
        with extra("cuda"):
            import numba_cuda  # noqa: F401  # which replaces the numba.cuda that Numba contains
            from numba import cuda
        self._cuda, self.number, self._own = cuda, number, threading.local()
        if not cuda.is_available():
            raise RefusedError("device: cuda needs an NVIDIA GPU and its driver; there is none; use device cpu")
        if number >= len(cuda.gpus):
            raise RefusedError(f"device: there is no cuda:{number}; the last one is cuda:{len(cuda.gpus) - 1}")
        capability = cuda.gpus[number].compute_capability
        if tuple(capability) < OLDEST:
            needed, found = (".".join(map(str, each)) for each in (OLDEST, capability))
            raise RefusedError(f"device: cuda:{number} has compute capability {found}; {needed} is needed")
        self._kernel = functools.cache(self._compiled)
        self._arrays: dict[int, Any] = {}

    def _compiled(self, variant: Variant) -> Any:
        cuda = self._cuda
        texts = [cuda.PTXSource(text.encode()) for text in (ptx(variant), measures_ptx())]
        run = cuda.declare_device(ENTRY, "void(int64, int64, int64, int64)", texts, abi="c")

        @cuda.jit("void(int64, int64)", max_registers=REGISTERS)
        def kernel(ticks, table):  # type: ignore[no-untyped-def]
            run(cuda.grid(1), cuda.gridsize(1), ticks, table)

        return kernel

    @contextmanager
    def _stream_of_thread(self) -> Iterator[Any]:
        """The stream of the calling host thread, with the device selected."""
        with self._cuda.gpus[self.number]:
            if not hasattr(self._own, "stream"):
                self._own.stream = self._cuda.stream()
            yield self._own.stream

    def grid(self, variant: Variant, runs: int) -> tuple[int, int]:
        """(blocks, threads in a block): as many as are resident at once, but no more than there are runs."""
        with self._stream_of_thread():
            (compiled,) = self._kernel(variant).overloads.values()
            resident = compiled.max_cooperative_grid_blocks(BLOCK)
        return max(1, min(resident, -(-runs // BLOCK))), BLOCK

    def put(self, array: npt.NDArray[Any]) -> int:
        """Copy an array to the device; returns its address."""
        filled = array if array.size else np.zeros(1, array.dtype)  # an empty array has no address
        with self._stream_of_thread() as stream:
            copy = self._cuda.to_device(np.ascontiguousarray(filled), stream)
            stream.synchronize()
        address = int(copy.device_ctypes_pointer.value)
        self._arrays[address] = copy
        return address

    def get(self, address: int, array: npt.NDArray[Any]) -> None:
        """Copy an array back from the device."""
        if array.size:
            with self._stream_of_thread() as stream:
                self._arrays[address].copy_to_host(array, stream)
                stream.synchronize()

    def free(self, address: int) -> None:
        """Release the memory of an array."""
        del self._arrays[address]

    def launch(self, variant: Variant, grid: tuple[int, int], ticks: int, table: int) -> None:
        """Run every thread for a number of ticks, and wait for them."""
        with self._stream_of_thread() as stream:
            self._kernel(variant)[(*grid, stream)](ticks, table)
            stream.synchronize()

    @property
    def count(self) -> int:
        """Number of devices of this machine."""
        return len(self._cuda.gpus)

    @functools.cached_property
    def name(self) -> str:
        """The device and its driver."""
        number = ".".join(map(str, self._cuda.runtime.get_version()))
        return f"cuda:{self.number} ({self._cuda.gpus[self.number].name.decode()}, CUDA {number})"


def devices(name: str) -> tuple[Device, ...]:
    """The devices of a name: none for "cpu", all GPUs for "cuda", one for "cuda:N".

    Raises
    ------
    ArgumentError
        If it is no such name.
    MissingExtraError, RefusedError
        If there is no such device.
    """
    match = re.fullmatch(r"cuda(?::([0-9]{1,4}))?", name) if isinstance(name, str) else None
    if name == "cpu":
        return ()
    if not match:
        raise ArgumentError(f"device must be cpu, cuda or cuda:N, such as cuda:0; got {name!r}")
    if match[1]:
        return (Cuda(int(match[1])),)
    return tuple(Cuda(number) for number in range(Cuda().count))
