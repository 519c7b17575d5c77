"""Change the floating-point environment of a thread as other libraries do, with C's fenv.h, without a compiler."""

import ctypes
import platform
from contextlib import contextmanager

C = ctypes.PyDLL(None)
AT, FLUSH, KEPT, ROUNDINGS = {
    "x86_64": (28, 0x8040, 0xFFC0, {"upward": 0x800, "downward": 0x400, "toward zero": 0xC00}),
    "aarch64": (0, 1 << 24, 0xFFFFFFFF, {"upward": 0x400000, "downward": 0x800000, "toward zero": 0xC00000}),
}[platform.machine()]
"""Where glibc's fenv_t has the control word, its bits that flush subnormal numbers, those that are not flags of
exceptions, and what fesetround takes."""

FLUSHED = "flushed"
WAYS = (FLUSHED, *ROUNDINGS)


def control():
    """The control word of this thread's floating-point environment."""
    now = ctypes.create_string_buffer(64)
    C.fegetenv(now)
    return int.from_bytes(now[AT : AT + 4], "little") & KEPT


def change(way):
    """Flush subnormal numbers, as loading a library built with -ffast-math does, or change the rounding mode."""
    if way in ROUNDINGS:
        assert C.fesetround(ROUNDINGS[way]) == 0
        return
    now = ctypes.create_string_buffer(64)
    C.fegetenv(now)
    word = int.from_bytes(now[AT : AT + 4], "little") | FLUSH
    now[AT : AT + 4] = word.to_bytes(4, "little")
    C.fesetenv(now)


@contextmanager
def changed(way):
    """Context with a changed floating-point environment."""
    kept = ctypes.create_string_buffer(64)
    C.fegetenv(kept)
    change(way)
    try:
        yield
    finally:
        C.fesetenv(kept)


def reciprocals():
    """A subnormal number times one, and two quotients, one of which is rounded down and one up."""
    tiny, three, ten = float.fromhex("0x1p-1074"), float("3"), float("10")
    return tiny * (three - 2), 1 / three, 1 / ten
