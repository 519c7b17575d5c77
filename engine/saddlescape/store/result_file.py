"""Read a merged file: refuse files that are not results of saddlescape, then return arrays by name."""

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
from saddlescape.store.source import Region, Stored
from saddlescape.store.types import Type, dataspace, datatype
from saddlescape.words.outcomes import CODED
from saddlescape.words.variables import RUNS, VARIABLES, When

OF_HDF5 = frozenset(("CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST"))
"""Attributes that describe dimension scales."""
REFERENCES = Type(np.dtype("<u8"), listed=True)
MAX_TEXT = 2**26
"""Bytes of a text of the provenance, at most."""


def has_unknown_codes(name: str, values: npt.NDArray[Any], runs: int) -> bool:
    """Whether a variable contains codes without a meaning, or indices of runs that do not exist."""
    least, most = {"trajectory_run": (-1, runs - 1)}.get(name) or (0, len(CODED.get(name, ())) - 1)
    return bool(most >= 0 and values.size and not least <= values.min() <= values.max() <= most)


class ResultFile:
    """A result file, open for reading; values are read on demand, and checked.

    Raises
    ------
    CorruptError
        If the file is not HDF5, not a result of saddlescape, or has an unknown schema version.
    """

    so_far: tuple[int, int] | None = None
    """None: all runs are present."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened = cache(self._open)
        self._raw = Raw.of_file(path)
        try:
            with guard.guarded(path):
                self._root = objects.messages(self._raw, objects.root(self._raw))
                self._links = self._hard(objects.links(self._raw, self._root))
                self._check()
        except BaseException:
            self.close()
            raise

    def __reduce__(self) -> tuple[Any, ...]:
        return ResultFile, (self.path,)

    def close(self) -> None:
        """Close the file."""
        self._raw.close()

    def _check(self) -> None:
        version = self.attrs.get("schema_version")
        if version is None or np.ndim(version) or "provenance" not in self._links:
            raise CorruptError(f"{self.path} is HDF5 but no result of saddlescape; name a run's result.h5")
        if version != SCHEMA_VERSION:
            raise CorruptError(f"{self.path} has schema version {version}; this version reads {SCHEMA_VERSION}")
        _ = self.attrs, [self.variable(name) for name in self.names]
        runs = self.variable("outcome").dims
        for name, row in VARIABLES.items():
            if row.when is When.ALWAYS or (row.when is When.FLOW and name in self.names):
                self._require(name, runs if row.dims == RUNS else runs[:-1], row.dtype)
        if self.variable("outcome").dims[-1:] != ("run",):
            raise CorruptError(f"{self.path}: the last dimension of 'outcome' must be 'run'")
        if "trajectory_run" in self.names:
            clock, dtype = ("time", "f8") if "solve_time" in self.names else ("step", "i8")
            self._require(f"record_{clock}", ("record",), dtype)

    def _require(self, name: str, dims: tuple[str, ...], dtype: str) -> None:
        if name not in self.names:
            raise CorruptError(f"{self.path} has no variable {name!r}, which every result has")
        stored = self.variable(name)
        if (stored.dims, stored.dtype) != (dims, np.dtype(dtype)):
            actual = f"{stored.dtype} over ({', '.join(stored.dims)})"
            raise CorruptError(f"{self.path}: {name!r} must be {dtype} over ({', '.join(dims)}); it is {actual}")

    def _hard(self, links: dict[str, int | None]) -> dict[str, int]:
        """Addresses of objects by name; CorruptError if one is a soft or external link."""
        if other := next((name for name, address in links.items() if address is None), None):
            raise CorruptError(f"{self.path}: {other!r} is a soft or external link, which is not followed")
        return {name: address for name, address in links.items() if address is not None}

    def _values(self, attributes: dict[str, objects.Attribute], owner: str) -> dict[str, Any]:
        """Values of all attributes except those that describe dimension scales."""
        values = {}
        for name in sorted(attributes.keys() - OF_HDF5):
            try:
                values[name] = objects.value(self._raw, attributes[name])
            except guard.ODD as error:
                message = f"attribute {name!r} of {owner}: {guard.reason(error)}"
                raise CorruptError(f"{self.path}: {message}") from None
        return values

    @cached_property
    def _headers(self) -> dict[str, list[objects.Message]]:
        """Headers of all objects at the root."""
        return {name: objects.messages(self._raw, address) for name, address in self._links.items()}

    @cached_property
    def names(self) -> list[str]:
        """Names of variables and coordinates at the root."""
        with guard.guarded(self.path):
            return sorted(name for name in self._headers if self._message(name, objects.LAYOUT))

    def _message(self, name: str, kind: int) -> bytes | None:
        """Content of the first message of this kind of an object at the root; None if there is none."""
        return next((message.content for message in self._headers.get(name, ()) if message.kind == kind), None)

    def _dataset(self, name: str, header: list[objects.Message]) -> Dataset:
        try:
            return Dataset(self._raw, header)
        except guard.ODD as error:
            raise CorruptError(f"{self.path}: {name!r} {guard.reason(error)}") from None

    def _open(self, name: str) -> tuple[Stored, Dataset]:
        with guard.guarded(self.path):
            dataset = self._dataset(name, self._headers[name])
            attributes = objects.attributes(self._raw, self._headers[name])
            dims, attrs = self._dims(name, dataset.shape, attributes), self._values(attributes, name)
            return Stored(dims, dataset.shape, dataset.dtype, dataset.chunks or dataset.shape, attrs), dataset

    def variable(self, name: str) -> Stored:
        """Description of a variable or coordinate; no values are read."""
        return self._opened(name)[0]

    def _dims(self, name: str, shape: tuple[int, ...], attributes: dict[str, objects.Attribute]) -> tuple[str, ...]:
        is_scale = "CLASS" in attributes and attributes["CLASS"].data.rstrip(b"\0") == b"DIMENSION_SCALE"
        dims = (name,) if is_scale else self._scales(attributes, len(shape))
        spaces = [self._message(dim, objects.LAYOUT) and self._message(dim, objects.SPACE) for dim in dims]
        if [space and dataspace(space) for space in spaces] != [(n,) for n in shape]:
            raise CorruptError(f"{self.path}: {name!r} has dimensions without a coordinate of their lengths")
        return dims

    def _scales(self, attributes: dict[str, objects.Attribute], rank: int) -> tuple[str, ...]:
        """Names of the scales in the attribute DIMENSION_LIST: the first of each dimension; "" if there is none."""
        if not rank or "DIMENSION_LIST" not in attributes:
            return ("",) * rank
        references, names = attributes["DIMENSION_LIST"], {address: name for name, address in self._links.items()}
        if datatype(references.type) != REFERENCES or references.shape != (rank,):
            return ("",) * rank
        lists = objects.lists(self._raw, references.data, rank)
        addresses = (uint(self._raw.values(address, 8)) if size >= 8 else 0 for _, address, size in lists)
        return tuple(names.get(address, "") for address in addresses)

    def cell(self, name: str, region: Region) -> npt.NDArray[Any]:
        """Values of a rectangle within one cell of a variable."""
        with guard.guarded(self.path):
            values = self._opened(name)[1].read(region)
            if has_unknown_codes(name, values, self.variable("outcome").shape[-1]):
                raise CorruptError(f"{self.path}: {name!r} has codes unknown to this version")
            return values

    def labels(self, name: str) -> npt.NDArray[np.str_]:
        """All values of a coordinate of labels."""
        with guard.guarded(self.path):
            return self._opened(name)[1].texts()

    @property
    def plan(self) -> str:
        """Digest of the plan of the runs."""
        with guard.guarded(self.path):
            return str(self._values(objects.attributes(self._raw, self._provenance), "provenance")["plan"])

    @property
    def generation(self) -> int:
        """Generation of the spec (`spec.GENERATION`)."""
        with guard.guarded(self.path):
            values = self._values(objects.attributes(self._raw, self._provenance), "provenance")
            return int(values.get("generation", 1))

    @cached_property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the root: title, conventions, schema version."""
        with guard.guarded(self.path):
            return self._values(objects.attributes(self._raw, self._root), "the root")

    def text(self, name: str) -> str:
        """A text of the provenance: spec, resolved, overrides, blocks, software or data."""
        with guard.guarded(self.path):
            links = self._hard(objects.links(self._raw, self._provenance))
            if name == "software" and name not in links:  # in results of earlier versions
                return "[{}]"
            if name == "data" and name not in links:  # all data are in files
                return "{}"
            dataset = self._dataset(name, objects.messages(self._raw, links[name]))
            return str(dataset.texts(MAX_TEXT)[()])

    @property
    def _provenance(self) -> list[objects.Message]:
        return self._headers["provenance"]
