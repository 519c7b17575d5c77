"""Claim 5: many different starts are needed, and zero gives only one."""

import numpy as np
import numpy.typing as npt

from saddlescape import plots
from saddlescape.analysis import outcome_counts
from saddlescape.analysis.points import Kind, report
from saddlescape.claims.claim import Check, Claim, Finding, Picture, number, percent, share
from saddlescape.outcomes import Outcome
from saddlescape.results import Results

SURE = 0.99
"""How sure one wants to be that at least one start of several solves the problem."""

RULE = 2**-0.5
"""What the rule 1 / sqrt(inputs of a unit) gives here."""


def examine(results: Results) -> Finding:
    """From what becomes of many starts at each scale."""
    scale, counts = results.coords["scale"], outcome_counts(results["outcome"])
    runs, solved, trapped = results.dims["run"], counts[:, Outcome.SOLVED], counts[:, Outcome.TRAPPED]
    distinct, needed, best = results["distinct_starts"], starts_needed(solved / runs), int(np.argmax(solved))
    worst, one = int(np.argmax(trapped)), int(np.flatnonzero(scale == 1)[0])
    at_zero = scale == 0
    checks = (
        Check(
            f"at no scale do all starts come through: at best {share(solved[best], runs)}, at scale {scale[best]:g}",
            solved.max() < runs,
        ),
        Check(
            f"of different starts many get trapped: {share(trapped[one], runs)} at scale 1, "
            f"{share(trapped[worst], runs)} at scale {scale[worst]:g}",
            bool(trapped.max() > 0),
        ),
        Check(
            f"{number(runs)} runs from zero are {number(distinct[at_zero].sum())} start with one fate; "
            f"{number(solved[at_zero].sum())} of them solve XOR",
            bool((distinct[at_zero] == 1).all() and not solved[at_zero].any()),
        ),
    )
    caught = results["outcome"][one] == Outcome.TRAPPED
    levels, times = np.unique(results["final_loss"][one, caught].round(2), return_counts=True)
    start, end = (
        np.median(np.linalg.norm(results[name][one, caught], axis=1)) for name in ("start_theta", "final_theta")
    )
    shown = [i for i, s in enumerate(scale) if s in (scale[best], 1, scale.max())]
    kinds = report(results.sweep.at((one,)), results["final_theta"][one, caught]).kind
    endless, minima = np.count_nonzero(kinds == Kind.AT_INFINITY), np.count_nonzero(kinds == Kind.MINIMUM)
    rule = int(np.argmin(abs(scale - RULE)))
    words = {
        "best": f"{scale[best]:g}",
        "best_share": percent(solved[best] / runs),
        "rule": f"{scale[rule]:g}",
        "rule_share": percent(solved[rule] / runs),
        "largest": f"{scale.max():g}",
        "largest_share": percent(solved[np.argmax(scale)] / runs),
        "few": number(needed[best]),
        "runs": number(runs),
        "sure": percent(SURE),
        "needed": ", ".join(f"{number(needed[i])} from scale {scale[i]:g}" for i in shown),
        "levels": " and ".join(f"{level:g} ({number(n)} runs)" for level, n in zip(levels, times, strict=True)),
        "trapped": number(times.sum()),
        "steepest": f"{results['final_grad_norm'][one, caught].max():.0e}",
        "start": f"{start:.1f}",
        "end": f"{end:.1f}",
        "endless": share(endless, len(kinds)),
        "minima": number(minima),
    }
    drawn = plots.figure_of(plots.escape_curve(results))
    pictures = {"curve": Picture(drawn, "Fractions of outcomes against the scale of the starts")}
    return Finding(checks, words, pictures, "" if minima else "minima at infinity are counted")


def starts_needed(chance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Starts to try so that with probability `SURE` one is solved, each having this chance; inf where it has none."""
    with np.errstate(divide="ignore"):
        return np.where(chance < 1, np.ceil(np.log(1 - SURE) / np.log1p(-np.minimum(chance, 1.0))), 1.0)


CLAIM = Claim(
    "claims/5-many-starts",
    "Many different starts are needed",
    "There are local minima: many different starting values are needed, and starting all at zero gives none.",
    examine,
)
