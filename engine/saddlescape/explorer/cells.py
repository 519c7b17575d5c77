"""The runs of a result on its last two axes, as the cells of a map."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.explorer.lattice import SIDE
from saddlescape.results import Results
from saddlescape.words.outcomes import Outcome

Values = npt.NDArray[Any]

CELLS = 2**18
"""Maximum number of cells of a map: of more, every second one along both axes is left out, and so on."""

RUNS = 2**24
"""Maximum number of runs in these cells, for the same reason."""

PARAMETER = "parameter "
"""Begins the label of a parameter of a slice."""

NOT_AXES = frozenset({"run", "record", "trajectory", "parameter"})


def axes_of(results: Results) -> list[str]:
    """The dimensions of the points of a result: its axes, and `x` and `y` of a slice."""
    return [name for name in results.dims if name not in NOT_AXES]


def meaning(results: Results, dim: str) -> str:
    """What a dimension is: the key of an axis, or the keys of those that are zipped, or a parameter of a slice."""
    return " with ".join(results.labels[name].removeprefix(PARAMETER) for name in results.along[dim])


def called(results: Results, name: str) -> str:
    """A short name of a coordinate: the parameter of a slice, or else its own."""
    label = results.labels[name]
    return label.removeprefix(PARAMETER) if label.startswith(PARAMETER) else name


def ends_of(results: Results) -> tuple[Values, Values]:
    """The step, or time of the gradient flow, at which a run was solved, or else stopped; and the final loss."""
    clock = "time" if "stop_time" in results else "step"
    solve, stop = (results[f"{event}_{clock}"].astype(np.float64) for event in ("solve", "stop"))
    return np.where(solve >= 0, solve, stop), results["final_loss"].astype(np.float64)


@dataclass(frozen=True)
class Cells:
    """The cells of a map.

    Attributes
    ----------
    shown : the runs of the cells: two axes, and the runs of each cell.
    step : one of so many values along both axes is shown.
    where : names and values of the other axes, at their first value.
    """

    shown: Results
    step: int
    where: dict[str, Any]

    @property
    def axes(self) -> list[str]:
        """The axes: across, and up."""
        return axes_of(self.shown)

    @property
    def runs(self) -> int:
        """Number of runs of a cell."""
        return self.shown.dims.get("run", 1)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of cells across, and up."""
        across, up = (self.shown.dims[name] for name in self.axes)
        return across, up

    @cached_property
    def values(self) -> dict[str, Values]:
        """Loss, clock (float64), outcome (int8) and, of cells with several runs, how many have it (int32).

        A cell with several runs has the most frequent outcome, and medians over its runs with that outcome.
        """
        codes, clock, loss = (each.reshape(*self.shape, -1) for each in (self.shown["outcome"], *ends_of(self.shown)))
        if self.runs == 1:
            return {"loss": loss[..., 0], "clock": clock[..., 0], "outcome": codes[..., 0]}
        counts = np.stack([np.count_nonzero(codes == o, axis=-1) for o in Outcome], axis=-1)
        outcome = np.where(counts.any(axis=-1), np.argmax(counts, axis=-1), -1).astype(np.int8)
        others = codes != outcome[..., None]
        medians = (np.ma.median(np.ma.array(each, mask=others), axis=-1) for each in (loss, clock))  # type: ignore[no-untyped-call]
        loss, clock = (np.ma.filled(each.astype(np.float64), 0.0) for each in medians)
        return {"loss": loss, "clock": clock, "outcome": outcome, "count": counts.max(axis=-1).astype(np.int32)}

    def tiles(self) -> tuple[list[tuple[int, int]], bytes]:
        """Places of tiles of level 0, whose cell n, m is the one at these indices, and their values; -1 for no run."""
        across, up = (-(-n // SIDE) for n in self.shape)
        places = [(i, j) for i in range(across) for j in range(up)]
        return places, b"".join(map(_tiled, self.values.values()))


def _tiled(values: Values) -> bytes:
    """Values of cells in the order of tiles."""
    room = [(0, -n % SIDE) for n in values.shape]
    whole = np.pad(values, room, constant_values=-1)
    across, up = (n // SIDE for n in whole.shape)
    return whole.reshape(across, SIDE, up, SIDE).swapaxes(1, 2).tobytes()


def cells_of(results: Results) -> Cells | str:
    """The cells over the last two axes, at the first value of the others; or the reason why there is no map."""
    names, runs = axes_of(results), results.dims.get("run", 1)
    if len(names) < 2 or min(results.dims[name] for name in names[-2:]) < 2:
        return "There is no map: it needs two axes with at least two values each."
    if not runs or 4 * runs > RUNS:
        return f"Each point of this result has {runs:,} runs, and a map shows 1 to {RUNS // 4:,}."
    step = 1
    while (area := np.prod([-(-results.dims[name] // step) for name in names[-2:]])) > CELLS or area * runs > RUNS:
        step += 1
    first = dict.fromkeys(names[:-2], 0)
    shown = results.isel(**first, **dict.fromkeys(names[-2:], slice(None, None, step)))
    where = {name: results.coords[name][0].item() for dim in first for name in results.along[dim]}
    return Cells(shown, step, where)
