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
"""Wanted probability that at least one of several starts solves the problem."""

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

RULE = 2**-0.5
"""Scale by the rule 1 / sqrt(inputs of a unit)."""


def examine(results: Results) -> Finding:
    """Compare the outcomes of many starts at each scale."""
    scale, counts = results.coords["scale"], outcome_counts(results["outcome"])
    runs, solved, trapped = results.dims["run"], counts[:, Outcome.SOLVED], counts[:, Outcome.TRAPPED]
    distinct, needed, best = results["distinct_starts"], starts_needed(solved / runs), int(np.argmax(solved))
    worst, one = int(np.argmax(trapped)), int(np.flatnonzero(scale == 1)[0])
    at_zero, top = scale == 0, [f"{s:g}" for s in scale[solved == solved.max()]]
    one_outcome = len(np.unique(results["outcome"][at_zero])) == 1
    checks = (
        Check(
            f"at no scale do all starts solve XOR: at best {share(solved[best], runs)}, at scale {both(top)}"
            if solved.max() < runs
            else f"all starts of scale {both(top)} solve XOR",
            bool(solved.max() < runs),
        ),
        Check(
            f"{share(trapped[one], runs)} different starts get trapped at scale 1; at most "
            f"{share(trapped[worst], runs)} do, at scale {scale[worst]:g}",
            bool(trapped.max() > 0),
        ),
        Check(
            f"{number(runs)} runs from zero have {number(distinct[at_zero].sum())} distinct start and "
            f"{'one outcome' if one_outcome else 'several outcomes'}: {share(solved[at_zero].sum(), runs)} solve XOR",
            bool((distinct[at_zero] == 1).all() and one_outcome and not solved[at_zero].any()),
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
        "needed": ", ".join(f"{number(needed[i])} at scale {scale[i]:g}" for i in shown if needed[i] < np.inf),
        "from_zero": "At zero no number of starts is enough." if not solved[at_zero].any() else "",
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
    """Say whether the best scale is the largest or the smallest that was run; "" if it is neither."""
    best = scale[solved == solved.max()]
    if best.max() == scale.max():
        return ", the largest that was run"
    return ", the smallest but zero that was run" if best.min() == scale[scale > 0].min() else ""


def starts(needed: float | np.floating) -> str:
    """Format a number of starts: ``2 starts are``, ``1 start is``."""
    return "no number of starts is" if needed == np.inf else f"{number(needed)} start{'s are' if needed > 1 else ' is'}"


def rest(start: Floats, end: Floats, grad_norm: Floats) -> str:
    """Say how large the final gradients of trapped runs are, and how the norms of their parameters have changed."""
    if not len(grad_norm):
        return ""
    before, after = (float(np.median(np.linalg.norm(theta, axis=1))) for theta in (start, end))
    changed = "grown" if after > before else "shrunk"
    return (
        f"At the end the norm of the gradient is at most {at_most(grad_norm.max())}, and the median norm of the "
        f"parameters has {changed} from {before:.1f} to {after:.1f}."
    )


def at_most(value: float | np.floating) -> str:
    """Round up to one digit: ``3e-05`` for 2.1e-05."""
    if not value > 0:
        return "0"
    power = np.floor(np.log10(value))
    return f"{np.ceil(value / 10**power) * 10**power:.0e}"


def minima(kinds: npt.NDArray[np.int8]) -> str:
    """Say where Newton's method leads from the ends of trapped runs, and what kind of traps these are."""
    endless, minimum = np.count_nonzero(kinds == Kind.AT_INFINITY), np.count_nonzero(kinds == Kind.MINIMUM)
    other = len(kinds) - endless - minimum
    ends = f"Continued with Newton's method, {share(endless, len(kinds))} go to infinity, "
    ends += f"{share(minimum, len(kinds))} converge to a minimum" + (f", {number(other)} do neither." if other else ".")
    if minimum or not endless:
        return ends
    return (
        f"{ends} So such a trap is not a bowl but a valley whose floor falls ever more gently: one may call it a "
        "minimum at infinity. For training this makes no difference."
    )


def starts_needed(chance: Floats) -> Floats:
    """Return how many starts of this chance it takes so that one is solved with probability `SURE`, or inf."""
    with np.errstate(divide="ignore"):
        return np.where(chance < 1, np.ceil(np.log(1 - SURE) / np.log1p(-np.minimum(chance, 1.0))), 1.0)


CLAIM = Claim(
    "claims/5-many-starts",
    "Many different starts are needed",
    "There are local minima, so many different initializations are needed; with zero there is only one.",
    examine,
)
