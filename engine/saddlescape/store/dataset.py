"""Values of one dataset of a file that may be malicious."""

import itertools
import math
import operator
from functools import cached_property

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from saddlescape.store import chunkindex, chunks, objects
from saddlescape.store.raw import NOWHERE, Raw
from saddlescape.store.source import Region, rectangles
from saddlescape.store.types import LISTED, dataspace, datatype

MAX_RATIO = 1100
"""Limit of the compression: deflate makes at most 1032 bytes of one."""
MAX_CHUNK = 2**28
"""Bytes of a chunk, at most."""
MAX_LABEL, MAX_LABELS = 2**12, 2**28
"""Limits in bytes: a label of an axis, and the array of all labels."""


class Dataset:
    """A dataset with all values in the file; ValueError if it has a form that saddlescape does not write."""

    def __init__(self, raw: Raw, header: list[objects.Message]) -> None:
        self._raw = raw
        contents = {message.kind: message.content for message in header}
        if objects.LAYOUT not in contents or objects.SPACE not in contents:
            raise ValueError("must be a dataset")
        shared = any(m.flags & objects.SHARED for m in header if m.kind < objects.ATTRIBUTE)
        if objects.EXTERNAL in contents or shared:
            raise ValueError("must have its values in the file itself")
        self._type = datatype(contents[objects.TYPE])
        if self._type.listed and self._type.dtype:
            raise ValueError("must contain numbers or text")
        self.shape, self.layout = dataspace(contents[objects.SPACE]), contents[objects.LAYOUT]
        self.dtype = np.dtype(object if self._type.listed else self._type.dtype)
        self._stored = np.dtype(f"V{LISTED}") if self._type.listed else self.dtype
        self._size = self._stored.itemsize
        self.filters = chunkindex.filters(contents[objects.FILTERS]) if objects.FILTERS in contents else []
        lengths = chunkindex.extents(self.layout)
        self.chunks = lengths[:-1] if lengths else None
        self._check(lengths)

    def _check(self, lengths: tuple[int, ...] | None) -> None:
        if set(self.filters) - chunks.FILTERS.keys():
            raise ValueError("must be stored without filters other than shuffle, deflate and fletcher32")
        if lengths and (len(lengths) != len(self.shape) + 1 or lengths[-1] != self._size or 0 in lengths):
            raise ValueError(f"has chunks of shape {self.chunks}, which do not match its values")
        if lengths and math.prod(lengths) > MAX_CHUNK:
            raise ValueError(f"has chunks of shape {self.chunks}, which are too large")
        claimed, stored = self._size * math.prod(self.shape), sum(chunk.size for chunk in self._index)
        if stored > self._raw.size or claimed > MAX_RATIO * stored:
            raise ValueError(f"has the shape {self.shape}, too large for the {stored} bytes stored for it")

    @property
    def _counts(self) -> list[int]:
        """Number of chunks along each dimension."""
        return [-(-n // m) for n, m in zip(self.shape, self.chunks or (), strict=True)]

    @cached_property
    def _index(self) -> list[chunkindex.Chunk]:
        """All chunks, in C order."""
        index = list(chunkindex.chunks(self._raw, self.layout))
        if self.chunks is None:
            return index if index[0].address != NOWHERE else []
        if len(index) != math.prod(self._counts):
            raise ValueError(f"has the shape {self.shape}, but only {len(index)} of its chunks")
        starts = itertools.product(*(range(0, n, m) for n, m in zip(self.shape, self.chunks, strict=True)))
        if any(chunk.first != first for chunk, first in zip(index, starts, strict=True)):
            raise ValueError("has chunks that are not in order")
        return index

    def read(self, region: Region) -> npt.NDArray[np.generic]:
        """The values in a rectangle within one chunk; in any rectangle if the dataset is contiguous."""
        if self.chunks is None:
            return self._contiguous(region)
        cell = [along.start // n for along, n in zip(region, self.chunks, strict=True)]
        first = [i * n for i, n in zip(cell, self.chunks, strict=True)]
        ends = map(min, map(operator.add, first, self.chunks), self.shape)
        last = all(along.stop == end for along, end in zip(region, ends, strict=True))
        values = self._chunk(int(np.ravel_multi_index(cell, self._counts)), last)
        return values[tuple(slice(along.start - a, along.stop - a) for along, a in zip(region, first, strict=True))]

    def _chunk(self, number: int, last: bool) -> npt.NDArray[np.generic]:
        """A decoded chunk; it stays in memory unless its `last` part is being read."""
        recent, key = self._raw.recent, (id(self), number)
        content = recent.pop(key, None) or self._decoded(self._index[number])
        if not last:
            recent.keep(key, content)
        return np.frombuffer(content, self._stored).reshape(self.chunks or ())

    def _decoded(self, chunk: chunkindex.Chunk) -> bytes:
        if chunk.size > MAX_CHUNK:
            raise ValueError(f"has a chunk of {chunk.size} bytes, which is too large")
        filters = [number for bit, number in enumerate(self.filters) if not chunk.mask >> bit & 1]
        size = self._size * math.prod(self.chunks or ())
        return chunks.unfiltered(self._raw.values(chunk.address, chunk.size), filters, size, self._size)

    def _contiguous(self, region: Region) -> npt.NDArray[np.generic]:
        """Values of a contiguous dataset: only the bytes from the first to the last of them are read."""
        steps = [math.prod(self.shape[n + 1 :]) for n in range(len(self.shape))]
        lengths = tuple(along.stop - along.start for along in region)
        if 0 in lengths:
            return np.empty(lengths, self._stored)
        first = sum(along.start * step for along, step in zip(region, steps, strict=True))
        count = 1 + sum((along.stop - 1) * step for along, step in zip(region, steps, strict=True)) - first
        (chunk,) = self._index
        if (first + count) * self._size > chunk.size:
            raise ValueError("has fewer values than its shape requires")
        content = self._raw.values(chunk.address + first * self._size, count * self._size)
        values = np.frombuffer(content, self._stored)
        return as_strided(values, lengths, [step * self._size for step in steps], writeable=False)

    def texts(self, max_size: int = MAX_LABEL) -> npt.NDArray[np.str_]:
        """All values of a dataset of text, each of at most `max_size` bytes."""
        if len(self.shape) > 1 or not (self._type.listed or self.dtype.kind == "S"):
            raise ValueError("must be a list of words, or a text")
        parts = [np.atleast_1d(self.read(region)) for region in rectangles(self.shape, self.chunks or self.shape)]
        stored = np.concatenate(parts or [np.empty(0, self._stored)])
        if self._type.listed:
            words = objects.texts(self._raw, stored.tobytes(), len(stored), max_size)
        else:
            words = [word.decode() for word in stored.tolist()]
        if 4 * len(words) * max(map(len, words), default=0) > MAX_LABELS:
            raise ValueError("has labels that are too long")
        return np.array(words, dtype=str).reshape(self.shape)
