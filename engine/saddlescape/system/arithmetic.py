"""IEEE 754 arithmetic during a computation, even if another library has changed the environment of the thread.

Loading a library built with ``-ffast-math`` may make the loading thread, and all threads that it starts, flush
subnormal numbers to zero, and any library may change the rounding mode.  A start of small scale may then become zero,
and results differ.  C's default environment (fenv.h) rounds to nearest and keeps subnormal numbers: on x86-64 it clears
flush-to-zero and denormals-are-zero of MXCSR (glibc since 2.23), on aarch64 FZ of FPCR.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

_C = ctypes.PyDLL(None)
MAX_SIZE = 512
"""Bytes of an environment (``fenv_t``), at most."""


def _default() -> int:
    """``FE_DFL_ENV``: the address of an object, or -1 where the C library has no such object."""
    for name in ("_FE_DFL_ENV", "__fe_dfl_env"):  # macOS, glibc on ppc64
        try:
            return ctypes.addressof(ctypes.c_char.in_dll(_C, name))
        except ValueError:
            continue
    return -1


DEFAULT = ctypes.c_void_p(_default())


@contextmanager
def ieee() -> Iterator[None]:
    """Set the default environment on this thread and restore the previous one at the end; also a decorator."""
    previous = ctypes.create_string_buffer(MAX_SIZE)
    _C.fegetenv(previous)
    _C.fesetenv(DEFAULT)
    try:
        yield
    finally:
        _C.fesetenv(previous)
