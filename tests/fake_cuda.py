"""A stand-in for numba-cuda 0.30: the names that `kernels/device.py` uses, which behave as their source says.

A launch runs the linked PTX on this CPU, thread by thread.  `Driver.fail` makes one call of the driver fail and, unless
memory is full, all that follow, as after a lost device.
"""

import copy
import ctypes
import sys
import threading
import types
from collections import namedtuple

import numba
import numpy as np
from standin import SPECIAL, compiled

from saddlescape.kernels.ptx import measures_ptx

MemoryInfo = namedtuple("MemoryInfo", "free,total")
ComputeCapability = namedtuple("ComputeCapability", "major,minor")


class CudaDriverError(Exception):
    """The base class of errors of the driver."""


class CudaAPIError(CudaDriverError):
    """A call of the driver failed."""

    def __init__(self, code, msg):
        self.code, self.msg = code, msg
        super().__init__(code, msg)

    def __str__(self):
        return f"[{self.code}] {self.msg}"


class Driver:
    """The driver of all devices, and the contexts that are current on each host thread, the last one on top."""

    def __init__(self):
        self.error, self.calls, self.compiled = None, [], []
        self.memory = MemoryInfo(2**34, 2**35)
        self._failing, self._countdown, self._code = None, 0, None
        self._lost, self._own = False, threading.local()

    def fail(self, call, code, after=0):
        """Let a call of this name fail, after so many that succeed, and then every call, unless memory is full."""
        self._failing, self._countdown, self._code = call, after, code

    def call(self, name):
        """A call of the driver."""
        self.calls.append(name)
        fails = name == self._failing and self._countdown == 0
        self._countdown -= name == self._failing
        self._lost = self._lost or (fails and self._code != "CUDA_ERROR_OUT_OF_MEMORY")
        if fails or self._lost:
            raise CudaAPIError(1, f"Call to {name} results in {self._code}")

    @property
    def contexts(self):
        """The stack of this thread."""
        if not hasattr(self._own, "stack"):
            self._own.stack = []
        return self._own.stack

    def get_version(self):
        """The version of CUDA."""
        return (13, 0)


class Gpu:
    """One of `numba.cuda.gpus`: attributes of the device, and a context manager that selects it."""

    MULTIPROCESSOR_COUNT, MAX_THREADS_PER_MULTIPROCESSOR, CLOCK_RATE = 2, 64, 1_500_000

    def __init__(self, driver, number, capability):
        self._driver, self.id, self.name = driver, number, f"NVIDIA T{number}"
        self.compute_capability = ComputeCapability(*capability)

    def __enter__(self):
        self._driver.call("cuCtxPushCurrent")
        self._driver.contexts.append(self)

    def __exit__(self, *error):
        self._driver.call("cuCtxPopCurrent")
        assert self._driver.contexts.pop() is self

    def get_memory_info(self):
        """Free and total bytes, of a context."""
        self._driver.call("cuMemGetInfo")
        return self._driver.memory


class Array:
    """Memory of the device that is current."""

    def __init__(self, driver, shape, dtype):
        self._driver = driver
        driver.call("cuMemAlloc")
        self._gpu, self._memory, self.size = driver.contexts[-1], np.empty(shape, dtype), shape
        self.device_ctypes_pointer = ctypes.c_void_p(self._memory.ctypes.data)

    def __getitem__(self, part):
        view = copy.copy(self)
        view._memory = self._memory[part]
        return view

    def _check(self, call, array):
        self._driver.call(call)
        assert self._driver.contexts[-1] is self._gpu
        ours, theirs = (each.squeeze() for each in (self._memory, array))
        assert (ours.dtype, ours.shape, ours.strides) == (theirs.dtype, theirs.shape, theirs.strides)

    def copy_to_device(self, array, stream):
        """Copy from the host."""
        self._check("cuMemcpyHtoDAsync", array)
        self._memory[...] = array

    def copy_to_host(self, array, stream):
        """Copy to the host."""
        self._check("cuMemcpyDtoHAsync", array)
        array[...] = self._memory


class Stream:
    """A stream of the current device."""

    def __init__(self, driver):
        driver.call("cuStreamCreate")
        self._driver, self.gpu = driver, driver.contexts[-1]

    def synchronize(self):
        """Wait."""
        self._driver.call("cuStreamSynchronize")


class PTXSource:
    """Linkable code."""

    def __init__(self, data):
        assert isinstance(data, bytes)
        self.data = data


class Kernel:
    """A compiled kernel, and its dispatcher."""

    def __init__(self, cuda, function, registers):
        self._cuda, self._function, self.overloads = cuda, function, {"signature": self}
        self.regs_per_thread, self.local_mem_per_thread = registers or 255, 16

    def max_cooperative_grid_blocks(self, block):
        """As many as fit, here one or more."""
        self._cuda.driver.call("cuOccupancyMaxActiveBlocksPerMultiprocessor")
        return max(1, Gpu.MULTIPROCESSOR_COUNT * Gpu.MAX_THREADS_PER_MULTIPROCESSOR // block)

    def __getitem__(self, configuration):
        blocks, threads, stream = configuration
        assert stream.gpu is self._cuda.driver.contexts[-1]

        def launch(*arguments):
            self._cuda.driver.call("cuLaunchKernelEx")
            for thread in range(blocks * threads):
                self._cuda.own.thread = thread, blocks * threads
                self._function(*arguments)

        return launch


class Cuda(types.ModuleType):
    """The module numba.cuda."""

    PTXSource = PTXSource

    def __init__(self, capabilities=((9, 0), (7, 5))):
        super().__init__("numba.cuda")
        self.driver, self.own = Driver(), threading.local()
        self.gpus = [Gpu(self.driver, number, each) for number, each in enumerate(capabilities)]

    def is_available(self):
        """Whether there is a driver and a device."""
        return self.driver.error is None

    def cuda_error(self):
        """Why there is no driver."""
        return self.driver.error

    def select_device(self, number):
        """Put the context of a device on top."""
        self.gpus[number].__enter__()

    def current_context(self):
        """The context on top."""
        return self.driver.contexts[-1]

    def stream(self):
        """A new stream."""
        return Stream(self.driver)

    def device_array(self, shape, dtype):
        """An array on the device."""
        return Array(self.driver, shape, dtype)

    def declare_device(self, name, signature, link, abi):
        """The function of this name in linked code, with the calling convention of C."""
        assert (signature, abi) == ("int64(int64, int64, int64, int64)", "c")
        text, measures = (source.data.decode() for source in link)
        assert measures == measures_ptx()
        function = compiled(text).kernel(name)
        return lambda *arguments: function(*arguments, *SPECIAL)

    def jit(self, signature, max_registers):
        """Compile a kernel."""
        assert signature == "void(int64, int64)"
        self.driver.call("cuLibraryLoadData")
        self.driver.compiled.append(self.driver.contexts[-1].id)
        return lambda function: Kernel(self, function, max_registers)

    def grid(self, dimensions):
        """The number of the thread."""
        return self.own.thread[0]

    def gridsize(self, dimensions):
        """The number of threads."""
        return self.own.thread[1]


def install(patch, **options):
    """Install the package, as `import` sees it; returns the module numba.cuda."""
    cuda, driver = Cuda(**options), types.ModuleType("numba.cuda.cudadrv.driver")
    driver.driver = cuda.driver
    for module in (types.ModuleType("numba_cuda"), cuda, types.ModuleType("numba.cuda.cudadrv"), driver):
        patch.setitem(sys.modules, module.__name__, module)
    patch.setattr(numba, "cuda", cuda, raising=False)
    return cuda
