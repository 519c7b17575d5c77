"""The axes of a sweep: keys with values that are listed, evenly spaced or drawn."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Any

import numpy as np
from pydantic import ConfigDict, TypeAdapter, ValidationError

from saddlescape.errors import Fault
from saddlescape.spec.designs import DESIGNS, MAX_VALUES, drawn
from saddlescape.spec.keys import ALIASES, FIRST_NAMES, KEYS, is_key
from saddlescape.spec.model import ELEMENTS, Spec, is_number
from saddlescape.spec.validate import Tree, field_faults
from saddlescape.spec.values import whole
from saddlescape.system.spacing import geomspace
from saddlescape.words.suggest import nearest

MAX_AXES, MAX_DIMENSIONS = 64, 16
"""Of a sweep, and of its grid; a data set of HDF5 has at most 32 dimensions."""

TOLD = 8
"""Faults of the values of one axis, at most."""

FIXED = ("schema", "title", "starts.count", "starts.file", "starts.x", "starts.y")
"""Keys that cannot be an axis, as none of `record` can: they shape the result as a whole."""

KINDS = ("values", "linspace", "logspace", *DESIGNS)


@dataclass(frozen=True)
class Axis:
    """A key of the spec and its values.  Axes with the same name in `zip` vary together, along one dimension."""

    key: str
    values: tuple[Any, ...]
    zip: str = ""
    said: str = ""

    @property
    def name(self) -> str:
        """The key as a result calls it: by its first name where the spec does, so that old specs give the same."""
        return self.said or self.key

    @property
    def extremes(self) -> tuple[float, ...]:
        """The least, the least positive and the largest of numbers."""
        return (min(self.values), min((v for v in self.values if v > 0), default=0.0), max(self.values))

    def resolved(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"key": self.name, "values": list(self.values), **({"zip": self.zip} if self.zip else {})}


def grid(axes: Sequence[Axis]) -> tuple[tuple[Axis, ...], ...]:
    """The axes along each dimension: one, or those that are zipped; in the order in which they come first."""
    along: dict[str | int, list[Axis]] = {}
    for number, axis in enumerate(axes):
        along.setdefault(axis.zip or number, []).append(axis)
    return tuple(map(tuple, along.values()))


def only_numbers(axes: Sequence[Axis]) -> bool:
    """Whether these axes change no more than numbers of a run: not the network, its data or its kernel."""
    return all(is_number(axis.key) for axis in axes)


def read(tables: Any) -> tuple[list[Axis], set[str], list[Fault]]:
    """The sound axes of the ``[[axes]]`` tables, the keys of the others, and the faults of those."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        return [], set(), [Fault("axes", "must be tables; write [[axes]]")]
    if len(tables) > MAX_AXES:
        return [], set(), [Fault("axes", f"must be at most {MAX_AXES} tables; got {len(tables)}; leave some out")]
    axes: list[Axis] = []
    unsound: set[str] = set()
    faults: list[Fault] = []
    said = [table.get("key") for table in tables]
    tables = [table | {"key": ALIASES.get(str(key), key)} for table, key in zip(tables, said, strict=True)]
    for number, table in enumerate(tables):
        axis, found = _axis(number, tables)
        if axis is not None and said[number] in FIRST_NAMES:
            axis = replace(axis, said=said[number])
        if axis is not None:
            found += _overlapping(f"axes[{number}].key", axis.key, axes)
        faults += found
        if axis is not None and not found:
            axes.append(axis)
        else:
            unsound |= {str(table.get("key"))} & KEYS.keys()
    faults += [] if faults else _of_grid(axes)
    return _evened(axes), unsound, faults


def _evened(axes: Sequence[Axis]) -> list[Axis]:
    """The axes with as many values each where they are zipped, so that more can be said of them."""
    shortest = {side[0].zip: min(len(axis.values) for axis in side) for side in grid(axes)}
    return [replace(axis, values=axis.values[: shortest[axis.zip]]) if axis.zip else axis for axis in axes]


def _axis(number: int, tables: Sequence[Tree]) -> tuple[Axis | None, list[Fault]]:
    path, table = f"axes[{number}]", tables[number]
    key, known = table["key"], ("key", *KINDS, "zip")
    faults = [Fault(f"{path}.{name}", f"is not a key{nearest(name, known)}") for name in table if name not in known]
    faults += [*_key(f"{path}.key", key), *_zip(f"{path}.zip", table.get("zip", "all"))]
    given = [kind for kind in KINDS if kind in table]
    if len(given) != 1:
        faults.append(Fault(path, f"must have one of {', '.join(KINDS)}; got {len(given)}"))
    if faults:
        return None, faults
    kind = given[0]
    values, faults = drawn(number, tables) if kind in DESIGNS else _expand(f"{path}.{kind}", kind, table)
    checked, found = _check(f"{path}.values", str(key), values)
    faults += found
    if not faults and "zip" not in table:
        faults += _repeated(f"{path}.{kind}", checked)
    return (None if faults else Axis(str(key), tuple(checked), table.get("zip", ""))), faults


