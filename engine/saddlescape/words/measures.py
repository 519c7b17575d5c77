"""What can be measured along a run: a sentence for each field, and the dimensions it has beside that of the records."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Measure:
    """A measure; docs/measures.md has the formulas."""

    sentence: str
    dims: tuple[str, ...] = ()


MEASURES = {
    "loss": Measure("loss"),
    "grad_norm": Measure("Euclidean norm of the gradient"),
    "separation": Measure("smallest relative distance of two hidden units of a layer"),
    "param_norm": Measure("Euclidean norm of the parameters"),
    "distance": Measure("Euclidean distance of the parameters to the start"),
    "layer_norm": Measure("Euclidean norm of the weights and biases of a layer", ("layer",)),
    "imbalance": Measure(
        "squares of a hidden layer's incoming weights and biases minus squares of its outgoing weights",
        ("hidden_layer",),
    ),
    "effective_width": Measure("number of units of a hidden layer that differ", ("hidden_layer",)),
    "effective_width_tol": Measure(
        "number of groups of units of a hidden layer that are nearer than record.tolerance", ("hidden_layer",)
    ),
    "cosine": Measure("mean |cosine| of the incoming weights of two units of a hidden layer", ("hidden_layer",)),
    "outputs": Measure("what an output says of a sample", ("sample", "output")),
}
BASIC = ("loss", "grad_norm", "separation")
"""Measured where a run stops, whatever was asked for."""


def rounded(values: npt.NDArray[np.floating], bits: int) -> npt.NDArray[np.float64]:
    """Numbers with `bits` bits of their mantissa, rounded to nearest, ties to even; infinities and NaN stay.

    A normal number is off by at most 2**-(bits + 1) of itself.
    """
    wide = np.array(values, dtype=np.float64)
    if bits >= 52:
        return wide
    words, last = wide.view(np.uint64), np.uint64(1) << np.uint64(52 - bits)
    odd = (words & last) != 0
    up = ((words + (last >> np.uint64(1)) - np.uint64(1) + odd) & ~(last - np.uint64(1))).view(np.float64)
    return np.where(np.isfinite(wide), up, wide)
