"""A sweep: the base spec and its axes, read from TOML text and overrides."""

import itertools
import json
import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, TypeAdapter, ValidationError

from saddlescape import bundled as data
from saddlescape.errors import Fault, SpecError
from saddlescape.spec.checks import KEYS, Chosen, Tree, field_faults, nearest, validate
from saddlescape.spec.files import DataFiles
from saddlescape.spec.model import NUMERIC, Spec

MAX_TEXT = 2**20
MAX_VALUES = 2**20
MAX_STRUCTURES = 4096
FIXED = ("schema", "title", "starts.count", "starts.file", "starts.x", "starts.y")
"""Keys that cannot be an axis, as none of `record` can: they shape the result as a whole."""


@dataclass(frozen=True)
class Axis:
    """A key of the spec and the values it takes."""

    key: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Sweep:
    """A base spec, and axes that span a grid of points around it.

    `data` has the SHA-256 (hex) of each data file, by its name in the spec.
    """

    spec: Spec
    axes: tuple[Axis, ...]
    text: str
    folder: Path
    overrides: tuple[str, ...] = ()
    data: Mapping[str, str] = field(default_factory=dict)
    _structures: dict[tuple[int, ...], Spec] = field(default_factory=dict, repr=False, compare=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return tuple(len(axis.values) for axis in self.axes)

    def at(self, index: tuple[int, ...]) -> Spec:
        """The spec of the point at `index`, one number for each axis."""
        pairs = list(zip(self.axes, index, strict=True))
        spec = self._structures[tuple(i for axis, i in pairs if axis.key not in NUMERIC)]
        updates: dict[str, dict[str, Any]] = {}
        for axis, i in pairs:
            if axis.key in NUMERIC:
                section, key = axis.key.split(".")
                updates.setdefault(section, {})[key] = axis.values[i]
        sections = {name: getattr(spec, name).model_copy(update=new) for name, new in updates.items()}
        return spec.model_copy(update=sections)

    def numeric(self, key: str) -> npt.NDArray[np.float64]:
        """Values of a key of `NUMERIC`, float64, broadcastable to `shape`."""
        for number, axis in enumerate(self.axes):
            if axis.key == key:
                sides = [1] * len(self.axes)
                sides[number] = -1
                return np.array(axis.values, dtype=np.float64).reshape(sides)
        section, name = key.split(".")
        return np.full([1] * len(self.axes), getattr(getattr(self.spec, section), name), dtype=np.float64)

    def resolved(self) -> dict[str, Any]:
        """The complete spec as plain JSON values: defaults, axes and `data` included."""
        axes = [{"key": axis.key, "values": list(axis.values)} for axis in self.axes]
        data = {"data": dict(self.data)} if self.data else {}
        return {**self.spec.model_dump(mode="json", by_alias=True), "axes": axes, **data}


def bundled() -> dict[str, str]:
    """Names and titles of the sweeps that ship with the package."""
    return {name: load(name).spec.title for name in data.sweeps()}


def load(source: str | Path, overrides: Sequence[str] = ()) -> Sweep:
    """Read a sweep from a TOML file, or a bundled one by its name.

    Parameters
    ----------
    overrides : ``"training.learning_rate=0.1"``; the value is TOML, or a bare word.

    Raises
    ------
    SpecError
        With everything that is wrong with it.
    """
    known = data.sweeps()
    path = known[source] if isinstance(source, str) and source in known else Path(source)
    if not path.exists() and path.suffix != ".toml" and not path.is_absolute():
        raise SpecError([Fault(str(source), f"is no file and no bundled sweep{nearest(str(source), known)}")])
    try:
        if path.stat().st_size > MAX_TEXT:
            raise SpecError(
                [Fault(str(path), f"must be at most {MAX_TEXT} bytes; got {path.stat().st_size}")]
            )
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SpecError([Fault(str(path), f"cannot be read: {error.strerror or error}")]) from None
    except UnicodeDecodeError as error:
        raise SpecError([Fault(str(path), f"must be UTF-8; byte {error.start} is not")]) from None
    return parse(text, path.parent, overrides)


def parse(text: str, folder: Path, overrides: Sequence[str] = ()) -> Sweep:
    """The sweep of a TOML text; `folder` is where relative paths start.  Raises SpecError as `load` does."""
    try:
        tree = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SpecError([Fault("TOML", f"must be valid TOML; {error}")]) from None
    axes, unsound, faults = _axes(tree.pop("axes", []))
    chosen, override_faults = _override(tree, overrides, unsound.union(axis.key for axis in axes))
    found = [*override_faults, *_shaping(tree, axes)]
    for axis in axes:
        _default(tree, axis.key, axis.values[0])
    files, unsound = DataFiles(folder), unsound.union(fault.path for fault in found)
    chosen |= {axis.key: axis.values for axis in axes}
    structures, spec_faults = _structures(tree, files, axes, chosen, unsound)
    if faults := [*faults, *found, *spec_faults]:
        raise SpecError(faults)
    spec = next(iter(structures.values()))
    return Sweep(spec, tuple(axes), text, folder, tuple(overrides), files.sha256, structures)


_SHAPING = {"starts.kind": ("slice", "file"), "training.stepper": ("flow",)}
"""Values of keys that shape the result as a whole."""


def _shaping(tree: Tree, axes: list[Axis]) -> Iterator[Fault]:
    for axis in (axis for axis in axes if axis.key in _SHAPING):
        section, key = axis.key.split(".")
        base = tree[section].get(key) if isinstance(tree.get(section), dict) else None
        shaping = [value for value in (base, *axis.values) if value in _SHAPING[axis.key]]
        if shaping:
            message = f'cannot be an axis with {key} = "{shaping[0]}", which shapes the result'
            yield Fault(axis.key, f"{message}; run a sweep for each {key}")


def _structures(
    tree: Tree, files: DataFiles, axes: list[Axis], chosen: Chosen, unsound: Set[str]
) -> tuple[dict[tuple[int, ...], Spec], list[Fault]]:
    """One checked spec for each combination of the axes that change more than a number, and all their faults."""
    axes = [axis for axis in axes if axis.key not in NUMERIC]
    number = math.prod(len(axis.values) for axis in axes)
    if number > MAX_STRUCTURES:
        message = f"must have at most {MAX_STRUCTURES} combinations of other keys than {', '.join(NUMERIC)}"
        first = [Axis(axis.key, axis.values[:1]) for axis in axes]
        return {}, [Fault("axes", f"{message}; got {number}"), *_structures(tree, files, first, chosen, unsound)[1]]
    specs: dict[tuple[int, ...], Spec] = {}
    met: dict[Fault, list[tuple[int, ...]]] = {}
    for index in itertools.product(*(range(len(axis.values)) for axis in axes)):
        point = {name: dict(value) if isinstance(value, dict) else value for name, value in tree.items()}
        for axis, i in zip(axes, index, strict=True):
            _put(point, axis.key, axis.values[i])
        specs[index], found = validate(point, files, chosen, unsound)
        for fault in found:
            met.setdefault(fault, []).append(index)
    return specs, list(_located(met, axes, number))


def _located(met: dict[Fault, list[tuple[int, ...]]], axes: list[Axis], number: int) -> Iterator[Fault]:
    """Each kind of fault once, with the values that it depends on; "axes" only if it is met everywhere."""
    told = set()
    for (path, message), where in met.items():
        kind = path, re.sub(r"\d+", "", message)
        if kind in told or (path == "axes" and len(where) < number):
            continue
        told.add(kind)
        pairs = [
            f"{axis.key} = {json.dumps(axis.values[i])}"
            for axis, i, met_at in zip(axes, where[0], zip(*where, strict=True), strict=True)
            if len(set(met_at)) < len(axis.values)
        ]
        yield Fault(path, f"{message} (where {', '.join(pairs)})" if pairs else message)


def _put(tree: Tree, key: str, value: Any) -> None:
    *section, name = key.split(".")
    table = tree.setdefault(section[0], {}) if section else tree
    if isinstance(table, dict):
        table[name] = value


def _default(tree: Tree, key: str, value: Any) -> None:
    section, name = key.split(".")
    table = tree.setdefault(section, {})
    if isinstance(table, dict):
        table.setdefault(name, value)


def _override(tree: Tree, overrides: Sequence[str], axes: Set[str]) -> tuple[dict[str, Sequence[Any]], list[Fault]]:
    chosen: dict[str, Sequence[Any]] = {}
    faults = []
    for override in overrides:
        key, equals, value = (part.strip() for part in override.partition("="))
        if not equals:
            faults.append(Fault(key, "must be KEY=VALUE, for example training.learning_rate=0.1"))
        elif key not in KEYS:
            faults.append(Fault(key, f"is not a key{nearest(key, KEYS)}"))
        elif key in axes:
            faults.append(Fault(key, "is an axis of this sweep; change its values in a copy of the file"))
        elif isinstance(tree.get(key.split(".")[0], {}), dict) or "." not in key:
            try:
                _put(tree, key, _value(value))
                chosen[key] = ()
            except ValueError:
                faults.append(Fault(key, f"must be set to a TOML value or a bare word; got {value!r:.80}"))
    return chosen, faults


def _value(text: str) -> Any:
    try:
        document = tomllib.loads(f"v = {text}")
    except tomllib.TOMLDecodeError:
        if not re.fullmatch(r"[\w./\\:-]+", text):
            raise
        return text
    if list(document) != ["v"]:
        raise ValueError(text)
    return document["v"]


def _axes(tables: Any) -> tuple[list[Axis], set[str], list[Fault]]:
    """The sound axes, the keys of the others, and the faults of those."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        return [], set(), [Fault("axes", "must be tables; write [[axes]]")]
    axes: list[Axis] = []
    unsound: set[str] = set()
    faults: list[Fault] = []
    for number, table in enumerate(tables):
        axis, found = _axis(f"axes[{number}]", table)
        if axis is not None and axis.key in {other.key for other in axes}:
            found.append(
                Fault(f"axes[{number}].key", f"must differ from the other axes; got {axis.key!r} twice")
            )
        faults += found
        if axis is not None and not found:
            axes.append(axis)
        else:
            unsound |= {str(table.get("key"))} & KEYS.keys()
    return axes, unsound, faults


def _axis(path: str, table: Tree) -> tuple[Axis | None, list[Fault]]:
    kinds = ("values", "linspace", "logspace")
    faults = [
        Fault(f"{path}.{name}", f"is not a key{nearest(name, ('key', *kinds))}")
        for name in table
        if name not in ("key", *kinds)
    ]
    key = table.get("key")
    if not isinstance(key, str) or key not in KEYS:
        faults.append(
            Fault(f"{path}.key", f"must be a key of the spec; got {key!r}{nearest(str(key), KEYS)}")
        )
    elif key in FIXED or key.startswith("record."):
        faults.append(Fault(f"{path}.key", f"cannot be an axis; got {key!r}; run a sweep for each value"))
    given = [kind for kind in kinds if kind in table]
    if len(given) != 1:
        faults.append(Fault(path, f"must have one of values, linspace and logspace; got {len(given)}"))
    if faults:
        return None, faults
    values, faults = _expand(f"{path}.{given[0]}", given[0], table[given[0]], str(key) in NUMERIC)
    checked = [_check(f"{path}.values[{i}]", str(key), value) for i, value in enumerate(values)]
    faults += [fault for _, found in checked for fault in found]
    faults += [] if faults else _repeated(f"{path}.{given[0]}", [value for value, _ in checked])
    return (None if faults else Axis(str(key), tuple(value for value, _ in checked))), faults


def _repeated(path: str, values: list[Any]) -> list[Fault]:
    value, times = Counter(values).most_common(1)[0]
    return [Fault(path, f"must differ from each other; got {json.dumps(value)} twice")] if times > 1 else []


def _expand(path: str, kind: str, given: Any, numeric: bool) -> tuple[list[Any], list[Fault]]:
    if kind == "values":
        good = isinstance(given, list) and 0 < len(given) <= MAX_VALUES
        fault = Fault(path, f"must be a list of 1 to {MAX_VALUES} values; got {given!r:.80}")
        return (given, []) if good else ([], [fault])
    numbers = (
        isinstance(given, list) and [type(v) in (int, float) and abs(v) < 1e300 for v in given] == [True] * 3
    )
    if not numbers or type(given[2]) is not int or not 2 <= given[2] <= MAX_VALUES:
        message = f"must be [from, to, n] with n from 2 to {MAX_VALUES}; got {given!r:.80}"
        return [], [Fault(path, message)]
    if kind == "logspace" and min(given[:2]) <= 0:
        return [], [Fault(path, f"must run between numbers greater than 0; got {given!r:.80}")]
    space = np.geomspace if kind == "logspace" else np.linspace
    values = space(float(given[0]), float(given[1]), given[2]).tolist()
    return [int(v) if not numeric and v.is_integer() else v for v in values], []


@cache
def _adapter(key: str) -> TypeAdapter[Any]:
    model, name = KEYS[key]
    info = model.model_fields[name]
    kind: Any = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
    return TypeAdapter(kind, config=ConfigDict(strict=True, allow_inf_nan=False))


def _check(path: str, key: str, value: Any) -> tuple[Any, list[Fault]]:
    try:
        return _adapter(key).validate_python(value), []
    except ValidationError as error:
        return None, field_faults(error, Spec, path)
