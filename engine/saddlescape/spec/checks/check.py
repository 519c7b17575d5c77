"""What the checks of a spec share."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.errors import Fault
from saddlescape.spec.model import Spec

Chosen = Mapping[str, Sequence[Any]]
"""The keys that an axis sets, with its values (of numbers the extreme ones), and those of overrides, with none.

What an axis of `CHOICES` leaves idle at one point may be used at another; an override is as though the file said so."""

SpecCheck = Callable[[Spec, Chosen], Iterator[Fault]]

CHOICES = ("problem.name", "network.hidden", "starts.kind", "training.optimizer", "training.schedule")
"""Keys whose value decides which other keys there are."""


NOTHING = "changes nothing, as"
"""What is said of a key that is idle; a fault only if it is so at every point."""


def idle(path: str, reason: str, choice: str, chosen: Chosen, more: str = "") -> Iterator[Fault]:
    """A key that the value of `choice` leaves idle: with an axis on `choice`, another value may have a use for it.

    What the file says and an override leaves idle is unset by another override.
    """
    if not chosen.get(choice):
        in_file = not any(f"{key}.".startswith(f"{path}.") for key in chosen)
        unset = f"unset it with --set {path}=" if choice in chosen and in_file else "leave it out"
        yield Fault(path, f"{reason}; {unset}{more}")
    elif chosen.get(path) == ():
        yield Fault(path, f"{NOTHING} it {reason}; remove the --set")


LARGEST = {"float64": 1e300, "float32": 1e30}
"""Numbers that can be multiplied a few times before they overflow."""


def magnitude(spec: Spec, path: str, values: npt.NDArray[np.float64]) -> Iterator[Fault]:
    """What the network's arithmetic would take for infinite."""
    dtype = spec.network.dtype
    large = values[np.abs(values) > LARGEST[dtype]]
    if len(large):
        yield Fault(path, f'must be at most {LARGEST[dtype]:g} in size with dtype = "{dtype}"; got {large[0]:g}')
