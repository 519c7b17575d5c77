"""A sweep: a base spec and its axes, read from TOML and overrides."""

import contextlib
import itertools
import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from saddlescape.errors import Fault, SpecError
from saddlescape.spec.axes import Axis, fits, grid, only_numbers, read
from saddlescape.spec.checks import Chosen, Idle
from saddlescape.spec.files import DataFiles
from saddlescape.spec.keys import ALIASES, KEYS, is_key, rename
from saddlescape.spec.model import LAYER_RATES, NUMERIC, NetworkKeys, Side, Spec, Starts, is_number
from saddlescape.spec.validate import Tree, field_faults, validate
from saddlescape.system import bundled as data
from saddlescape.system.arithmetic import ieee
from saddlescape.words.optimizers import OPTIMIZERS
from saddlescape.words.starts import STARTS
from saddlescape.words.suggest import nearest

Floats = npt.NDArray[np.float64]

MAX_TEXT, MAX_DEPTH, MAX_KEYS = 2**20, 16, 1000
MAX_STRUCTURES = 4096

WORDS = re.compile(
    r'''"""(?:\\.|(?!""")[^\\])*+(?:"""|\Z)|"(?:\\.|[^"\\\n])*+"?'''
    r"""|'{3}(?:(?!'{3}).)*+(?:'{3}|\Z)|'[^'\n]*+'?|#[^\n]*+""",
    re.DOTALL,
)
"""Strings and comments of TOML."""
DEEP = re.compile(rf"""(?<![\w-])(?:(?:[\w-]++|["'])[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}}""")
"""A dotted key of more parts than a spec has, where strings were replaced by their quotes."""

ALTERNATIVES = {
    "training.epochs": "training.steps",
    "training.steps": "training.epochs",
    "problem.name": "problem.file",
    "problem.file": "problem.name",
}
"""Keys that stand in place of each other: an override with one of them unsets the other."""


