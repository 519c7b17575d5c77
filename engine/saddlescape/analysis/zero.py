"""Which parameters leave exact zero: predicted from the derivatives at zero, and observed along a trajectory."""

from enum import StrEnum
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from saddlescape.network import layout
from saddlescape.words.activations import ACTIVATIONS
from saddlescape.words.losses import LOSSES
from saddlescape.words.optimizers import OPTIMIZERS

Array = npt.NDArray[np.floating]


class Moves(StrEnum):
    """The parameters that leave zero at some step."""

    NOTHING = "nothing"
    BIAS = "the output bias"
    ALL = "everything"
    ALIKE = "everything, the units alike"
    APART = "everything, each unit its own way"


def predicted(
    X: Array, T: Array, activation: str | None, loss: str, output: str, batch: int = 0, optimizer: str = "gd",
    noise: bool = False, dropout: bool = False, held: bool = False,
) -> Moves:  # fmt: skip
    """Predict from the exact derivatives at zero which parameters move, for at most one hidden layer, with biases.

    Parameters
    ----------
    X, T : inputs and targets, (samples, inputs) and (samples, outputs).
    activation : activation of the hidden units; None for a network without a hidden layer.
    batch : number of samples per step; 0 for all samples.
    noise : whether Gaussian noise is added to the gradient.
    dropout : whether hidden units are dropped; then errors of a batch cancel only where all are zero.
    held : whether biases are held; "everything" is then all weights.
    """
    multiplies = OPTIMIZERS[optimizer].multiplies
    if noise and not multiplies:
        return Moves.APART
    hidden = np.full((len(T), 1), Fraction(ACTIVATIONS[activation].value if activation else 0))
    inputs = _fractions(X) if activation is None else hidden
    errors, size = _errors(loss, output, _fractions(T)), batch or len(T)
    if dropout and not multiplies and activation is not None and hidden.any() and errors.any():
        return Moves.APART
    batches = [slice(first, first + size) for first in range(0, len(T), size)]
    weights = any((errors[b].T @ inputs[b] != 0).any() for b in batches)
    bias = not held and any((errors[b].sum(axis=0) != 0).any() for b in batches)
    if multiplies or not (weights or bias):
        return Moves.NOTHING
    return Moves.ALL if activation is None else Moves.ALIKE if weights else Moves.BIAS


def observed(path: Array, sizes: tuple[int, ...]) -> Moves:
    """Which parameters moved along a trajectory (records, n_params); for at most two hidden units, with biases.

    Raises
    ------
    ValueError
        Some but not all parameters moved, and not just the output biases.
    """
    path = path[np.isfinite(path).all(axis=1)]
    moved, bias = (path != 0).any(axis=0), layout.layers(sizes, True)[-1][:, -1]
    if not moved.any():
        return Moves.NOTHING
    if moved.sum() == moved[bias].sum() == len(bias):
        return Moves.BIAS
    if not moved.all():
        raise ValueError(f"only some parameters move: {np.flatnonzero(moved)}")
    if len(sizes) == 2:
        return Moves.ALL
    first, second = layout.unit_vectors(sizes, True, 0)
    return Moves.ALIKE if (path[:, first] == path[:, second]).all() else Moves.APART


def _fractions(values: Array) -> npt.NDArray[np.object_]:
    return np.asarray(np.vectorize(Fraction, otypes=[object])(values))


def _errors(loss: str, output: str, T: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Derivative of each sample's loss with respect to each output's pre-activation at zero, up to a common factor."""
    entry = LOSSES[loss]
    if entry.entropy:
        return np.asarray(Fraction(1, T.shape[1] if entry.link == "softmax" else 2) - T)
    difference = Fraction(ACTIVATIONS[output].value) - T
    slope = Fraction(ACTIVATIONS[output].slope)
    if entry.linear_beyond is not None:
        bound = np.array(Fraction(entry.linear_beyond), dtype=object)
        difference = np.maximum(np.minimum(difference, bound), -bound)
    return np.asarray(difference * slope)
