"""The outcomes of a result as rows, for a table or JSON."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from saddlescape.analysis import outcome_counts
from saddlescape.results.distinct import distinct_starts
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from saddlescape.results import Results

WIDE = 80
"""Maximum number of characters of a cell."""


ENDS = 20
"""Number of first and of last rows that are shown of a long table."""


def rows(results: "Results") -> list[dict[str, Any]]:
    """One row for each value of the first axis: the value, numbers of runs by outcome, and number of distinct starts.

    Each zipped axis has a column.  Without axes (`x` and `y` of a slice do not count), there is one row for all runs.
    """
    counts, distinct = _counts(results), distinct_starts(results)
    names = results.along[next(iter(results.dims))] if results.axes else ("starts",)
    columns = [results[name].tolist() for name in names] if results.axes else [["all"]]
    labels = [o.label for o in Outcome]
    return [
        {**dict(zip((*names, *labels), (*values, *map(int, row)), strict=True)), "distinct_starts": int(n)}
        for *values, row, n in zip(*columns, counts, distinct, strict=True)
    ]


def _counts(results: "Results") -> npt.NDArray[np.int64]:
    points = next(iter(results.dims.values())) if results.axes else 1
    counts = np.zeros((points, len(Outcome)), dtype=np.int64)
    for position, outcome in results.pieces("outcome"):
        counts[position[0] if results.axes else slice(1)] += outcome_counts(outcome, 0 if results.axes else None)
    return counts


def text(table: list[dict[str, Any]]) -> str:
    """The rows as aligned columns, without outcomes that no run has; of a long table, only the first and last rows."""
    empty = [o.label for o in Outcome if not any(row[o.label] for row in table)]
    complete = len(table) <= 2 * ENDS
    shown = table if complete else [*table[:ENDS], *table[-ENDS:]]
    heads = [head for head in table[0] if head not in empty]
    cells = [[head.replace("_", " ") for head in heads], *([_cell(row[h]) for h in heads] for row in shown)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.rjust(w) for cell, w in zip(line, widths, strict=True)) for line in cells]
    left_out = [] if complete else [f"... {len(table) - 2 * ENDS:,} more"]
    return "\n".join([*lines[: 1 + ENDS], *left_out, *lines[1 + ENDS :]])


def _cell(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else f"{value!s:.{WIDE}}"
