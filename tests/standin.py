"""A stand-in for a GPU: its memory is that of the process, and a launch runs the PTX on this CPU, thread by thread."""

import threading
from functools import cache

import numpy as np
from ptx_on_cpu import compile_ptx

from saddlescape.kernels.ptx import ENTRY, measures_ptx, ptx

SPECIAL = (0, 0, 0, 0)
"""Special registers, which the function of a thread does not read."""


COMPILING = threading.Lock()


@cache
def compiled(text):
    """The module of a PTX, translated to this CPU once in this process."""
    return compile_ptx(text, *([compiled(measures_ptx())] if text != measures_ptx() else []))


class StandIn:
    """See `on_device.Device`; `size` is the largest grid, (blocks, threads in a block)."""

    def __init__(self, number=0, size=(2, 5)):
        self.number, self.size = number, size
        self._arrays, self._kernels, self.launches = {}, {}, 0

    name, count, room = "stand-in", 2, 2**40

    @property
    def resident(self):
        """The threads of the largest grid."""
        return self.size[0] * self.size[1]

    def free_memory(self):
        """As much memory as the test says."""
        return self.room

    def text(self, variant):
        """The PTX of a variant."""
        return ptx(variant)

    def grid(self, variant, runs):
        """The same grid for any number of runs."""
        return self.size

    def put(self, array):
        """Keep a copy; an empty array gets an address, too."""
        copy = np.array(array if array.size else np.zeros(1), order="C")
        self._arrays[copy.ctypes.data] = copy
        return copy.ctypes.data

    def get(self, address, array):
        """Copy an array back."""
        if array.size:
            array[...] = self._arrays[address].reshape(array.shape)

    def free(self, address):
        """Forget an array."""
        del self._arrays[address]

    def launch(self, variant, grid, ticks, table):
        """Run every thread."""
        with COMPILING:
            if variant not in self._kernels:
                self._kernels[variant] = compiled(self.text(variant)).kernel(ENTRY)
        run, threads = self._kernels[variant], grid[0] * grid[1]
        self.launches += 1
        for thread in range(threads):
            run(thread, threads, ticks, table, *SPECIAL)
