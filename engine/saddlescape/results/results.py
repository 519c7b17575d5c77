"""Open a result, select from it, and read it as arrays, a data frame or an xarray Dataset.

Values are read on access.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from saddlescape.errors import Fault, SpecError
from saddlescape.results import one_run, provenance, selection, tables
from saddlescape.results.outcome_table import IGNORED, LARGE, OutcomeTable, html, rows
from saddlescape.spec import Sweep
from saddlescape.store import (
    Committed,
    Pick,
    ResultFile,
    Source,
    Stored,
    absent,
    guarded,
    is_input,
    result_of,
    run_first,
    strips,
    take,
)
from saddlescape.system.arguments import ArgumentError
from saddlescape.words.suggest import hint, nearest

if TYPE_CHECKING:
    import pandas
    import xarray


class Results(Mapping[str, npt.NDArray[Any]]):
    """The runs of a sweep, or a selection of them; ``r["outcome"]`` or ``r.outcome`` reads a variable.

    Values of unfinished runs are -1, or NaN in floating-point variables.
    """

    def __init__(self, source: Source, picks: Mapping[str, Pick] | None = None) -> None:
        self._source, self._chosen = source, dict(picks or {})

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self.read(name)

    def __contains__(self, name: object) -> bool:
        return name in self._source.names

    def __getattr__(self, name: str) -> npt.NDArray[Any]:
        if name.startswith("_"):  # no variable, and `_source` does not exist yet when a pickle is loaded
            raise AttributeError(name)
        if name not in self._source.names:
            raise AttributeError(f"{self.path} has no variable {name!r}; it has {', '.join(self)}{hint(name, self)}")
        return self.read(name)

    def __dir__(self) -> list[str]:
        """Names of attributes and variables, for tab completion."""
        return sorted({*super().__dir__(), *self._source.names})

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __iter__(self) -> Iterator[str]:
        return iter(self._source.names)

    def __len__(self) -> int:
        return len(self._source.names)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {size}" for name, size in self.dims.items())
        return f"<saddlescape results of {self.title!r}: {sizes}; {', '.join(self)}>"

    def _repr_html_(self) -> str:
        sizes = ", ".join(f"{name} {size:,}" for name, size in self.dims.items())
        so_far = "" if self.so_far is None else ", {:,} of {:,} runs so far".format(*self.so_far)
        lines = f"<b>{escape(self.title) or 'results'}</b>", escape(f"{sizes}{so_far}"), escape(", ".join(self))
        table = html(self.outcome_table()) if 0 < math.prod(self.dims.values()) <= LARGE else ""
        return f"<div {IGNORED}>{'<br>'.join(lines)}{table}</div>"

    def outcome_table(self) -> OutcomeTable:
        """The table that `saddlescape run` prints: a list with a dict for each value of the first axis.

        A dict has the value, the number of runs with each outcome, and the number of distinct starts.  Without axes
        there is one for all runs.
        """
        return rows(self)

    def close(self) -> None:
        """Close the file; arrays already read stay valid."""
        self._source.close()

    @property
    def path(self) -> Path:
        """The file, or the folder of a run in progress."""
        return self._source.path

    @property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the result: title, conventions, schema version."""
        return self._source.attrs

    @property
    def title(self) -> str:
        """The title of the sweep."""
        return str(self.attrs.get("title", ""))

    @property
    def so_far(self) -> tuple[int, int] | None:
        """(finished runs, all runs) of a run in progress; None for a result."""
        return self._source.so_far

    @cached_property
    def dims(self) -> dict[str, int]:
        """Dimensions of the outcomes and their lengths: the axes, `x` and `y` of a slice, and `run`."""
        return self.sizes("outcome")

    def sizes(self, name: str) -> dict[str, int]:
        """Dimensions of the variable `name` and their lengths, without dimensions that a selection has dropped."""
        return {dim: len(pick) for dim, pick in self.picks(name).items() if not isinstance(pick, int)}

    def stored(self, name: str) -> Stored:
        """Dimensions, shape, dtype and attributes of the variable `name`, regardless of the selection.

        Raises
        ------
        KeyError
            If there is no such variable.
        """
        if name not in self._source.names:
            raise KeyError(f"no variable {name!r}{nearest(str(name), self)}")
        return self._source.variable(name)

    @cached_property
    def along(self) -> dict[str, tuple[str, ...]]:
        """Names of the coordinates along each dimension of the outcomes: the dimension, or the keys of zipped axes."""
        zipped = {dim: tuple(name for name in self.zipped if self.stored(name).dims == (dim,)) for dim in self.dims}
        return {dim: names or (dim,) for dim, names in zipped.items()}

    @cached_property
    def zipped(self) -> list[str]:
        """Names of the coordinates of zipped axes."""
        names = dict.fromkeys(str(self.stored("outcome").attrs.get("coordinates", "")).split())
        dims = self.stored("outcome").dims
        own = {name: self.stored(name).dims for name in names if name in self and name not in dims}
        return [name for name, along in own.items() if len(along) == 1 and along[0] in dims]

    @cached_property
    def coords(self) -> Mapping[str, npt.NDArray[Any]]:
        """The coordinates of the outcomes by name, read on access; strings for axes that are not numeric."""
        return selection.Lazy(self._coordinates, self.read)

    @property
    def _coordinates(self) -> list[str]:
        return list(dict.fromkeys((*self.dims, *(name for names in self.along.values() for name in names))))

    @cached_property
    def labels(self) -> dict[str, str]:
        """The meaning of each coordinate of the outcomes: the key of an axis, or the parameter of a slice."""
        return {name: str(self.stored(name).attrs.get("long_name", name)) for name in self._coordinates}

    @property
    def outcome_names(self) -> dict[int, str]:
        """Label of each outcome code."""
        return dict(enumerate(tables.WORDS["outcome"]))

    @property
    def spec_text(self) -> str:
        """The text of the spec."""
        return self._source.text("spec")

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """The complete spec: defaults, axes and digests of data files included."""
        return provenance.resolved(self._source)

    @cached_property
    def axes(self) -> list[dict[str, Any]]:
        """Key and values of each axis of the sweep."""
        with guarded(self.path):
            return [{**axis} for axis in self.resolved["axes"]]

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of the file (`result`, without one of a run in progress) and of what determines it (`spec`).

        That of the file is the one at its end, with which `saddlescape verify` compares its bytes.
        """
        return provenance.digests(self._source)

    @property
    def selected(self) -> str:
        """How much is selected, such as "1 of 5 along scale"; "" if it is everything."""
        whole, dims = self.stored("outcome"), self.dims
        sizes = {name: (dims.get(name, 1), size) for name, size in zip(whole.dims, whole.shape, strict=True)}
        return ", ".join(f"{part} of {size} along {name}" for name, (part, size) in sizes.items() if part < size)

    @property
    def software(self) -> list[dict[str, str]]:
        """Versions by name of the software that computed the runs, one dict for each combination; {} if unknown."""
        return provenance.software(self._source)

    @property
    def sweep(self) -> Sweep:
        """The sweep; its data files must be where the run read them, or next to the result.

        Raises
        ------
        RefusedError
            If a data file has changed since the run began.
        """
        return provenance.sweep(self._source)

    def isel(self, **index: Any) -> "Results":
        """Select by `index` along dimensions of the outcomes: an int, a slice or a list of ints.

        An int drops the dimension; a negative one counts from the end.
        """
        picks = self.picks("outcome")
        _check_known(index, [dim for dim, pick in picks.items() if not isinstance(pick, int)])
        return Results(self._source, self._chosen | {d: selection.narrow(picks[d], i, d) for d, i in index.items()})

    def sel(self, **values: Any) -> "Results":
        """Select by `values` of coordinates: one value, a list, or ``slice(from, to)`` with both ends included.

        Numbers need to agree to nine digits only, so that 0.1 selects the rounded value of a logspace.  The values of
        `run` are the numbers of the runs, ``run=slice(0, 9)``; `find` finds the runs with an outcome.
        """
        dims = {name: dim for dim, names in self.along.items() for name in (dim, *names)}
        _check_known(values, dims)
        selected = self
        for name, value in values.items():
            runs = dims[name] == "run" and selected.picks("outcome")["run"]
            coordinate = runs if isinstance(runs, range) else selected.read(name)
            selected = selected.isel(**{dims[name]: selection.locate(coordinate, value, name)})
        return selected

    def find(self, *outcomes: str) -> npt.NDArray[np.int64]:
        """Indices along `dims` of every run with one of `outcomes`, such as "solved"; (n_runs, n_dims).

        >>> for *point, run in r.find("trapped"):  # doctest: +SKIP
        ...     r.trajectory(point, run)
        """
        codes = [tables.code(outcome) for outcome in outcomes]
        indices = [np.empty((0, len(self.dims)), dtype=np.int64)]
        for position, values in self.pieces("outcome"):
            indices.append(np.argwhere(np.isin(values, codes)) + [part.start for part in position])
        return np.concatenate(indices)

    def read(self, name: str, /, **index: Any) -> npt.NDArray[Any]:
        """Read the variable `name`, or its part at `index`, by dimension: an int, a slice or a list of ints."""
        picks = self.picks(name)
        if index:
            _check_known(index, {**self.dims, **picks})
        with guarded(self.path):
            return take(self._source, name, [selection.narrow(p, index.get(d), d) for d, p in picks.items()])

    def picks(self, name: str) -> dict[str, Pick]:
        """The selected indices of the variable `name`, by dimension."""
        stored = self.stored(name)
        return {d: self._chosen.get(d, range(n)) for d, n in zip(stored.dims, stored.shape, strict=True)}

    def pieces(self, name: str) -> Iterator[tuple[tuple[slice, ...], npt.NDArray[Any]]]:
        """Yield the variable `name` in pieces of consecutive elements with their positions, for results of any size."""
        sizes = self.sizes(name)
        for position in strips(tuple(sizes.values()), tables.ROWS):
            yield position, self.read(name, **dict(zip(sizes, position, strict=True)))

    def at(self, name: str, point: Sequence[int] | int) -> npt.NDArray[Any]:
        """Read the variable `name` at one `point`, given by one index for each dimension before `run`."""
        return self.read(name, **dict(zip(self.sizes(name), np.atleast_1d(point).tolist(), strict=False)))

    def trajectory(self, point: Sequence[int] | int = (), run: int | None = None) -> dict[str, npt.NDArray[Any]]:
        """The recorded trajectory of one run: one array per measure, over records; NaN after the run stopped.

        Parameters
        ----------
        point : one index for each dimension before `run`; a negative one counts from the end.
        run : number of the run, from 0; by default the first of the selected runs.

        Raises
        ------
        ArgumentError
            If there is no such point or run, or no trajectory of the run was recorded; `replay` computes it again.
        """
        return one_run.trajectory(self, point, run)

    def replay(self, point: Sequence[int] | int = (), run: int | None = None) -> dict[str, npt.NDArray[Any]]:
        """Compute one run again, bit for bit: its trajectory, with its parameters; see `saddlescape.replay`.

        Parameters
        ----------
        point, run : as for `trajectory`.
        """
        return one_run.replay(self, point, run)

    def tables(self, outcome: str | None = None) -> Iterator[dict[str, npt.NDArray[Any]]]:
        """Yield the finished runs as columns, at most 2**17 runs at once: coordinates, then variables.

        With `outcome`, only the runs with that outcome.
        """
        return tables.tables(self, outcome)

    def to_dataframe(self, outcome: str | None = None) -> "pandas.DataFrame":
        """The finished runs as the rows of a data frame, in memory; with `outcome`, only the runs with that outcome.

        It needs the extra ``saddlescape[parquet]``.  For results that do not fit into memory use `pieces`, `tables` or
        `to_xarray`.
        """
        return tables.dataframe(self, outcome)

    def to_xarray(self, chunks: Any = "auto") -> "xarray.Dataset":
        """The results as an xarray Dataset that is read when it is computed.

        It needs the extra ``saddlescape[xarray]``.

        Parameters
        ----------
        chunks : as for `xarray.Dataset.chunk`, if Dask is installed; None reads arrays without Dask.
        """
        from saddlescape.results.as_xarray import dataset

        return dataset(self, chunks)


def _check_known(names: Collection[str], known: Collection[str]) -> None:
    if unknown := sorted(name for name in names if name not in known):
        valid = f"must be one of {', '.join(known)}{hint(unknown[0], known)}"
        raise ArgumentError(f"{', '.join(unknown)}: {valid}")


def opened(value: object, name: str = "results") -> Results:
    """An argument that must be results.

    Parameters
    ----------
    value : the argument.
    name : of the argument, for the error.

    Returns
    -------
    `value` itself.

    Raises
    ------
    ArgumentError
        If it is anything else, such as the path of a result.
    """
    if isinstance(value, Results):
        return value
    if isinstance(value, str | Path):
        raise ArgumentError(f"{name} must be opened first: saddlescape.open({str(value)!r}); got a path")
    raise ArgumentError(f"{name} must be what saddlescape.open returns; got a value of type {type(value).__name__}")


def open(path: str | Path) -> Results:
    """Open a result file, the result in the folder of a run, or the finished part of a run in progress.

    Parameters
    ----------
    path : a result file such as ``my-run/result.h5``, or the folder of a run.

    Returns
    -------
    Results : the variables by name, as items and as attributes, each read on access.

    Raises
    ------
    SpecError
        If `path` does not exist, or is a spec.
    RefusedError, CorruptError
        If it is not a result of saddlescape, has an unknown schema version, or is a folder without a run.

    Examples
    --------
    >>> with ss.open("my-run") as r:  # doctest: +SKIP
    ...     (r.sel(scale=0.1).outcome == 4).mean()
    """
    file = result_of(Path(path))
    if is_input(file):
        raise SpecError([Fault(str(file), f"must be a result file or the folder of a run; {run_first(file)}")])
    if file.is_file():
        return Results(ResultFile(file))
    if Path(path).is_dir():
        return Results(Committed(Path(path)))
    raise SpecError([Fault(str(file), f"must be a result file or the folder of a run; {absent(file)}")])
