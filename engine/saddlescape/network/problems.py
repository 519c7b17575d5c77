"""Problems: inputs X and targets T, built in or read from a file."""

import csv
import io
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from saddlescape.network.shapes import Shape, draw
from saddlescape.system.user_files import file_bytes, from_npz
from saddlescape.words.problems import DRAWN, PROBLEMS
from saddlescape.words.suggest import hint

Array = npt.NDArray[np.float64]

MAX_SAMPLES, MAX_WIDTH = 4096, 64
MAX_BYTES = 2**24
"""Size limit of a file and of each array in it: room for all numbers that a problem can have, 25 characters each."""

KEPT = 8
"""Number of built-in problems that are cached, of at most 4 MiB each."""

LAMBERT = 40
"""Number of terms after which the continued fraction of tanh has converged for z up to 20; beyond, tanh is 1."""

LOGIC: dict[str, Callable[[Array], npt.ArrayLike]] = {
    "xor": lambda X: X.sum(axis=1) % 2 == 1,
    "xnor": lambda X: X.sum(axis=1) % 2 == 0,
    "and": lambda X: X.all(axis=1),
    "nand": lambda X: X.all(axis=1) == 0,
    "or": lambda X: X.any(axis=1),
    "nor": lambda X: X.any(axis=1) == 0,
    "parity": lambda X: X.sum(axis=1) % 2 == 1,
}
NAMES = tuple(name for name in PROBLEMS if name not in DRAWN)


@dataclass(frozen=True, eq=False)
class Problem:
    """Inputs `X` (n_samples, n_in) and targets `T` (n_samples, n_out), float64; likewise the test data, if any."""

    name: str
    X: Array
    T: Array
    X_test: Array | None = None
    T_test: Array | None = None


@lru_cache(KEPT)
def logic_problem(
    name: str, coding: str = "01", bits: int | None = None, size: int | None = None, target_coding: str | None = None
) -> Problem:
    """A logic problem, parity or encoder by its name.

    Parameters
    ----------
    name : one of `NAMES`.
    coding : values of false and true in inputs and targets: 0 and 1 (``"01"``) or -1 and +1 (``"pm1"``).
    bits : number of inputs of ``"parity"``; other logic problems have two.  The samples are all rows of the truth
        table, where the last input varies fastest: 00, 01, 10, 11.
    size : number of inputs, outputs and samples of ``"encoder"``, where each unit vector is its own target.
    target_coding : coding of the targets, if it differs.

    Raises
    ------
    ValueError
        The name is unknown, or `bits` or `size` is missing.
    """
    if name not in NAMES:
        raise ValueError(f"must be one of {', '.join(NAMES)}; got {name!r}{hint(name, NAMES)}")
    if name == "encoder":
        if size is None:
            raise ValueError("the encoder needs its size, for example size = 8")
        return Problem(name, np.eye(size), np.eye(size))
    if name == "parity" and bits is None:
        raise ValueError("parity needs its number of inputs, for example bits = 3")
    n_in = bits if name == "parity" and bits is not None else 2
    X = (np.arange(2**n_in)[:, None] >> np.arange(n_in)[::-1] & 1).astype(np.float64)
    T = np.asarray(LOGIC[name](X), dtype=np.float64)[:, None]
    return Problem(name, coded(X, coding), coded(T, target_coding or coding))


def coded(array: Array, coding: str) -> Array:
    """Values 0 and 1 in a coding: unchanged, or as -1 and 1."""
    return 2 * array - 1 if coding == "pm1" else array


@lru_cache(KEPT)
def drawn_problem(
    name: str,
    samples: int,
    inputs: int,
    outputs: int,
    hidden: int | None = None,
    seed: int = 0,
    input_scale: float = 1.0,
    target_scale: float = 1.0,
) -> Problem:
    """A problem of `DRAWN`: normal inputs with normal targets, linear targets, or the outputs of a teacher network.

    All draws are standard normal and come from ``Generator(Philox(key=np.array([seed, 2**64 - 1], dtype=np.uint64)))``
    in the order X (samples, inputs), then T (samples, outputs) of ``"random"``; W (inputs, outputs) of ``"linear"``; W
    (inputs, hidden) and V (hidden, outputs) of ``"teacher"``.  T = X W / sqrt(inputs); T = tanh(X W / sqrt(inputs)) V /
    sqrt(hidden).  Then X is multiplied by `input_scale` and T by `target_scale`.  Sums are added in order, so that the
    bits are the same on every machine.
    """
    normal = np.random.Generator(np.random.Philox(key=np.array([seed, 2**64 - 1], dtype=np.uint64))).standard_normal
    X = normal((samples, inputs))
    if name == "random":
        T = normal((samples, outputs))
    elif name == "linear":
        T = _layer(X, normal((inputs, outputs)))
    else:
        first = normal((inputs, hidden or 1))
        T = _layer(_tanh(_layer(X, first)), normal((first.shape[1], outputs)))
    return Problem(name, input_scale * X, target_scale * T)


@lru_cache(KEPT)
def shaped_problem(
    name: str, shape: Shape, coding: str = "01", input_scale: float = 1.0, target_scale: float = 1.0
) -> Problem:
    """A problem of `SHAPES` (`shapes.draw`): then X is multiplied by `input_scale`, and T by `target_scale`."""
    X, T = draw(name, shape)
    return Problem(name, input_scale * X, target_scale * coded(T, coding))


