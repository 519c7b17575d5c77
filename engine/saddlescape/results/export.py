"""Export results to other formats, piece by piece, so that memory does not grow with the number of runs."""

import csv
import io
import itertools
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from saddlescape.errors import SaddlescapeError
from saddlescape.results.results import Results
from saddlescape.results.tables import WORDS
from saddlescape.store import creating
from saddlescape.system.arithmetic import ieee
from saddlescape.system.extras import extra
from saddlescape.words.suggest import hint

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet computes, and with it runs what a stranger wrote there."""


@ieee()
def export(results: Results, to: str, target: str | Path) -> None:
    """Write results to a new file in one of `FORMATS`, atomically.

    Raises
    ------
    RefusedError
        If `target` exists.
    LockedError
        If another process is writing it.
    SaddlescapeError
        If a package that the format needs is not installed.
    """
    if to not in FORMATS:
        raise SaddlescapeError(f"to must be one of {', '.join(FORMATS)}; got {to!r}{hint(str(to), FORMATS)}")
    with creating(Path(target)) as descriptor, os.fdopen(os.dup(descriptor), "wb") as file:
        FORMATS[to](results, file)


def _csv(results: Results, file: BinaryIO) -> None:
    """A row a run, words for codes; numbers with the digits that make them again."""
    with io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True) as text:
        rows = csv.writer(text, lineterminator="\n")
        for number, table in enumerate(results.tables()):
            if number == 0:
                rows.writerow(map(_harmless, table))
            rows.writerows(zip(*itertools.starmap(_cells, table.items()), strict=True))


def _cells(name: str, column: npt.NDArray[Any]) -> list[Any]:
    found: list[Any] = (np.array(WORDS[name])[column] if name in WORDS else column).tolist()
    return [_harmless(word) for word in found] if column.dtype.kind in "UO" else found


def _harmless(word: str) -> str:
    """A word that no spreadsheet takes for a formula: behind an apostrophe if it might; `csv` leaves a CR bare."""
    return f"'{word}".replace("\r", "\n") if word[:1] in FORMULA else word.replace("\r", "\n")


def _parquet(results: Results, file: BinaryIO) -> None:
    """A row a run, words for codes."""
    with extra("parquet"):
        import pyarrow
        from pyarrow import parquet

    def column(name: str, values: npt.NDArray[Any]) -> Any:
        words = WORDS.get(name)
        return pyarrow.DictionaryArray.from_arrays(values, words) if words else pyarrow.array(values)

    writer = None
    for table in results.tables():
        made = pyarrow.table({name: column(name, values) for name, values in table.items()})
        writer = writer or parquet.ParquetWriter(file, made.schema)
        writer.write_table(made)
    if writer:
        writer.close()


def _npz(results: Results, file: BinaryIO) -> None:
    """Every variable and coordinate as an array, codes as they are."""
    with zipfile.ZipFile(file, "w") as archive:
        for name in results:
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as member:
                _npy(results, name, member)


def _npy(results: Results, name: str, member: Any) -> None:
    stored = results.stored(name)
    if stored.dtype.kind == "O":
        np.save(member, results[name])
        return
    header = {"descr": stored.dtype.str, "fortran_order": False, "shape": tuple(results.sizes(name).values())}
    np.lib.format.write_array_header_1_0(member, header)
    for _, piece in results.pieces(name):
        member.write(np.ascontiguousarray(piece).data)


FORMATS: dict[str, Callable[[Results, BinaryIO], None]] = {"csv": _csv, "npz": _npz, "parquet": _parquet}
