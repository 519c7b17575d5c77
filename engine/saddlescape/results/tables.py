"""The finished runs as columns, in pieces or as one data frame."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from saddlescape.store import strips
from saddlescape.system.arguments import ArgumentError
from saddlescape.system.extras import extra
from saddlescape.words.outcomes import CODED
from saddlescape.words.suggest import hint

if TYPE_CHECKING:
    import pandas

    from saddlescape.results.results import Results

WORDS = {name: [code.label for code in kind] for name, kind in CODED.items()}
"""Labels of the codes, for each variable that contains codes."""

ROWS = 2**17
"""Maximum number of runs whose columns are in memory at once."""


def code(outcome: str) -> int:
    """The code of an outcome.

    Raises
    ------
    ArgumentError
        If there is no such outcome.
    """
    known = WORDS["outcome"]
    if outcome not in known:
        valid = f"outcome must be one of {', '.join(known)}"
        raise ArgumentError(f"{valid}; got {outcome!r}{hint(str(outcome), known)}")
    return known.index(outcome)


def tables(results: "Results", outcome: str | None) -> Iterator[dict[str, npt.NDArray[Any]]]:
    """Yield the columns of at most `ROWS` runs at once; see `Results.tables`."""
    wanted = None if outcome is None else code(outcome)
    for piece in strips(tuple(results.dims.values()), ROWS):
        part = results.isel(**dict(zip(results.dims, piece, strict=True)))
        codes = part["outcome"].ravel()
        rows = codes >= 0 if wanted is None else codes == wanted
        yield {name: values[rows] for name, values in _columns(part)}


def _columns(results: "Results") -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Coordinates, then variables, by name: one value for each run."""
    dims, shape = results.stored("outcome").dims, tuple(results.dims.values())
    for name in sorted((*dims, *results.zipped), key=lambda name: dims.index(results.stored(name).dims[0])):
        aligned = [-1 if dim in results.stored(name).dims else 1 for dim in results.dims]
        yield name, np.broadcast_to(results.read(name).reshape(aligned), shape).ravel()
    for name in (name for name in results if results.stored(name).dims == dims and name not in dims):
        yield name, results.read(name).ravel()


def dataframe(results: "Results", outcome: str | None) -> "pandas.DataFrame":
    """The runs as the rows of a data frame; see `Results.to_dataframe`."""
    with extra("parquet"):
        import pandas
    pieces = list(tables(results, outcome))
    columns = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    coded = {name: pandas.Categorical.from_codes(v, WORDS[name]) for name, v in columns.items() if name in WORDS}
    return pandas.DataFrame({**columns, **coded})
