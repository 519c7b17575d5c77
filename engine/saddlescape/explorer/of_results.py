"""What an explorer without a session shows of results: the cells of a map, and the paths of watched runs."""

import math
from typing import Any

import numpy as np

from saddlescape.explorer import sentences
from saddlescape.explorer.cells import Cells, called, cells_of
from saddlescape.explorer.description import network, outcomes, title
from saddlescape.explorer.lattice import SIDE
from saddlescape.explorer.messages import LARGEST
from saddlescape.explorer.recorded import Recorded, Told
from saddlescape.explorer.watched import Watched, watch
from saddlescape.results import Results
from saddlescape.spec import Sweep
from saddlescape.words.colors import RAMP
from saddlescape.words.outcomes import Outcome


def live(results: Results, sweep: Sweep) -> tuple[list[str], Recorded | None]:
    """Sentences on the map and the runs to watch, and both of them; None if there is neither."""
    cells = cells_of(results)
    watched, left_out = watch(results if isinstance(cells, str) else cells.shown)
    said = [*([cells] if isinstance(cells, str) else sentences.about(cells)), *sentences.to_watch(watched), *left_out]
    if isinstance(cells, str) and not watched:
        return said, None
    return said, record(results, sweep, cells, watched)


def record(results: Results, sweep: Sweep, cells: Cells | str, watched: list[Watched]) -> Recorded:
    """What the explorer of the page shows."""
    spec = sweep.spec
    first = network(spec)
    described: dict[str, Any] = {
        **first, "type": "spec", "generation": 0, "title": results.title or title(spec), "side": SIDE, "skew": 0,
        "levels": [0, 0], "exact": LARGEST, "outcomes": outcomes(_occurring(results)), "ramp": RAMP, "keys": {},
        "grid": _grid(cells), "axes": {"x": 0, "y": 1}, "numbers": [], "point": 0, "points": [], "runs": 0,
        "ends": _ends(cells),
    }  # fmt: skip
    paths = [_told(run, number, cells, first, results) for number, run in enumerate(watched)]
    if isinstance(cells, str):
        return Recorded(described, [], paths, "")
    places, payload = cells.tiles()
    header = {"type": "tiles", "generation": 0, "k": 0, "tiles": places, "left": None}
    shown = math.prod(cells.shape)
    done = f"{shown:,} cells" if cells.runs > 1 else f"{shown:,} runs"
    return Recorded(described, [(header, payload)], paths, done)


def _occurring(results: Results) -> list[Outcome]:
    """The outcomes that runs have, and *solved*, whose colors are those of the clock."""
    codes = {Outcome.SOLVED, *(code for _, piece in results.pieces("outcome") for code in np.unique(piece).tolist())}
    return [outcome for outcome in Outcome if outcome in codes]


def _ends(cells: Cells | str) -> dict[str, list[float]]:
    """The ends of both axes of a map, whose cells have their indices as coordinates."""
    shape = (1, 1) if isinstance(cells, str) else cells.shape
    return {side: [-0.5, n - 0.5] for side, n in zip("xy", shape, strict=True)}


def _grid(cells: Cells | str) -> dict[str, Any] | None:
    """The values of both axes of a map, and the number of runs of a cell."""
    if isinstance(cells, str):
        return None
    sides = dict(zip("xy", cells.axes, strict=True))
    along = {side: cells.shown.along[dim] for side, dim in sides.items()}
    names = {side: ", ".join(called(cells.shown, name) for name in dims) for side, dims in along.items()}
    values = {side: _values(cells.shown, dims) for side, dims in along.items()}
    return {"values": values, "names": names, "runs": cells.runs}


def _told(run: Watched, number: int, cells: Cells | str, first: dict[str, Any], results: Results) -> Told:
    """The message of the path of a watched run; its place is its cell, or its number if there is no map."""
    n, m = (number, 0) if isinstance(cells, str) else run.index[:2]
    header, payload = run.path.told({"k": 0, "n": n, "m": m})
    own = network(run.spec)
    different = {} if own == first else {"own": own}
    shown = results if isinstance(cells, str) else cells.shown
    return {**header, "generation": 0, "outcome": int(run.outcome), "label": _label(run, shown), **different}, payload


def _label(run: Watched, shown: Results) -> str:
    """The outcome, the clock and the place of a watched run."""
    clock = "time" if run.spec.flows else "step"
    places = [(dim, i) for dim, i in zip(shown.dims, run.index, strict=True) if dim != "run"]
    at = [_value(shown, name, i) for dim, i in places for name in shown.along[dim]]
    runs = shown.picks("outcome")["run"]
    number = [] if isinstance(runs, int) or len(runs) == 1 else [f"run {runs[run.index[-1]]}"]
    return f"{run.outcome.label}, {clock} {run.path.clock[-1]:g}: {', '.join([*at, *number])}"


def _values(results: Results, names: tuple[str, ...]) -> list[Any]:
    """The values of a coordinate, or of those that are zipped as one text each."""
    columns = [results.coords[name].tolist() for name in names]
    if len(columns) == 1:
        return list(columns[0])
    return [", ".join(map(_text, row)) for row in zip(*columns, strict=True)]


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _value(results: Results, name: str, index: int) -> str:
    """A value of a coordinate."""
    return f"{called(results, name)} = {_text(results.coords[name][index].item())}"
