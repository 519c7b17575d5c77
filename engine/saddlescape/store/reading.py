"""Read a merged file: refuse what is not ours, then hand out arrays by name."""

from functools import cache, cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from saddlescape.errors import CorruptError
from saddlescape.outcomes import Outcome, StopReason
from saddlescape.store import guard, heap
from saddlescape.store.schema import PER_RUN, SCHEMA_VERSION, TIMES
from saddlescape.store.source import Place, Stored

CODES = {"outcome": len(Outcome), "stop_reason": len(StopReason)}


def unknown(name: str, values: npt.NDArray[Any]) -> bool:
    """Whether among the values of a variable are codes that have no meaning."""
    return bool(name in CODES and values.size and not 0 <= values.min() <= values.max() < CODES[name])


class ResultFile:
    """A result file, open for reading; values are read when asked for, and looked at before they are.

    Raises
    ------
    CorruptError
        If the file is not HDF5, not a result of ours, or of an unknown schema version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.variable = cache(self._variable)
        with guard.guarded(path):
            self._file = h5py.File(path, "r")
        try:
            with guard.guarded(path):
                self._check()
        except BaseException:
            self.close()
            raise

    def __reduce__(self) -> tuple[Any, ...]:
        return ResultFile, (self.path,)

    def close(self) -> None:
        self._file.close()

    def _check(self) -> None:
        if "provenance" in guard.objects(self._file) and heap.damaged(self.path, self._file):
            raise CorruptError(f"{self.path} is damaged: where it keeps its text")
        found = guard.attribute(self._file, "schema_version")
        if found is None or np.ndim(found) or "provenance" not in guard.objects(self._file):
            raise CorruptError(f"{self.path} is HDF5 but no result of saddlescape; name a run's result.h5")
        if found != SCHEMA_VERSION:
            raise CorruptError(f"{self.path} has schema version {found}; this version reads {SCHEMA_VERSION}")
        _ = self.attrs, [self.variable(name) for name in self.names]
        for name, (dtype, _) in (PER_RUN | {k: v for k, v in TIMES.items() if k in self.names}).items():
            self._require(name, self.variable("outcome").dims, dtype)
        self._require("distinct_starts", self.variable("outcome").dims[:-1], "i8")

    def _require(self, name: str, dims: tuple[str, ...], dtype: str) -> None:
        if name not in self.names:
            raise CorruptError(f"{self.path} has no variable {name!r}, which every result has")
        found = self.variable(name)
        if (found.dims, found.dtype) != (dims, np.dtype(dtype)):
            is_there = f"{found.dtype} over ({', '.join(found.dims)})"
            raise CorruptError(f"{self.path}: {name!r} must be {dtype} over ({', '.join(dims)}); it is {is_there}")

    @cached_property
    def names(self) -> list[str]:
        """Variables and coordinates at the root."""
        return [name for name in guard.objects(self._file) if self._file.get(name, getclass=True) is h5py.Dataset]

    def _variable(self, name: str) -> Stored:
        """What is known of a variable without reading its values."""
        with guard.guarded(self.path):
            found = guard.dataset(self._file, name)
            tile = found.chunks or found.shape
            return Stored(self._dims(name, found), found.shape, found.dtype, tile, guard.attributes(found))

    def _dims(self, name: str, found: h5py.Dataset) -> tuple[str, ...]:
        named = (dim[0].name.removeprefix("/") if len(dim) else "" for dim in found.dims)
        dims = (name,) if found.is_scale else tuple(named)
        lengths = tuple(self._file[d].shape if d in self.names else () for d in dims)
        if lengths != tuple((n,) for n in found.shape):
            raise CorruptError(f"{self.path}: {name!r} has dimensions without a coordinate of their lengths")
        return dims

    def cell(self, name: str, place: Place) -> npt.NDArray[Any]:
        """Values of a part of a variable."""
        with guard.guarded(self.path):
            values = np.asarray(self._file[name][place])
            if unknown(name, values):
                raise CorruptError(f"{self.path}: {name!r} has codes that this version doesn't know")
            return values

    def labels(self, name: str) -> npt.NDArray[np.str_]:
        """All values of a coordinate of words."""
        with guard.guarded(self.path):
            return np.array(guard.dataset(self._file, name).asstr()[...], dtype=str)

    @property
    def plan(self) -> str:
        """Digest of the plan the file was made by."""
        with guard.guarded(self.path):
            return str(guard.attribute(self._provenance, "plan"))

    @cached_property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the whole: title, conventions, schema version."""
        with guard.guarded(self.path):
            return guard.attributes(self._file)

    def text(self, name: str) -> str:
        """A text of the provenance: spec, resolved, overrides or blocks."""
        with guard.guarded(self.path):
            guard.objects(self._provenance)
            return str(guard.dataset(self._provenance, name).asstr()[()])

    @property
    def _provenance(self) -> h5py.Group:
        return self._file["provenance"]
