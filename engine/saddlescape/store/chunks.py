"""Encoding and decoding of chunks: shuffle, deflate and fletcher32 without libhdf5.

HDF5 runs its filters under a library-wide lock; Python's zlib releases the GIL, so other threads compute meanwhile.
"""

import itertools
import math
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

LEVEL = 1
"""Level of deflate: higher levels gain almost nothing on trajectories."""


def write(dataset: h5py.Dataset, values: npt.NDArray[Any], offset: tuple[int, ...] = ()) -> None:
    """Write values into a dataset with our filters (`schema.create`), chunk by chunk; chunks at an edge are padded.

    The values begin at a chunk boundary: at `offset` along the first dimensions, at 0 along the others.
    """
    if dataset.chunks is None:
        dataset[()] = values
        return
    for first, chunk in split(values, dataset.chunks, dataset.dtype):
        position = tuple(a + b for a, b in itertools.zip_longest(first, offset, fillvalue=0))
        dataset.id.write_direct_chunk(position, chunk)


def split(
    values: npt.NDArray[Any], extents: tuple[int, ...], dtype: np.dtype[Any]
) -> Iterator[tuple[tuple[int, ...], bytes]]:
    """The encoded chunks of an array, each with the index of its first value; a scalar is one chunk, not encoded."""
    starts = (range(0, n, extent) for n, extent in zip(values.shape, extents, strict=True))
    for first in itertools.product(*starts):
        yield first, encoded(values, first, extents, dtype) if extents else values.astype(dtype).tobytes()


def encoded(values: npt.NDArray[Any], first: tuple[int, ...], extents: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """The chunk that begins at the index `first`, shuffled and deflated."""
    whole = values.shape == extents
    part = values if whole else values[tuple(slice(a, a + n) for a, n in zip(first, extents, strict=True))]
    if part.shape != extents or part.dtype != dtype:
        chunk = np.zeros(extents, dtype)
        chunk[tuple(map(slice, part.shape))] = part
        part = chunk
    shuffled = np.ascontiguousarray(part).reshape(-1).view(np.uint8).reshape(-1, dtype.itemsize).T
    return zlib.compress(shuffled.tobytes(), LEVEL)


def decoded(stored: bytes, extents: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """The values of a chunk with our filters, or of a scalar dataset, which has none.

    Raises
    ------
    ValueError, zlib.error
        If the bytes do not decode to exactly this shape.
    """
    size = math.prod(extents) * dtype.itemsize
    content = unfiltered(stored, OUR_FILTERS if extents else (), size, dtype.itemsize)
    return np.frombuffer(content, dtype).reshape(extents)


def unfiltered(stored: bytes, filters: Sequence[int], size: int, width: int) -> bytes:
    """The `size` bytes of a chunk of numbers of `width` bytes; memory is limited to about `size`.

    Raises
    ------
    ValueError, zlib.error
        If the chunk does not decode to exactly `size` bytes.
    """
    for number in reversed(filters):
        stored = FILTERS[number](stored, size, width)
    if len(stored) != size:
        raise ValueError(f"a chunk is not {size} bytes")
    return stored


def _inflate(stored: bytes, size: int, width: int) -> bytes:
    stream = zlib.decompressobj()
    content = stream.decompress(stored, size + 5)  # a checksum may follow the values
    if not stream.eof:
        raise ValueError(f"a chunk is not {size} bytes")
    return content


def _unshuffle(stored: bytes, size: int, width: int) -> bytes:
    """Bytes in the order of the numbers; an incomplete number at the end was not shuffled."""
    whole = len(stored) // width * width
    return np.frombuffer(stored, np.uint8, whole).reshape(width, -1).T.tobytes() + stored[whole:]


def _compare(stored: bytes, size: int, width: int) -> bytes:
    """Bytes without their checksum; ValueError if they do not match it."""
    if len(stored) < 4 or fletcher32(stored[:-4]) != int.from_bytes(stored[-4:], "little"):
        raise ValueError("a chunk does not match its checksum")
    return stored[:-4]


def fletcher32(content: bytes) -> int:
    """Fletcher's checksum of big-endian 16-bit words, as in HDF5."""
    words, low, high = np.frombuffer(content + bytes(len(content) % 2), ">u2"), 0, 0
    for start in range(0, len(words), WORDS):
        part = words[start : start + WORDS].astype(np.int64)
        high += low * len(part) + int(part @ np.arange(len(part), 0, -1))
        low += int(part.sum())
    low, high = (0 if not total else total % 65535 or 65535 for total in (low, high))
    return high << 16 | low


WORDS = 2**16
"""Words that are summed at once."""
FILTERS = {1: _inflate, 2: _unshuffle, 3: _compare}
"""The inverses of HDF5's filters deflate, shuffle and fletcher32, by their numbers."""
OUR_FILTERS = (2, 1)
"""Filters of the chunks that we write, in this order."""
