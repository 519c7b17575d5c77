"""Result files may come from strangers: nothing in one is followed or made room for before it has been looked at.

What is refused: links out of the file, values kept outside of it or made up by it (external storage, virtual data,
fill values), types and filters that we do not write, and more values than its bytes can hold.
"""

import contextlib
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from saddlescape.errors import CorruptError, RefusedError, SaddlescapeError

MOST_OBJECTS = 1000
MOST_TEXT = 2**16
"""Bytes of an attribute, at most."""
MOST_CHUNK = 2**28
"""Bytes of a chunk, at most."""
RATIO = 1100
"""Deflate makes at most 1032 bytes of one."""
FILTERS = {h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_FLETCHER32}
OF_HDF5 = frozenset(("CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST"))
"""Attributes by which HDF5 keeps dimension scales."""
ODD = (
    *(OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError),
    *(struct.error, zlib.error),
)
"""What is raised at a file that is not as it should be."""


@contextlib.contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Whatever fails within is the fault of the file: CorruptError; RefusedError where memory does not suffice."""
    try:
        yield
    except SaddlescapeError:
        raise
    except MemoryError:
        raise RefusedError(f"{path} does not fit into memory; read a part of it") from None
    except ODD as error:
        raise CorruptError(f"{path} is damaged, or no result of saddlescape ({reason(error)})") from None


def reason(error: Exception) -> str:
    """What is wrong with a file, in some words of one line."""
    return (" ".join(str(error).split()) or type(error).__name__)[:200]


def objects(group: h5py.Group) -> list[str]:
    """Names in a group, all of them of its own objects.

    Raises
    ------
    CorruptError
        If one is a link elsewhere, or there are too many.
    """
    if len(group) > MOST_OBJECTS:
        raise CorruptError(f"{group.file.filename} has {len(group)} objects; a result has fewer than {MOST_OBJECTS}")
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise CorruptError(f"{group.file.filename}: {name!r} is a link elsewhere, which is not followed")
    return list(group)


def dataset(group: h5py.Group, name: str) -> h5py.Dataset:
    """A dataset all of whose values are in the file, in a form that we write.

    Raises
    ------
    CorruptError
        If it is not.
    """
    found = group[name]
    if fault := _form(found) or _extent(found, group.file.id.get_filesize()):
        raise CorruptError(f"{group.file.filename}: {name!r} {fault}")
    return found


def _form(found: Any) -> str:
    if not isinstance(found, h5py.Dataset):
        return "must be a dataset"
    kept = found.id.get_create_plist()
    if kept.get_external_count() or kept.get_layout() not in (h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED):
        return "must have its values in the file itself"
    if {kept.get_filter(i)[0] for i in range(kept.get_nfilters())} - FILTERS:
        return "must be stored plain or by shuffle, deflate and fletcher32"
    if not (found.dtype.kind in "iuf" and found.dtype.itemsize <= 8) and not h5py.check_string_dtype(found.dtype):
        return f"must be of numbers or text; it is of {found.id.get_type().get_class_name()}"
    return ""


def _extent(found: h5py.Dataset, bytes_there: int) -> str:
    claimed, stored = found.size * found.dtype.itemsize, found.id.get_storage_size()
    if found.chunks and int(np.prod(found.chunks, dtype=object)) * found.dtype.itemsize > MOST_CHUNK:
        return f"has chunks of shape {found.chunks}, which are too large"
    if stored > bytes_there or claimed > RATIO * stored:
        return f"has the shape {found.shape}, more than the {stored} bytes stored for it can hold"
    return ""


def attributes(item: h5py.Group | h5py.Dataset) -> dict[str, Any]:
    """All attributes but those of HDF5 itself; each as `attribute` has it."""
    if len(item.attrs) > MOST_OBJECTS:
        raise CorruptError(f"{item.file.filename}: {item.name} has too many attributes")
    return {name: attribute(item, name) for name in item.attrs if name not in OF_HDF5}


def attribute(item: h5py.Group | h5py.Dataset, name: str, default: Any = None) -> Any:
    """A small attribute of numbers or text; `default` where it is not there.

    Raises
    ------
    CorruptError
        If it is of another type, or large.
    """
    if name not in item.attrs:
        return default
    kept = item.attrs.get_id(name)
    plain = kept.get_type().get_class() in (h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.STRING)
    if not plain or kept.get_storage_size() > MOST_TEXT or len(kept.shape) > 1:
        raise CorruptError(f"{item.file.filename}: attribute {name!r} of {item.name} must be a few numbers or a text")
    return item.attrs[name]
