"""Conditions on a network and its training under which claims about starts at zero hold."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from saddlescape.network.reference import activate
from saddlescape.spec import Spec


@dataclass(frozen=True)
class Condition:
    """A condition in words, and the function that tests whether a spec meets it."""

    words: str
    met: Callable[[Spec], bool]


def together(spec: Spec) -> int:
    """Return the number of samples that every epoch takes together in a step, 0 for all; 1 if the order is random.

    In a random order some step sees other sums of errors than others do, unless all errors are zero.
    """
    whole = spec.order == "shuffled" and spec.batch == spec.samples
    return 0 if whole else spec.batch if spec.order == "fixed" else 1


def cancels(spec: Spec) -> bool:
    """Return whether the errors of each batch sum to zero at zero."""
    errors = at_zero(spec.network.output) - spec.loaded.T
    size = together(spec) or len(errors)
    return not any(errors[first : first + size].sum(axis=0).any() for first in range(0, len(errors), size))


def silent(spec: Spec) -> bool:
    """Return whether the hidden units output 0 when their weights are 0."""
    return not any(at_zero(name) for name in spec.activations[:-1])


def at_zero(activation: str) -> float:
    """Return the value of an activation at zero."""
    return float(activate(activation, np.zeros(1))[0][0])


CANCEL = Condition("the errors of a batch cancel", cancels)
SILENT = Condition("the hidden units output 0 at zero", silent)
QUIET = Condition("no noise is added", lambda spec: spec.training.noise == spec.training.dropout == 0)
STILL = Condition("no noise is added to the gradient", lambda spec: spec.training.noise == 0)
ENDLESS = Condition("minima at infinity are counted", lambda spec: True)
"""Every spec meets it: it is a condition on the meaning of "minimum"."""
