"""The outcomes of results as a table."""

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from saddlescape.results.distinct import distinct_starts
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from saddlescape.results.results import Results

WIDE = 80
"""Maximum number of characters of a cell."""


NOT_AXES = ("x", "y", "run")

ENDS = 20
"""Number of first and of last rows that are shown of a long table."""


LARGE = 10**8
"""Results of more runs are shown without their table, which would take seconds."""

IGNORED = 'class="tex2jax_ignore mathjax_ignore"'
"""For elements whose dollar signs are no formulas."""


class OutcomeTable(list[dict[str, Any]]):
    """The rows of `rows`, shown as a table in a terminal and in a notebook."""

    def __repr__(self) -> str:
        return text(self)

    def _repr_html_(self) -> str:
        return html(self)


def rows(results: "Results") -> OutcomeTable:
    """One row for each value of the first axis: the value, numbers of runs by outcome, and number of distinct starts.

    Each zipped axis has a column.  Without axes (`x` and `y` of a slice do not count), there is one row for all runs.
    """
    counts, distinct = _counts(results), distinct_starts(results)
    first = _first_axis(results)
    names = results.along[first] if first else ("starts",)
    columns = [results[name].tolist() for name in names] if first else [["all"]]
    labels = [o.label for o in Outcome]
    return OutcomeTable(
        {**dict(zip((*names, *labels), (*values, *map(int, row)), strict=True)), "distinct_starts": int(n)}
        for *values, row, n in zip(*columns, counts, distinct, strict=True)
    )


def _first_axis(results: "Results") -> str:
    """The first dimension that is an axis of the sweep; "" if there is none, or a selection has dropped them all."""
    return next((name for name in results.dims if name not in NOT_AXES), "") if results.axes else ""


def _counts(results: "Results") -> npt.NDArray[np.int64]:
    first = _first_axis(results)
    points = results.dims[first] if first else 1
    counts = np.zeros((points, len(Outcome)), dtype=np.int64)
    for position, outcome in results.pieces("outcome"):
        codes = outcome.reshape(len(outcome) if first else 1, -1)
        counts[position[0] if first else slice(1)] += np.stack([(codes == o).sum(axis=1) for o in Outcome], axis=1)
    return counts


def text(table: list[dict[str, Any]]) -> str:
    """The rows as aligned columns, without outcomes that no run has; of a long table, only the first and last rows."""
    heads, cells, left_out = _cells(table)
    cells = [heads, *cells]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.rjust(w) for cell, w in zip(line, widths, strict=True)) for line in cells]
    return "\n".join([*lines[: 1 + ENDS], *([left_out] if left_out else []), *lines[1 + ENDS :]])


def html(table: list[dict[str, Any]]) -> str:
    """The rows as an HTML table, with the same cells as `text`."""
    heads, cells, left_out = _cells(table)
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    lines = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in cells]
    if left_out:
        lines.insert(ENDS, f'<td colspan="{len(heads)}">{escape(left_out)}</td>')
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table {IGNORED}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(table: list[dict[str, Any]]) -> tuple[list[str], list[list[str]], str]:
    """Heads, cells of the rows that are shown, and what is left out after the first `ENDS`."""
    empty = [o.label for o in Outcome if not any(row[o.label] for row in table)]
    complete = len(table) <= 2 * ENDS
    shown = table if complete else [*table[:ENDS], *table[-ENDS:]]
    heads = [head for head in table[0] if head not in empty]
    left_out = "" if complete else f"... {len(table) - 2 * ENDS:,} more"
    return [head.replace("_", " ") for head in heads], [[_cell(row[h]) for h in heads] for row in shown], left_out


def _cell(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else f"{value!s:.{WIDE}}"
