"""The data files of a sweep."""

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from saddlescape.network.problems import Problem, read_problem
from saddlescape.system import resources
from saddlescape.system.user_files import file_bytes, from_npy

ARRAYS, TEST_ARRAYS = "arrays.csv", "test-arrays.csv"
"""Names of the files of arrays from Python; runs and results keep a copy of them, because nobody else has one."""

COPIES = 4
"""Number of copies of a file of starts in memory while it is read and checked."""


class DataFiles:
    """The data files of one sweep, each read once.

    The methods raise ValueError with one line for the user if a file is not valid.

    Parameters
    ----------
    folder : the folder that relative paths refer to.
    contents : contents of files that are not in `folder`, by their names in the spec.

    Attributes
    ----------
    sha256 : SHA-256 (hex) of the bytes that were read of each file, by its name in the spec.
    kept : the contents of the files `ARRAYS` and `TEST_ARRAYS`, if they were read, by their names.
    """

    def __init__(self, folder: Path, contents: Mapping[str, bytes] | None = None) -> None:
        self.folder, self._contents = folder, contents or {}
        self.sha256: dict[str, str] = {}
        self.kept: dict[str, bytes] = {}
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
            requirement = "must be a path relative to the spec's folder"
            raise ValueError(f"{requirement}; got {name!r:.80}; put the file next to the spec")
        return self.folder / name

    def _read(self, name: str, path: Path, most: int) -> bytes:
        content = self._contents[name] if name in self._contents else file_bytes(path, most)
        self.sha256[name] = hashlib.sha256(content).hexdigest()
        self.kept |= {name: content} if name in (ARRAYS, TEST_ARRAYS) else {}
        return content

    def _array(self, name: str, path: Path) -> npt.NDArray[np.float64]:
        if path.suffix != ".npy":
            raise ValueError(f"must end in .npy; got {path.name!r}")
        try:
            return from_npy(self._read(name, path, resources.memory().bytes // COPIES), path.name)
        except OSError as error:
            raise ValueError(f"cannot read {str(path)!r}: {error.strerror or error}") from None
