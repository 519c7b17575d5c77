"""Open a result: outcomes as arrays, trajectories by run, everything as an xarray Dataset."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from saddlescape import spec as specs
from saddlescape.errors import Fault, RefusedError, SaddlescapeError, SpecError
from saddlescape.outcomes import Outcome
from saddlescape.spec import Sweep
from saddlescape.store import ResultFile
from saddlescape.store.folder import kept_sweep, read_plan

if TYPE_CHECKING:
    import xarray


class Results(Mapping[str, npt.NDArray[Any]]):
    """A result file: ``r["outcome"]`` or ``r.outcome`` is a variable, read when asked for."""

    def __init__(self, path: Path) -> None:
        self.path, self._file = path, ResultFile(path)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if name not in self._file.names:
            raise KeyError(name)
        return self._file.read(name)

    def __getattr__(self, name: str) -> npt.NDArray[Any]:
        if name.startswith("_") or name not in self._file.names:
            raise AttributeError(f"{self.path} has no variable {name!r}; it has {', '.join(self)}")
        return self._file.read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._file.names)

    def __len__(self) -> int:
        return len(self._file.names)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; arrays already read stay valid."""
        self._file.close()

    @cached_property
    def dims(self) -> dict[str, int]:
        """Dimensions of the outcomes and their lengths: the axes, x and y of a slice, run."""
        names = self._file.dims("outcome")
        return dict(zip(names, self._file.shape("outcome"), strict=True))

    @cached_property
    def along(self) -> dict[str, tuple[str, ...]]:
        """Names of the coordinates along each dimension of the outcomes: its own, or those of zipped axes."""
        zipped = self._file.coordinates("outcome")
        found = {dim: tuple(name for name in zipped if self._file.dims(name) == (dim,)) for dim in self.dims}
        return {dim: names or (dim,) for dim, names in found.items()}

    @cached_property
    def coords(self) -> dict[str, npt.NDArray[Any]]:
        """The coordinates of the outcomes by name: of each dimension, then of zipped axes; labels where no numbers."""
        return {name: self._file.read(name) for name in self._coordinates}

    @property
    def _coordinates(self) -> list[str]:
        return list(dict.fromkeys((*self.dims, *(name for names in self.along.values() for name in names))))

    @cached_property
    def labels(self) -> dict[str, str]:
        """What each coordinate of the outcomes is: the key of an axis, the parameter of a slice."""
        return {name: self._file.meaning(name) for name in self._coordinates}

    def pieces(self, name: str) -> Iterator[tuple[tuple[slice, ...], npt.NDArray[Any]]]:
        """A variable piece by piece, each with its place, so that any number of runs fits into memory."""
        return self._file.pieces(name)

    @property
    def outcome_names(self) -> dict[int, str]:
        """Label of each outcome code."""
        return {int(member): member.label for member in Outcome}

    @property
    def title(self) -> str:
        return str(self._file.attrs["title"])

    @property
    def spec_text(self) -> str:
        """The spec as its author wrote it."""
        return self._file.text("spec")

    @cached_property
    def axes(self) -> list[dict[str, Any]]:
        """Key and values of each axis of the sweep."""
        return list(json.loads(self._file.text("resolved"))["axes"])

    @property
    def sweep(self) -> Sweep:
        """The sweep again; data files it names are looked for where the run found them, else beside the result.

        Raises
        ------
        RefusedError
            If a data file is not what it was when the run began.
        """
        beside = self.path.parent
        ours = (beside / "plan.json").exists() and read_plan(beside)["digest"] == self._file.plan
        overrides = tuple(json.loads(self._file.text("overrides")))
        sweep = kept_sweep(beside) if ours else specs.parse(self.spec_text, beside, overrides)
        kept = json.loads(self._file.text("resolved")).get("data", {})
        for name in (name for name, digest in sweep.data.items() if kept.get(name) != digest):
            raise RefusedError(f"{name}: has changed since {self.path} was made from it; put the old file back")
        return sweep

    def at(self, name: str, point: Sequence[int]) -> npt.NDArray[Any]:
        """A variable at one point, an index along each dimension before `run`, read at once."""
        return self._file.read(name, tuple(point))

    def trajectory(self, point: Sequence[int] | int, run: int) -> dict[str, npt.NDArray[Any]]:
        """The recorded trajectory of one run, arrays over records; NaN after its stop.

        Parameters
        ----------
        point : index along each dimension before `run`.

        Raises
        ------
        SaddlescapeError
            If no trajectory of the run was kept; `saddlescape.replay` makes it again.
        """
        kept = self._file.read("trajectory_run") if "trajectory_run" in self else np.empty(0, dtype=np.int64)
        rows = np.flatnonzero(kept == run)
        if not len(rows):
            raise SaddlescapeError(f"no trajectory of run {run} was kept; use saddlescape.replay or raise record.runs")
        index = (*((point,) if isinstance(point, int) else tuple(point)), int(rows[0]))
        if len(index) != len(self.dims):
            raise SaddlescapeError(f"point must have one index for each of {list(self.dims)[:-1]}; got {point}")
        names = [name for name in self if "record" in self._file.dims(name) and len(self._file.dims(name)) > 1]
        at = next(name for name in ("record_time", "record_step") if name in self)
        return {at: self[at], **{name: self._file.read(name, index) for name in names}}

    def to_xarray(self) -> "xarray.Dataset":
        """Everything as an xarray Dataset, loaded (needs the extra ``saddlescape[xarray]``)."""
        import xarray

        return xarray.load_dataset(self.path, engine="h5netcdf")


def open(path: str | Path) -> Results:
    """Open a result file.

    Raises
    ------
    SpecError
        If there is no such file.
    CorruptError
        If it is not a result of ours, or of a schema version unknown here.
    """
    if not Path(path).is_file():
        raise SpecError([Fault(str(path), "must be a result file; there is none")])
    return Results(Path(path))
