"""What must be so of a network and its training for a claim of starts at zero to hold of it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from saddlescape.network.reference import activate
from saddlescape.spec import Spec


@dataclass(frozen=True)
class Condition:
    """What is said of it, and whether a spec meets it."""

    words: str
    met: Callable[[Spec], bool]


def cancels(spec: Spec) -> bool:
    """Whether at zero the errors of each batch add up to zero."""
    errors = at_zero(spec.network.output) - spec.loaded.T
    size = spec.batch or len(errors)
    return not any(errors[first : first + size].sum(axis=0).any() for first in range(0, len(errors), size))


def silent(spec: Spec) -> bool:
    """Whether the hidden units say 0 where their weights are 0."""
    return not any(at_zero(name) for name in spec.activations[:-1])


def at_zero(activation: str) -> float:
    """What a unit of this activation says at zero."""
    return float(activate(activation, np.zeros(1))[0][0])


CANCEL = Condition("the errors of a batch cancel", cancels)
SILENT = Condition("the hidden units say 0 at zero", silent)
QUIET = Condition("no noise is added", lambda spec: spec.training.noise == 0)
ENDLESS = Condition("minima at infinity are counted", lambda spec: True)
"""Of any spec: it is one of what is called a minimum."""
