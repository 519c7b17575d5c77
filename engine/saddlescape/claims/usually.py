"""Claim 8: when exactly a start at zero stays there, and when it moves, stays symmetric, or learns."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from saddlescape.analysis import zero
from saddlescape.claims.claim import Check, Claim, Finding, both, share
from saddlescape.claims.conditions import CANCEL, SILENT
from saddlescape.claims.xor import moves_from_zero
from saddlescape.results import Results
from saddlescape.words.outcomes import Outcome


class Row(NamedTuple):
    """One combination, and the result of its run."""

    values: tuple[str, ...]
    """Activation, loss, optimizer, problem and batch."""

    cancels: bool
    silent: bool
    """Whether the combination meets `CANCEL`, and whether it meets `SILENT`."""

    predicted: zero.Moves
    moves: zero.Moves
    symmetric: bool
    learns: bool

    @property
    def units(self) -> str:
        return self.values[0]

    @property
    def column(self) -> tuple[str, str]:
        """Problem and batch."""
        return self.values[3], self.values[4]


def examine(results: Results) -> Finding:
    """Compare one run from exact zero of every combination."""
    table = list(rows(results))
    right, stays = sum(row.moves == row.predicted for row in table), [r for r in table if r.moves == zero.Moves.NOTHING]
    moving, learned = [row for row in table if row not in stays], [row for row in table if row.learns]
    symmetric, silent = sum(row.symmetric for row in moving), [row for row in table if row.silent]
    only_bias = sum(row.moves in (zero.Moves.NOTHING, zero.Moves.BIAS) for row in silent)
    problems, units = {row.column[0].upper() for row in learned}, {row.units for row in learned}
    cancel = sum(row.cancels for row in table)
    checks = (
        Check(
            f"in {share(right, len(table))} combinations exactly those parameters move that the derivatives at zero "
            "predict",
            right == len(table),
        ),
        Check(
            f"{share(len(stays), len(table))} starts never move; the errors of a batch cancel in {cancel} (claim 7): "
            f"{'these are the same' if stays == [row for row in table if row.cancels] else 'these are not the same'}",
            bool(stays) and stays == [row for row in table if row.cancels],
        ),
        Check(
            f"where the hidden units output 0 at zero (claim 6), in {share(only_bias, len(silent))} combinations at "
            "most the output's bias moves",
            only_bias == len(silent),
        ),
        Check(
            f"of the starts that move, {share(symmetric, len(moving))} have equal hidden units, to the last bit, at "
            "the "
            "end (claim 4)",
            symmetric == len(moving),
        ),
        Check(
            f"{share(len(learned), len(table))} starts solve their problem: {both(sorted(problems))} with "
            f"{both(sorted(units))} units; XOR is {'' if 'XOR' in problems else 'not '}among them",
            bool(learned) and "XOR" not in problems,
        ),
    )
    cells = sorted({f"{problem.upper()} in {batch} batches" for problem, batch in (row.column for row in stays)})
    cancels = replace(CANCEL, words=f"{CANCEL.words} ({both(cells)})")
    words = {
        "n": str(len(table)),
        "fourth": others(table),
        "summary": summary(table),
        "all": everything(table),
    }
    return Finding(checks, words, {}, (cancels,))


def others(table: list[Row]) -> str:
    """Say whether the loss or the optimizer changes the result of any start."""
    losses, optimizers = ({row.values[i] for row in table} for i in (1, 2))
    fates: dict[tuple[str, ...], set[str]] = {}
    for row in table:
        fates.setdefault((row.units, *row.column), set()).add(fate(row))
    mixed = [" ".join(key) for key, different in fates.items() if len(different) > 1]
    if mixed:
        return f"The loss or the optimizer matters as well, for {both(mixed)}."
    return (
        f"The loss ({both(sorted(losses))}) and the optimizer ({both(sorted(optimizers))}) make no difference here, "
        "where outputs are logistic."
    )


def rows(results: Results) -> Iterator[Row]:
    """Yield a row for every combination, in the order of the result."""
    names, sweep = [name for name in results.dims if name != "run"], results.sweep
    outcome, final, separation = results["outcome"], results["final_theta"], results["final_separation"]
    for index in itertools.product(*(range(results.dims[name]) for name in names)):
        spec, path = sweep.at(index), results.at("theta", index)[0]
        moves = zero.observed(np.vstack([path, final[index]]), spec.sizes)
        end = (moves, bool(separation[index][0] == 0), bool(outcome[index][0] == Outcome.SOLVED))
        values = tuple(str(results.coords[name][i]) for name, i in zip(names, index, strict=True))
        yield Row(values, CANCEL.met(spec), SILENT.met(spec), moves_from_zero(spec), *end)


def fate(row: Row) -> str:
    """Describe the result of a start: ``stays; never learns``."""
    moved = "stays" if row.moves == zero.Moves.NOTHING else f"moves: {row.moves}"
    return f"{moved}; {'learns' if row.learns else 'never learns'}"


def summary(table: list[Row]) -> str:
    """Make the HTML table of activations against problems and batches; a cell lists all results in it."""
    columns = list(dict.fromkeys(row.column for row in table))
    heads = "".join(f"<th>{problem.upper()}, {batch}</th>" for problem, batch in columns)
    lines = []
    for activation in dict.fromkeys(row.units for row in table):
        cells = []
        for column in columns:
            rows = [row for row in table if (row.units, row.column) == (activation, column)]
            cells.append(cell(sorted({fate(row) for row in rows}), any(row.learns for row in rows)))
        lines.append(f"<tr><th>{activation}</th>{''.join(cells)}</tr>")
    return f"<table><thead><tr><th>units</th>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def everything(table: list[Row]) -> str:
    """Make the HTML table of every combination."""
    heads = "".join(f"<th>{head}</th>" for head in ("units", "loss", "optimizer", "problem", "batch", "from zero"))
    values = ["".join(f"<td>{value}</td>" for value in row.values) for row in table]
    lines = [f"<tr>{c}{cell([fate(row)], row.learns)}</tr>" for c, row in zip(values, table, strict=True)]
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def cell(fates: list[str], learns: bool) -> str:
    """Make a cell of a table."""
    return f'<td class="{"yes" if learns else "no"}">{"<br>or ".join(fates)}</td>'


CLAIM = Claim(
    "claims/8-usually",
    "Gradient methods usually stop at zero",
    "Gradient methods usually stop at zero. With which activation, loss, optimizer, targets and batch does a start at "
    "zero stay there, and with which does it move?",
    examine,
)
