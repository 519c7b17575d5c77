"""Claim 3: the gradient of a hidden weight is delta times the outgoing weights, and exactly zero at zero."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from saddlescape import plots
from saddlescape.claims.claim import Check, Claim, Finding, Picture, number
from saddlescape.network import layout
from saddlescape.results import Results

FIT = 0.1
"""The proportionality is fitted at scales up to this, where units are far from saturation."""

SLOPE = 0.02
"""The exponent of a proportionality is 1 within this."""

Floats = npt.NDArray[np.float64]


def examine(results: Results) -> Finding:
    """From the first steps at learning rate 1, which are the gradients."""
    scale, names = results.coords["scale"], list(map(str, results.coords["activation"]))
    hidden, output = gradients(results)
    first, heard, second = hidden[..., 0], output[:, scale == 0, :, 0], hidden[:, scale == 0, 0, 1]
    fitted = (scale > 0) & (scale <= FIT)
    slopes = [np.polyfit(np.log(scale[fitted]), np.log(row), 1)[0] for row in np.median(first[:, fitted], axis=-1)]
    checks = (
        Check(
            f"at exact zero the gradient of the hidden layer is {first[:, scale == 0].max():g} in length, that of the "
            f"output layer at least {heard.min():.3g} ({' and '.join(names)} units)",
            bool((first[:, scale == 0] == 0).all() and (heard > 0).all()),
        ),
        Check(
            f"near zero it grows like the scale to the power {' and '.join(f'{slope:.3f}' for slope in slopes)}",
            all(abs(slope - 1) < SLOPE for slope in slopes),
        ),
    )
    rows = {f"hidden layer, {name}": row for name, row in zip(names, first, strict=True)}
    rows |= {f"output, {name}": row for name, row in zip(names, output[..., 0], strict=True)}
    ax = plots.scaling(scale, rows)
    ax.set(xlabel="scale of the start", ylabel="length of the first gradient")
    words = {"runs": number(results.dims["run"]), "followed": followed(dict(zip(names, second.ravel(), strict=True)))}
    return Finding(
        checks, words, {"layers": Picture(plots.figure_of(ax), "Length of the first gradient against the scale")}
    )


def gradients(results: Results) -> tuple[Floats, Floats]:
    """Lengths of the steps of the hidden layer and of the output layer, each (axes, trajectory, step)."""
    spec, steps = results.sweep.spec, np.diff(results["theta"], axis=-2)
    hidden, output = (
        np.linalg.norm(steps[..., layer.ravel()], axis=-1) for layer in layout.layers(spec.sizes, spec.network.bias)
    )
    return hidden, output


def followed(second: Mapping[str, float]) -> str:
    """What the hidden layer hears in the second step, by activation."""
    moved = [name for name, length in second.items() if length > 0]
    silent = [name for name in second if name not in moved]
    told = []
    if moved:
        lengths = ", ".join(number(second[name]) for name in moved)
        told.append(
            f"What follows depends on the unit. One that speaks at 0 ({', '.join(moved)}) lets its output weight "
            f"move in the first step. In the second the hidden layer does hear (length {lengths}), but all its units "
            "hear the same: that is claim 4."
        )
    if silent:
        told.append(
            f"Where f(0) = 0 ({', '.join(silent)}) not even the output weights move, and only the output's bias "
            "learns: that is claim 6."
        )
    return " ".join(told)


CLAIM = Claim(
    "claims/3-hidden-gradient",
    "A hidden layer at zero hears nothing",
    "With a hidden layer this fails: the gradient of a hidden weight is delta times the outgoing weights, exactly zero "
    "at zero.",
    examine,
)
