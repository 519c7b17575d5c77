"""Chunks shuffled and deflated by us and handed to HDF5 as they are.

HDF5's own filters run under one lock for the whole library; Python's zlib lets other threads compute meanwhile.
"""

import itertools
import math
import zlib
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
    """The values of a chunk, or of a dataset without chunks; no more is made room for than they take.

    Raises
    ------
    ValueError, zlib.error
        If the bytes are not those of exactly so many values.
    """
    size = math.prod(extents) * dtype.itemsize
    inflate = zlib.decompressobj()
    plain = inflate.decompress(stored, size + 1) if extents else stored
    if len(plain) != size or (extents and not inflate.eof):
        raise ValueError(f"a chunk is not {size} bytes")
    shuffled = np.frombuffer(plain, np.uint8).reshape(dtype.itemsize if extents else 1, -1)
    return np.ascontiguousarray(shuffled.T).reshape(-1).view(dtype).reshape(extents)
