"""Claim 5: many different starts are needed, and zero gives only one."""

import numpy as np
import numpy.typing as npt

from saddlescape import plots
from saddlescape.analysis import outcome_counts
from saddlescape.analysis.points import Kind, report
from saddlescape.claims.claim import Check, Claim, Finding, Picture, both, hundredths, number, share
from saddlescape.claims.conditions import ENDLESS
from saddlescape.results import Results
from saddlescape.words.outcomes import Outcome

SURE = 0.99
"""How sure one wants to be that at least one start of several solves the problem."""

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

RULE = 2**-0.5
"""What the rule 1 / sqrt(inputs of a unit) gives here."""


def examine(results: Results) -> Finding:
    """From what becomes of many starts at each scale."""
    scale, counts = results.coords["scale"], outcome_counts(results["outcome"])
    runs, solved, trapped = results.dims["run"], counts[:, Outcome.SOLVED], counts[:, Outcome.TRAPPED]
    distinct, needed, best = results["distinct_starts"], starts_needed(solved / runs), int(np.argmax(solved))
    worst, one = int(np.argmax(trapped)), int(np.flatnonzero(scale == 1)[0])
    at_zero, top = scale == 0, [f"{s:g}" for s in scale[solved == solved.max()]]
    one_fate = len(np.unique(results["outcome"][at_zero])) == 1
    checks = (
        Check(
            f"no scale brings all starts through: at best {share(solved[best], runs)}, at scale {both(top)}"
            if solved.max() < runs
            else f"all starts of scale {both(top)} come through",
            bool(solved.max() < runs),
        ),
        Check(
            f"of different starts {share(trapped[one], runs)} get trapped at scale 1, at most "
            f"{share(trapped[worst], runs)}, at scale {scale[worst]:g}",
            bool(trapped.max() > 0),
        ),
        Check(
            f"{number(runs)} runs from zero are {number(distinct[at_zero].sum())} start with "
            f"{'one fate' if one_fate else 'several fates'}: {share(solved[at_zero].sum(), runs)} solve XOR",
            bool((distinct[at_zero] == 1).all() and one_fate and not solved[at_zero].any()),
        ),
    )
    caught = results["outcome"][one] == Outcome.TRAPPED
    levels, times = np.unique(results["final_loss"][one, caught].round(2), return_counts=True)
    shown = [i for i, s in enumerate(scale) if s in (scale[best], 1, scale.max())]
    kinds = report(results.sweep.at((one,)), results["final_theta"][one, caught]).kind
    rule, largest = int(np.argmin(abs(scale - RULE))), int(np.argmax(scale))
    words = {
        "best": both(top),
        "edge": edge(scale, solved),
        "best_share": share(solved[best], runs),
        "steps": number(results.sweep.spec.steps),
        "rule": f"{scale[rule]:g}",
        "rule_share": share(solved[rule], runs),
        "largest": f"{scale[largest]:g}",
        "largest_share": share(solved[largest], runs),
        "few": starts(needed[best]),
        "runs": number(runs),
        "sure": hundredths(SURE),
        "needed": ", ".join(f"{number(needed[i])} from scale {scale[i]:g}" for i in shown if needed[i] < np.inf),
        "from_zero": "From zero no number is enough." if not solved[at_zero].any() else "",
        "trapped": number(np.count_nonzero(caught)),
        "levels": both(f"{level:g} ({number(n)} runs)" for level, n in zip(levels, times, strict=True)),
        "rest": rest(*(results[name][one, caught] for name in ("start_theta", "final_theta", "final_grad_norm"))),
        "minima": minima(kinds),
    }
    drawn = plots.figure_of(plots.escape_curve(results))
    pictures = {"curve": Picture(drawn, "Fractions of outcomes against the scale")}
    endless = not (kinds == Kind.MINIMUM).any()
    return Finding(checks, words, pictures, (ENDLESS,) if endless else ())


def edge(scale: Floats, solved: Counts) -> str:
    """Said of the best scale where it is the last of those that were tried, and where that isn't so nothing."""
    best = scale[solved == solved.max()]
    if best.max() == scale.max():
        return ", the largest that was tried"
    return ", the smallest but zero that was tried" if best.min() == scale[scale > 0].min() else ""


def starts(needed: float | np.floating) -> str:
    """``2 starts are``."""
    return "no number of starts is" if needed == np.inf else f"{number(needed)} start{'s are' if needed > 1 else ' is'}"


def rest(start: Floats, end: Floats, grad_norm: Floats) -> str:
    """Whether trapped runs have come to rest: how steep it is where they are, and how far their weights have come."""
    if not len(grad_norm):
        return ""
    before, after = (float(np.median(np.linalg.norm(theta, axis=1))) for theta in (start, end))
    way = "grown" if after > before else "shrunk"
    return (
        f"The gradient there is at most {at_most(grad_norm.max())}, and their weights have {way} in the median from a "
        f"length of {before:.1f} to {after:.1f}."
    )


def at_most(value: float | np.floating) -> str:
    """A bound of one digit that is not below the value: ``3e-05`` for 2.1e-05."""
    if not value > 0:
        return "0"
    power = np.floor(np.log10(value))
    return f"{np.ceil(value / 10**power) * 10**power:.0e}"


def minima(kinds: npt.NDArray[np.int8]) -> str:
    """What Newton's method makes of trapped runs, and what that makes of traps."""
    endless, found = np.count_nonzero(kinds == Kind.AT_INFINITY), np.count_nonzero(kinds == Kind.MINIMUM)
    other = len(kinds) - endless - found
    told = f"Followed further by Newton's method, {share(endless, len(kinds))} go on without end, "
    told += f"{share(found, len(kinds))} come to a minimum" + (f", {number(other)} do neither." if other else ".")
    if found or not endless:
        return told
    return (
        f"{told} So such a trap is no bowl but a valley floor that goes down ever more gently: a minimum, if one "
        "likes, at infinity. For training that is all the same."
    )


def starts_needed(chance: Floats) -> Floats:
    """Starts to try so that with probability `SURE` one is solved, each having this chance; inf where it has none."""
    with np.errstate(divide="ignore"):
        return np.where(chance < 1, np.ceil(np.log(1 - SURE) / np.log1p(-np.minimum(chance, 1.0))), 1.0)


CLAIM = Claim(
    "claims/5-many-starts",
    "Many different starts are needed",
    "There are local minima: many different starting values are needed, and starting all at zero gives none.",
    examine,
)
