"""The axes of a sweep: keys whose values are listed, evenly spaced or drawn."""

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
from saddlescape.spec.keys import ALIASES, ELEMENTS, FIRST_NAMES, KEYS, is_key, is_number, similar_key
from saddlescape.spec.spec import Spec
from saddlescape.spec.tree import Tree
from saddlescape.spec.validate import field_faults
from saddlescape.spec.values import as_json, whole
from saddlescape.system.spacing import geomspace
from saddlescape.words.suggest import nearest

MAX_AXES, MAX_DIMENSIONS = 64, 16
"""Limits of a sweep and of its grid; a data set of HDF5 has at most 32 dimensions."""

MAX_FAULTS = 8
"""Number of faults that are reported of the values of one axis."""

FIXED = ("schema", "title", "starts.count", "starts.x", "starts.y")
"""Keys that cannot be an axis, like those of `record`, because they determine the shape of the whole result."""

KINDS = ("values", "linspace", "logspace", *DESIGNS)


@dataclass(frozen=True)
class Axis:
    """A key of the spec and its values.

    Attributes
    ----------
    key : the dotted path of the key.
    values : in the order of the result.
    zip : axes with the same name here vary together, along one dimension; "" for an axis that is not zipped.
    first_name : the name that the key had in the first version, if the spec uses it.
    """

    key: str
    values: tuple[Any, ...]
    zip: str = ""
    first_name: str = ""

    @property
    def name(self) -> str:
        """The key as a result calls it: as the spec does, so that results of old specs do not change."""
        return self.first_name or self.key

    @property
    def extremes(self) -> tuple[float, ...]:
        """The smallest value, the smallest positive value (0 if there is none) and the largest value."""
        return (min(self.values), min((v for v in self.values if v > 0), default=0.0), max(self.values))

    def resolved(self) -> dict[str, Any]:
        """The axis as plain JSON values."""
        values = [as_json(value) for value in self.values]
        return {"key": self.name, "values": values, **({"zip": self.zip} if self.zip else {})}


def grid(axes: Sequence[Axis]) -> tuple[tuple[Axis, ...], ...]:
    """The axes along each dimension: one axis, or several that are zipped; in the order of their first axes."""
    sides: dict[str | int, list[Axis]] = {}
    for number, axis in enumerate(axes):
        sides.setdefault(axis.zip or number, []).append(axis)
    return tuple(map(tuple, sides.values()))


def only_numbers(axes: Sequence[Axis]) -> bool:
    """Whether these `axes` change only numbers of a run, but not the network, its data or its kernel."""
    return all(is_number(axis.key) for axis in axes)


