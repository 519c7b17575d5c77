"""The data files that a sweep names."""

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from saddlescape.network.problems import Problem, read_problem
from saddlescape.system import resources
from saddlescape.system.user_files import file_bytes, from_npy

COPIES = 4
"""Of a file of starts, in memory while it is read and checked."""


class DataFiles:
    """The data files of one sweep, each read once and told by the SHA-256 (hex) of the very bytes that were read.

    The methods raise ValueError with one line for the user if a file is no good.

    Parameters
    ----------
    folder : where the files are.
    contents : those of files that are not there, by their names in the spec.
    """

    def __init__(self, folder: Path, contents: Mapping[str, bytes] | None = None) -> None:
        self.folder, self._contents = folder, contents or {}
        self.sha256: dict[str, str] = {}
        self._problems: dict[str, Problem] = {}
        self._starts: dict[str, npt.NDArray[np.float64]] = {}

    def problem(self, name: str) -> Problem:
        """The problem in a CSV or NPZ file."""
        if name not in self._problems:
            self._problems[name] = read_problem(self._path(name), partial(self._read, name))
        return self._problems[name]

    def starts(self, name: str) -> npt.NDArray[np.float64]:
        """The array in an NPY file, float64."""
        if name not in self._starts:
            self._starts[name] = self._array(name, self._path(name))
        return self._starts[name]

    def _path(self, name: str) -> Path:
        if not name or "\0" in name or Path(name).is_absolute():
            raise ValueError(f"must be a path from the spec's folder; got {name!r:.80}; put the file beside the spec")
        return self.folder / name

    def _read(self, name: str, path: Path, most: int) -> bytes:
        content = self._contents[name] if name in self._contents else file_bytes(path, most)
        self.sha256[name] = hashlib.sha256(content).hexdigest()
        return content

    def _array(self, name: str, path: Path) -> npt.NDArray[np.float64]:
        if path.suffix != ".npy":
            raise ValueError(f"must end in .npy; got {path.name!r}")
        try:
            return from_npy(self._read(name, path, resources.memory().bytes // COPIES), path.name)
        except OSError as error:
            raise ValueError(f"cannot read {str(path)!r}: {error.strerror or error}") from None
