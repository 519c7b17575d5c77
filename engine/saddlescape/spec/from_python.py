"""Make a sweep from Python values: arrays of data, and tables as dicts, checked like those of a file."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from numbers import Real
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.errors import Fault, SpecError
from saddlescape.network.problems import Array, faults_of, to_csv
from saddlescape.spec.files import ARRAYS, TEST_ARRAYS
from saddlescape.spec.keys import SECTIONS, nearest_key
from saddlescape.spec.loading import MAX_TEXT, parse
from saddlescape.spec.sweep import Sweep
from saddlescape.system.arguments import ArgumentError
from saddlescape.system.arithmetic import ieee

WORDS = {"problem": "name", "starts": "kind"}
"""Tables in place of which one word may be given, with the key that it sets."""

FILES = {"file": ARRAYS, "test_file": TEST_ARRAYS}
"""Keys of the problem that arrays set."""


class SweepError(SpecError, ArgumentError):
    """All errors of the arguments of `sweep`."""


@ieee()
def sweep(
    X: npt.ArrayLike | None = None,
    T: npt.ArrayLike | None = None,
    *,
    test_X: npt.ArrayLike | None = None,
    test_T: npt.ArrayLike | None = None,
    problem: str | Mapping[str, Any] | None = None,
    hidden: Sequence[int] | None = None,
    starts: str | Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    axes: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    title: str = "",
    **tables: Mapping[str, Any],
) -> Sweep:
    """Make a sweep from arrays in memory, or of a built-in problem; no files are needed.

    The arguments are the tables and keys of a spec (docs/spec.md), with the same defaults.

    Parameters
    ----------
    X : (n_samples, n_features), the inputs: anything that `numpy.asarray` converts to numbers, such as a data frame.
    T : (n_samples,) or (n_samples, n_outputs), the targets.
    test_X, test_T : test data, which are not trained on; or hold out a part: ``problem={"test_fraction": 0.2}``.
    problem : instead of `X` and `T`, the name of a built-in problem, or a dict, ``{"name": "parity", "bits": 3}``.
    hidden : widths of the hidden layers, such as ``[8]``, short for ``network={"hidden": [8]}``.
    starts : the kind of start, such as ``"normal"``, or a dict such as ``{"kind": "normal", "count": 1000}``.
    training : such as ``{"optimizer": "adam", "learning_rate": 0.01}``.
    axes : the keys that vary, each with its values, such as ``{"starts.scale": numpy.logspace(-3, 0, 25)}``, or with a
        dict such as ``{"linspace": [0, 1, 5]}``; or a list of dicts with ``key``, like the tables of a spec.
    title : of the sweep.
    **tables : the other tables, such as ``network={"activation": "relu"}``, ``stop={...}`` and ``record={...}``.

    Returns
    -------
    Sweep : as of `load`.  A run of it keeps the arrays in its folder, as ``arrays.csv``.

    Raises
    ------
    SweepError
        Lists all errors of the arguments; a `SpecError` and a `ValueError`, too.

    Examples
    --------
    >>> sweep = ss.sweep([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], hidden=[2], axes={"starts.scale": [0, 0.1]})
    >>> sweep.shape  # doctest: +SKIP
    (2,)
    """
    writer = _Writer()
    for name, table in {"problem": problem, "starts": starts, "training": training, **tables}.items():
        if table is not None:
            writer.add_table(name, table)
    if X is not None or T is not None:
        writer.add_data("file", {"X": X, "T": T})
    elif problem is None:
        writer.faults.append(Fault("problem", 'is missing; give X and T, or a problem, such as problem="xor"'))
    if test_X is not None or test_T is not None:
        writer.add_data("test_file", {"test_X": test_X, "test_T": test_T})
    if hidden is not None:
        writer.add_hidden(hidden)
    if axes is not None:
        writer.add_axes(axes)
    return writer.sweep(title)


class _Writer:
    """Writes the arguments of `sweep` as the text of a spec; `renamed` has their names by the keys of the spec."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.renamed: dict[str, str] = {}
        self._tables: dict[str, dict[str, Any]] = {}
        self._axes: list[Mapping[str, Any]] = []
        self._contents: dict[str, bytes] = {}

    def add_table(self, name: str, table: Any) -> None:
        """Add a table, or the word that stands for it."""
        if isinstance(table, str) and name in WORDS:
            self.renamed[f"{name}.{WORDS[name]}"] = name
            table = {WORDS[name]: table}
        if name not in SECTIONS:
            tables = [of for of, keys in SECTIONS.items() if name in keys.model_fields]
            remedy = f"; write {tables[0]}={{'{name}': ...}}" if tables else nearest_key(name)
            self.faults.append(Fault(name, f"is not an argument{remedy}"))
        elif isinstance(table, Mapping):
            self._tables[name] = dict(table)
        else:
            self.faults.append(Fault(name, f"must be a dict of keys and their values; got {table!r:.80}"))

    def add_data(self, key: str, given: Mapping[str, Any]) -> None:
        """Add inputs and targets, by their names, as a file that a key of the problem names."""
        problem, both = self._tables.setdefault("problem", {}), " and ".join(given)
        others = {"name", "file"} if key == "file" else {key}
        faults = [Fault("problem", f"cannot be combined with {both}; leave one out")] if others & {*problem} else []
        arrays: list[Array] = []
        for name, value in given.items():
            try:
                arrays.append(_array(value))
            except ValueError as error:
                faults.append(Fault(name, str(error)))
        if len(arrays) == 2:
            arrays[1] = arrays[1][:, None] if arrays[1].ndim == 1 else arrays[1]
            names = dict(zip("XT", given, strict=True))
            faults += [Fault(names.get(name, both), message) for name, message in faults_of(*arrays)]
        self.faults += faults
        self.renamed[f"problem.{key}"] = both
        self._contents[FILES[key]] = b"" if faults else to_csv(*arrays)
        kept = {name: value for name, value in problem.items() if name not in others}
        self._tables["problem"] = {key: FILES[key], **kept}

    def add_hidden(self, widths: Any) -> None:
        """Add the widths of the hidden layers."""
        network, self.renamed["network.hidden"] = self._tables.setdefault("network", {}), "hidden"
        if "hidden" in network:
            self.faults.append(Fault("hidden", "is also in network; leave one out"))
        network["hidden"] = widths

    def add_axes(self, axes: Any) -> None:
        """Add the axes: a dict of keys with their values, or tables."""
        if isinstance(axes, Mapping):
            self.renamed |= {f"axes[{number}]": f"axes[{key!r}]" for number, key in enumerate(axes)}
            rows = ((key, each if isinstance(each, Mapping) else {"values": each}) for key, each in axes.items())
            axes = [{"key": key, **row} for key, row in rows]
        if isinstance(axes, list | tuple) and all(isinstance(row, Mapping) for row in axes):
            self._axes = list(axes)
            for key in (f"problem.{key}" for key, name in FILES.items() if name in self._contents):
                if any(row.get("key") == key for row in axes):
                    self.faults.append(Fault("axes", f"cannot change {self.renamed[key]}; run a sweep for each"))
        else:
            self.faults.append(Fault("axes", f"must be a dict of keys, each with its values; got {axes!r:.80}"))

    def sweep(self, title: str) -> Sweep:
        """The sweep; SweepError with the faults found so far and those of the text."""
        text, known = "".join(f"{line}\n" for line in self._lines(title)), {fault.path for fault in self.faults}
        if len(text) > MAX_TEXT:
            self.faults.append(Fault("axes", f"must have fewer values; as text they have more than {MAX_TEXT} bytes"))
            raise SweepError(self.faults)
        try:
            sweep = parse(text, Path(), (), self._contents, name="sweep")
        except SpecError as error:
            empty = (key for key, name in FILES.items() if self._contents.get(name) == b"")
            known |= {self.renamed[f"problem.{key}"] for key in empty}  # whose faults are known
            if {"problem"} <= known:
                known.add("problem.name")  # which is missing, too
            self.faults += [fault for fault in map(self._named, error.faults) if fault.path not in known]
        if self.faults:
            raise SweepError(self.faults)
        return sweep

    def _lines(self, title: str) -> Iterator[str]:
        yield from self._table("", {"schema": 1, "title": title or None})
        for name, table in self._tables.items():
            yield f"[{name}]"
            yield from self._table(f"{name}.", table)
        for number, row in enumerate(self._axes):
            yield "[[axes]]"
            yield from self._table(f"axes[{number}].", row)

    def _table(self, path: str, table: Mapping[str, Any]) -> Iterator[str]:
        for key, value in table.items():
            try:
                if value is not None:
                    yield f"{key_of(key)} = {toml_of(value)}"
            except (TypeError, ValueError, RuntimeError) as error:
                self.faults.append(self._named(Fault(f"{path}{key}", str(error))))

    def _named(self, fault: Fault) -> Fault:
        """A fault with the name of the argument in place of the key of the spec."""
        for path, name in self.renamed.items():
            if re.match(rf"{re.escape(path)}(?!\w)", fault.path):
                return fault._replace(path=name + fault.path.removeprefix(path))
        return fault


