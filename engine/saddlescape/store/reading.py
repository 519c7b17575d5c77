"""Read a merged file: refuse what is not ours, then hand out arrays by name."""

from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.errors import CorruptError
from saddlescape.store import guard, objects
from saddlescape.store.dataset import Dataset
from saddlescape.store.raw import Raw, uint
from saddlescape.store.schema import SCHEMA_VERSION
from saddlescape.store.source import Place, Stored
from saddlescape.store.types import Type, dataspace, datatype
from saddlescape.words.outcomes import CODED
from saddlescape.words.variables import RUNS, VARIABLES, When

OF_HDF5 = frozenset(("CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST"))
"""Attributes by which HDF5 keeps dimension scales."""
OF_REFERENCES = Type(np.dtype("<u8"), listed=True)
MOST_TEXT = 2**26
"""Bytes of a text of the provenance, at most."""


def unknown(name: str, values: npt.NDArray[Any], runs: int) -> bool:
    """Whether among the values of a variable are codes that have no meaning, or runs that are not there."""
    least, most = {"trajectory_run": (-1, runs - 1)}.get(name) or (0, len(CODED.get(name, ())) - 1)
    return bool(most >= 0 and values.size and not least <= values.min() <= values.max() <= most)


class ResultFile:
    """A result file, open for reading; values are read when asked for, and looked at before they are.

    Raises
    ------
    CorruptError
        If the file is not HDF5, not a result of ours, or of an unknown schema version.
    """

    so_far: tuple[int, int] | None = None
    """All runs are there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened = cache(self._variable)
        self._raw = Raw.of_file(path)
        try:
            with guard.guarded(path):
                self._root = objects.messages(self._raw, objects.root(self._raw))
                self._links = self._all_own(objects.links(self._raw, self._root))
                self._check()
        except BaseException:
            self.close()
            raise

    def __reduce__(self) -> tuple[Any, ...]:
        return ResultFile, (self.path,)

    def close(self) -> None:
        self._raw.close()

    def _check(self) -> None:
        found = self.attrs.get("schema_version")
        if found is None or np.ndim(found) or "provenance" not in self._links:
            raise CorruptError(f"{self.path} is HDF5 but no result of saddlescape; name a run's result.h5")
        if found != SCHEMA_VERSION:
            raise CorruptError(f"{self.path} has schema version {found}; this version reads {SCHEMA_VERSION}")
        _ = self.attrs, [self.variable(name) for name in self.names]
        runs = self.variable("outcome").dims
        for name, row in VARIABLES.items():
            if row.when is When.ALWAYS or (row.when is When.FLOW and name in self.names):
                self._require(name, runs if row.dims == RUNS else runs[:-1], row.dtype)
        if self.variable("outcome").dims[-1:] != ("run",):
            raise CorruptError(f"{self.path}: 'outcome' must be over runs, the last of its dimensions")
        if "trajectory_run" in self.names:
            clock, dtype = ("time", "f8") if "solve_time" in self.names else ("step", "i8")
            self._require(f"record_{clock}", ("record",), dtype)

    def _require(self, name: str, dims: tuple[str, ...], dtype: str) -> None:
        if name not in self.names:
            raise CorruptError(f"{self.path} has no variable {name!r}, which every result has")
        found = self.variable(name)
        if (found.dims, found.dtype) != (dims, np.dtype(dtype)):
            is_there = f"{found.dtype} over ({', '.join(found.dims)})"
            raise CorruptError(f"{self.path}: {name!r} must be {dtype} over ({', '.join(dims)}); it is {is_there}")

    def _all_own(self, links: dict[str, int | None]) -> dict[str, int]:
        """Where objects are by name; CorruptError if one is a link elsewhere."""
        if elsewhere := next((name for name, at in links.items() if at is None), None):
            raise CorruptError(f"{self.path}: {elsewhere!r} is a link elsewhere, which is not followed")
        return {name: at for name, at in links.items() if at is not None}

    def _attributes(self, kept: dict[str, objects.Attribute], what: str) -> dict[str, Any]:
        """All attributes but those by which HDF5 keeps dimension scales."""
        found = {}
        for name in sorted(kept.keys() - OF_HDF5):
            try:
                found[name] = objects.value(self._raw, kept[name])
            except guard.ODD as error:
                message = f"attribute {name!r} of {what}: {guard.reason(error)}"
                raise CorruptError(f"{self.path}: {message}") from None
        return found

    @cached_property
    def _said(self) -> dict[str, list[objects.Message]]:
        """The headers of all objects at the root."""
        return {name: objects.messages(self._raw, at) for name, at in self._links.items()}

    @cached_property
    def names(self) -> list[str]:
        """Variables and coordinates at the root."""
        with guard.guarded(self.path):
            return sorted(name for name in self._said if self._says(name, objects.LAYOUT))

    def _says(self, name: str, kind: int) -> bytes | None:
        """The content of a message of an object at the root; None where it has none of that kind."""
        return next((message.content for message in self._said.get(name, ()) if message.kind == kind), None)

    def _dataset(self, name: str, said: list[objects.Message]) -> Dataset:
        try:
            return Dataset(self._raw, said)
        except guard.ODD as error:
            raise CorruptError(f"{self.path}: {name!r} {guard.reason(error)}") from None

    def _variable(self, name: str) -> tuple[Stored, Dataset]:
        """What is known of a variable without reading its values."""
        with guard.guarded(self.path):
            found = self._dataset(name, self._said[name])
            kept = objects.attributes(self._raw, self._said[name])
            dims, attrs = self._dims(name, found.shape, kept), self._attributes(kept, name)
            return Stored(dims, found.shape, found.dtype, found.chunks or found.shape, attrs), found

    def variable(self, name: str) -> Stored:
        """What is known of a variable without reading its values."""
        return self._opened(name)[0]

    def _dims(self, name: str, shape: tuple[int, ...], kept: dict[str, objects.Attribute]) -> tuple[str, ...]:
        scale = "CLASS" in kept and kept["CLASS"].data.rstrip(b"\0") == b"DIMENSION_SCALE"
        dims = (name,) if scale else self._named(kept, len(shape))
        spaces = [self._says(dim, objects.LAYOUT) and self._says(dim, objects.SPACE) for dim in dims]
        if [space and dataspace(space) for space in spaces] != [(n,) for n in shape]:
            raise CorruptError(f"{self.path}: {name!r} has dimensions without a coordinate of their lengths")
        return dims

    def _named(self, kept: dict[str, objects.Attribute], rank: int) -> tuple[str, ...]:
        """The names of the scales that the attribute DIMENSION_LIST refers to: the first along each dimension."""
        if not rank or "DIMENSION_LIST" not in kept:
            return ("",) * rank
        its, names = kept["DIMENSION_LIST"], {at: name for name, at in self._links.items()}
        if datatype(its.type) != OF_REFERENCES or its.shape != (rank,):
            return ("",) * rank
        lists = objects.lists(self._raw, its.data, rank)
        addresses = (uint(self._raw.values(at, 8)) if size >= 8 else 0 for _, at, size in lists)
        return tuple(names.get(address, "") for address in addresses)

    def cell(self, name: str, place: Place) -> npt.NDArray[Any]:
        """Values of a part of a variable."""
        with guard.guarded(self.path):
            values = self._opened(name)[1].part(place)
            if unknown(name, values, self.variable("outcome").shape[-1]):
                raise CorruptError(f"{self.path}: {name!r} has codes that this version doesn't know")
            return values

    def labels(self, name: str) -> npt.NDArray[np.str_]:
        """All values of a coordinate of words."""
        with guard.guarded(self.path):
            return self._opened(name)[1].words()

    @property
    def plan(self) -> str:
        """Digest of the plan the file was made by."""
        with guard.guarded(self.path):
            return str(self._attributes(objects.attributes(self._raw, self._provenance), "provenance")["plan"])

    @cached_property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the whole: title, conventions, schema version."""
        with guard.guarded(self.path):
            return self._attributes(objects.attributes(self._raw, self._root), "the whole")

    def text(self, name: str) -> str:
        """A text of the provenance: spec, resolved, overrides, blocks or software."""
        with guard.guarded(self.path):
            links = self._all_own(objects.links(self._raw, self._provenance))
            if name == "software" and name not in links:  # made before results told it
                return "[{}]"
            found = self._dataset(name, objects.messages(self._raw, links[name]))
            return str(found.words(MOST_TEXT)[()])

    @property
    def _provenance(self) -> list[objects.Message]:
        return self._said["provenance"]
