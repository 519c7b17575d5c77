"""Claim 7: zero is a saddle, and starts near it take long to escape."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from saddlescape import plots
from saddlescape.analysis import event_times, fit_scaling
from saddlescape.analysis.points import derivatives
from saddlescape.analysis.scaling import Law, ScalingFit
from saddlescape.analysis.xor_saddle import xor_escape_constant
from saddlescape.claims.claim import Check, Claim, Finding, Picture, number, share, times
from saddlescape.claims.conditions import CANCEL, QUIET
from saddlescape.plan import starts
from saddlescape.results import Results
from saddlescape.spec import Spec, load
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

AND = (0, 0, 0, 1, 0)
"""Indices in the sweep of claim 8 of AND with logistic units and full batches, where a start at zero moves."""

COPY, XOR = 0, 1
NAMES = ("copy", "XOR")
"""Parity of one input is a copy, of two inputs XOR."""

SMALL = 0.05
"""Largest scale to which laws are fitted: at larger ones they are off by more than the scatter."""

NEAR = 0.1
"""The direction of escape is taken from the first run of this scale."""

NEARER = 0.01
"""A tenth of `NEAR`, to compare the escape times."""

POWER, RATE = 0.05, 0.02
"""Tolerances: of the exponent -2, whose interval must contain it, and relative to theory of the logarithm's factor."""

ROUNDING = 1e-12
"""Eigenvalues with a smaller absolute value count as zero."""

CUT = np.linspace(-2, 2, 161)
"""Distances from zero along a line, positive and negative."""

CURVED, ESCAPE = "largest curvature", "direction of escape"


class Point(NamedTuple):
    """Gradient of the loss at zero, and eigenvalues and eigenvectors (columns) of its Hessian."""

    gradient: Floats
    values: Floats
    vectors: Floats


def examine(results: Results) -> Finding:
    """Measure the curvature at zero, and the times at which the gradient flow escapes."""
    specs = [results.sweep.at((i, 0)) for i in (COPY, XOR)]
    points, logistic = [at_zero(spec) for spec in specs], at_zero(load("claims/1-xor").at((0,)))
    lines = [cut(results, i, specs[i], points[i]) for i in (COPY, XOR)]
    frozen = results["outcome"][:, results.coords["scale"] == 0] == Outcome.FROZEN
    power, logarithm = fit(results, XOR, "power"), fit(results, COPY, "logarithm")
    growth, constant = -points[COPY].values[0], constants(results)
    agreement = np.median(nearest(results) / constant)
    checks = (
        Check(f"{share(frozen.sum(), frozen.size)} runs from exact zero stop at once", bool(frozen.all())),
        Check(
            "the gradient at zero is exactly 0, and next to it the loss rises in one direction and falls in another",
            all(not p.gradient.any() for p in points) and all(is_saddle(line) for line in lines),
        ),
        Check(
            f"the saddle of the copy problem is strict: its Hessian has the eigenvalues {spelled(points[COPY].values)}",
            bool(points[COPY].values[0] < -0.5),
        ),
        Check(
            f"the saddle of XOR is not strict: {spelled(points[XOR].values)}; with logistic units "
            f"{spelled(logistic.values)}",
            all(flat(p.values) == len(p.values) - 1 for p in (points[XOR], logistic)),
        ),
        Check(
            f"up to scale {SMALL:g} the escape time of XOR grows like the scale to the power {power.slope:.3f} "
            f"[{power.low:.3f}, {power.high:.3f}]; theory predicts -2",
            bool(power.low <= -2 <= power.high) and abs(power.slope + 2) < POWER,
        ),
        Check(
            f"at the smallest scale, the escape times of XOR are {agreement:.3f} times the prediction from the "
            "fourth-order term of the loss (median)",
            bool(abs(agreement - 1) < RATE),
        ),
        Check(
            f"the escape time of the copy problem grows like {logarithm.slope:.3f} ln(1 / scale); its negative "
            f"curvature predicts {1 / growth:.3f}",
            abs(logarithm.slope * growth - 1) < RATE,
        ),
    )
    slope = at_zero(load("claims/8-usually").at(AND)).gradient
    (copy_near, copy_far), (xor_near, xor_far) = (medians(results, i) for i in (COPY, XOR))
    words = {
        "runs": number(results.dims["run"]),
        "slope": f"{abs(slope[-1]):g}",
        "near": f"{NEARER:g}",
        "far": f"{NEAR:g}",
        "fast": number(copy_near),
        "slow": number(xor_near),
        "more": number(copy_near - copy_far),
        "longer": number(xor_near / xor_far),
    }
    drawn = escape_times(results, float(np.median(constant)), logarithm)
    spectra = {"copy": points[COPY], "XOR, tanh": points[XOR], "XOR, logistic": logistic}
    flatness = plots.spectrum({name: point.values for name, point in spectra.items()})
    pictures = {
        "spectrum": Picture(plots.figure_of(flatness), "Eigenvalues of the Hessian at zero"),
        "cuts": Picture(plots.cuts(CUT, dict(zip(NAMES, lines, strict=True))), "Loss along lines through zero"),
        "times": Picture(plots.figure_of(drawn), "Escape times against the scale"),
    }
    return Finding(checks, words, pictures, (CANCEL, QUIET))