@dataclass(frozen=True)
class Sweep:
    """A base spec, and axes that span a grid of points.

    `data` has the SHA-256 (hex) of each data file, by its name in the spec.
    """

    spec: Spec
    axes: tuple[Axis, ...]
    text: str
    folder: Path
    overrides: tuple[str, ...] = ()
    data: Mapping[str, str] = field(default_factory=dict)
    _structures: dict[tuple[int, ...], Spec] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def grid(self) -> tuple[tuple[Axis, ...], ...]:
        """The axes along each dimension of the grid: one, or those that are zipped."""
        return grid(self.axes)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the dimensions of the grid."""
        return tuple(len(side[0].values) for side in self.grid)

    @property
    def structures(self) -> list[Spec]:
        """One spec for each combination of the axes that change more than a number, in C order."""
        return list(self._structures.values())

    def structure(self, index: Sequence[int]) -> Spec:
        """The spec of the point at `index`, but for its numbers: those of axes are any."""
        sides = zip(self.grid, index, strict=True)
        return self._structures[tuple(0 if only_numbers(side) else int(i) for side, i in sides)]

    def at(self, index: Sequence[int]) -> Spec:
        """The spec of the point at `index`, one number for each dimension of the grid."""
        spec = self.structure(index)
        for side, i in zip(self.grid, index, strict=True):
            for axis in (axis for axis in side if is_number(axis.key)):
                spec = spec.replaced(axis.key, axis.values[i])
        return spec

    @cached_property
    def _numbers(self) -> dict[str, tuple[int, Floats]]:
        """Dimension and values of each axis that is a number."""
        sides = enumerate(self.grid)
        axes = ((number, axis) for number, side in sides for axis in side if is_number(axis.key))
        return {axis.key: (number, np.array(axis.values, dtype=np.float64)) for number, axis in axes}

    def numeric(self, key: str) -> Floats:
        """Values of a key of `NUMERIC`, float64, broadcastable to `shape`."""
        sides = [1] * len(self.grid)
        if key not in self._numbers:
            return np.full(sides, self.spec.number(key))
        number, values = self._numbers[key]
        sides[number] = -1
        return values.reshape(sides)

    def numbers(self, index: Sequence[npt.NDArray[np.intp]], n: int) -> dict[str, Floats]:
        """Values of all of `NUMERIC`, and of layers' rates that are axes, at `n` points; (n,) float64 each.

        `index` has an array (n,) for each dimension of the grid.
        """
        own = {key: values[index[number]] for key, (number, values) in self._numbers.items()}
        return {key: np.full(n, self.spec.number(key)) for key in NUMERIC if key not in own} | own

    def finer(self, levels: int) -> "Sweep":
        """The sweep of a slice with 2**levels as many intervals along each side, and without trajectories.

        Its starts are among the new ones.  The overrides tell the change too: with the text they are kept in a result.
        """
        sides = _finer(self.spec.starts, levels)
        structures = {
            index: spec.changed("record", runs=0).changed("starts", **sides) for index, spec in self._structures.items()
        }
        told = [f"starts.{name}={side.toml}" for name, side in sides.items()] + ["record.runs=0"]
        changed = {text.split("=")[0] for text in told}
        kept = [text for text in self.overrides if text.split("=")[0].strip() not in changed]
        spec = next(iter(structures.values()))
        return replace(self, spec=spec, overrides=(*kept, *told), _structures=structures)

    def resolved(self) -> dict[str, Any]:
        """The complete spec as plain JSON values: defaults, axes and `data` included."""
        axes = [axis.resolved() for axis in self.axes]
        data = {"data": dict(self.data)} if self.data else {}
        return {**self.spec.resolved(), "axes": axes, **data}


def _finer(starts: Starts, levels: int) -> dict[str, Side]:
    """The sides of a slice with more starts; SpecError where those are too many."""
    sides: dict[str, Side] = {}
    faults = []
    for name, side in (("x", starts.x), ("y", starts.y)):
        try:
            sides |= {name: side.finer(levels)} if side is not None else {}
        except ValidationError as error:
            faults += field_faults(error, Side, f"starts.{name}.")
    if faults:
        raise SpecError(faults)
    return sides


def bundled() -> dict[str, str]:
    """Names and titles of the sweeps that ship with the package."""
    return {name: load(name).spec.title for name in data.sweeps()}


@ieee()
def load(source: str | Path, overrides: Sequence[str] = ()) -> Sweep:
    """Load a sweep from a TOML file, or a bundled sweep by its name.

    Parameters
    ----------
    source : path of the file (docs/spec.md has the keys), or the name of a bundled sweep.
    overrides : such as ``"training.learning_rate=0.1"``; the value is TOML or a bare word; an empty one unsets the key.

    Returns
    -------
    Sweep : `spec`, `axes`, `shape`; ``at(index)`` is the spec of a point.

    Raises
    ------
    SpecError
        With all errors of the spec.

    Examples
    --------
    >>> ss.load("xor", ["starts.count=100"]).shape  # doctest: +SKIP
    (11,)
    """
    known = data.sweeps()
    path = known[source] if isinstance(source, str) and source in known else Path(source)
    if not path.exists() and path.suffix != ".toml" and not path.is_absolute():
        beside = Path(f"{path}.toml")
        meant = f"; did you mean {str(beside)!r}?" if beside.exists() else nearest(str(source), known)
        raise SpecError([Fault(str(source), f"is no file and no bundled sweep{meant}")])
    try:
        with path.open("rb") as file:
            content = file.read(MAX_TEXT + 1)
        if len(content) > MAX_TEXT:
            raise SpecError([Fault(str(path), f"must be at most {MAX_TEXT} bytes; it has more; put data into files")])
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise SpecError([Fault(str(path), f"cannot be read: {error.strerror or error}")]) from None
    except UnicodeDecodeError as error:
        raise SpecError([Fault(str(path), f"must be UTF-8; byte {error.start} is not{_no_spec(path)}")]) from None
    return parse(text, path.parent, overrides, name=str(path))


def _no_spec(path: Path) -> str:
    return "; a spec is a TOML file, which names the data" if path.suffix in (".csv", ".npz", ".npy", ".h5") else ""


@ieee()
def parse(
    text: str,
    folder: Path,
    overrides: Sequence[str] = (),
    contents: Mapping[str, bytes] | None = None,
    name: str = "TOML",
    begun: bool = False,
) -> Sweep:
    """The sweep of a TOML text; `folder` is where relative paths start.  Raises SpecError as `load` does.

    `contents` has data files that are not there, by their names in the spec; `name` is that of the text.  Of a run
    that has `begun`, keys that its overrides left idle are no fault: earlier versions took them.
    """
    try:
        tree = _toml(text)
    except ValueError as error:
        raise SpecError([Fault(name, f"must be valid TOML; {error}{_no_spec(Path(name))}")]) from None
    renamed = list(rename(tree))
    axes, unsound, faults = read(tree.pop("axes", []))
    chosen, override_faults = _override(tree, overrides, unsound.union(axis.key for axis in axes))
    found = [*renamed, *override_faults, *_shaping(tree, axes)]
    for axis in (axis for axis in axes if axis.key in KEYS):
        _default(tree, axis.key, axis.values[0])
    files, unsound = DataFiles(folder, contents), unsound.union(fault.path for fault in found)
    chosen |= {axis.key: axis.extremes if is_number(axis.key) else axis.values for axis in axes}
    structures, spec_faults = _structures(tree, files, axes, chosen, unsound)
    if begun:
        spec_faults = [fault for fault in spec_faults if not isinstance(fault, Idle)]
    if faults := [*faults, *found, *spec_faults]:
        raise SpecError(faults)
    spec = next(iter(structures.values()))
    return Sweep(spec, tuple(axes), text, folder, tuple(overrides), files.sha256, structures)


def _toml(text: str) -> Tree:
    """The table that a TOML text is; ValueError for any other text, and for tables and lists too deep to be a spec."""
    too_deep = ValueError(f"nested more than {MAX_DEPTH} deep")
    if DEEP.search(WORDS.sub(lambda found: found[0][:1], text)):  # tomllib takes the square of its length
        raise too_deep
    try:
        tree = tomllib.loads(text)
    except RecursionError:
        raise too_deep from None
    level: list[Any] = [tree]
    keys = 0
    for _ in range(MAX_DEPTH):
        tables = [item for item in level if isinstance(item, dict | list)]
        keys += sum(len(item) for item in tables if isinstance(item, dict))
        level = [inner for item in tables for inner in (item.values() if isinstance(item, dict) else item)]
    if level:
        raise too_deep
    if keys > MAX_KEYS:  # for each unknown one it takes milliseconds to find what was meant
        raise ValueError(f"more than {MAX_KEYS} keys")
    return tree


_SHAPING = {
    "starts.kind": tuple(name for name, kind in STARTS.items() if kind.shapes),
    "training.optimizer": tuple(name for name, its in OPTIMIZERS.items() if not its.steps),
}
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
    sides = grid(axes)
    lengths = [1 if only_numbers(side) else len(side[0].values) for side in sides]
    if (number := math.prod(lengths)) > MAX_STRUCTURES:
        message = f"must have at most {MAX_STRUCTURES} combinations of other keys than {', '.join(NUMERIC)}"
        first = [replace(axis, values=axis.values[:1]) for axis in axes]
        of_first = (f for f in _structures(tree, files, first, chosen, unsound)[1] if not isinstance(f, Idle))
        return {}, [Fault("axes", f"{message}; got {number}"), *of_first]
    specs: dict[tuple[int, ...], Spec] = {}
    met: dict[Fault, list[tuple[int, ...]]] = {}
    for index in itertools.product(*map(range, lengths)):
        point, found = _point(tree, sides, index)
        specs[index], more = validate(point, files, chosen, {*unsound, *(fault.path for fault in found)})
        for fault in [*found, *more]:
            met.setdefault(fault, []).append(index)
    return specs, list(_located(met, sides, lengths))


def _point(tree: Tree, sides: Sequence[Sequence[Axis]], index: tuple[int, ...]) -> tuple[Tree, list[Fault]]:
    """The tree of one point: whole keys first, then elements of lists."""
    point = {name: dict(value) if isinstance(value, dict) else value for name, value in tree.items()}
    pairs = [(axis.key, axis.values[i]) for side, i in zip(sides, index, strict=True) for axis in side]
    faults = [
        fault
        for key, value in sorted(pairs, key=lambda pair: pair[0].count("."))
        if key not in NUMERIC
        for fault in _put(point, key, value)
    ]
    return point, faults


def _located(
    met: dict[Fault, list[tuple[int, ...]]], sides: Sequence[Sequence[Axis]], lengths: list[int]
) -> Iterator[Fault]:
    """Each kind of fault once, with the values that it depends on; that one changes nothing only if met everywhere."""
    told = set()
    for fault, where in met.items():
        kind = fault.path, re.sub(r"\d+", "", fault.message)
        if kind in told or (isinstance(fault, Idle) and len(where) < math.prod(lengths)):
            continue
        told.add(kind)
        pairs = [
            f"{axis.key} = {json.dumps(axis.values[i])}"
            for side, length, i, met_at in zip(sides, lengths, where[0], zip(*where, strict=True), strict=True)
            for axis in side
            if len(set(met_at)) < length and not is_number(axis.key)
        ]
        yield fault._replace(message=f"{fault.message} (where {', '.join(pairs)})") if pairs else fault


def _put(tree: Tree, key: str, value: Any) -> Iterator[Fault]:
    """Set a key, or one element of a list."""
    *sections, name = key.split(".", 2)[:2]
    table = tree.setdefault(sections[0], {}) if sections else tree
    if isinstance(table, dict):
        if key.count(".") < 2:
            table[name] = value
            return
        elements, place = _elements(tree, ".".join((*sections, name))), int(key.rsplit(".", 1)[1])
        if place < len(elements):
            table[name] = [*elements[:place], value, *elements[place + 1 :]]
        else:
            whole = key.rsplit(".", 1)[0]
            yield Fault(key, f"must be an element of {whole}, from 0; that has {len(elements)}")


def _elements(tree: Tree, key: str) -> list[Any]:
    """The list at a key, or what stands for it by default."""
    section, name = key.split(".")
    given, network = tree[section].get(name), tree.get("network", {})
    if isinstance(given, list | tuple):
        return list(given)
    hidden = network.get("hidden") if isinstance(network, dict) else None
    widths = list(hidden) if isinstance(hidden, list | tuple) else list(NetworkKeys().hidden)
    defaults = {"network.hidden": widths, LAYER_RATES: [1.0] * (len(widths) + 1)}
    defaults["network.activation"] = [given or NetworkKeys().activation] * len(widths)
    return defaults.get(key, [])


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
        key = ALIASES.get(key, key)
        if not equals:
            faults.append(Fault(key, "must be KEY=VALUE, for example training.learning_rate=0.1"))
        elif not is_key(key):
            faults.append(Fault(key, f"is not a key{nearest(key, KEYS)}"))
        elif key in axes or key.rpartition(".")[0] in axes:
            faults.append(Fault(key, "is an axis of this sweep; change its values in a copy of the file"))
        elif not value and key.count(".") < 2:
            _unset(tree, key)
            chosen.pop(key, None)
        elif isinstance(tree.get(key.split(".")[0], {}), dict) or "." not in key:
            try:
                faults += _put(tree, key, _value(value))
                chosen[key] = ()
            except ValueError:
                wanted = f"must be set to a TOML value or a bare word; got {value!r:.80}"
                faults.append(Fault(key, wanted + _remedy(key, value)))
    for key in chosen.keys() & ALTERNATIVES.keys():
        if ALTERNATIVES[key] not in chosen:
            _unset(tree, ALTERNATIVES[key])
    return chosen, faults


def _unset(tree: Tree, key: str) -> None:
    """Take a key away, so that it has its default."""
    *section, name = key.split(".")
    table = tree.get(section[0]) if section else tree
    if isinstance(table, dict):
        table.pop(name, None)


def _remedy(key: str, text: str) -> str:
    """How to write what was meant by a value that is no TOML, if that can be guessed."""
    words = re.sub(r"[A-Za-z_][\w.-]*", lambda word: json.dumps(word[0]), text)
    inner = words.strip("()[]{}")
    for value in (words, f"[{inner}]", inner.replace(",", "."), json.dumps(text, ensure_ascii=False)):
        with contextlib.suppress(ValueError):
            if fits(key, _value(value)):
                took = "; the shell takes quotes away" if '"' in value else ""
                return f"{took}; write '{key}={value}'"
    return ""


def _value(text: str) -> Any:
    try:
        document = _toml(f"v = {text}")
    except ValueError:
        if not re.fullmatch(r"[\w./\\:-]+", text):
            raise
        return text
    if list(document) != ["v"]:
        raise ValueError(text)
    return document["v"]
