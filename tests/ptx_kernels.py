"""Small PTX kernels for tests, and the numbers that they take and write."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from ptx_cases import bits, dtype, wrapped

REGISTERS = {"%p": "pred", "%h": "b16", "%r": "b32", "%d": "b64"}


def register(kind: str, index: int) -> str:
    """A register that takes values of a type; those of 8 bits are in wider ones."""
    return f"{'%p' if kind == 'pred' else {8: '%h', 16: '%h', 32: '%r', 64: '%d'}[bits(kind)]}{index}"


def kernel_text(name: str, *lines: str) -> str:
    """A kernel with registers of each width and the addresses of operands and results in %d0 and %d1."""
    registers = "\n".join(f".reg .{kind} {stem}<16>;" for stem, kind in REGISTERS.items())
    loads = "ld.param.u64 %d0, [operands];\nld.param.u64 %d1, [results];"
    body = "\n".join(lines)
    head = f".visible .entry {name}(.param .u64 operands, .param .u64 results)"
    return f"{head}\n{{\n{registers}\n{loads}\n{body}\nret;\n}}\n"


def typed(value: Any, kind: str) -> Any:
    """A value as a number of NumPy, or an integer within the range of its type."""
    return np.dtype(dtype(kind)).type(value) if kind[0] == "f" else wrapped(int(value), kind)


def words(values: Iterable[Any], kind: str) -> npt.NDArray[np.uint64]:
    """Values as the lowest bits of words; every NaN is the same."""
    if kind[0] != "f":
        return np.array([int(value) % 2 ** bits(kind) for value in values], np.uint64)
    numbers = np.array(values, dtype(kind))
    return np.where(np.isnan(numbers), np.nan, numbers).view(f"u{numbers.itemsize}").astype(np.uint64)


def run(kernel: Any, operands: Any, results: int = 1, thread: Sequence[int] = (0, 1, 0, 1)) -> list[int]:
    """The words that a kernel writes."""
    given, out = np.array(operands, np.uint64), np.zeros(results, np.uint64)
    kernel(given.ctypes.data, out.ctypes.data, *thread)
    return out.tolist()


def number(result: int, kind: str) -> Any:
    """The lowest bits of a word as a value."""
    value = np.array(result, np.uint64).astype(f"u{bits(kind) // 8}") if kind != "pred" else np.array(result)
    return value.view(dtype(kind))[()] if kind[0] == "f" else int(value)
