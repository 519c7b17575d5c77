"""Claim 13: bigger steps end flatter, at most at the edge of stability."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from saddlescape import plots
from saddlescape.analysis import edge_of_stability, stability_threshold
from saddlescape.claims.claim import Check, Claim, Finding, Picture, number, share
from saddlescape.plots.common import CYCLE, new_axes, tidy
from saddlescape.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

LEARNED = 1e-6
"""A run has learned if its loss is below this: it is at a minimum with outputs equal to the targets."""

NEAR = 0.9
"""The sharpest run is at the edge if its sharpness is at least this much of the threshold."""


def examine(results: Results) -> Finding:
    """Compare the sharpness at the end of runs that learn with 2 / rate, the threshold of gradient descent."""
    rate, runs = results.coords["learning_rate"], results.dims["run"]
    limit, learned = stability_threshold("gd", rate), results["final_loss"] < LEARNED
    ends = np.where(learned, results["final_sharpness"], np.nan)
    above = learned & (ends > limit[:, None])
    top = np.nanmax(np.where(learned, ends, -np.inf), axis=1)
    free, both = ends[0], learned & learned[0]
    binding = np.flatnonzero(limit < top[0])
    capped = both & (free > limit[:, None])
    flatter = (capped & (ends < free)).sum()
    visits = np.nanmean(edge_of_stability(results["sharpness"], limit[:, None]), axis=1)
    reached = ", ".join(f"{top[k]:.3g} of {limit[k]:.3g} at {rate[k]:g}" for k in binding)
    checks = (
        Check(
            f"{share(learned[0].sum(), runs)} runs learn at the smallest rate, {rate[0]:g}, and end with a sharpness "
            f"of {np.nanmin(free):.3g} to {top[0]:.3g}" if learned[0].any() else "no run learns at the smallest rate",
            bool(learned[0].sum() > runs / 2),
        ),
        Check(
            f"{share(above.sum(), int(learned.sum()))} runs that learn end sharper than 2 / rate",
            not above.any(),
        ),
        Check(
            f"{share(flatter, int(capped.sum()))} runs from starts that at rate {rate[0]:g} end sharper than 2 / rate "
            "end flatter",
            bool(capped.any() and flatter == capped.sum()),
        ),
        Check(
            f"the sharpest runs end close to 2 / rate: {reached}" if len(binding) else "2 / rate is never reached",
            bool(len(binding) and (top[binding] >= NEAR * limit[binding]).all()),
        ),
        Check(
            f"on the way they are above it: at rate {rate[-1]:g} in {100 * visits[-1]:.0f} % of the recorded steps",
            bool(visits[-1] > 0),
        ),
    )  # fmt: skip
    words = {"runs": number(runs), "smallest": f"{rate[0]:g}", "largest": f"{rate[-1]:g}"}
    words |= {"sharp": middle(ends[0]), "flat": middle(ends[-1])}
    pictures = {
        "ends": Picture(plots.figure_of(drawn(rate, ends)), "Sharpness at the end against the rate, below 2 / rate"),
        "paths": Picture(plots.sharpness(results, [(len(rate) + k,) for k in (-6, -3, -2)]),
                         "Sharpness along runs at three rates, and the threshold"),
    }  # fmt: skip
    return Finding(checks, words, pictures)


def middle(ends: Floats) -> str:
    """Return the median of the runs that learn as text."""
    there = ends[np.isfinite(ends)]
    return f"{np.median(there):.3g}" if len(there) else "-"


def drawn(rate: Floats, ends: Floats) -> "Axes":
    """Plot the sharpness (n_rates, n_runs) at the end of each start over the rate, and 2 / rate."""
    ax = new_axes()
    ax.plot(rate, ends, ".-", color=CYCLE[0], linewidth=0.4, markersize=3, gid="ends")
    fine = np.geomspace(rate[0], rate[-1], 100)
    ax.plot(fine, 2 / fine, "--k", label="2 / rate", gid="law")
    ax.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="sharpness at the end")
    tidy(ax)
    ax.legend(frameon=False)
    return ax


CLAIM = Claim(
    "claims/13-bigger-steps",
    "Bigger steps end flatter",
    "A learning rate decides how fast a network learns. It also decides what it learns: gradient descent cannot rest "
    "at a minimum that is sharper than 2 / rate.",
    examine,
)
