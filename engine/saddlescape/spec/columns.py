"""Inputs and targets from a table whose columns have names, and words among their numbers."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from saddlescape.errors import Fault, SpecError
from saddlescape.network.problems import MAX_BYTES, widths_of
from saddlescape.system.user_files import file_bytes
from saddlescape.words.suggest import hint

Array = npt.NDArray[np.float64]

MANY = 20
"""Maximum number of different words in a column; more are names or texts, not classes."""


class Table(NamedTuple):
    """The numbers of a table, and what each column of them is."""

    X: Array
    T: Array
    meanings: list[str]


def needs_numbers(path: Path) -> bool:
    """Whether a table has words, or columns other than x1, x2, ..., t1, ...; false if there is no such file."""
    if path.suffix != ".csv":
        return False
    try:
        header, *rows = _rows(path)
        widths_of(header)
    except OSError:
        return False
    except ValueError:
        return True
    return not all(_is_number(cell) for cells in rows for cell in cells)


def read_table(path: Path, targets: Sequence[str] = ()) -> Table:
    """Read a table with names; `targets` are the names of targets, and all others are inputs.

    The targets are by default the columns t1, t2, ..., or else the last one.  A column of words becomes a column of 0
    and 1 for each word, one column if there are two.

    Raises
    ------
    SpecError
        If the file is no such table.
    """
    try:
        header, *rows = _rows(path)
        if not rows:
            raise ValueError("must have a header and samples")
        usual = [name for name in header if re.fullmatch(r"t\d+", name)] or header[-1:]
        return _table(header, rows, targets or usual)
    except OSError as error:
        raise SpecError([Fault(str(path), f"cannot be read: {error.strerror or error}")]) from None
    except ValueError as error:
        raise SpecError([Fault(str(path), str(error))]) from None


def _rows(path: Path) -> list[list[str]]:
    try:
        text = file_bytes(path, MAX_BYTES).decode("utf-8-sig")
        rows = [[cell.strip() for cell in cells] for cells in csv.reader(io.StringIO(text, newline="")) if cells]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"is not a CSV file in UTF-8: {error}; save it as such") from None
    return rows or [[]]


def _table(header: list[str], rows: list[list[str]], targets: Sequence[str]) -> Table:
    _check(header, rows, targets)
    parts: dict[str, list[tuple[Array, str]]] = {"x": [], "t": []}
    for name, cells in zip(header, zip(*rows, strict=True), strict=True):
        parts["t" if name in targets else "x"] += _numbers(name, cells)
    X, T = (np.column_stack([numbers for numbers, _ in parts[kind]]) for kind in "xt")
    meanings = [f"{kind}{i + 1} is {meaning}" for kind in "xt" for i, (_, meaning) in enumerate(parts[kind])]
    return Table(X, T, meanings)


def _check(header: list[str], rows: list[list[str]], targets: Sequence[str]) -> None:
    got = f"got {','.join(header)!r:.80}"
    if len(header) == 1 and re.search(r"[;\t]", header[0]):
        raise ValueError(f"columns must be separated by commas, and decimals by a point; {got}")
    if len(header) == 1:
        raise ValueError(f"must have an input and a target at least, a column each; {got}")
    if all(_is_number(name) for name in header):
        raise ValueError(f"the first line must be the names of the columns; {got}")
    if "" in header:
        raise ValueError(f"each column must have a name; {got}; leave out a column of row numbers")
    if len(set(header)) < len(header):
        raise ValueError(f"the names of the columns must differ; {got}")
    for name in targets:
        if name not in header:
            raise ValueError(f"--target must be one of {', '.join(header)}; got {name!r}{hint(name, header)}")
    if len(set(targets)) == len(header):
        raise ValueError("a column that is no target must be left as an input; name fewer with --target")
    for line, cells in enumerate(rows, 2):
        if len(cells) != len(header):
            raise ValueError(f"sample {line - 1} must have {len(header)} cells, as the header has; got {len(cells)}")
        if "" in cells:
            column = header[cells.index("")]
            raise ValueError(f"{column} of sample {line - 1} must not be empty; leave out samples without a value")


def _numbers(name: str, cells: Sequence[str]) -> list[tuple[Array, str]]:
    """The columns of numbers that stand for a column, each with what it is."""
    numbers = list(map(_is_number, cells))
    if all(numbers):
        return [(np.array(cells, dtype=np.float64), name)]
    if any(numbers):
        odd = " and ".join(f"{cells[i]!r:.40} in sample {i + 1}" for i in sorted(map(numbers.index, (True, False))))
        raise ValueError(f"{name} must have only numbers or only words; got {odd}; leave out samples without a value")
    words = sorted(set(cells))
    if len(words) > MANY:
        few = f"numbers, or at most {MANY} different words"
        raise ValueError(f"{name} must have {few}; got {len(words)}, such as {words[0]!r:.40}; leave the column out")
    shown = words[1:] if len(words) == 2 else words
    return [(np.array([float(cell == word) for cell in cells]), f"1 where {name} is {word}") for word in shown]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
