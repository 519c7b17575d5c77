"""Claim 7: zero is a saddle, and how long it holds a start that is merely near."""

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
"""With logistic units, in full batches: where claim 8 shows a start at zero that moves."""

COPY, XOR = 0, 1
NAMES = ("copy", "XOR")
"""What parity of one input and of two are."""

SMALL = 0.05
"""Laws of small scales are fitted up to this one: farther out they are off by more than the scatter."""

NEAR = 0.1
"""Directions out of the saddle are those of the first run of this scale."""

NEARER = 0.01
"""A tenth of that, for what a start takes that is ten times nearer."""

POWER, RATE = 0.05, 0.02
"""How near to -2 the exponent must be, whose interval holds it, and the logarithm's factor relatively to theory."""

ROUNDING = 1e-12
"""Eigenvalues smaller than this are zero."""

CUT = np.linspace(-2, 2, 161)


class Point(NamedTuple):
    """The loss around zero: gradient, eigenvalues and eigenvectors (columns) of the Hessian."""

    gradient: Floats
    values: Floats
    vectors: Floats


def examine(results: Results) -> Finding:
    """From the curvature at zero, and from the times at which the gradient flow leaves it."""
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
            "the gradient at zero is exactly 0, and close by the loss goes up in one direction and down in another",
            all(not p.gradient.any() for p in points) and all(is_saddle(line) for line in lines),
        ),
        Check(
            f"the copy's saddle is strict: its Hessian has the eigenvalues {spelled(points[COPY].values)}",
            bool(points[COPY].values[0] < -0.5),
        ),
        Check(
            f"that of XOR is not: {spelled(points[XOR].values)}; with logistic units {spelled(logistic.values)}",
            all(flat(p.values) == len(p.values) - 1 for p in (points[XOR], logistic)),
        ),
        Check(
            f"up to scale {SMALL:g} XOR's escape time goes like the scale to the power {power.slope:.3f} "
            f"[{power.low:.3f}, {power.high:.3f}]; theory says -2",
            bool(power.low <= -2 <= power.high) and abs(power.slope + 2) < POWER,
        ),
        Check(
            f"nearest to zero each run leaves when the fourth-order term of its loss says, up to a factor of "
            f"{agreement:.3f} in the median",
            bool(abs(agreement - 1) < RATE),
        ),
        Check(
            f"the copy's like {logarithm.slope:.3f} ln(1 / scale); its negative curvature says {1 / growth:.3f}",
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
    """The loss of a spec around zero."""
    found = derivatives(spec, np.zeros((1, spec.n_params)))
    return Point(found.gradient[0], *np.linalg.eigh(found.hessian[0]))


def flat(values: Floats) -> int:
    """How many eigenvalues are zero, up to rounding."""
    return int(np.count_nonzero(abs(values) < ROUNDING))


def spelled(values: Floats) -> str:
    """Eigenvalues, largest first, equal ones together: ``4, 8 x 0``."""
    distinct, times = np.unique(np.where(abs(values) < ROUNDING, 0, values).round(6), return_counts=True)
    pairs = reversed(list(zip(distinct, times, strict=True)))
    return ", ".join(f"{value:g}" if n == 1 else f"{n} x {value:g}" for value, n in pairs)


def cut(results: Results, i: int, spec: Spec, zero: Point) -> dict[str, Floats]:
    """Losses at the distances `CUT` from zero, in the steepest direction and across it, where a run escaped."""
    steepest, out = zero.vectors[:, -1], way_out(results, i)
    out = out - steepest * (steepest @ out)
    directions = {"steepest": steepest, "way out": out / np.linalg.norm(out)}
    return {name: derivatives(spec, np.outer(CUT, way)).loss for name, way in directions.items()}


def way_out(results: Results, i: int) -> Floats:
    """Parameters of the first run at scale `NEAR` when its escape was first recorded."""
    here = (i, int(np.flatnonzero(results.coords["scale"] == NEAR)[0]))
    theta = results.at("theta", here)[0]
    theta = theta[np.isfinite(theta).any(axis=1)]  # a run that stopped before the next record has none
    record = np.searchsorted(results["record_time"], results.at("escape_time", here)[0])
    way = theta[min(int(record), len(theta) - 1)]
    return np.asarray(way[~np.isnan(way)])


def is_saddle(lines: dict[str, Floats]) -> bool:
    """Whether next to zero one line goes up on both sides, and the other down on one at least."""
    middle = len(CUT) // 2
    sides = {name: losses[[middle - 1, middle + 1]] - losses[middle] for name, losses in lines.items()}
    return bool((sides["steepest"] > 0).all() and (sides["way out"] < 0).any())


def fit(results: Results, i: int, law: Law) -> ScalingFit:
    """A law of the escape times of one problem at small scales."""
    scale = results.coords["scale"]
    near = (scale > 0) & (scale <= SMALL)
    times = event_times(*(results[name][i, near] for name in ("escape_time", "stop_time", "stop_reason")))
    return fit_scaling(scale[near], *times, law)


def constants(results: Results) -> Floats:
    """The c of each run in escape time = c / scale^2, from the fourth-order term of XOR's loss at zero."""
    spec = results.sweep.at((XOR, int(np.argmax(results.coords["scale"]))))
    directions = starts.draw(spec, np.arange(results.dims["run"]), 1.0)
    return xor_escape_constant(directions, "pm1")


def nearest(results: Results) -> Floats:
    """Escape time times scale^2 of each run of XOR at the smallest scale."""
    scale = results.coords["scale"]
    small = scale[scale > 0].min()
    return np.asarray(times(results["escape_time"][XOR, scale == small][0]) * small**2)


def medians(results: Results, i: int) -> tuple[float, float]:
    """Median escape times of one problem from the distances `NEARER` and `NEAR`."""
    scale, escape = results.coords["scale"], times(results["escape_time"][i])
    near, far = (float(np.median(escape[scale == distance])) for distance in (NEARER, NEAR))
    return near, far


def escape_times(results: Results, constant: float, logarithm: ScalingFit) -> "Axes":
    """Escape times against scales, with the laws of theory through the middle of what was measured."""
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
    "Zero is a saddle point of the parameter space, and gradient methods usually stop there at once.",
    examine,
)
