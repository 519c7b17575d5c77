"""Claim 6: with a prior fixed at zero the inputs cannot matter; with width or noise they can."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from saddlescape import plots
from saddlescape.claims.claim import Check, Claim, Finding, Picture, both, number, point, share
from saddlescape.claims.conditions import SILENT
from saddlescape.network import layout
from saddlescape.network.reference import activate
from saddlescape.results import Results
from saddlescape.words.outcomes import Outcome

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

HALF = 0.5
"""Width or noise is enough if more than this fraction of the starts solve the problem."""

EXACT = 1e-12
"""Rounding error of an output that has learned the mean target."""


def examine(results: Results) -> Finding:
    """Compare widths of the starts and noise in the gradient on a grid."""
    scale, noise, names = results.coords["scale"], results.coords["noise"], list(map(str, results.coords["name"]))
    runs, solved = results.dims["run"], (results["outcome"] == Outcome.SOLVED).sum(axis=-1)
    by_width, by_noise = solved[:, noise == 0][:, 0], solved[..., scale == 0][..., 0]
    outputs = [output_from_zero(results, name) for name in names]
    means = {name: float(results.sweep.at((i, 0, 0)).loaded.T.mean()) for i, name in enumerate(names)}
    learned = zip(means.items(), outputs, strict=True)
    checks = (
        Check(
            "without width and noise only the output's bias has learned, and the output is the mean target: "
            + ", ".join(f"{name.upper()} {y:.6g} (mean {mean:g})" for (name, mean), y in learned),
            all(abs(y - mean) < EXACT for y, mean in zip(outputs, means.values(), strict=True)),
        ),
        Check(
            f"width alone makes the inputs matter: {best(names, by_width, runs, 'scale', scale)}", works(by_width, runs)
        ),
        Check(f"so does noise alone: {best(names, by_noise, runs, 'noise', noise)}", works(by_noise, runs)),
    )
    words = {
        "runs": number(runs),
        "means": both(f"{mean:g} for {name.upper()}" for name, mean in means.items()),
        "needs": " ".join(
            needs(name, row, column, runs, scale, noise)
            for name, row, column in zip(names, by_width, by_noise, strict=True)
        ),
        "harm": harm(names, {"width": (by_width, scale), "noise": (by_noise, noise)}),
        "noise_share": share(by_noise[names.index("xor")].max(), runs),
        "noise_best": f"{noise[by_noise[names.index('xor')].argmax()]:g}",
    }
    drawn = plots.outcome_maps(results, {name.upper(): point(results, name=name) for name in names})
    return Finding(checks, words, {"maps": Picture(drawn, "Outcomes over noise and scale")}, (SILENT,))


def output_from_zero(results: Results, name: str) -> float:
    """Return the final output, for every input, of the network from zero without noise; NaN if a weight has moved."""
    spec, index = results.sweep.spec, point(results, name=name, noise=0, scale=0)
    theta = results.at("final_theta", index)[0]
    bias = layout.layers(*spec.shape)[-1][0, -1]
    moved = np.delete(theta, bias).any()
    return np.nan if moved else float(activate(spec.network.output, theta[bias])[0])


def works(solved: Counts, runs: int) -> bool:
    """Return whether most of the starts are solved at the best value of each problem."""
    return bool((solved.max(axis=1) > HALF * runs).all())


def best(names: list[str], solved: Counts, runs: int, axis: str, values: Floats) -> str:
    """Say which value solves most starts of each problem (the least of several), and how many."""
    return ", ".join(
        f"{name.upper()} {share(row.max(), runs)} solved at {axis} {values[row.argmax()]:g}"
        for name, row in zip(names, solved, strict=True)
    )


def least(solved: Counts, runs: int, values: Floats) -> float:
    """Return the least value at which most of the starts are solved, or inf."""
    return float(values[solved > HALF * runs].min(initial=np.inf))


def needs(name: str, by_width: Counts, by_noise: Counts, runs: int, scale: Floats, noise: Floats) -> str:
    """Say how much width and how much noise a problem needs."""
    width, noisy = least(by_width, runs, scale), least(by_noise, runs, noise)
    if np.inf in (width, noisy):
        return f"For {name.upper()} no {'width' if width == np.inf else 'noise'} that was run is enough."
    smallest = width <= scale[scale > 0].min() and noisy <= noise[noise > 0].min()
    enough = "the least width or noise that was run is enough" if smallest else "it takes more"
    return f"For {name.upper()} {enough} (width {width:g}, noise {noisy:g})."


def harm(names: list[str], ways: Mapping[str, tuple[Counts, Floats]]) -> str:
    """Say for which problems the largest width or noise solves fewer starts than the best."""
    worse = [
        f"{way} {values.max():g} solves fewer starts of {name.upper()} than {way} {values[row.argmax()]:g}"
        for way, (solved, values) in ways.items()
        for name, row in zip(names, solved, strict=True)
        if row[values.argmax()] < row.max()
    ]
    return f"Too much is harmful: {both(worse)}." if worse else ""


CLAIM = Claim(
    "claims/6-priors",
    "With a prior of zero the inputs cannot matter",
    "Weights are priors. A prior fixed at zero rules out that the inputs ever matter, and the output can only learn "
    "the mean target. With width in the prior, or noise in the dynamics, the inputs can matter.",
    examine,
    ("The map of XOR, to zoom into, and runs to watch.", lambda results: results.sel(name="xor")),
)
