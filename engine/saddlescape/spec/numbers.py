"""Numbers of a spec that differ between runs: one value of a numeric key for each run."""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from saddlescape.errors import Fault, SpecError
from saddlescape.spec.axes import check_values
from saddlescape.spec.checks import CHECKS, Chosen
from saddlescape.spec.keys import ALIASES, FACTORS, NUMERIC, is_key, is_number
from saddlescape.spec.spec import Spec
from saddlescape.system.arguments import ArgumentError
from saddlescape.words.suggest import hint

Floats = npt.NDArray[np.float64]

RATES = "training.layer_rates"
VARYING = (*(key for key in NUMERIC if not key.startswith("starts.")), f"{RATES}.0")
"""Keys that runs from given starts can have different values of; those of `starts` change nothing then."""


class NumbersError(SpecError, ArgumentError):
    """All errors of the numbers of runs."""


def vary(spec: Spec, numbers: Mapping[str, npt.ArrayLike] | None, n: int) -> tuple[Spec, dict[str, Floats]]:
    """A spec with the largest of the numbers, and the numbers of `n` runs, by their keys.

    Raises
    ------
    NumbersError
        If a key cannot vary or changes nothing, or its values are not `n` valid numbers.
    """
    values: dict[str, Floats] = {}
    faults: list[Fault] = []
    for name, given in _mapping(numbers).items():
        key = ALIASES.get(name, name)
        found = [*_key(spec, key)] if key not in values else [f"is another name of {key}, which is also given"]
        if not found:
            values[key], found = _array(key, given, n)
        faults += [Fault(_path(name), message) for message in found]
    if any(key.startswith(RATES) for key in values) and spec.training.layer_rates is None:
        spec = spec.changed("training", layer_rates=(1.0,) * (len(spec.sizes) - 1))
    faults += [] if faults else _unfit(spec, values)
    if faults:
        raise NumbersError(faults)
    return _at(spec, {key: column.max() for key, column in values.items()}), values


def faults_of(spec: Spec, numbers: Mapping[str, Floats]) -> list[Fault]:
    """What is wrong with these values of numbers of a spec, those of its starts included, all of which are used."""
    faults = [fault for key, values in numbers.items() for fault in check_values(key, key, [*_extremes(values)])[1]]
    return faults or list(_unfit(spec, numbers))


def _mapping(numbers: object) -> Mapping[str, npt.ArrayLike]:
    if numbers is None:
        return {}
    if not isinstance(numbers, Mapping) or not all(isinstance(key, str) for key in numbers):
        raise NumbersError([Fault("numbers", f"must be a dict of keys and arrays; got {numbers!r:.80}")])
    return numbers


def _path(name: str) -> str:
    return f"numbers[{name!r:.80}]"


def _key(spec: Spec, key: str) -> Iterator[str]:
    """What is wrong with a key, whatever its values are."""
    if key.startswith("starts.") and is_number(key):
        yield "changes nothing, as theta contains the starts; change theta instead"
    elif key in FACTORS:
        yield f"must name one layer, such as {key}.0"
    elif not is_key(key):
        yield f"is not a key{hint(key, VARYING)}"
    elif not is_number(key):
        yield "is not a number of the training or of a stop, which can differ between runs; call once for each value"
    elif key not in NUMERIC and not 0 <= int(key.rpartition(".")[2]) < (layers := len(spec.sizes) - 1):
        yield f"must name one of the {layers} layers of weights, from 0"


def _array(key: str, given: npt.ArrayLike, n: int) -> tuple[Floats, list[str]]:
    array = np.asarray(given)
    if array.dtype.kind not in "iuf":
        return np.empty(0), [f"must be an array of real numbers; got {array.dtype} values"]
    if array.shape != (n,):
        return np.empty(0), [f"must have the shape ({n},), one number for each start; got {array.shape}"]
    if not np.isfinite(array).all():
        return np.empty(0), ["must be finite; it contains NaN or infinite values"]
    values = array.astype(np.float64)
    _, faults = check_values(key, key, [*_extremes(values)])
    return values, [faults[0].message] if faults else []


def _extremes(values: Floats) -> tuple[float, ...]:
    """The smallest value, the smallest positive value and the largest value, which the checks of an axis look at."""
    positive = values[values > 0]
    return float(values.min()), float(positive.min()) if len(positive) else 0.0, float(values.max())


def _unfit(spec: Spec, values: Mapping[str, Floats]) -> Iterator[Fault]:
    """Faults that the values make together with the other keys of the spec."""
    if not values:
        return
    extremes = {key: _extremes(column) for key, column in values.items()}
    known = {fault.path for fault in _faults(spec, {})}
    found: dict[Fault, None] = {}
    for end in (0, 2):
        point = _at(spec, {key: ends[end] for key, ends in extremes.items()})
        found |= dict.fromkeys(_faults(point, extremes))
    for fault in found:
        if fault.path == "axes" or fault.path in values:
            yield Fault("numbers", fault.message.replace("; remove this axis", "; leave it out"))
        elif fault.path not in known:
            yield Fault(fault.path, fault.message)


def _faults(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    for _, check in CHECKS:
        yield from check(spec, chosen)


def _at(spec: Spec, values: Mapping[str, float]) -> Spec:
    for key, value in values.items():
        spec = spec.replaced(key, float(value))
    return spec