def at_zero(spec: Spec) -> Point:
    """Compute the derivatives of the loss of a spec at zero."""
    zero = derivatives(spec, np.zeros((1, spec.n_params)))
    return Point(zero.gradient[0], *np.linalg.eigh(zero.hessian[0]))


def flat(values: Floats) -> int:
    """Count the eigenvalues that are zero, up to rounding."""
    return int(np.count_nonzero(abs(values) < ROUNDING))


def spelled(values: Floats) -> str:
    """Format eigenvalues, largest first, equal ones together: ``4, 8 x 0``."""
    distinct, times = np.unique(np.where(abs(values) < ROUNDING, 0, values).round(6), return_counts=True)
    pairs = reversed(list(zip(distinct, times, strict=True)))
    return ", ".join(f"{value:g}" if n == 1 else f"{n} x {value:g}" for value, n in pairs)


def cut(results: Results, i: int, spec: Spec, zero: Point) -> dict[str, Floats]:
    """Compute losses along `CUT` in the direction of largest curvature, and in that of escape, orthogonal to it."""
    curved, escape = zero.vectors[:, -1], escaping(results, i)
    escape = escape - curved * (curved @ escape)
    directions = {CURVED: curved, ESCAPE: escape / np.linalg.norm(escape)}
    return {name: derivatives(spec, np.outer(CUT, direction)).loss for name, direction in directions.items()}


def escaping(results: Results, i: int) -> Floats:
    """Return the parameters of the first run at scale `NEAR` at the first record after its escape."""
    index = (i, int(np.flatnonzero(results.coords["scale"] == NEAR)[0]))
    theta = results.at("theta", index)[0]
    theta = theta[np.isfinite(theta).any(axis=1)]  # a run that stopped before the next record has none
    record = np.searchsorted(results["record_time"], results.at("escape_time", index)[0])
    escaped = theta[min(int(record), len(theta) - 1)]
    return np.asarray(escaped[~np.isnan(escaped)])


def is_saddle(lines: dict[str, Floats]) -> bool:
    """Return whether next to zero one line rises on both sides, and the other falls on at least one side."""
    middle = len(CUT) // 2
    sides = {name: losses[[middle - 1, middle + 1]] - losses[middle] for name, losses in lines.items()}
    return bool((sides[CURVED] > 0).all() and (sides[ESCAPE] < 0).any())


def fit(results: Results, i: int, law: Law) -> ScalingFit:
    """Fit a law to the escape times of one problem at small scales."""
    scale = results.coords["scale"]
    near = (scale > 0) & (scale <= SMALL)
    times = event_times(*(results[name][i, near] for name in ("escape_time", "stop_time", "stop_reason")))
    return fit_scaling(scale[near], *times, law)


def constants(results: Results) -> Floats:
    """Compute c of each run, where escape time = c / scale^2, from the fourth-order term of XOR's loss at zero."""
    spec = results.sweep.at((XOR, int(np.argmax(results.coords["scale"]))))
    directions = starts.draw(spec, np.arange(results.dims["run"]), 1.0)
    return xor_escape_constant(directions, "pm1")


def nearest(results: Results) -> Floats:
    """Return the escape time times scale^2 of each run of XOR at the smallest scale."""
    scale = results.coords["scale"]
    small = scale[scale > 0].min()
    return np.asarray(times(results["escape_time"][XOR, scale == small][0]) * small**2)


def medians(results: Results, i: int) -> tuple[float, float]:
    """Return the median escape times of one problem from the distances `NEARER` and `NEAR`."""
    scale, escape = results.coords["scale"], times(results["escape_time"][i])
    near, far = (float(np.median(escape[scale == distance])) for distance in (NEARER, NEAR))
    return near, far


def escape_times(results: Results, constant: float, logarithm: ScalingFit) -> "Axes":
    """Plot escape times against scales, with the median prediction for XOR and the logarithm fitted to the copy."""
    scale, escape = results.coords["scale"], results["escape_time"]
    fine = np.geomspace(scale[scale > 0].min(), NEAR)
    laws = {f"{constant:.3g} / scale$^2$": (fine, constant / fine**2)}
    laws[f"{logarithm.slope:.3g} ln(1 / scale) + const."] = (fine, logarithm.time(fine))
    measured = {NAMES[i]: times(escape[i]) for i in (COPY, XOR)}
    ax = plots.scaling(scale, measured, laws)
    ax.set(xlabel="distance of the start from zero", ylabel="time until escape")
    return ax


CLAIM = Claim(
    "claims/7-saddle",
    "Zero is a saddle",
    "Zero is a saddle point of the loss, and gradient methods usually stop there at once.",
    examine,
)
