"""Open a result, select from it, and read it as arrays, a data frame or an xarray Dataset.

Values are read only when they are accessed, and only those.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from saddlescape import spec as specs
from saddlescape.errors import Fault, RefusedError, SaddlescapeError, SpecError
from saddlescape.results import selection
from saddlescape.spec import Sweep
from saddlescape.store import (
    Committed,
    Pick,
    ResultFile,
    Source,
    Stored,
    guarded,
    is_run,
    kept_sweep,
    read_plan,
    result_of,
    strips,
    take,
)
from saddlescape.system.extras import extra
from saddlescape.system.software import versions
from saddlescape.words.outcomes import CODED
from saddlescape.words.suggest import hint, nearest

if TYPE_CHECKING:
    import pandas
    import xarray

WORDS = {name: [code.label for code in kind] for name, kind in CODED.items()}
"""Words of the variables that hold codes."""

ROWS = 2**17
"""Runs whose columns are in memory at once."""


class Results(Mapping[str, npt.NDArray[Any]]):
    """The runs of a sweep, or a part of them: ``r["outcome"]`` or ``r.outcome`` is a variable, read on access.

    Unfinished runs are -1, or NaN in floating-point variables.
    """

    def __init__(self, source: Source, picks: Mapping[str, Pick] | None = None) -> None:
        self._source, self._chosen = source, dict(picks or {})

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self.read(name)

    def __contains__(self, name: object) -> bool:
        return name in self._source.names

    def __getattr__(self, name: str) -> npt.NDArray[Any]:
        if name.startswith("_"):  # not among the variables, nor to be looked for there while a pickle is made
            raise AttributeError(name)
        if name not in self._source.names:
            raise AttributeError(f"{self.path} has no variable {name!r}; it has {', '.join(self)}{hint(name, self)}")
        return self.read(name)

    def __dir__(self) -> list[str]:
        """Attributes with the variables, for tab completion."""
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

    def close(self) -> None:
        """Close the file; arrays already read stay valid."""
        self._source.close()

    @property
    def path(self) -> Path:
        """The file, or the folder of a run in progress."""
        return self._source.path

    @property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the whole: title, conventions, schema version."""
        return self._source.attrs

    @property
    def title(self) -> str:
        return str(self.attrs.get("title", ""))

    @property
    def so_far(self) -> tuple[int, int] | None:
        """Finished runs and all runs of a run in progress; None for a result."""
        return self._source.so_far

    @cached_property
    def dims(self) -> dict[str, int]:
        """Dimensions of the outcomes and their lengths: the axes, x and y of a slice, run."""
        return self.sizes("outcome")

    def sizes(self, name: str) -> dict[str, int]:
        """Dimensions of a variable and their lengths, without those at which an index was selected."""
        return {dim: len(pick) for dim, pick in self.picks(name).items() if not isinstance(pick, int)}

    def stored(self, name: str) -> Stored:
        """Dimensions, type and attributes of the whole variable; KeyError if there is none of that name."""
        if name not in self._source.names:
            raise KeyError(f"no variable {name!r}{nearest(str(name), self)}")
        return self._source.variable(name)

    @cached_property
    def along(self) -> dict[str, tuple[str, ...]]:
        """Names of the coordinates along each dimension of the outcomes: its own, or those of zipped axes."""
        found = {dim: tuple(name for name in self.zipped if self.stored(name).dims == (dim,)) for dim in self.dims}
        return {dim: names or (dim,) for dim, names in found.items()}

    @cached_property
    def zipped(self) -> list[str]:
        """Coordinates of zipped axes: along a dimension of the outcomes, under another name."""
        named = dict.fromkeys(str(self.stored("outcome").attrs.get("coordinates", "")).split())
        whole = self.stored("outcome").dims
        its = {name: self.stored(name).dims for name in named if name in self and name not in whole}
        return [name for name, dims in its.items() if len(dims) == 1 and dims[0] in whole]

    @cached_property
    def coords(self) -> Mapping[str, npt.NDArray[Any]]:
        """The coordinates of the outcomes by name, read on access; labels for axes that are not numeric."""
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
        return dict(enumerate(WORDS["outcome"]))

    @property
    def spec_text(self) -> str:
        """The spec as written."""
        return self._source.text("spec")

    @cached_property
    def axes(self) -> list[dict[str, Any]]:
        """Key and values of each axis of the sweep."""
        with guarded(self.path):
            return [{**axis} for axis in self._resolved["axes"]]

    @property
    def _resolved(self) -> dict[str, Any]:
        with guarded(self.path):
            return {**json.loads(self._source.text("resolved"))}

    @property
    def software(self) -> list[dict[str, str]]:
        """The software that computed the runs, each once: versions by name; {} if the result does not say."""
        with guarded(self.path):
            return [versions(json.dumps(its) if its else "") for its in json.loads(self._source.text("software"))]

    @property
    def sweep(self) -> Sweep:
        """The sweep; its data files are searched where the run found them, then beside the result.

        Raises
        ------
        RefusedError
            If a data file has changed since the run began.
        """
        beside = self.path if self.path.is_dir() else self.path.parent
        ours = is_run(beside) and read_plan(beside)["digest"] == self._source.plan
        with guarded(self.path):
            overrides = tuple(map(str, json.loads(self._source.text("overrides"))))
            kept = {**self._resolved.get("data", {})}
        name = f"{self.path}, its spec"
        sweep = kept_sweep(beside) if ours else specs.parse(self.spec_text, beside, overrides, name=name, begun=True)
        for name in (name for name, digest in sweep.data.items() if kept.get(name) != digest):
            raise RefusedError(f"{name}: has changed since {self.path} was made from it; put the old file back")
        return sweep

    def isel(self, **index: Any) -> "Results":
        """Select by indices along dimensions of the outcomes: an int, a slice or several ints.

        An int drops the dimension.
        """
        _check_known(index, self.dims)
        picks = self.picks("outcome")
        return Results(self._source, self._chosen | {d: selection.narrow(picks[d], i, d) for d, i in index.items()})

    def sel(self, **values: Any) -> "Results":
        """Select by values of coordinates: one, several, or ``slice(from, to)`` with both ends included.

        Numbers need to agree to nine digits only, so that 0.1 finds the rounded value of a logspace.  Select
        runs by number, ``run=slice(0, 9)``; `find` finds the runs with an outcome.
        """
        dims = {name: dim for dim, names in self.along.items() for name in (dim, *names)}
        _check_known(values, dims)
        found = self
        for name, value in values.items():
            counted = dims[name] == "run" and found.picks("outcome")["run"]
            coordinate = counted if isinstance(counted, range) else found.read(name)
            found = found.isel(**{dims[name]: selection.locate(coordinate, value, name)})
        return found

    def find(self, *outcomes: str) -> npt.NDArray[np.int64]:
        """Indices along `dims` of every run with one of these outcomes: (runs found, dimensions).

        >>> for *point, run in r.find("trapped"):  # doctest: +SKIP
        ...     r.trajectory(point, run)
        """
        codes = [_code(outcome) for outcome in outcomes]
        found = [np.empty((0, len(self.dims)), dtype=np.int64)]
        for place, values in self.pieces("outcome"):
            found.append(np.argwhere(np.isin(values, codes)) + [part.start for part in place])
        return np.concatenate(found)

    def read(self, name: str, /, **index: Any) -> npt.NDArray[Any]:
        """Read a variable, or the part of it at these indices along its dimensions."""
        picks = self.picks(name)
        _check_known(index, {**self.dims, **picks})
        with guarded(self.path):
            return take(self._source, name, [selection.narrow(p, index.get(d), d) for d, p in picks.items()])

    def picks(self, name: str) -> dict[str, Pick]:
        """The selected indices of a whole variable, by dimension."""
        stored = self.stored(name)
        return {d: self._chosen.get(d, range(n)) for d, n in zip(stored.dims, stored.shape, strict=True)}

    def pieces(self, name: str) -> Iterator[tuple[tuple[slice, ...], npt.NDArray[Any]]]:
        """Yield a variable in pieces of consecutive elements, each with its position, for results of any size."""
        sizes = self.sizes(name)
        for place in strips(tuple(sizes.values()), ROWS):
            yield place, self.read(name, **dict(zip(sizes, place, strict=True)))

    def at(self, name: str, point: Sequence[int]) -> npt.NDArray[Any]:
        """Read a variable at one point, an index along each dimension before `run`."""
        return self.read(name, **dict(zip(self.sizes(name), point, strict=False)))

    def trajectory(self, point: Sequence[int] | int = (), run: int = 0) -> dict[str, npt.NDArray[Any]]:
        """The recorded trajectory of one run, arrays over records; NaN after its stop.

        Parameters
        ----------
        point : index along each dimension before `run`.
        run : number of the run.

        Raises
        ------
        SaddlescapeError
            If no trajectory of the run was recorded; `replay` recomputes it.
        """
        where = self._point(point, "trajectory")
        kept = self.read("trajectory_run", **where) if "trajectory_run" in self else np.empty(0, dtype=np.int64)
        rows = np.flatnonzero(kept == run)
        if not len(rows):
            raise SaddlescapeError(f"no trajectory of run {run} was kept; use replay or raise record.runs")
        names = [name for name in self if {"trajectory", "record"} <= set(self.stored(name).dims)]
        at = next(name for name in ("record_time", "record_step") if name in self)
        return {at: self[at], **{name: self.read(name, **where, trajectory=int(rows[0])) for name in names}}

    def replay(self, point: Sequence[int] | int = (), run: int = 0) -> dict[str, npt.NDArray[Any]]:
        """Compute one run again, as `saddlescape.replay`: its trajectory with parameters, bit for bit."""
        from saddlescape.runs import replay

        chosen = self.isel(**self._point(point, "replay")).picks("outcome")
        sweep, index = self.sweep, [pick for pick in chosen.values() if isinstance(pick, int)]
        cells = index[len(sweep.shape) :]
        number = int(np.ravel_multi_index(cells, [self.stored(c).shape[0] for c in ("x", "y")])) if cells else run
        return replay.replay(sweep, index[: len(sweep.shape)], number)

    def _point(self, point: Sequence[int] | int, method: str) -> dict[str, int]:
        names = [name for name in self.dims if name != "run"]
        index = np.atleast_1d(point).tolist()
        run = index[0] if len(index) == 1 else 0
        if len(index) != len(names):
            remedy = "" if names else f"; there are no axes, so name the run alone: {method}(run={run})"
            raise SaddlescapeError(f"point must have one index for each of {names}; got {point}{remedy}")
        return {name: int(i) for name, i in zip(names, index, strict=True)}

    def tables(self, outcome: str | None = None) -> Iterator[dict[str, npt.NDArray[Any]]]:
        """Yield the finished runs as columns, at most `ROWS` runs at once: coordinates, then variables.

        With `outcome`, only the runs with that outcome.
        """
        for place in strips(tuple(self.dims.values()), ROWS):
            part = self.isel(**dict(zip(self.dims, place, strict=True)))
            codes = part["outcome"].ravel()
            here = codes >= 0 if outcome is None else codes == _code(outcome)
            yield {name: values[here] for name, values in part._columns()}

    def _columns(self) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        whole, shape = self.stored("outcome").dims, tuple(self.dims.values())
        for name in sorted((*whole, *self.zipped), key=lambda name: whole.index(self.stored(name).dims[0])):
            place = [-1 if dim in self.stored(name).dims else 1 for dim in self.dims]
            yield name, np.broadcast_to(self.read(name).reshape(place), shape).ravel()
        for name in (name for name in self if self.stored(name).dims == whole and name not in whole):
            yield name, self.read(name).ravel()

    def to_dataframe(self, outcome: str | None = None) -> "pandas.DataFrame":
        """The runs as the rows of a data frame, in memory; with `outcome`, only the runs with that outcome.

        Needs the extra ``saddlescape[parquet]``.  `pieces`, `tables` and `to_xarray` do not need memory for all runs.
        """
        with extra("parquet"):
            import pandas
        tables = list(self.tables(outcome))
        columns = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
        coded = {name: pandas.Categorical.from_codes(v, WORDS[name]) for name, v in columns.items() if name in WORDS}
        return pandas.DataFrame({**columns, **coded})

    def to_xarray(self, chunks: Any = "auto") -> "xarray.Dataset":
        """The results as an xarray Dataset, read when it is computed (needs the extra ``saddlescape[xarray]``).

        Parameters
        ----------
        chunks : as in `xarray.Dataset.chunk`, if dask is installed; None: xarray reads the arrays without dask.
        """
        from saddlescape.results.as_xarray import dataset

        return dataset(self, chunks)


