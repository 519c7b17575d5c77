"""Claim 8: where exactly a start at zero stays, and where it moves, stays symmetric, or learns."""

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
    """One combination, and what became of its start."""

    chosen: tuple[str, ...]
    """Activation, loss, optimizer, problem and batch."""

    cancels: bool
    silent: bool
    """Whether it meets `CANCEL`, and `SILENT`."""

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
    alike, silent = sum(row.symmetric for row in moving), [row for row in table if row.silent]
    only_bias = sum(row.moves in (zero.Moves.NOTHING, zero.Moves.BIAS) for row in silent)
    problems, units = {row.column[0].upper() for row in learnt}, {row.units for row in learnt}
    cancel = sum(row.cancels for row in table)
    checks = (
        Check(
            f"in {share(right, len(table))} combinations that moves which the derivatives at zero say",
            right == len(table),
        ),
        Check(
            f"{share(len(stays), len(table))} never move; the errors of a batch cancel in {cancel} (claim 7): "
            f"{'these are the same' if stays == [row for row in table if row.cancels] else 'these are not the same'}",
            bool(stays) and stays == [row for row in table if row.cancels],
        ),
        Check(
            f"where the units say 0 at zero (claim 6), in {share(only_bias, len(silent))} combinations no more than "
            "the output's bias moves",
            only_bias == len(silent),
        ),
        Check(
            f"of those that move, in {share(alike, len(moving))} the hidden units are equal to the last bit at the end "
            "(claim 4)",
            alike == len(moving),
        ),
        Check(
            f"{share(len(learnt), len(table))} learn: {both(sorted(problems))} with {both(sorted(units))} units; XOR "
            f"is {'' if 'XOR' in problems else 'not '}among them",
            bool(learnt) and "XOR" not in problems,
        ),
    )
    where = sorted({f"{problem.upper()} in {batch} batches" for problem, batch in (row.column for row in stays)})
    cancel_here = replace(CANCEL, words=f"{CANCEL.words} ({both(where)})")
    words = {
        "n": str(len(table)),
        "fourth": neither(table),
        "summary": summary(table),
        "all": everything(table),
    }
    return Finding(checks, words, {}, (cancel_here,))


def neither(table: list[Row]) -> str:
    """What else matters: nothing, if a start fares alike with each loss and optimizer, all else being equal."""
    losses, ways = ({row.chosen[i] for row in table} for i in (1, 2))
    fates: dict[tuple[str, ...], set[str]] = {}
    for row in table:
        fates.setdefault((row.units, *row.column), set()).add(fate(row))
    mixed = [" ".join(key) for key, found in fates.items() if len(found) > 1]
    if mixed:
        return f"The loss or the optimizer decides as well, for {both(mixed)}."
    return (
        "Neither the loss nor the optimizer is among the three here, where outputs are logistic: "
        f"{both(sorted(losses))}, {both(sorted(ways))} come to the same."
    )


def rows(results: Results) -> Iterator[Row]:
    """Every combination, in the order of the file."""
    names, sweep = [name for name in results.dims if name != "run"], results.sweep
    outcome, final, apart = results["outcome"], results["final_theta"], results["final_separation"]
    for here in itertools.product(*(range(results.dims[name]) for name in names)):
        spec, path = sweep.at(here), results.at("theta", here)[0]
        moves = zero.observed(np.vstack([path, final[here]]), spec.sizes)
        end = (moves, bool(apart[here][0] == 0), bool(outcome[here][0] == Outcome.SOLVED))
        chosen = tuple(str(results.coords[name][i]) for name, i in zip(names, here, strict=True))
        yield Row(chosen, CANCEL.met(spec), SILENT.met(spec), moves_from_zero(spec), *end)


def fate(row: Row) -> str:
    """What became of a start, for people."""
    moved = "stays" if row.moves == zero.Moves.NOTHING else f"moves: {row.moves}"
    return f"{moved}; {'learns' if row.learns else 'never learns'}"


def summary(table: list[Row]) -> str:
    """HTML table of activations against problems and batches, over losses and optimizers; a cell may be mixed."""
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
    heads = "".join(f"<th>{head}</th>" for head in ("units", "loss", "optimizer", "problem", "batch", "from zero"))
    chosen = ["".join(f"<td>{value}</td>" for value in row.chosen) for row in table]
    lines = [f"<tr>{c}{cell([fate(row)], row.learns)}</tr>" for c, row in zip(chosen, table, strict=True)]
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def cell(fates: list[str], learns: bool) -> str:
    """A cell of either table."""
    return f'<td class="{"yes" if learns else "no"}">{"<br>or ".join(fates)}</td>'


CLAIM = Claim(
    "claims/8-usually",
    "Usually: where exactly?",
    "Gradient methods usually stop at zero. Which activation, loss, optimizer, balance of targets and batch stays "
    "there, and which moves?",
    examine,
)
