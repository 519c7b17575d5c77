"""The loss functions, defined as in PyTorch."""

from dataclasses import dataclass
from enum import StrEnum


class Targets(StrEnum):
    """Targets that a loss allows."""

    ANY = "any"
    PROBABILITIES = "0 to 1"
    DISTRIBUTIONS = "0 to 1, adding up to 1 in a sample"


class Reduction(StrEnum):
    """Reduction of the terms of samples and outputs to one number."""

    SUM = "sum over samples and outputs"
    MEAN = "mean over both"
    MEAN_OF_SAMPLES = "mean over samples"


@dataclass(frozen=True)
class Loss:
    """A loss function.

    Attributes
    ----------
    term : the term of one output with pre-activation z, value y and target t.
    reduction : how the terms of samples and outputs are reduced.
    output : the output activation that it needs; None for any.
    targets : the targets that it allows.
    link : the function that turns outputs into the probabilities that are compared with targets; None if the outputs
        themselves are compared.
    entropy : whether it is a cross-entropy.  The probability of its best constant output is the mean target; the best
        constant output of other losses is a mean or center of the targets, within the range of the outputs.
    linear_beyond : size of an error beyond which its term grows linearly.
    aliases : other names, which are accepted.
    similar : names that other software uses for it or for something like it; they are errors that suggest it.
    """

    term: str
    reduction: Reduction
    output: str | None = None
    targets: Targets = Targets.ANY
    link: str | None = None
    entropy: bool = False
    linear_beyond: float | None = None
    aliases: tuple[str, ...] = ()
    similar: tuple[str, ...] = ()

    @property
    def mean(self) -> Reduction:
        """Its mean, as with ``reduction="mean"`` in PyTorch."""
        return Reduction.MEAN if self.reduction is Reduction.SUM else self.reduction


LOSSES = {
    "half_sse": Loss("(y - t)^2 / 2", Reduction.SUM, similar=("sse", "sum_squared_error")),
    "mse": Loss(
        "(y - t)^2",
        Reduction.MEAN,
        similar=("mean_squared_error", "squared_error", "mse_loss", "l2_loss", "quadratic"),
    ),
    "huber": Loss(
        "(y - t)^2 / 2 where |y - t| < 1, else |y - t| - 1/2",
        Reduction.MEAN,
        linear_beyond=1.0,
        similar=("smooth_l1", "huber_loss", "smooth_l1_loss"),
    ),
    "bce": Loss(
        "-t ln y - (1 - t) ln(1 - y), without PyTorch's bound of 100",
        Reduction.MEAN,
        output="logistic",
        targets=Targets.PROBABILITIES,
        entropy=True,
        similar=("binary_crossentropy", "binary_cross_entropy", "log_loss", "bce_loss"),
    ),
    "bce_logits": Loss(
        "the same with y = logistic(z)",
        Reduction.MEAN,
        output="linear",
        targets=Targets.PROBABILITIES,
        link="logistic",
        entropy=True,
        similar=("bce_with_logits", "bce_with_logits_loss"),
    ),
    "softmax_ce": Loss(
        "-t ln p, p = exp(z) / sum of exp(z) over the outputs",
        Reduction.MEAN_OF_SAMPLES,
        output="linear",
        targets=Targets.DISTRIBUTIONS,
        link="softmax",
        entropy=True,
        similar=(
            *("cross_entropy", "crossentropy", "categorical_crossentropy", "cross_entropy_loss", "softmax", "ce"),
        ),
    ),
}


def divisor(loss: str, reduction: str | None, samples: int, outputs: int) -> int:
    """The number that divides the sum of terms with ``training.reduction``; None is the loss's own reduction."""
    own = LOSSES[loss].reduction if reduction is None else LOSSES[loss].mean if reduction == "mean" else Reduction.SUM
    return {Reduction.SUM: 1, Reduction.MEAN: samples * outputs, Reduction.MEAN_OF_SAMPLES: samples}[own]
