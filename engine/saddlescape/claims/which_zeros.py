"""Claim 9: which parts of a start may be zero, and which must not."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from saddlescape.claims.claim import Check, Claim, Finding, both, number, share
from saddlescape.claims.conditions import STILL
from saddlescape.results import Results
from saddlescape.words.outcomes import Outcome

Counts = npt.NDArray[np.int64]

WORSE = 0.1
"""A start with zeros learns if the fraction solved is at most this much lower than without these zeros."""

NOTHING, NEAR, RESIDUAL, FACTOR = 0, 8, 10, 12
"""Rows with which others are compared."""


class Row(NamedTuple):
    """One kind of start.

    Attributes
    ----------
    zero : what is zero in it.
    learns : whether it should learn: no product of all layers is zero while units are equal.
    advice, predicts : what people say, and whether starts then learn.
    compared : number of the row with which the fraction solved is compared.
    """

    zero: str
    learns: bool
    advice: str
    predicts: bool
    compared: int = NOTHING


NEVER = "never start with weights at zero"
EQUAL = "equal units stay equal"
ROWS = (
    Row("nothing", True, "draw everything at random", True),
    Row("the biases", True, "biases may be zero", True),
    Row("all weights, but not the biases", True, NEVER, False),
    Row("the output layer's weights", True, NEVER, False),
    Row("the hidden layer's weights", True, NEVER, False),
    Row("the hidden layer (equal units, unequal output weights)", True, NEVER, False),
    Row("all weights and biases", False, NEVER, False),
    Row("nothing; all are 1", False, EQUAL, False),
    Row("nothing; scale 0.1", True, "start with small random weights", True, NEAR),
    Row("nothing; scale 0.1, weight decay 0.003", False, "start with small random weights", True, NEAR),
    Row("the residual branch, the hidden layer", True, "start residual branches at zero", True),
    Row("all layers of a residual network", False, "skip connections make zero safe", True, RESIDUAL),
    Row("one of two factors (linear 2-1-1), as in LoRA", True, "start one factor at zero", True, FACTOR),
    Row("both factors", False, NEVER, False, FACTOR),
    Row("nothing; all are 1, dropout 0.05", True, EQUAL, False),
    Row("all weights and biases, dropout 0.05", True, NEVER, False),
)
"""The rows of the sweep, in its order."""


def examine(results: Results) -> Finding:
    """Compare the fractions solved of all rows."""
    starts, solved = counts(results)
    learned, shares = learning(solved / starts), [share(*pair) for pair in zip(solved, starts, strict=True)]
    wrong = [row.zero for row, learns in zip(ROWS, learned, strict=True) if row.learns != learns]
    none, lost = [row.zero for row in ROWS if not row.learns], [i for i, row in enumerate(ROWS) if not row.learns]
    fewest = min(
        (i for i, row in enumerate(ROWS) if row.learns and row.compared == NOTHING), key=lambda i: solved[i] / starts[i]
    )
    checks = (
        Check(
            f"in {share(len(ROWS) - len(wrong), len(ROWS))} rows starts learn unless all layers are zero, or units are "
            "equal and nothing makes them different, or weight decay holds them",
            not wrong,
        ),
        Check(
            f"with a part at zero, starts learn nearly as often as with nothing at zero ({shares[NOTHING]}): at least "
            f"{shares[fewest]} ({ROWS[fewest].zero})",
            learned[fewest],
        ),
        Check(f"{share(solved[lost].sum(), starts[lost].sum())} starts solve their problem in the others: {both(none)}",
              not solved[lost].any()),
    )  # fmt: skip
    return Finding(
        checks, {"runs": number(results.dims["run"]), "table": table(results), **judged(learned)}, {}, (STILL,)
    )


def counts(results: Results) -> tuple[Counts, Counts]:
    """Return the number of different runs of each row, and how many of them are solved; dropout makes runs differ."""
    runs = np.where(results.coords["dropout"] > 0, results.dims["run"], results["distinct_starts"])
    solved = np.count_nonzero(results["outcome"] == Outcome.SOLVED, axis=-1)
    return runs, np.where(runs == 1, np.minimum(solved, 1), solved)


def learning(fractions: npt.NDArray[np.float64]) -> list[bool]:
    """Return for each row whether its starts are solved about as often as those of the row it is compared with."""
    least = [max(fractions[row.compared] - WORSE, 0) for row in ROWS]
    return [bool(f > 0 and f >= enough) for f, enough in zip(fractions, least, strict=True)]


def judged(learned: list[bool]) -> dict[str, str]:
    """Say which advice the runs support everywhere, in some rows, or nowhere."""
    rows: dict[str, list[bool]] = {}
    for row, learns in zip(ROWS, learned, strict=True):
        rows.setdefault(row.advice, []).append(row.predicts == learns)
    sayings = {
        "right": [f"\u201c{advice}\u201d" for advice, right in rows.items() if all(right)],
        "half": [
            f"\u201c{advice}\u201d (right in {sum(right)} of {len(right)} rows)"
            for advice, right in rows.items()
            if any(right) and not all(right)
        ],
        "wrong": [f"\u201c{advice}\u201d" for advice, right in rows.items() if not any(right)],
    }
    return {name: both(advice) for name, advice in sayings.items()}


def table(results: Results) -> str:
    """Make the HTML table of all rows: what is zero, starts solved, most frequent outcome, advice, and its verdict."""
    starts, solved = counts(results)
    labels = {code.value: code.label for code in Outcome}
    most = [labels[int(np.bincount(outcome).argmax())] for outcome in results["outcome"]]
    lines = [
        f'<tr><th>{row.zero}</th><td class="{"yes" if learned else "no"}">{share(*pair)}</td><td>{outcome}</td>'
        f"<td>{row.advice}</td><td>{'right' if row.predicts == learned else 'wrong'}</td></tr>"
        for row, learned, pair, outcome in zip(
            ROWS, learning(solved / starts), zip(solved, starts, strict=True), most, strict=True
        )
    ]
    heads = "".join(f"<th>{head}</th>" for head in ("at zero", "solved", "most frequent outcome", "advice", "here"))
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


CLAIM = Claim(
    "claims/9-which-zeros",
    "What must not be zero",
    "Never initialize weights to zero. But biases usually start at zero, LoRA starts one of two factors at zero, and "
    "residual branches are started at zero on purpose. What exactly must not be zero?",
    examine,
)