def _layer(X: Array, W: Array) -> Array:
    """X W / sqrt(inputs), summed from the first input to the last."""
    total: Array = np.zeros((len(X), W.shape[1]))
    for column, weights in zip(X.T, W, strict=True):
        total += column[:, None] * weights
    return total / math.sqrt(len(W))


def _tanh(z: Array) -> Array:
    """Lambert's continued fraction z / (1 + z^2 / (3 + z^2 / (5 + ...))), which needs only +, * and /."""
    z = np.clip(z, -20, 20)
    fraction = np.full_like(z, 2.0 * LAMBERT + 1)
    for odd in range(2 * LAMBERT - 1, 0, -2):
        fraction = odd + z * z / fraction
    return z / fraction


def read_problem(path: Path, read: Callable[[Path, int], bytes] = file_bytes) -> Problem:
    """Read a problem from a CSV file (header ``x1..xn,t1..tm``) or an NPZ file (arrays ``X`` and ``T``).

    Parameters
    ----------
    read : called with the path and a maximum size; returns the bytes of the file.

    Raises
    ------
    ValueError
        The file is missing or not valid; the message is one line for the user.
    """
    readers = {".csv": _read_csv, ".npz": _read_npz}
    if path.suffix not in readers:
        raise ValueError(f"must end in .csv or .npz; got {path.name!r}")
    try:
        X, T = readers[path.suffix](path.name, read(path, MAX_BYTES))
    except OSError as error:
        raise ValueError(f"cannot read {str(path)!r}: {error.strerror or error}") from None
    _check(X, T)
    return Problem(path.stem, X, T)


def _check(X: Array, T: Array) -> None:
    for name, message in faults_of(X, T):
        raise ValueError(f"{name} {message}".strip())


def faults_of(X: Array, T: Array) -> Iterator[tuple[str, str]]:
    """The faults of inputs and targets: "X", "T" or, for both, "", and a requirement with the value."""
    for name, array in (("X", X), ("T", T)):
        if array.ndim != 2 or 0 in array.shape:
            remedy = "; for one column, add [:, None]" if array.ndim == 1 else ""
            yield name, f"must have shape (samples, columns) without zeros; got {array.shape}{remedy}"
            continue
        if array.shape[1] > MAX_WIDTH:
            yield name, f"must have at most {MAX_WIDTH} columns; got {array.shape[1]}"
        if not np.isfinite(array).all():
            row, column = np.argwhere(~np.isfinite(array))[0]
            yield name, f"must be finite; got {array[row, column]} in sample {row}"
    samples = [len(array) for array in (X, T) if array.ndim]
    if len(set(samples)) > 1:
        yield "X and T", f"must have equally many samples; got {samples[0]} and {samples[1]}"
    elif max(samples, default=0) > MAX_SAMPLES:
        yield "", f"must have at most {MAX_SAMPLES} samples; got {samples[0]} or more"


def to_csv(X: Array, T: Array) -> bytes:
    """The content of a CSV file that `read_problem` reads to the same bits; the same on every machine."""
    header = [f"x{i + 1}" for i in range(X.shape[1])] + [f"t{i + 1}" for i in range(T.shape[1])]
    rows = (map(repr, row) for row in np.hstack([X, T]).tolist())
    return "".join(f"{','.join(cells)}\n" for cells in (header, *rows)).encode()


def _read_csv(name: str, content: bytes) -> tuple[Array, Array]:
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        n_in, n_out = widths_of([column.strip() for column in next(reader, [])])
        filled = islice((cells for cells in reader if cells), MAX_SAMPLES + 1)
        rows = [_row(cells, n_in + n_out, reader.line_num) for cells in filled]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{name!r} is not a CSV file in UTF-8: {error}") from None
    table = np.array(rows, dtype=np.float64).reshape(len(rows), n_in + n_out)
    return table[:, :n_in].copy(), table[:, n_in:].copy()


def widths_of(header: list[str]) -> tuple[int, int]:
    """Number of inputs and of targets of a header x1, x2, ..., t1, ...; ValueError if it is another."""
    n_in = sum(bool(re.fullmatch(r"x\d+", name)) for name in header)
    n_out = len(header) - n_in
    expected = [f"x{i + 1}" for i in range(n_in)] + [f"t{i + 1}" for i in range(n_out)]
    if header != expected or not n_in or not n_out:
        remedy = "saddlescape init makes such a file from other columns"
        raise ValueError(f"the first line must be a header such as x1,x2,t1; got {','.join(header)!r:.80}; {remedy}")
    return n_in, n_out


def _row(cells: Sequence[str], width: int, line: int) -> list[float]:
    if len(cells) != width:
        raise ValueError(f"line {line} must have {width} numbers, as the header has; got {len(cells)}")
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        empty = not all(cell.strip() for cell in cells)
        remedy = "leave out samples without a value" if empty else "write classes as 0 and 1, in a column for each"
        raise ValueError(f"line {line} must be numbers; got {','.join(cells)!r:.80}; {remedy}") from None


def _read_npz(name: str, content: bytes) -> tuple[Array, Array]:
    X, T = from_npz(content, ("X", "T"), name, MAX_BYTES)
    return X, T