def _check_known(names: Collection[str], known: Collection[str]) -> None:
    if unknown := sorted(set(names) - set(known)):
        wanted = f"must be of {', '.join(known)}{hint(unknown[0], known)}"
        raise SaddlescapeError(f"{', '.join(unknown)}: {wanted}")


def _code(outcome: str) -> int:
    known = WORDS["outcome"]
    if outcome not in known:
        wanted = f"outcome must be one of {', '.join(known)}"
        raise SaddlescapeError(f"{wanted}; got {outcome!r}{hint(str(outcome), known)}")
    return known.index(outcome)


def open(path: str | Path) -> Results:
    """Open a result file, the result in a run's folder, or the committed part of a run in progress.

    Parameters
    ----------
    path : a ``result.h5``, or a run's folder.

    Returns
    -------
    Results : the variables by name, as items and as attributes, each read on access.

    Raises
    ------
    SpecError
        If there is nothing at `path`.
    RefusedError, CorruptError
        If it is not a saddlescape result, has an unknown schema version, or is a folder without a run.

    Examples
    --------
    >>> with ss.open("my-run") as r:  # doctest: +SKIP
    ...     (r.sel(scale=0.1).outcome == 4).mean()
    """
    file = result_of(Path(path))
    if file.is_file():
        return Results(ResultFile(file))
    if Path(path).is_dir():
        return Results(Committed(Path(path)))
    raise SpecError([Fault(str(file), "must be a result file or a run's folder; there is none")])
