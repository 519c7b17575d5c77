"""The GPU of bench/gpu.py, through numba.cuda, and the stand-in of the tests in its place."""

import sys
import time

import gpu_bits

from saddlescape.kernels import device as devices


class Gpu:
    """The first GPU of this machine."""

    def device(self, registers=devices.REGISTERS, block=devices.BLOCK):
        return devices.Cuda(0, registers, block)

    def described(self):
        """Return what determines its speed; the clock is the largest."""
        self.device()  # raises if there is none
        from numba import cuda
        from numba.cuda.cudadrv.driver import driver

        with cuda.gpus[0]:
            device, memory = cuda.gpus[0], cuda.current_context().get_memory_info()
            return {
                "gpu": device.name, "capability": ".".join(map(str, device.compute_capability)),
                "multiprocessors": device.MULTIPROCESSOR_COUNT, "clock_mhz": device.CLOCK_RATE / 1000,
                "gpu_gib": round(memory.total / 2**30), "driver": ".".join(map(str, driver.get_version())),
            }  # fmt: skip

    def set_block(self, device, block):
        """Set the number of threads in a block."""
        device.block = block

    def used(self, device, variant):
        """Return the registers and the bytes of local memory of a thread."""
        with device._stream_of_thread():
            compiled = device._kernel(variant).compiled
            return {"used": compiled.regs_per_thread, "local": compiled.local_mem_per_thread}


class OnProcessor:
    """The stand-in of the tests, which tries this script without a GPU: its figures mean nothing."""

    def __init__(self):
        sys.path.append(str(gpu_bits.TESTS))
        from standin import StandIn

        self._stand_in = devices.Cuda = StandIn

    def device(self, registers=128, block=2):
        return self._stand_in(size=(2, block))

    def described(self):
        return {"gpu": "stand-in", "capability": "9.0", "multiprocessors": 1, "clock_mhz": 1000}

    def set_block(self, device, block):
        device.size = (2, block)

    def used(self, device, variant):
        return {"used": 0, "local": 0}


class Timed:
    """A device that measures the seconds of its launches."""

    def __init__(self, device):
        self._device, self.seconds = device, 0.0

    def __getattr__(self, attribute):
        return getattr(self._device, attribute)

    def launch(self, *arguments):
        began = time.perf_counter()
        self._device.launch(*arguments)
        self.seconds += time.perf_counter() - began
