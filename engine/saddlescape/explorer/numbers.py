"""Numbers of a spec as axes of the map."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from saddlescape.errors import Fault
from saddlescape.spec import NUMERIC, Spec
from saddlescape.spec.axes import Axis, fits
from saddlescape.spec.checks import CHECKS
from saddlescape.spec.keys import BY_LAYER, is_number
from saddlescape.spec.numbers import faults_of
from saddlescape.system.spacing import power10

Array = npt.NDArray[np.float64]

LOG = "log:"
"""Begins the name of an axis on a logarithmic scale."""

FINEST = {"float64": -50, "float32": -21}
"""Finest level at which the numbers of neighboring coordinates on a logarithmic scale differ for sure."""

REMEMBERED = 2**16
"""Maximum number of values of which it is remembered whether a spec can have them."""

RANDOM = ("training.noise", "training.dropout")
"""Numbers with which a run depends on more than its start."""

ABSENT = {"starts.bias_constant": 0.0}
"""Values in place of numbers that are not set, besides 1."""

DECADES = 2
"""How far a logarithmic scale first reaches to both sides of the value of the spec."""


@dataclass(frozen=True)
class Number:
    """A number of the spec along an axis of the map: the coordinate u has the value u, or 10**u if `log`.

    Attributes
    ----------
    key : of the spec, such as ``training.learning_rate`` or ``training.layer_rates.0``.
    ends : the coordinates that the page shows first.
    """

    key: str
    log: bool
    ends: tuple[float, float]

    @property
    def name(self) -> str:
        """What messages and permalinks call the axis."""
        return f"{LOG}{self.key}" if self.log else self.key

    @property
    def of_starts(self) -> bool:
        """Whether it changes the starts, not their training."""
        return self.key.startswith("starts.")

    def values(self, coordinates: Array) -> Array:
        """The values at coordinates; equal ones have equal bits, on any level and machine."""
        return power10(coordinates) if self.log else coordinates


def numbers_of(spec: Spec, axes: Sequence[Axis] = ()) -> dict[str, Number]:
    """The numbers that can be axes of the map of a spec, by their names; those of `axes` have their ends first."""
    return _numbers_of(spec, tuple((axis.key, axis.extremes) for axis in axes if is_number(axis.key)))


@lru_cache(16)
def _numbers_of(spec: Spec, ends: tuple[tuple[str, tuple[float, ...]], ...]) -> dict[str, Number]:
    known, faults = dict(ends), _faults(spec)
    scales = ([*_scales(spec, key, known.get(key))] for key in _candidates(spec))
    return {each.name: each for its in scales if its and _has_an_effect(spec, its[0], faults) for each in its}


def listed(spec: Spec, key: str) -> Spec:
    """A spec in which a key is a list, if `key` is one of its elements."""
    whole, _, index = key.rpartition(".")
    if whole not in BY_LAYER or not index.isdigit():
        return spec
    section, name = whole.split(".")
    value, layers = getattr(getattr(spec, section), name), len(spec.sizes) - 1
    return spec if isinstance(value, tuple) else spec.changed(section, **{name: (float(value or 1.0),) * layers})


def allowed(spec: Spec, numbers: Mapping[str, Array], known: dict[tuple[str, float], bool]) -> npt.NDArray[np.bool_]:
    """Which of the points with these numbers (n,) a spec can have; `known` remembers what was found."""
    n = len(next(iter(numbers.values())))
    if not n or not faults_of(spec, numbers):
        return np.ones(n, dtype=bool)
    there = np.ones(n, dtype=bool)
    if len(known) > REMEMBERED:
        known.clear()
    for key, column in numbers.items():
        if not faults_of(spec, {key: column}):
            continue
        distinct, inverse = np.unique(column, return_inverse=True)
        for value in distinct.tolist():
            if (key, value) not in known:
                known[key, value] = not faults_of(spec, {key: np.array([value])})
        there &= np.array([known[key, value] for value in distinct.tolist()])[inverse]
    return there


def _candidates(spec: Spec) -> Iterator[str]:
    yield from (key for key in NUMERIC if key not in RANDOM)
    for whole in BY_LAYER:
        if whole not in ABSENT or getattr(spec.starts, whole.split(".")[1]) is not None:
            yield from (f"{whole}.{layer}" for layer in range(len(spec.sizes) - 1))


def _scales(spec: Spec, key: str, ends: Sequence[float] | None) -> Iterator[Number]:
    """The scales of an axis: a logarithmic one for positive numbers, and a linear one for those that may be 0."""
    value = _value(spec, key)
    if fits(key, 0.0):
        yield Number(key, False, (ends[0], ends[-1]) if ends and ends[0] < ends[-1] else _linear(key, value))
    if not fits(key, -1.0):
        known = ends is not None and 0 < ends[1] < ends[-1]
        yield Number(key, True, (math.log10(ends[1]), math.log10(ends[-1])) if ends and known else _decades(value))


def _value(spec: Spec, key: str) -> float:
    value = spec.number(key)
    return ABSENT.get(key, 1.0) if math.isnan(value) else value


def _linear(key: str, value: float) -> tuple[float, float]:
    if fits(key, -1.0):
        reach = 2 * max(0.5, abs(value))
        return -reach, reach
    return 0.0, next((high for high in (2 * value or 1.0, 1.0) if fits(key, high)), 1.0)


def _decades(value: float) -> tuple[float, float]:
    middle = round(math.log10(value)) if value > 0 else -DECADES
    return float(middle - DECADES), float(middle + DECADES)


def probes(spec: Spec, number: Number) -> list[float]:
    """Two values between the ends that a spec can have; none if another value changes nothing."""
    whole, key = listed(spec, number.key), number.key
    values = sorted({*number.values(np.linspace(*number.ends, 5)).tolist()})

    def are_allowed(*some: float) -> bool:
        return not faults_of(whole, {key: np.array(some)})

    found = [value for value in values if fits(key, value)]
    if len(found) > 1 and not are_allowed(found[0], found[-1]):
        found = [value for value in found if are_allowed(value)] if are_allowed(_value(spec, key)) else []
    return [found[0], found[-1]] if len(found) > 1 else []


def _has_an_effect(spec: Spec, number: Number, faults: set[Fault]) -> bool:
    """Whether the number changes something; `faults` are those of the spec."""
    whole = listed(spec, number.key)
    return (whole is spec or _faults(whole) <= faults) and bool(probes(spec, number))


def _faults(spec: Spec) -> set[Fault]:
    return {fault for _, check in CHECKS for fault in check(spec, {})}
