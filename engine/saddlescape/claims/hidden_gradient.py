"""Claim 3: the gradient of a hidden weight is delta times the outgoing weights, so it is exactly zero at zero."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from saddlescape import plots
from saddlescape.claims.claim import Check, Claim, Finding, Picture, both, number
from saddlescape.network import layout
from saddlescape.results import Results

FIT = 0.1
"""The proportionality is fitted at scales up to this, where units are far from saturation."""

SLOPE = 0.02
"""The exponent of a proportionality differs from 1 by less than this."""

Floats = npt.NDArray[np.float64]


def examine(results: Results) -> Finding:
    """Measure the gradients: steps at learning rate 1."""
    scale, names = results.coords["scale"], list(map(str, results.coords["activation"]))
    hidden, output = gradients(results)
    first, first_output, second = hidden[..., 0], output[:, scale == 0, :, 0], hidden[:, scale == 0, 0, 1]
    fitted = (scale > 0) & (scale <= FIT)
    slopes = [np.polyfit(np.log(scale[fitted]), np.log(row), 1)[0] for row in np.median(first[:, fitted], axis=-1)]
    powers = [f"{slope:.3f} ({name})" for name, slope in zip(names, slopes, strict=True)]
    checks = (
        Check(
            f"at exact zero the gradient of the hidden layer has length {first[:, scale == 0].max():g}, that of the "
            f"output layer at least {first_output.min():.3g} ({' and '.join(names)} units)",
            bool((first[:, scale == 0] == 0).all() and (first_output > 0).all()),
        ),
        Check(
            f"near zero the gradient of the hidden layer grows like the scale to the power {both(powers)}",
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
    """Return the lengths of the steps of the hidden and of the output layer, each (axes, trajectory, step)."""
    spec, steps = results.sweep.spec, np.diff(results["theta"], axis=-2)
    hidden, output = (
        np.linalg.norm(steps[..., layer.ravel()], axis=-1) for layer in layout.layers(*spec.shape)
    )
    return hidden, output


def followed(second: Mapping[str, float]) -> str:
    """Say what the hidden layer does in the second step, by activation."""
    moved = [name for name, length in second.items() if length > 0]
    unmoved = [name for name in second if name not in moved]
    sentences = []
    if moved:
        lengths = ", ".join(number(second[name]) for name in moved)
        sentences.append(
            f"The next steps depend on the activation. If f(0) is not 0 ({', '.join(moved)}), the output weights move "
            f"in the first step. In the second step the gradient of the hidden layer is not zero (length {lengths}), "
            "but "
            "it is the same for all units (claim 4)."
        )
    if unmoved:
        sentences.append(
            f"If f(0) = 0 ({', '.join(unmoved)}), not even the output weights move, and only the output's bias learns "
            "(claim 6)."
        )
    return " ".join(sentences)


CLAIM = Claim(
    "claims/3-hidden-gradient",
    "The gradient of a hidden layer is zero at zero",
    "With a hidden layer this argument fails: the gradient of a hidden weight is delta times the outgoing weights, so "
    "it is exactly zero at zero.",
    examine,
)