def read(tables: Any) -> tuple[list[Axis], set[str], list[Fault]]:
    """The valid axes of the ``[[axes]]`` tables, and the keys and the faults of the others."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        return [], set(), [Fault("axes", "must be tables; write [[axes]]")]
    if len(tables) > MAX_AXES:
        return [], set(), [Fault("axes", f"must be at most {MAX_AXES} tables; got {len(tables)}; leave some out")]
    axes: list[Axis] = []
    faulty: set[str] = set()
    faults: list[Fault] = []
    names = [table.get("key") for table in tables]
    tables = [table | {"key": ALIASES.get(str(name), name)} for table, name in zip(tables, names, strict=True)]
    for number, (table, name) in enumerate(zip(tables, names, strict=True)):
        axis, axis_faults = _axis(number, tables)
        if axis is not None:
            axis = replace(axis, first_name=name if name in FIRST_NAMES else "")
            axis_faults += _overlapping(f"axes[{number}].key", axis.key, axes)
        faults += axis_faults
        if axis is not None and not axis_faults:
            axes.append(axis)
        else:
            faulty |= {str(table["key"])} & KEYS.keys()
    faults += [] if faults else _grid_faults(axes)
    return _equally_long(axes), faulty, faults


def _equally_long(axes: Sequence[Axis]) -> list[Axis]:
    """The axes, of which those that are zipped are cut to equal lengths so that the points can be checked."""
    shortest = {side[0].zip: min(len(axis.values) for axis in side) for side in grid(axes)}
    return [replace(axis, values=axis.values[: shortest[axis.zip]]) if axis.zip else axis for axis in axes]


def _axis(number: int, tables: Sequence[Tree]) -> tuple[Axis | None, list[Fault]]:
    path, table = f"axes[{number}]", tables[number]
    key, known = table["key"], ("key", *KINDS, "zip")
    faults = [Fault(f"{path}.{name}", f"is not a key{nearest(name, known)}") for name in table if name not in known]
    faults += [*_key(f"{path}.key", table), *_zip(f"{path}.zip", table.get("zip", "all"))]
    kinds = [kind for kind in KINDS if kind in table]
    if len(kinds) != 1:
        faults.append(Fault(path, f"must have one of {', '.join(KINDS)}; got {len(kinds)}"))
    if faults:
        return None, faults
    kind = kinds[0]
    values, faults = drawn(number, tables) if kind in DESIGNS else _expand(f"{path}.{kind}", kind, table)
    checked, value_faults = check_values(f"{path}.values", str(key), values)
    faults += value_faults
    if not faults and "zip" not in table:
        faults += _repeated(f"{path}.{kind}", checked)
    return (None if faults else Axis(str(key), tuple(checked), table.get("zip", ""))), faults


def _key(path: str, table: Tree) -> Iterator[Fault]:
    key = table["key"]
    if key is None:
        yield Fault(path, 'is missing; add the key that varies, for example key = "starts.scale"')
    elif not isinstance(key, str) or not is_key(key):
        yield Fault(path, f"must be a key of the spec; got {key!r:.80}{similar_key(str(key))}")
    elif key in FIXED or key.startswith("record."):
        yield Fault(path, f"cannot be an axis; got {key!r}; run a sweep for each value")


def _zip(path: str, name: Any) -> Iterator[Fault]:
    if not isinstance(name, str) or not re.fullmatch(r"[a-z]\w{0,63}", name, re.ASCII | re.IGNORECASE):
        yield Fault(path, f"must be a word of letters, digits and _ that begins with a letter; got {name!r:.80}")


def _overlapping(path: str, key: str, axes: Sequence[Axis]) -> list[Fault]:
    other = next((a.key for a in axes if f"{a.key}.".startswith(f"{key}.") or key.startswith(f"{a.key}.")), None)
    if other is None:
        return []
    got = f"{key!r} twice" if other == key else f"{key!r} and {other!r}"
    return [Fault(path, f"must differ from the other axes; got {got}; remove one")]


def _grid_faults(axes: Sequence[Axis]) -> Iterator[Fault]:
    """Faults of axes that do not fit each other."""
    sides = grid(axes)
    if len(sides) > MAX_DIMENSIONS:
        yield Fault("axes", f"must span at most {MAX_DIMENSIONS} dimensions; got {len(sides)}; zip some of them")
    for side in (side for side in sides if side[0].zip):
        name, lengths = f'zip = "{side[0].zip}"', [len(axis.values) for axis in side]
        if len(side) == 1:
            yield Fault("axes", f"with {name} must be two or more; got only {side[0].key}; leave its zip out")
        elif len(set(lengths)) > 1:
            each = ", ".join(f"{n} of {axis.key}" for axis, n in zip(side, lengths, strict=True))
            yield Fault("axes", f"with {name} must have equally many values; got {each}; or leave zip out for a grid")
        else:
            yield from _repeated(f"axes with {name}", list(zip(*(axis.values for axis in side), strict=True)))


def _repeated(path: str, values: list[Any]) -> list[Fault]:
    value, times = Counter(values).most_common(1)[0]
    got = json.dumps(value, default=str)
    return [Fault(path, f"must differ from each other; got {got} twice")] if times > 1 else []


def _expand(path: str, kind: str, table: Tree) -> tuple[list[Any], list[Fault]]:
    value = table[kind]
    if kind == "values":
        valid = isinstance(value, list) and 0 < len(value) <= MAX_VALUES
        fault = Fault(path, f"must be a list of 1 to {MAX_VALUES} values; got {value!r:.80}")
        return (value, []) if valid else ([], [fault])
    numbers = isinstance(value, list) and [type(v) in (int, float) and abs(v) < 1e300 for v in value] == [True] * 3
    n = whole(value[2]) if numbers else 0
    if type(n) is not int or not 2 <= n <= MAX_VALUES:
        return [], [Fault(path, f"must be [from, to, n] with n from 2 to {MAX_VALUES}; got {value!r:.80}")]
    if kind == "logspace" and min(value[:2]) <= 0:
        return [], [Fault(path, f"must run between numbers greater than 0; got {value!r:.80}")]
    space = geomspace if kind == "logspace" else np.linspace
    values = space(float(value[0]), float(value[1]), n).tolist()
    return [int(v) if not is_number(table["key"]) and v.is_integer() else v for v in values], []


@cache
def _adapter(key: str) -> TypeAdapter[Any]:
    """Validates a list of values of the key."""
    kind: Any = ELEMENTS.get(key.rpartition(".")[0])
    if kind is None:
        model, name = KEYS[key]
        info = model.model_fields[name]
        kind = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
        kind = float if key in ELEMENTS and is_number(key) else kind  # its lists vary by their elements
    return TypeAdapter(list[kind], config=ConfigDict(strict=True, allow_inf_nan=False))


def fits(key: str, value: Any) -> bool:
    """Whether a key can have a value, whatever the other keys are."""
    return not check_values(key, key, [value])[1]


def offered(fault: Fault, tree: Tree) -> Fault:
    """A fault of a key that has several values in place of one, with the axis that they make as a remedy."""
    section, _, name = fault.path.partition(".")
    table = tree.get(section)
    values = table.get(name) if isinstance(table, dict) else None
    return fault._replace(message=fault.message + axis_of(fault.path, values)) if isinstance(values, list) else fault


def axis_of(key: str, values: list[Any]) -> str:
    """The axis that several values of a key make, as a remedy; "" if they make none."""
    may_vary = key in KEYS and key not in FIXED and not key.startswith("record.")
    if not may_vary or len(values) < 2 or check_values(key, key, values)[1]:
        return ""
    texts = (value if isinstance(value, str) else json.dumps(value) for value in values)
    return f"; several values make an axis, such as --axis {key}={','.join(texts)}"


def check_values(path: str, key: str, values: list[Any]) -> tuple[list[Any], list[Fault]]:
    """Values of a key, converted to its type, and their faults, whatever the other keys are."""
    try:
        return list(_adapter(key).validate_python(values)), []
    except ValidationError as error:
        faults = field_faults(error, Spec, path)
        more = len(faults) - MAX_FAULTS
        return [], faults[:MAX_FAULTS] + ([Fault(path, f"has {more} more faults like these")] if more > 0 else [])
