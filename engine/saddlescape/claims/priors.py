"""Claim 6: a prior fixed at zero shuts the inputs out; width or noise brings them back."""

import numpy as np
import numpy.typing as npt

from saddlescape import layout, plots
from saddlescape.claims.claim import Check, Claim, Finding, Picture, number, percent, point
from saddlescape.outcomes import Outcome
from saddlescape.reference import activate
from saddlescape.results import Results

HALF = 0.5
"""Width or noise has brought the inputs back where more of the starts than this solve the problem."""

EXACT = 1e-12
"""Rounding of a mean target that an output has learnt."""


def examine(results: Results) -> Finding:
    """From a grid of widths of the starts and of noise in the gradient."""
    scale, noise, names = results.coords["scale"], results.coords["noise"], list(map(str, results.coords["name"]))
    solved = (results["outcome"] == Outcome.SOLVED).mean(axis=-1)
    by_width, by_noise = solved[:, noise == 0][:, 0], solved[..., scale == 0][..., 0]
    said = [answer(results, name) for name in names]
    means = [float(results.sweep.at((i, 0, 0)).loaded.T.mean()) for i in range(len(names))]
    told = zip(names, said, means, strict=True)
    checks = (
        Check(
            "without width and noise only the output's bias has learnt, and the output is the mean target: "
            + ", ".join(f"{name.upper()} {y:.6g} for {mean:g}" for name, y, mean in told),
            all(abs(y - mean) < EXACT for y, mean in zip(said, means, strict=True)),
        ),
        Check(f"width alone brings the inputs back: {best(names, by_width, 'scale', scale)}", works(by_width)),
        Check(f"so does noise alone: {best(names, by_noise, 'noise', noise)}", works(by_noise)),
    )
    words = {f"width_{name}": least(row, scale) for name, row in zip(names, by_width, strict=True)}
    words |= {f"noise_{name}": least(row, noise) for name, row in zip(names, by_noise, strict=True)}
    words["runs"] = number(results.dims["run"])
    drawn = plots.outcome_maps(results, {name.upper(): point(results, name=name) for name in names})
    return Finding(checks, words, {"maps": Picture(drawn, "Outcomes over noise and scale")})


def answer(results: Results, name: str) -> float:
    """What the network from zero, without noise, says in the end to every input; NaN if a weight has moved."""
    spec, here = results.sweep.spec, point(results, name=name, noise=0, scale=0)
    theta = results.at("final_theta", here)[0]
    bias = layout.layers(spec.sizes, spec.network.bias)[-1][0, -1]
    moved = np.delete(theta, bias).any()
    return np.nan if moved else float(activate(spec.network.output, theta[bias])[0])


def works(solved: npt.NDArray[np.float64]) -> bool:
    """Whether at each problem's best value most of the starts are solved."""
    return bool((solved.max(axis=1) > HALF).all())


def best(names: list[str], solved: npt.NDArray[np.float64], what: str, values: npt.NDArray[np.float64]) -> str:
    """The best value of each problem and the share it solves."""
    return ", ".join(
        f"{name.upper()} {percent(row.max())} solved at {what} {values[row.argmax()]:g}"
        for name, row in zip(names, solved, strict=True)
    )


def least(solved: npt.NDArray[np.float64], values: npt.NDArray[np.float64]) -> str:
    """The least value at which most of the starts are solved."""
    return f"{values[solved > HALF].min():g}" if works(solved[None]) else "none"


CLAIM = Claim(
    "claims/6-priors",
    "A prior of zero shuts the inputs out",
    "Weights are priors: one fixed at zero rules out that the inputs could ever matter, and the output can only learn "
    "the mean target. Width in the prior, or noise in the dynamics, brings the inputs back.",
    examine,
)
