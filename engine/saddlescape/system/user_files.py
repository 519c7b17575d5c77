"""Read arrays from users' files; declared sizes are checked before memory is allocated."""

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
"""The compressions of `numpy.savez` and `numpy.savez_compressed`; others may need any amount of memory."""


def file_bytes(path: Path, max_size: int) -> bytes:
    """The content of a regular file of at most `max_size` bytes.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is not a regular file, or too large.  All messages of this module are single lines for users.
    """
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"must be a file; {str(path)!r} is not a regular file")
    if status.st_size > max_size:
        raise ValueError(f"must be at most {max_size} bytes; got {status.st_size}, {str(path)!r}")
    return path.read_bytes()


def from_npy(content: bytes, name: str) -> Array:
    """The array in an NPY file, float64; ValueError if it is damaged or contains anything but real numbers."""
    stream = io.BytesIO(content)
    try:
        shape, fortran, dtype = _header(stream)
    except Exception:  # a header is a Python expression, and its parser may raise almost anything
        raise ValueError(f"{name} is not an NPY file; numpy.save writes one") from None
    if dtype.kind not in "fiub":
        raise ValueError(f"{name} must contain numbers; got dtype {dtype}")
    declared, size = dtype.itemsize * math.prod(shape), len(content) - stream.tell()
    if declared != size:
        raise ValueError(f"{name} must contain {declared} bytes, as its header declares shape {shape}; got {size}")
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


def from_npz(content: bytes, keys: Sequence[str], name: str, max_size: int) -> list[Array]:
    """The arrays with these keys in an NPZ file, float64, each of at most `max_size` bytes when decompressed."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except Exception:  # damaged archives raise many kinds of errors
        raise ValueError(f"{name!r} is not an NPZ file; numpy.savez writes one") from None
    return [from_npy(_member(archive, key, keys, max_size), key) for key in keys]


def _member(archive: zipfile.ZipFile, key: str, keys: Sequence[str], max_size: int) -> bytes:
    info = archive.NameToInfo.get(f"{key}.npy")
    if info is None:
        arguments = ", ".join(f"{each}=..." for each in keys)
        raise ValueError(f"needs an array {key}; numpy.savez(file, {arguments}) writes it")
    if info.compress_type not in COMPRESSIONS:
        raise ValueError(f"{key} must be compressed as numpy.savez_compressed does, or not at all")
    if info.file_size > max_size:
        raise ValueError(f"{key} must be at most {max_size} bytes when decompressed; got {info.file_size}")
    try:
        with archive.open(info) as member:
            return member.read(max_size)
    except Exception:
        raise ValueError(f"{key} is damaged; write the file again with numpy.savez") from None
