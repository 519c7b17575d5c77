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

from saddlescape.results.results import Results
from saddlescape.results.tables import WORDS
from saddlescape.store import creating
from saddlescape.system.arguments import ArgumentError
from saddlescape.system.arithmetic import ieee
from saddlescape.system.extras import extra
from saddlescape.words.suggest import hint

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters of cells that spreadsheets evaluate; a result from an untrusted source could contain formulas."""


@ieee()
def export(results: Results, to: str, target: str | Path) -> None:
    """Write results to a new file, atomically.

    Parameters
    ----------
    to : the format, one of `FORMATS`: ``"csv"``, ``"npz"`` or ``"parquet"``.
    target : the file.

    Raises
    ------
    RefusedError
        If `target` exists.
    LockedError
        If another process is writing `target`.
    ArgumentError
        If there is no such format, or a package that it needs is not installed.
    """
    if to not in FORMATS:
        raise ArgumentError(f"to must be one of {', '.join(FORMATS)}; got {to!r}{hint(str(to), FORMATS)}")
    with creating(Path(target)) as descriptor, os.fdopen(os.dup(descriptor), "wb") as file:
        FORMATS[to](results, file)


def _csv(results: Results, file: BinaryIO) -> None:
    """Write one row per run, labels instead of codes, and numbers with all digits."""
    with io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True) as text:
        rows = csv.writer(text, lineterminator="\n")
        for number, table in enumerate(results.tables()):
            if number == 0:
                rows.writerow(map(_harmless, table))
            rows.writerows(zip(*itertools.starmap(_cells, table.items()), strict=True))


def _cells(name: str, column: npt.NDArray[Any]) -> list[Any]:
    cells: list[Any] = (np.array(WORDS[name])[column] if name in WORDS else column).tolist()
    return [_harmless(text) for text in cells] if column.dtype.kind in "UO" else cells


def _harmless(text: str) -> str:
    """A text that no spreadsheet evaluates: formulas get an apostrophe in front.

    CR, which `csv` does not quote, becomes LF.
    """
    return f"'{text}".replace("\r", "\n") if text[:1] in FORMULA else text.replace("\r", "\n")


def _parquet(results: Results, file: BinaryIO) -> None:
    """Write one row per run, and labels instead of codes; of a run in progress, metadata say how many have finished."""
    with extra("parquet"):
        import pyarrow
        from pyarrow import parquet

    def column(name: str, values: npt.NDArray[Any]) -> Any:
        labels = WORDS.get(name)
        return pyarrow.DictionaryArray.from_arrays(values, labels) if labels else pyarrow.array(values)

    writer = None
    for table in results.tables():
        rows = pyarrow.table({name: column(name, values) for name, values in table.items()})
        if results.so_far is not None:
            rows = rows.replace_schema_metadata({"so_far": "{} of {} runs".format(*results.so_far)})
        writer = writer or parquet.ParquetWriter(file, rows.schema)
        writer.write_table(rows)
    if writer:
        writer.close()


def _npz(results: Results, file: BinaryIO) -> None:
    """Write every variable and coordinate as an array, with codes; of a run in progress, also `so_far`."""
    with zipfile.ZipFile(file, "w") as archive:
        for name in results:
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as member:
                _npy(results, name, member)
        if results.so_far is not None:
            with archive.open("so_far.npy", "w") as member:
                np.save(member, np.array(results.so_far))


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
