"""Claim 10: weight decay turns the saddle at zero into a trap."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from saddlescape import plots
from saddlescape.analysis import decay_holds, held_norm, xor_escape_constant
from saddlescape.analysis.points import derivatives
from saddlescape.claims.claim import Check, Claim, Finding, Picture, number, share
from saddlescape.claims.conditions import QUIET
from saddlescape.claims.saddle import spelled
from saddlescape.plots.common import CYCLE, label, new_axes, tidy
from saddlescape.results import Results
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

AGREE = 0.95
"""Least share of the starts that end as the law says, which is that of the leading order."""


def examine(results: Results) -> Finding:
    """Compare which starts stay at zero with the law of the quartic saddle."""
    decay, runs = results.coords["weight_decay"], results.dims["run"]
    with_decay, start = decay > 0, results["start_theta"]
    constant = np.stack([xor_escape_constant(theta, "pm1") for theta in start])
    holds, held = decay_holds(constant, decay[:, None]), results["escape_step"] < 0
    collapsed = results["outcome"] == Outcome.COLLAPSED
    right, near = holds == held, np.linalg.norm(start, axis=-1) < held_norm(decay)[:, None]
    without = held[~with_decay].size - held[~with_decay].sum()
    spectra = {value: at_zero(results, i) for i, value in enumerate(decay) if value}
    checks = (
        Check(
            "with decay, zero is a strict minimum of the objective: the eigenvalues of its Hessian are "
            + "; ".join(spelled(values) for values in spectra.values()),
            all(values.min() > 0 for values in spectra.values()),
        ),
        Check(
            f"without decay {share(without, held[~with_decay].size)} starts escape; with it "
            f"{share((~held[with_decay]).sum(), held[with_decay].size)} starts, as close to zero in proportion, do",
            bool(without == held[~with_decay].size and held[with_decay].any()),
        ),
        Check(
            f"the others are at zero at the end: {share(collapsed[held].sum(), held.sum())} have collapsed",
            bool(held.any() and collapsed[held].all()),
        ),
        Check(
            "start by start, a start is held if 2 decay c >= 1, c its escape time without decay: right for "
            + ", ".join(f"{share(right[i].sum(), runs)} at {value:g}" for i, value in enumerate(decay) if value),
            bool(right[with_decay].mean() >= AGREE),
        ),
        Check(
            f"{share((held & near).sum(), near.sum())} starts within sqrt(decay (1 + sqrt 5)) / 2 of zero are held",
            bool(near.any() and held[near].all()),
        ),
    )  # fmt: skip
    words = {"runs": number(runs), "escaped": share((~held[with_decay]).sum(), held[with_decay].size),
             "predicted": share((~holds[with_decay]).sum(), holds[with_decay].size)}  # fmt: skip
    drawn = plots.figure_of(trap(decay, constant, results["final_param_norm"]))
    return Finding(checks, words, {"trap": Picture(drawn, "Where starts end, against the law")}, (QUIET,))


def at_zero(results: Results, row: int) -> Floats:
    """Compute the eigenvalues of the Hessian of the objective at zero."""
    spec = results.sweep.at((row,))
    return np.asarray(np.linalg.eigvalsh(derivatives(spec, np.zeros((1, spec.n_params))).hessian[0]))


def trap(decay: Floats, constant: Floats, norm: Floats) -> "Axes":
    """Plot the norm at the end of each run against 2 decay c, and the limit 1."""
    ax = new_axes()
    for color, i in zip(CYCLE, np.flatnonzero(decay), strict=False):
        name = f"weight decay {label(decay[i])}"
        ax.plot(2 * decay[i] * constant[i], norm[i], ".", color=color, label=name, gid=name, alpha=0.6)
    ax.axvline(1, color="k", linestyle="--", linewidth=1, label="law: held to the right", gid="law")
    ax.set(xscale="log", yscale="log", xlabel="2 decay c", ylabel="distance from zero at the end")
    tidy(ax)
    ax.legend(frameon=False)
    return ax


CLAIM = Claim(
    "claims/10-decay-trap",
    "Weight decay turns the saddle into a trap",
    "Zero is only a saddle: a start near it is slow, but it gets away. With weight decay it does not: zero becomes a "
    "minimum that holds every start near it.",
    examine,
)
