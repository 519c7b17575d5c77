"""Arrays from the files of a user: what a header or an archive claims is checked before memory is taken for it."""

import io
import math
import os
import stat
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

MAX_DIMENSIONS = 8
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Those of `numpy.savez` and `numpy.savez_compressed`; others can ask for any amount of memory."""


def file_bytes(path: Path, most: int) -> bytes:
    """The content of a regular file of at most `most` bytes.

    Raises
    ------
    OSError
        It cannot be read.
    ValueError
        It is no file, or too large; the message is one line for the user, as everywhere here.
    """
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"must be a file; {str(path)!r} is none")
    if found.st_size > most:
        raise ValueError(f"must be at most {most} bytes; got {found.st_size}, {str(path)!r}")
    return path.read_bytes()


def from_npy(content: bytes, name: str) -> Array:
    """The array in an NPY file, float64; ValueError if there is none, or of anything but real numbers."""
    stream = io.BytesIO(content)
    try:
        shape, fortran, dtype = _header(stream)
    except Exception:  # a header is an expression, and there is no end to what its parser raises
        raise ValueError(f"{name} is not an NPY file; numpy.save writes one") from None
    if dtype.kind not in "fiub":
        raise ValueError(f"{name} must hold numbers; got dtype {dtype}")
    claimed, there = dtype.itemsize * math.prod(shape), len(content) - stream.tell()
    if claimed != there:
        raise ValueError(f"{name} must hold what its header says, {claimed} bytes of shape {shape}; got {there}")
    flat = np.frombuffer(content, dtype, offset=stream.tell())
    return (flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)).astype(np.float64)


def _header(stream: io.BytesIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
    with warnings.catch_warnings(action="ignore"):
        shape, fortran, dtype = read(stream)
    if len(shape) > MAX_DIMENSIONS or min(shape, default=0) < 0:
        raise ValueError(shape)
    return shape, fortran, dtype


def from_npz(content: bytes, names: Sequence[str], name: str, most: int) -> list[Array]:
    """The arrays of these names in an NPZ file, each of at most `most` bytes when decompressed."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except Exception:  # as many kinds of errors as there are kinds of damage
        raise ValueError(f"{name!r} is not an NPZ file; numpy.savez writes one") from None
    return [from_npy(_member(archive, key, names, most), key) for key in names]


def _member(archive: zipfile.ZipFile, key: str, names: Sequence[str], most: int) -> bytes:
    found = archive.NameToInfo.get(f"{key}.npy")
    if found is None:
        arguments = ", ".join(f"{each}=..." for each in names)
        raise ValueError(f"needs an array {key}; numpy.savez(file, {arguments}) writes it")
    if found.compress_type not in COMPRESSIONS:
        raise ValueError(f"{key} must be compressed as numpy.savez_compressed does, or not at all")
    if found.file_size > most:
        raise ValueError(f"{key} must be at most {most} bytes when decompressed; got {found.file_size}")
    try:
        with archive.open(found) as member:
            return member.read(most)
    except Exception:
        raise ValueError(f"{key} is damaged; write the file again with numpy.savez") from None
