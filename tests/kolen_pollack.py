"""What Kolen & Pollack (1990) say of their Monte Carlo, read off a result of ours; as a script, a table for the docs.

.venv/bin/python tests/kolen_pollack.py RESULT
"""

import sys

import numpy as np

import saddlescape as ss
from saddlescape.analysis import wilson_interval
from saddlescape.words.outcomes import Outcome

SWEEP = "gallery/kolen-pollack-monte-carlo"
SHOWN = [0.1, 0.2, 0.4, 0.5, 0.7, 1, 2, 3, 4, 10]
STATEMENTS = {
    "5 to 50 % do not converge for p from 2 to 4": lambda p, low, high: (
        (low[(p >= 2) & (p <= 4)] >= 0.05) & (high[(p >= 2) & (p <= 4)] <= 0.5)
    ).all(),
    "the lowest level is at p < 0.5": lambda p, low, high: high[p < 0.5].min() < low[p >= 0.5].min(),
    "from 8 on it is higher than before, and at most 80 % at 10": lambda p, low, high: (
        low[p >= 8].min() > high[p < 8].max() and high[p == 10].item() <= 0.8
    ),
}
"""Of one learning rate and momentum: p, and the ends of the 95 % intervals of the fraction that did not converge."""


def levels(result):
    """(p, fraction of starts that did not converge, ends of its 95 % interval), over (batch, rate, momentum, p)."""
    failed, n = (result.solve_step < 0).sum(axis=-1), result.dims["run"]
    return np.asarray(result.coords["scale"]), failed / n, *wilson_interval(failed, n)


def verdicts(result, batch):
    """For each statement, of which pairs of rate and momentum it holds, as a bool array; `batch` is full or online."""
    p, _, low, high = levels(result)
    row = list(result.coords["batch"]).index(batch)
    return {
        said: np.array([[holds(p, low[row, i, j], high[row, i, j]) for j in range(low.shape[2])]
                        for i in range(low.shape[1])])
        for said, holds in STATEMENTS.items()
    }  # fmt: skip


def table(result):
    p, fraction, low, high = levels(result)
    shown = [list(p).index(value) for value in SHOWN]
    lines = [f"| batch | rate | momentum | {' | '.join(f'p = {value}' for value in SHOWN)} |", "| --- " * 13 + "|"]
    for place in np.ndindex(fraction.shape[:-1]):
        names = [result.coords[axis][i] for axis, i in zip(("batch", "learning_rate", "momentum"), place, strict=True)]
        cells = [f"{100 * fraction[place][i]:.1f}" for i in shown]
        lines.append(f"| {names[0]} | {names[1]:g} | {names[2]:g} | {' | '.join(cells)} |")
    half, n = 50 * (high - low).max(), result.dims["run"]
    lines += ["", f"{n} starts a point; 95 % intervals reach at most {half:.1f} points to either side."]
    lines += ["", "| statement | batch | true for |", "| --- | --- | --- |"]
    for batch in result.coords["batch"]:
        lines += [f"| {said} | {batch} | {held.sum()} of {held.size} rates and momenta |"
                  for said, held in verdicts(result, batch).items()]  # fmt: skip
    lines += ["", f"| failed at p = {p[0]} | still on the plateau | final loss, quantiles 5, 50, 95 % |"]
    lines += ["| --- | --- | --- |"]
    for row, batch in enumerate(result.coords["batch"]):
        failed = result.solve_step[row, :, :, 0] < 0
        plateau = (result.outcome[row, :, :, 0] == Outcome.PLATEAU)[failed].mean()
        losses = np.quantile(result.final_loss[row, :, :, 0][failed], [0.05, 0.5, 0.95])
        lines.append(f"| {batch} | {100 * plateau:.0f} % | {', '.join(f'{loss:.4f}' for loss in losses)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    with ss.open(sys.argv[1]) as opened:
        print(table(opened))
