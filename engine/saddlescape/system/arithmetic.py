"""IEEE 754 arithmetic during a computation, even if another library has changed the environment of the thread.

Loading a library built with ``-ffast-math`` may make the loading thread, and all threads that it starts, flush
subnormal numbers to zero, and any library may change the rounding mode.  A start of small scale may then become zero,
and results differ.  C's default environment (fenv.h) rounds to nearest and keeps subnormal numbers: on x86-64 it clears
flush-to-zero and denormals-are-zero of MXCSR (glibc since 2.23), on aarch64 FZ of FPCR.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

MAX_SIZE = 512
"""Bytes of an environment (``fenv_t``), at most."""

CONTROLS = 0x0300_0300
"""Bits of Windows' control word for subnormal numbers and rounding (_MCW_DN | _MCW_RC); 0: keep them, to nearest."""

_C = ctypes.PyDLL("ucrtbase" if os.name == "nt" else None)


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
def _c99() -> Iterator[None]:
    previous = ctypes.create_string_buffer(MAX_SIZE)
    _C.fegetenv(previous)
    _C.fesetenv(DEFAULT)
    try:
        yield
    finally:
        _C.fesetenv(previous)


@contextmanager
def _windows() -> Iterator[None]:
    """With ``_controlfp_s``, as Microsoft documents what that does to subnormal numbers."""
    previous, now = ctypes.c_uint(), ctypes.c_uint()
    _C._controlfp_s(ctypes.byref(previous), 0, 0)
    _C._controlfp_s(ctypes.byref(now), 0, CONTROLS)
    try:
        yield
    finally:
        _C._controlfp_s(ctypes.byref(now), previous, CONTROLS)


ieee = _windows if os.name == "nt" else _c99
"""Set the default environment on this thread and restore the previous one at the end; also a decorator."""
