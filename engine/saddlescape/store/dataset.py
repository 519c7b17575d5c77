"""The values of one dataset of a file that may come from a stranger."""

import itertools
import math
import operator
from functools import cached_property

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from saddlescape.store import chunkindex, chunks, objects
from saddlescape.store.raw import NOWHERE, Raw
from saddlescape.store.source import Place
from saddlescape.store.types import LISTED, dataspace, datatype

RATIO = 1100
"""Deflate makes at most 1032 bytes of one."""
MOST_CHUNK = 2**28
"""Bytes of a chunk, at most."""
MOST_LABEL, MOST_LABELS = 2**12, 2**28
"""Bytes of a word along an axis, and of all of them as an array, at most."""


class Dataset:
    """A dataset all of whose values are in the file, in a form that we write; ValueError where it is not."""

    def __init__(self, raw: Raw, said: list[objects.Message]) -> None:
        self._raw, self.said = raw, said
        its = {message.kind: message.content for message in said}
        if objects.LAYOUT not in its or objects.SPACE not in its:
            raise ValueError("must be a dataset")
        if objects.EXTERNAL in its or any(m.flags & objects.SHARED for m in said if m.kind < objects.ATTRIBUTE):
            raise ValueError("must have its values in the file itself")
        self._type = datatype(its[objects.TYPE])
        if self._type.listed and self._type.dtype:
            raise ValueError("must be of numbers or text")
        self.shape, self.layout = dataspace(its[objects.SPACE]), its[objects.LAYOUT]
        self.dtype = np.dtype(object if self._type.listed else self._type.dtype)
        self._stored = np.dtype(f"V{LISTED}") if self._type.listed else self.dtype
        self._size = self._stored.itemsize
        self.filters = chunkindex.filters(its[objects.FILTERS]) if objects.FILTERS in its else []
        lengths = chunkindex.extents(self.layout)
        self.chunks = lengths[:-1] if lengths else None
        self._check(lengths)

    def _check(self, lengths: tuple[int, ...] | None) -> None:
        if set(self.filters) - chunks.FILTERS.keys():
            raise ValueError("must be stored plain or by shuffle, deflate and fletcher32")
        if lengths and (len(lengths) != len(self.shape) + 1 or lengths[-1] != self._size or 0 in lengths):
            raise ValueError(f"has chunks of shape {self.chunks}, not as its values are")
        if lengths and math.prod(lengths) > MOST_CHUNK:
            raise ValueError(f"has chunks of shape {self.chunks}, which are too large")
        claimed, stored = self._size * math.prod(self.shape), sum(chunk.size for chunk in self._index)
        if stored > self._raw.size or claimed > RATIO * stored:
            raise ValueError(f"has the shape {self.shape}, more than the {stored} bytes stored for it can hold")

    @cached_property
    def _index(self) -> list[chunkindex.Chunk]:
        """Chunks in C order, all that there must be."""
        found = list(chunkindex.chunks(self._raw, self.layout))
        if self.chunks is None:
            return found if found[0].at != NOWHERE else []
        counts = (-(-n // m) for n, m in zip(self.shape, self.chunks, strict=True))
        if len(found) != math.prod(counts):
            raise ValueError(f"has the shape {self.shape} and {len(found)} chunks, which are not all of it")
        places = itertools.product(*(range(0, n, m) for n, m in zip(self.shape, self.chunks, strict=True)))
        if any(chunk.first != place for chunk, place in zip(found, places, strict=True)):
            raise ValueError("has chunks that are not in order")
        return found

    def part(self, place: Place) -> npt.NDArray[np.generic]:
        """The values in a rectangle within one chunk; where there are no chunks, any rectangle."""
        if self.chunks is None:
            return self._contiguous(place)
        cells = [along.start // n for along, n in zip(place, self.chunks, strict=True)]
        counts = [-(-n // m) for n, m in zip(self.shape, self.chunks, strict=True)]
        first = [cell * n for cell, n in zip(cells, self.chunks, strict=True)]
        ends = map(min, map(operator.add, first, self.chunks), self.shape)
        last = all(along.stop == end for along, end in zip(place, ends, strict=True))
        values = self._chunk(int(np.ravel_multi_index(cells, counts)), last)
        return values[tuple(slice(p.start - a, p.stop - a) for p, a in zip(place, first, strict=True))]

    def _chunk(self, number: int, last: bool) -> npt.NDArray[np.generic]:
        """A chunk, decoded; it is kept unless this is the `last` part of it."""
        recent, key = self._raw.recent, (id(self), number)
        plain = recent.pop(key, None) or self._decoded(self._index[number])
        if not last:
            recent.keep(key, plain)
        return np.frombuffer(plain, self._stored).reshape(self.chunks or ())

    def _decoded(self, its: chunkindex.Chunk) -> bytes:
        if its.size > MOST_CHUNK:
            raise ValueError(f"has a chunk of {its.size} bytes, too many")
        filters = [each for place, each in enumerate(self.filters) if not its.mask >> place & 1]
        size = self._size * math.prod(self.chunks or ())
        return chunks.plain(self._raw.values(its.at, its.size), filters, size, self._size)

    def _contiguous(self, place: Place) -> npt.NDArray[np.generic]:
        """No more is read than is from the first to the last of the values."""
        steps = [math.prod(self.shape[n + 1 :]) for n in range(len(self.shape))]
        lengths = tuple(along.stop - along.start for along in place)
        if 0 in lengths:
            return np.empty(lengths, self._stored)
        first = sum(along.start * step for along, step in zip(place, steps, strict=True))
        count = 1 + sum((along.stop - 1) * step for along, step in zip(place, steps, strict=True)) - first
        (its,) = self._index
        if (first + count) * self._size > its.size:
            raise ValueError("has fewer values than its shape says")
        values = np.frombuffer(self._raw.values(its.at + first * self._size, count * self._size), self._stored)
        return as_strided(values, lengths, [step * self._size for step in steps], writeable=False)

    def words(self, most: int = MOST_LABEL) -> npt.NDArray[np.str_]:
        """All values of a dataset of text, each of `most` bytes at most."""
        if len(self.shape) > 1 or not (self._type.listed or self.dtype.kind == "S"):
            raise ValueError("must be a list of words, or a text")
        tile = self.chunks or self.shape
        starts = itertools.product(*(range(0, n, m or 1) for n, m in zip(self.shape, tile, strict=True)))
        places = (tuple(slice(a, min(a + m, n)) for a, m, n in zip(s, tile, self.shape, strict=True)) for s in starts)
        kept = np.concatenate([np.atleast_1d(self.part(place)) for place in places] or [np.empty(0, self._stored)])
        if self._type.listed:
            found = objects.texts(self._raw, kept.tobytes(), len(kept), most)
        else:
            found = [word.decode() for word in kept.tolist()]
        if 4 * len(found) * max(map(len, found), default=0) > MOST_LABELS:
            raise ValueError("has words that are too long")
        return np.array(found, dtype=str).reshape(self.shape)
