"""Read a merged file: refuse what is not ours, then hand out arrays by name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from saddlescape.errors import CorruptError
from saddlescape.store.schema import SCHEMA_VERSION


class ResultFile:
    """A result file, open for reading; values are read when asked for.

    Raises
    ------
    CorruptError
        If the file is not HDF5, not a result of ours, or of an unknown schema version.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = h5py.File(path, "r")
        except OSError as error:
            raise CorruptError(f"{path} is not a readable HDF5 file ({error})") from None
        found = self._file.attrs.get("schema_version")
        if found is None or np.ndim(found) or "provenance" not in self._file:
            self._file.close()
            raise CorruptError(f"{path} is HDF5 but no result of saddlescape; name a run's result.h5")
        if found != SCHEMA_VERSION:
            self._file.close()
            raise CorruptError(f"{path} has schema version {found}; this version reads {SCHEMA_VERSION}")

    @property
    def attrs(self) -> dict[str, Any]:
        return dict(self._file.attrs)

    @property
    def names(self) -> list[str]:
        """Variables and coordinates at the root."""
        return [name for name, item in self._file.items() if isinstance(item, h5py.Dataset)]

    def dims(self, name: str) -> tuple[str, ...]:
        """Names of a variable's dimensions."""
        dataset = self._file[name]
        if dataset.is_scale:
            return (name,)
        return tuple(dim[0].name.strip("/") for dim in dataset.dims)

    def coordinates(self, name: str) -> list[str]:
        """Coordinates of a variable beside those of its dimensions."""
        return str(self._file[name].attrs.get("coordinates", "")).split()

    def meaning(self, name: str) -> str:
        """The long name of a variable, or its name where it has none."""
        return str(self._file[name].attrs.get("long_name", name))

    def shape(self, name: str) -> tuple[int, ...]:
        """Lengths of a variable's dimensions."""
        return tuple(self._file[name].shape)

    def read(self, name: str, index: Any = ()) -> npt.NDArray[Any]:
        """Values of a variable, or of a part of it."""
        dataset = self._file[name]
        if h5py.check_string_dtype(dataset.dtype):
            return np.array(dataset.asstr()[...], dtype=str)
        return np.asarray(dataset[index])

    def pieces(self, name: str) -> Iterator[tuple[tuple[slice, ...], npt.NDArray[Any]]]:
        """A variable in the pieces it is stored in, each with its place."""
        dataset = self._file[name]
        return ((place, np.asarray(dataset[place])) for place in dataset.iter_chunks())

    @property
    def plan(self) -> str:
        """Digest of the plan the file was made by."""
        return str(self._file["provenance"].attrs["plan"])

    def text(self, name: str) -> str:
        """A text of the provenance: spec, resolved, overrides or blocks."""
        return str(self._file["provenance"][name].asstr()[()])

    def close(self) -> None:
        self._file.close()
