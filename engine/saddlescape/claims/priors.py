"""Claim 6: a prior fixed at zero shuts the inputs out; width or noise brings them back."""

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
"""Width or noise has brought the inputs back where more of the starts than this solve the problem."""

EXACT = 1e-12
"""Rounding of a mean target that an output has learnt."""


def examine(results: Results) -> Finding:
    """From a grid of widths of the starts and of noise in the gradient."""
    scale, noise, names = results.coords["scale"], results.coords["noise"], list(map(str, results.coords["name"]))
    runs, solved = results.dims["run"], (results["outcome"] == Outcome.SOLVED).sum(axis=-1)
    by_width, by_noise = solved[:, noise == 0][:, 0], solved[..., scale == 0][..., 0]
    said = [answer(results, name) for name in names]
    means = {name: float(results.sweep.at((i, 0, 0)).loaded.T.mean()) for i, name in enumerate(names)}
    told = zip(means.items(), said, strict=True)
    checks = (
        Check(
            "without width and noise only the output's bias has learnt, and the output is the mean target: "
            + ", ".join(f"{name.upper()} {y:.6g} for {mean:g}" for (name, mean), y in told),
            all(abs(y - mean) < EXACT for y, mean in zip(said, means.values(), strict=True)),
        ),
        Check(
            f"width alone brings the inputs back: {best(names, by_width, runs, 'scale', scale)}", works(by_width, runs)
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


def answer(results: Results, name: str) -> float:
    """What the network from zero, without noise, says in the end to every input; NaN if a weight has moved."""
    spec, here = results.sweep.spec, point(results, name=name, noise=0, scale=0)
    theta = results.at("final_theta", here)[0]
    bias = layout.layers(spec.sizes, spec.network.bias)[-1][0, -1]
    moved = np.delete(theta, bias).any()
    return np.nan if moved else float(activate(spec.network.output, theta[bias])[0])


def works(solved: Counts, runs: int) -> bool:
    """Whether at each problem's best value most of the starts are solved."""
    return bool((solved.max(axis=1) > HALF * runs).all())


def best(names: list[str], solved: Counts, runs: int, what: str, values: Floats) -> str:
    """The least of the best values of each problem and the share it solves."""
    return ", ".join(
        f"{name.upper()} {share(row.max(), runs)} solved at {what} {values[row.argmax()]:g}"
        for name, row in zip(names, solved, strict=True)
    )


def least(solved: Counts, runs: int, values: Floats) -> float:
    """The least value at which most of the starts are solved; inf where they are at none."""
    return float(values[solved > HALF * runs].min(initial=np.inf))


def needs(name: str, by_width: Counts, by_noise: Counts, runs: int, scale: Floats, noise: Floats) -> str:
    """How much of either a problem needs, and whether that is the least of each that was tried."""
    width, shaken = least(by_width, runs, scale), least(by_noise, runs, noise)
    if np.inf in (width, shaken):
        return f"For {name.upper()} none that was tried is enough of {'width' if width == np.inf else 'noise'}."
    smallest = width <= scale[scale > 0].min() and shaken <= noise[noise > 0].min()
    told = "the least of either that was tried is enough" if smallest else "it takes more"
    return f"For {name.upper()} {told} (width {width:g}, noise {shaken:g})."


def harm(names: list[str], ways: Mapping[str, tuple[Counts, Floats]]) -> str:
    """What too much does: problems of which the largest value solves fewer starts than the best."""
    told = [
        f"{what} {values.max():g} solves fewer starts of {name.upper()} than {what} {values[row.argmax()]:g}"
        for what, (solved, values) in ways.items()
        for name, row in zip(names, solved, strict=True)
        if row[values.argmax()] < row.max()
    ]
    return f"Too much does harm: {both(told)}." if told else ""


CLAIM = Claim(
    "claims/6-priors",
    "A prior of zero shuts the inputs out",
    "Weights are priors: one fixed at zero rules out that the inputs could ever matter, and the output can only learn "
    "the mean target. Width in the prior, or noise in the dynamics, brings the inputs back.",
    examine,
)