def _array(value: Any) -> Array:
    """The array of an argument, float64; ValueError with the requirement if it has no real numbers."""
    if value is None:
        raise ValueError("is missing; inputs and targets belong together")
    if isinstance(value, str | PurePath):
        raise ValueError(f"must be an array of numbers; got a path; write problem={{'file': {str(value)!r}}}")
    try:
        array = np.asarray(value)
        if array.dtype.kind == "O" and all(isinstance(each, Real | np.bool_) for each in array.flat):
            array = array.astype(np.float64)  # such as the columns of numbers and truth values of a data frame
    except Exception as error:  # libraries of arrays raise many kinds
        raise ValueError(f"must be an array of numbers; {' '.join(str(error).split()):.200}") from None
    if array.dtype.kind not in "biuf":
        words = array.dtype.kind in "US"
        remedy = "; write words as numbers, such as one column of 0 and 1 for each class" if words else ""
        raise ValueError(f"must be an array of real numbers; got {array.dtype} values{remedy}")
    if np.ma.is_masked(value):
        raise ValueError("must have no masked values; leave their samples out")
    return array.astype(np.float64)


def toml_of(value: Any) -> str:
    """A value as TOML; TypeError if it has none."""
    if hasattr(value, "__array__"):
        value = np.asarray(value).tolist()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str | PurePath):
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", r"\u007f")
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key_of(key)} = {toml_of(each)}' for key, each in value.items())}}}"
    if isinstance(value, list | tuple | range):
        return f"[{', '.join(map(toml_of, value))}]"
    raise TypeError(f"must be a number, a string, a list or a dict; got {value!r:.80}")


def key_of(key: Any) -> str:
    """A key as TOML."""
    return key if isinstance(key, str) and re.fullmatch(r"[\w-]+", key, re.ASCII) else toml_of(str(key))
