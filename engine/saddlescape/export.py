"""Results in other formats.  They are written as they are read, so that any number of runs fits into memory."""

import csv
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from saddlescape.arithmetic import ieee
from saddlescape.extras import needed
from saddlescape.results import WORDS, Results
from saddlescape.store.atomic import creating


@ieee()
def export(results: Results, to: str, target: Path) -> None:
    """Write results to a new file, as one of `FORMATS`; it appears whole or not at all.

    Raises
    ------
    RefusedError
        If `target` exists.
    LockedError
        If another process is writing it.
    SaddlescapeError
        If a package that the format needs is not there.
    """
    with creating(target) as descriptor, os.fdopen(os.dup(descriptor), "wb") as file:
        FORMATS[to](results, file)


def _csv(results: Results, file: BinaryIO) -> None:
    """A row a run, words for codes; numbers with the digits that make them again."""
    with io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True) as text:
        rows = csv.writer(text, lineterminator="\n")
        for number, table in enumerate(results.tables()):
            if number == 0:
                rows.writerow(table)
            columns = [np.array(WORDS[name])[column] if name in WORDS else column for name, column in table.items()]
            rows.writerows(zip(*(column.tolist() for column in columns), strict=True))


def _parquet(results: Results, file: BinaryIO) -> None:
    """A row a run, words for codes."""
    pyarrow, parquet = needed("pyarrow", "parquet"), needed("pyarrow.parquet", "parquet")

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
