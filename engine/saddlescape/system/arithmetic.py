"""IEEE 754 arithmetic for the time of a computation, whatever other libraries have made of the thread's.

A library built with ``-ffast-math`` may have the thread that loads it, and those that come of this one, take subnormal
numbers for zero, and any may choose another rounding: a small start is then at zero, and no bit is what it was.
C's default environment (fenv.h) rounds to nearest and keeps subnormal numbers: on x86-64 it clears flush-to-zero and
denormals-are-zero of MXCSR (glibc since 2.23), on aarch64 FZ of FPCR.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

_C = ctypes.PyDLL(None)
LARGEST = 512
"""Bytes that an environment has at most."""


def _default() -> int:
    """Address that stands for the default environment: of an object where there is one, else -1."""
    for name in ("_FE_DFL_ENV", "__fe_dfl_env"):  # macOS, glibc on ppc64
        try:
            return ctypes.addressof(ctypes.c_char.in_dll(_C, name))
        except ValueError:
            continue
    return -1


DEFAULT = ctypes.c_void_p(_default())


@contextmanager
def ieee() -> Iterator[None]:
    """The default environment of this thread, and what it was at the end; a decorator, too."""
    kept = ctypes.create_string_buffer(LARGEST)
    _C.fegetenv(kept)
    _C.fesetenv(DEFAULT)
    try:
        yield
    finally:
        _C.fesetenv(kept)
