"""Chunks shuffled and deflated by us and handed to HDF5 as they are.

HDF5's own filters run under one lock for the whole library; Python's zlib lets other threads compute meanwhile.
"""

import itertools
import math
import zlib
from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

LEVEL = 1
"""Of deflate: higher ones gain almost nothing on trajectories."""


def write(dataset: h5py.Dataset, values: npt.NDArray[Any], at: tuple[int, ...] = ()) -> None:
    """Write values into a dataset of our filters (`schema.create`), chunk by chunk; those at an edge are stored whole.

    They begin at the start of a chunk: at the indices `at` along the first dimensions, at 0 along the others.
    """
    if dataset.chunks is None:
        dataset[()] = values
        return
    starts = (range(0, n, extent) for n, extent in zip(values.shape, dataset.chunks, strict=True))
    for first in itertools.product(*starts):
        place = tuple(a + b for a, b in itertools.zip_longest(first, at, fillvalue=0))
        dataset.id.write_direct_chunk(place, encoded(values, first, dataset.chunks, dataset.dtype))


def encoded(values: npt.NDArray[Any], first: tuple[int, ...], extents: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """The chunk that begins at `first`: bytes of all numbers in order of their place within a number, deflated."""
    part = values[tuple(slice(a, a + n) for a, n in zip(first, extents, strict=True))]
    if part.shape != extents or part.dtype != dtype:
        chunk = np.zeros(extents, dtype)
        chunk[tuple(map(slice, part.shape))] = part
        part = chunk
    shuffled = np.ascontiguousarray(part).reshape(-1).view(np.uint8).reshape(-1, dtype.itemsize).T
    return zlib.compress(shuffled.tobytes(), LEVEL)


def decoded(stored: bytes, extents: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """The values of a chunk of our filters, or of a dataset without chunks.

    Raises
    ------
    ValueError, zlib.error
        If the bytes are not those of exactly so many values.
    """
    size = math.prod(extents) * dtype.itemsize
    return np.frombuffer(plain(stored, OURS if extents else (), size, dtype.itemsize), dtype).reshape(extents)


def plain(stored: bytes, filters: Sequence[int], size: int, width: int) -> bytes:
    """A chunk's `size` bytes of numbers of `width` bytes; no more is made room for than they take.

    Raises
    ------
    ValueError, zlib.error
        If they are not exactly so many.
    """
    for number in reversed(filters):
        stored = FILTERS[number](stored, size, width)
    if len(stored) != size:
        raise ValueError(f"a chunk is not {size} bytes")
    return stored


def _inflated(stored: bytes, size: int, width: int) -> bytes:
    inflate = zlib.decompressobj()
    found = inflate.decompress(stored, size + 5)  # a checksum may follow the values
    if not inflate.eof:
        raise ValueError(f"a chunk is not {size} bytes")
    return found


def _in_order(stored: bytes, size: int, width: int) -> bytes:
    """Of each number all bytes together; what is left behind the last whole number stays where it is."""
    whole = len(stored) // width * width
    return np.frombuffer(stored, np.uint8, whole).reshape(width, -1).T.tobytes() + stored[whole:]


def _whole(stored: bytes, size: int, width: int) -> bytes:
    if len(stored) < 4 or fletcher32(stored[:-4]) != int.from_bytes(stored[-4:], "little"):
        raise ValueError("a chunk is not what its checksum says")
    return stored[:-4]


def fletcher32(content: bytes) -> int:
    """The checksum by Fletcher of words of 16 bits, the first byte the higher, as HDF5 has it."""
    words, low, high = np.frombuffer(content + bytes(len(content) % 2), ">u2"), 0, 0
    for at in range(0, len(words), WORDS):
        part = words[at : at + WORDS].astype(np.int64)
        high += low * len(part) + int(part @ np.arange(len(part), 0, -1))
        low += int(part.sum())
    low, high = (0 if not total else total % 65535 or 65535 for total in (low, high))
    return high << 16 | low


WORDS = 2**16
"""Words that are summed at once."""
FILTERS = {1: _inflated, 2: _in_order, 3: _whole}
"""What undoes each filter of HDF5 that is ours, by its number: deflate, shuffle, fletcher32."""
OURS = (2, 1)
