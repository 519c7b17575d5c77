"""Claim 11: steps of single samples can be pulled into zero, which full batches leave."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from saddlescape import plots
from saddlescape.analysis import online_growth, online_threshold
from saddlescape.claims.claim import Check, Claim, Finding, Picture, number, point, share
from saddlescape.plots.common import CYCLE, new_axes
from saddlescape.results import Results
from saddlescape.runs.from_array import run_starts
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

LOW, HIGH = 0.95, 1.05
"""Rates below and above the threshold whose counts are told."""

EPOCHS = 2000
"""Epochs over which an exponent at zero is measured."""

CLOSE = 2e-3
"""Largest difference of an exponent and the law: the first tangent vector is not in the direction that grows most."""

FULL = "full"


def examine(results: Results) -> Finding:
    """Count the runs that collapse, and compare the transverse exponent to zero with the law."""
    rate, orders, runs = results.coords["learning_rate"], list(results.coords["batch"]), results.dims["run"]
    collapsed = (results["outcome"] == Outcome.COLLAPSED).sum(axis=-1)
    targets = results.sweep.at((0, 0)).loaded.T[:, 0]
    threshold, law = online_threshold(targets), np.log(online_growth(rate, targets))
    single = [row for row, name in enumerate(orders) if name != FULL]
    above, full = rate > threshold, orders.index(FULL)
    exponents = np.array([[exponent(results, (row, k)) for k in range(len(rate))] for row in range(len(orders))])
    off = abs(exponents[single] - law).max()
    low, high = (collapsed[point(results, batch="online", learning_rate=value)] for value in (LOW, HIGH))
    below, beyond = collapsed[single][:, ~above], collapsed[single][:, above]
    checks = (
        Check(
            f"with one sample a step, {share(low, runs)} starts collapse at rate {LOW:g}, and {share(high, runs)} at "
            f"{HIGH:g}",
            bool(low == 0 and high == runs),
        ),
        Check(
            f"the threshold is where the law has it, at rate {threshold:.3g}: whatever the order of the samples, "
            f"{share(below.sum(), runs * below.size)} runs collapse up to rate {rate[~above].max():g}, and "
            f"{share(beyond.sum(), runs * beyond.size)} from {rate[above].min():g} on",
            bool(not below.any() and (beyond == runs).all()),
        ),
        Check(
            f"with all samples in a step, {share(collapsed[full].sum(), runs * len(rate))} runs collapse, at any rate",
            not collapsed[full].any(),
        ),
        Check(
            f"near zero, an epoch of single samples multiplies the distance from zero as the law says, to within "
            f"{CLOSE:g} of its logarithm; with all samples in a step it grows at every rate",
            bool(off < CLOSE and (exponents[full] > 0).all()),
        ),
    )  # fmt: skip
    words = {
        "runs": number(runs), "threshold": f"{threshold:.3g}", "high": f"{HIGH:g}", "epochs": number(EPOCHS),
        "shrinks": f"{online_growth(HIGH, targets):.3f}",
        "grows": f"{np.exp(exponents[point(results, batch=FULL, learning_rate=HIGH)]):.2f}",
    }  # fmt: skip
    pictures = {
        "shares": Picture(plots.figure_of(shares(results, collapsed / runs, threshold)), "Share of collapsed starts"),
        "exponents": Picture(plots.figure_of(lines(results, exponents, law)), "Growth near zero against the rate"),
    }
    return Finding(checks, words, pictures)


def exponent(results: Results, at: tuple[int, ...]) -> float:
    """Return the mean ln growth per epoch of a tangent vector at exact zero, at a point of the sweep."""
    spec = results.sweep.at(at)
    spec = spec.changed("record", fields=("lyapunov",)).changed("training", epochs=EPOCHS)
    per_step = run_starts(spec, np.zeros((1, spec.n_params)), threads=1)["final_lyapunov"][0]
    return float(per_step * spec.epoch)


def shares(results: Results, collapsed: Floats, threshold: float) -> "Axes":
    """Plot the share of collapsed starts against the rate, for each order of the samples."""
    ax = new_axes()
    for color, marker, name, row in zip(CYCLE, "osx", results.coords["batch"], collapsed, strict=False):
        ax.plot(results.coords["learning_rate"], row, marker=marker, color=color, label=name, gid=name, alpha=0.8)
    ax.axvline(threshold, color="k", linestyle=":", label=f"threshold {threshold:.3g} in theory")
    ax.set(xlabel="learning rate", ylabel="share of the starts that collapse", ylim=(-0.03, 1.03))
    ax.legend(frameon=False)
    return ax


def lines(results: Results, exponents: Floats, law: Floats) -> "Axes":
    """Plot the exponents against the rate, for each order of the samples, and the law."""
    ax, rate = new_axes(), results.coords["learning_rate"]
    for color, marker, name, row in zip(CYCLE, "osx", results.coords["batch"], exponents, strict=False):
        ax.plot(rate, row, marker=marker, color=color, linestyle="none", label=name, gid=name)
    ax.plot(rate, law, "--k", label="ln (1 + r)(1 - r/2)", gid="law")
    ax.axhline(0, color="k", linewidth=0.7)
    ax.set(xlabel="learning rate r", ylabel="transverse Lyapunov exponent to zero, per epoch")
    ax.legend(frameon=False)
    return ax


CLAIM = Claim(
    "claims/11-sgd",
    "SGD can be pulled into zero",
    "Noise is said to help: steps of single samples jump out of saddles. But if samples disagree, the steps can do the "
    "opposite, and carry any start into zero, although zero is a saddle of the loss.",
    examine,
)
