"""Claim 12: small starts can end at a bad stationary point that larger ones never meet."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from saddlescape import plots
from saddlescape.analysis import wilson_interval
from saddlescape.claims.claim import Check, Claim, Finding, Picture, number, share, span
from saddlescape.plots.common import CYCLE, new_axes
from saddlescape.results import Results
from saddlescape.runs.outputs import outputs
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

CLOSE = 0.01
"""A run is left at the line if its loss is that of the line up to this fraction."""

REST = 1e-6
"""Gradient norm of a run at rest."""

MISS = 0.1
"""Largest difference between a share and the law: with 64 starts, the standard error of a share is up to 0.06."""

GRID = np.linspace(-1, 0.5, 301)
"""Inputs at which what networks say is drawn."""


def examine(results: Results) -> Finding:
    """Count the runs that end at the best straight line, and compare their share with the law."""
    scale, loss, runs = results.coords["scale"], results["final_loss"], results.dims["run"]
    line, best = straight(results)
    left = abs(loss - line) < CLOSE * line
    counts, solved = left.sum(axis=1), (results["outcome"] == Outcome.SOLVED).sum(axis=1)
    power = slowness(results)
    k = factor(counts / runs, scale, power)
    off, slope = abs(counts / runs - np.exp(-k * scale**power)).max(), results["final_grad_norm"][left].max(initial=0.0)
    fits = scale[solved == runs]
    checks = (
        Check(
            f"the network can fit the points: at {span(fits.min(), fits.max())} {share(runs, runs)} starts do"
            if len(fits) else "from no scale do all starts fit the points",
            bool(len(fits)),
        ),
        Check(
            f"from scale {scale[0]:g} {share(counts[0], runs)} starts end at the best straight line, at the loss "
            f"{line:.7f}",
            bool(counts[0] > runs / 2),
        ),
        Check(
            f"there the gradient is zero (norm at most {slope:.1g}): these runs are not late but at rest",
            bool(left.any() and slope < REST),
        ),
        Check(
            "the larger the scale, the fewer: "
            + ", ".join(f"{n} at {at:g}" for n, at in zip(counts, scale, strict=True)),
            bool((np.diff(counts) <= 0).all() and counts[-1] == 0),
        ),
        Check(
            f"the shares are those of exp(-k scale^{power:.3f}) to within {100 * off:.0f} points; only k is fitted",
            bool(off < MISS),
        ),
    )  # fmt: skip
    words = {"runs": number(runs), "power": f"{power:.3f}", "steps": number(results.sweep.spec.steps),
             "half": f"{scale[np.argmin(abs(counts / runs - 0.5))]:g}"}  # fmt: skip
    pictures = {
        "shares": Picture(plots.figure_of(shares(scale, counts, runs, (k, power))), "Share of starts left at the line"),
        "fits": Picture(plots.figure_of(fits_of(results, left, best)), "What a solved and a left network say"),
    }
    return Finding(checks, words, pictures)


def straight(results: Results) -> tuple[float, Floats]:
    """Return the loss and the weights (inputs,) of the best linear function of the inputs, one of which is 1."""
    X, T = (getattr(results.sweep.at((0,)).loaded, name) for name in "XT")
    weights = np.linalg.lstsq(X, T[:, 0], rcond=None)[0]
    return float(((X @ weights - T[:, 0]) ** 2).sum() / 2), weights


def slowness(results: Results) -> float:
    """Return the slowest rate at which a unit grows, over that of a unit that is active for all samples.

    Near zero, a unit that is active for the samples S grows at the rate |sum over S of t x|; with one input, S are the
    samples on one side of a point.
    """
    X, T = (getattr(results.sweep.at((0,)).loaded, name) for name in "XT")
    order = np.argsort(X[:, 0])
    pushes = T[order] * X[order]
    sides = np.concatenate([np.cumsum(pushes, axis=0), np.cumsum(pushes[::-1], axis=0)])
    return float(np.linalg.norm(sides, axis=1).min() / np.linalg.norm(pushes.sum(axis=0)))


def factor(shares: Floats, scale: Floats, power: float) -> float:
    """Return k of the law share = exp(-k scale^power): the median of those of the scales with runs of both kinds."""
    mixed = (shares > 0) & (shares < 1)
    return float(np.median(-np.log(shares[mixed]) / scale[mixed] ** power)) if mixed.any() else np.inf


def shares(scale: Floats, counts: npt.NDArray[np.int64], runs: int, law: tuple[float, float]) -> "Axes":
    """Plot the share of runs left against the scale, with 95 % intervals, and the law, k and power."""
    ax, share_left = new_axes(), counts / runs
    low, high = wilson_interval(counts, np.full(len(scale), runs))
    errors = [share_left - np.minimum(low, share_left), np.maximum(high, share_left) - share_left]
    ax.errorbar(scale, share_left, errors, fmt="o", color=CYCLE[0], label="measured, 95 % interval", gid="left")
    fine = np.geomspace(scale[0], scale[-1], 100)
    name = f"exp(-{law[0]:.3g} scale$^{{{law[1]:.3f}}}$)"
    ax.plot(fine, np.exp(-law[0] * fine ** law[1]), "--k", label=name, gid="law")
    ax.set(xscale="log", xlabel="scale of the start", ylabel="share of the starts left at the line", ylim=(-0.02, 1))
    ax.legend(frameon=False)
    return ax


def fits_of(results: Results, left: npt.NDArray[np.bool_], best: Floats) -> "Axes":
    """Plot the points, and the outputs of the first left and the first solved network of a scale that has both."""
    ax, solved = new_axes(), results["outcome"] == Outcome.SOLVED
    row = int(np.argmax(left.any(axis=1) & solved.any(axis=1)))
    spec, theta = results.sweep.at((row,)), results["final_theta"][row]
    X = np.column_stack([GRID, np.ones_like(GRID)])
    for color, (name, where) in zip(CYCLE, {"left at the line": left, "solved": solved}.items(), strict=False):
        if where[row].any():
            said = outputs(spec, theta[where[row]][:1], X)[0, :, 0]
            ax.plot(GRID, said, color=color, label=name, gid=name)
    ax.plot(GRID, X @ best, ":k", label="best straight line", gid="line")
    ax.plot(spec.loaded.X[:, 0], spec.loaded.T[:, 0], "ok", label="points to fit", gid="points")
    ax.set(xlabel="input", ylabel="output", title=f"two starts of scale {results.coords['scale'][row]:g}")
    ax.legend(frameon=False)
    return ax


CLAIM = Claim(
    "claims/12-small-starts",
    "Small starts can end wrong",
    "Different weights are not enough: the closer to zero a relu network starts, the more often it ends at a point "
    "that solves nothing, however long it is trained.",
    examine,
)