def _key(path: str, key: Any) -> Iterator[Fault]:
    if not isinstance(key, str) or not is_key(key):
        yield Fault(path, f"must be a key of the spec; got {key!r:.80}{nearest(str(key), KEYS)}")
    elif key in FIXED or key.startswith("record."):
        yield Fault(path, f"cannot be an axis; got {key!r}; run a sweep for each value")


def _zip(path: str, name: Any) -> Iterator[Fault]:
    if not isinstance(name, str) or not re.fullmatch(r"[a-z]\w{0,63}", name, re.ASCII | re.IGNORECASE):
        yield Fault(path, f"must be a word of letters, digits and _ that begins with a letter; got {name!r:.80}")


def _overlapping(path: str, key: str, axes: Sequence[Axis]) -> list[Fault]:
    other = next((a.key for a in axes if f"{a.key}.".startswith(f"{key}.") or key.startswith(f"{a.key}.")), None)
    if other is None:
        return []
    beside = "twice" if other == key else f"beside {other!r}"
    return [Fault(path, f"must differ from the other axes; got {key!r} {beside}; remove one")]


def _of_grid(axes: Sequence[Axis]) -> Iterator[Fault]:
    """What is wrong with axes that are sound each."""
    sides = grid(axes)
    if len(sides) > MAX_DIMENSIONS:
        yield Fault("axes", f"must span at most {MAX_DIMENSIONS} dimensions; got {len(sides)}; zip some of them")
    for side in (side for side in sides if side[0].zip):
        name, lengths = f'zip = "{side[0].zip}"', [len(axis.values) for axis in side]
        if len(side) == 1:
            yield Fault("axes", f"with {name} must be two or more; got {side[0].key} alone; leave its zip out")
        elif len(set(lengths)) > 1:
            each = ", ".join(f"{n} of {axis.key}" for axis, n in zip(side, lengths, strict=True))
            yield Fault("axes", f"with {name} must have as many values each; got {each}; or leave zip out for a grid")
        else:
            yield from _repeated(f"axes with {name}", list(zip(*(axis.values for axis in side), strict=True)))


def _repeated(path: str, values: list[Any]) -> list[Fault]:
    value, times = Counter(values).most_common(1)[0]
    return [Fault(path, f"must differ from each other; got {json.dumps(value)} twice")] if times > 1 else []


def _expand(path: str, kind: str, table: Tree) -> tuple[list[Any], list[Fault]]:
    given = table[kind]
    if kind == "values":
        good = isinstance(given, list) and 0 < len(given) <= MAX_VALUES
        fault = Fault(path, f"must be a list of 1 to {MAX_VALUES} values; got {given!r:.80}")
        return (given, []) if good else ([], [fault])
    numbers = isinstance(given, list) and [type(v) in (int, float) and abs(v) < 1e300 for v in given] == [True] * 3
    number = whole(given[2]) if numbers else 0
    if type(number) is not int or not 2 <= number <= MAX_VALUES:
        return [], [Fault(path, f"must be [from, to, n] with n from 2 to {MAX_VALUES}; got {given!r:.80}")]
    if kind == "logspace" and min(given[:2]) <= 0:
        return [], [Fault(path, f"must run between numbers greater than 0; got {given!r:.80}")]
    space = geomspace if kind == "logspace" else np.linspace
    values = space(float(given[0]), float(given[1]), number).tolist()
    return [int(v) if not is_number(table["key"]) and v.is_integer() else v for v in values], []


@cache
def _adapter(key: str) -> TypeAdapter[Any]:
    """Of a list of values of the key."""
    kind: Any = ELEMENTS.get(key.rpartition(".")[0])
    if kind is None:
        model, name = KEYS[key]
        info = model.model_fields[name]
        kind = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
    return TypeAdapter(list[kind], config=ConfigDict(strict=True, allow_inf_nan=False))


def fits(key: str, value: Any) -> bool:
    """Whether a key may have a value, as far as the key alone decides."""
    return not _check(key, key, [value])[1]


def _check(path: str, key: str, values: list[Any]) -> tuple[list[Any], list[Fault]]:
    try:
        return list(_adapter(key).validate_python(values)), []
    except ValidationError as error:
        faults = field_faults(error, Spec, path)
        more = [Fault(path, f"has {len(faults) - TOLD} more faults like these")] if len(faults) > TOLD else []
        return [], faults[:TOLD] + more
