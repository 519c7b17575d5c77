"""Claim 8: where exactly a start at zero stays, and where it moves, stays symmetric, or learns."""

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from saddlescape.analysis import zero
from saddlescape.claims.claim import Check, Claim, Finding, share
from saddlescape.claims.xor import moves_from_zero
from saddlescape.outcomes import Outcome
from saddlescape.results import Results
from saddlescape.spec import Spec

LOGISTIC_AT_ZERO = 0.5


class Row(NamedTuple):
    """One combination, and what became of its start."""

    chosen: tuple[str, ...]
    """Activation, loss, stepper, problem and batch."""

    cancels: bool
    """Whether the errors of every batch add up to zero."""

    predicted: zero.Moves
    moves: zero.Moves
    symmetric: bool
    learns: bool

    @property
    def units(self) -> str:
        return self.chosen[0]

    @property
    def column(self) -> tuple[str, str]:
        """Problem and batch."""
        return self.chosen[3], self.chosen[4]


def examine(results: Results) -> Finding:
    """From one run of every combination, from exact zero."""
    table = list(rows(results))
    right, stays = sum(row.moves == row.predicted for row in table), [r for r in table if r.moves == zero.Moves.NOTHING]
    moving, learnt = [row for row in table if row not in stays], [row for row in table if row.learns]
    alike = sum(row.symmetric for row in moving)
    problems, units = {row.column[0].upper() for row in learnt}, {row.units for row in learnt}
    checks = (
        Check(
            f"in {share(right, len(table))} combinations that moves which the derivatives at zero say",
            right == len(table),
        ),
        Check(
            f"{share(len(stays), len(table))} never move, and these are all those where the errors of a batch cancel",
            bool(stays) and stays == [row for row in table if row.cancels],
        ),
        Check(
            f"in {share(alike, len(moving))} of the others the hidden units are equal to the last bit at the end",
            alike == len(moving),
        ),
        Check(
            f"{share(len(learnt), len(table))} learn: {both(problems)} with {both(units)} units; XOR is not among them",
            bool(learnt) and "XOR" not in problems,
        ),
    )
    where = {f"{problem.upper()} in {batch} batches" for problem, batch in (row.column for row in stays)}
    words = {"n": str(len(table)), "summary": summary(table), "all": everything(table)}
    return Finding(checks, words, {}, f"the errors of a batch cancel ({both(where)})")


def rows(results: Results) -> Iterator[Row]:
    """Every combination, in the order of the file."""
    names, sweep = [name for name in results.dims if name != "run"], results.sweep
    outcome, final, apart = results["outcome"], results["final_theta"], results["final_separation"]
    for here in itertools.product(*(range(results.dims[name]) for name in names)):
        spec, path = sweep.at(here), results.at("theta", here)[0]
        moves = zero.observed(np.vstack([path, final[here]]), spec.sizes)
        end = (moves, bool(apart[here][0] == 0), bool(outcome[here][0] == Outcome.SOLVED))
        chosen = tuple(str(results.coords[name][i]) for name, i in zip(names, here, strict=True))
        yield Row(chosen, cancels(spec), moves_from_zero(spec), *end)


def cancels(spec: Spec) -> bool:
    """Whether at zero the errors of each batch add up to zero; the output is logistic."""
    errors, size = LOGISTIC_AT_ZERO - spec.loaded.T, spec.batch or len(spec.loaded.T)
    return not any(errors[first : first + size].sum() for first in range(0, len(errors), size))


def both(names: Iterable[str]) -> str:
    """Names in order, with "and" before the last."""
    *first, last = sorted(names) or ["nothing"]
    return f"{', '.join(first)} and {last}" if first else last


def fate(row: Row) -> str:
    """What became of a start, for people."""
    moved = "stays" if row.moves == zero.Moves.NOTHING else f"moves: {row.moves}"
    return f"{moved}; {'learns' if row.learns else 'never learns'}"


def summary(table: list[Row]) -> str:
    """HTML table of activations against problems and batches, over losses and optimisers; a cell may be mixed."""
    columns = list(dict.fromkeys(row.column for row in table))
    heads = "".join(f"<th>{problem.upper()}, {batch}</th>" for problem, batch in columns)
    lines = []
    for activation in dict.fromkeys(row.units for row in table):
        cells = []
        for column in columns:
            here = [row for row in table if (row.units, row.column) == (activation, column)]
            cells.append(cell(sorted({fate(row) for row in here}), any(row.learns for row in here)))
        lines.append(f"<tr><th>{activation}</th>{''.join(cells)}</tr>")
    return f"<table><thead><tr><th>units</th>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def everything(table: list[Row]) -> str:
    """HTML table of every combination."""
    heads = "".join(f"<th>{head}</th>" for head in ("units", "loss", "optimiser", "problem", "batch", "from zero"))
    chosen = ["".join(f"<td>{value}</td>" for value in row.chosen) for row in table]
    lines = [f"<tr>{c}{cell([fate(row)], row.learns)}</tr>" for c, row in zip(chosen, table, strict=True)]
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def cell(fates: list[str], learns: bool) -> str:
    """A cell of either table."""
    return f'<td class="{"yes" if learns else "no"}">{"<br>or ".join(fates)}</td>'


CLAIM = Claim(
    "claims/8-usually",
    "Usually: where exactly?",
    "Gradient methods usually stop at zero. Which activation, loss, optimiser, balance of targets and batch stays "
    "there, and which moves?",
    examine,
)
