"""Types and functions that the checks of a spec share."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.errors import Fault
from saddlescape.spec.spec import Spec

Chosen = Mapping[str, Sequence[Any]]
"""The keys that axes set, with their values (of numbers only the extremes), and the keys of overrides, with ()."""

SpecCheck = Callable[[Spec, Chosen], Iterator[Fault]]


class Idle(Fault):
    """A key that changes nothing at one point; it is a fault of the sweep if it changes nothing at every point."""

    __slots__ = ()


def idle(path: str, reason: str, choice: str, chosen: Chosen, more: str = "") -> Iterator[Idle]:
    """The fault of a key that the value of `choice` leaves idle, for this reason; `more` is added to the remedy."""
    if chosen.get(choice) or chosen.get(path):
        yield nothing(path, f"it {reason}", {choice}, chosen)
    else:
        yield Idle(path, f"{reason}; {_remedy(path, {choice}, chosen)}{more}")


def nothing(path: str, reason: str, choices: Collection[str], chosen: Chosen) -> Idle:
    """The fault of a key that changes nothing because of the values of `choices`, for this reason."""
    axis = bool(chosen.get(path))
    message = f"changes nothing, as {reason}; {_remedy(path, choices, chosen)}"
    return Idle("axes", f"{path} {message}") if axis else Idle(path, message)


def _remedy(path: str, choices: Collection[str], chosen: Chosen) -> str:
    """How to remove an idle key: one of the file that an override left idle is unset by another override."""
    if chosen.get(path):
        return "remove this axis"
    in_file = not any(f"{key}.".startswith(f"{path}.") for key in chosen)
    overridden = any(chosen.get(choice) == () for choice in choices)
    return f"unset it with --set {path}=" if in_file and overridden else "leave it out"


def layers(spec: Spec, path: str, values: float | Sequence[float] | None) -> Iterator[Fault]:
    """Check that a list has one number for each layer of weights."""
    number = len(spec.network.hidden) + 1
    if isinstance(values, tuple) and len(values) != number:
        yield Fault(path, f"must have {number} values, one for each layer of weights; got {len(values)}")


LARGEST = {"float64": 1e300, "float32": 1e30}
"""Limits that leave room to multiply a few numbers without overflow."""


def magnitude(spec: Spec, path: str, values: npt.NDArray[np.float64]) -> Iterator[Fault]:
    """Check that numbers are not too large for the floating-point type of the network."""
    dtype = spec.network.dtype
    large = values[np.abs(values) > LARGEST[dtype]]
    if len(large):
        yield Fault(path, f'must be at most {LARGEST[dtype]:g} in size with dtype = "{dtype}"; got {large[0]:g}')
