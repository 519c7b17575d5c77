"""Runs of a result to watch: some of each outcome, trained again with their paths."""

import time
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from saddlescape.explorer.cells import ends_of
from saddlescape.explorer.train import Path, Stale, path_of
from saddlescape.plan import Plan
from saddlescape.results import Results
from saddlescape.runs.replay import start
from saddlescape.spec import Spec, Sweep
from saddlescape.words.outcomes import Outcome

EACH = 2
"""Maximum number of watched runs of each outcome."""

LOOKED_AT = 2**22
"""Maximum number of runs among which they are chosen: the first ones of each point."""

SECONDS = 60.0
"""Maximum time in which they are trained."""

BYTES = 3 * 2**18
"""Maximum length of a path; of a longer one, records are left out."""

FEWEST = 8
"""A path of which fewer records would remain is left out."""

COLORED = np.uint32(0xFFFFC000)
"""The bits of a float32 that a color of 8 bits shows; the rest of a surface is zeroed, so that it can be compressed."""


@dataclass(frozen=True)
class Watched:
    """A run and its path.

    Attributes
    ----------
    index : of the run, along the dimensions of the results it was chosen from.
    spec : of its point.
    records : number of records of the path, of which `path` has some.
    """

    index: tuple[int, ...]
    outcome: Outcome
    spec: Spec
    path: Path
    records: int


def chosen(results: Results) -> list[tuple[tuple[int, ...], Outcome]]:
    """Indices of at most `EACH` runs of each outcome along the dimensions of results, by the clock at their stop."""
    if "run" in results.dims:
        points = max(1, int(np.prod([n for name, n in results.dims.items() if name != "run"])))
        results = results.isel(run=slice(0, max(1, LOOKED_AT // points)))
    codes, (clock, _) = results["outcome"], ends_of(results)
    if "computed" in results:
        codes = np.where(results["computed"], codes, -1)
    return [
        (tuple(map(int, np.unravel_index(cell, codes.shape))), outcome)
        for outcome in Outcome
        for cell in _some(np.flatnonzero(codes == outcome), clock.ravel())
    ]


def _some(runs: npt.NDArray[np.intp], clock: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """At most `EACH` of these runs: those in the middle of as many equal parts, in the order of the clock."""
    ordered = runs[np.argsort(clock[runs], kind="stable")]
    parts = min(EACH, len(runs))
    return ordered[[len(runs) * (2 * part + 1) // (2 * parts) for part in range(parts)]]


def watch(results: Results) -> tuple[list[Watched], list[str]]:
    """Train the chosen runs again; what is left out is said in sentences.

    Raises
    ------
    SaddlescapeError
        If the sweep cannot be read, for example because a data file has changed.
    """
    sweep, ends = results.sweep, time.monotonic() + SECONDS
    watched: list[Watched] = []
    left_out: list[str] = []
    if Plan(sweep).shape != results.stored("outcome").shape:
        return [], ["No run can be watched, as the spec is not that of the runs."]
    largest = max(spec.n_params for spec in sweep.structures)
    if 8 * FEWEST * largest > BYTES:
        return [], [f"No start can be watched on this page, as a network has {largest:,} parameters."]
    for index, outcome in chosen(results):
        name = f"{'A' if outcome.label[0] not in 'aeiou' else 'An'} {outcome.label} run"
        try:
            run = _trained(results, sweep, index, outcome, ends)
        except Stale:
            left_out.append(f"{name} is left out: all watched runs together may take {SECONDS:g} s.")
            continue
        if not _agrees(results, index, run):
            left_out.append(f"{name} is left out: this version of the software computes another path for it.")
        elif not any(np.array_equal(run.path.theta, other.path.theta) for other in watched):
            watched.append(run)
    return watched, left_out


def _trained(results: Results, sweep: Sweep, index: tuple[int, ...], outcome: Outcome, ends: float) -> Watched:
    point, number = _place(results, sweep, index)
    spec = sweep.at(point)
    path = path_of(spec, start(sweep, point, number), lambda: time.monotonic() > ends, number=number)
    return Watched(index, outcome, spec, thinned(path), len(path.clock))


def _place(results: Results, sweep: Sweep, index: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """The point of the sweep, and the number of a run."""
    along = iter(index)
    whole = [int(pick if isinstance(pick, int) else pick[next(along)]) for pick in results.picks("outcome").values()]
    axes = len(sweep.shape)
    if not (cell := whole[axes:-1]):
        return tuple(whole[:axes]), whole[-1]
    sides = [results.stored(name).shape[0] for name in ("x", "y")]
    return tuple(whole[:axes]), int(np.ravel_multi_index(cell, sides))


def thinned(path: Path) -> Path:
    """With as many records as `BYTES` allow, the first and the last ones included, and a surface that is rounded."""
    arrays = {name: getattr(path, name) for name in ("clock", "loss", "theta", "surface")}
    most = BYTES // sum(array[0].nbytes for array in (*arrays.values(), *path.measures.values()))
    rows = np.unique(np.linspace(0, len(path.clock) - 1, min(len(path.clock), most)).round().astype(int))
    measures = {name: values[rows] for name, values in path.measures.items()}
    thin = replace(path, measures=measures, **{name: array[rows] for name, array in arrays.items()})
    return replace(thin, surface=(thin.surface.view(np.uint32) & COLORED).view(np.float32))


def _agrees(results: Results, index: tuple[int, ...], run: Watched) -> bool:
    """Whether a path ends as the run did."""
    one = results.isel(**dict(zip(results.dims, index, strict=True)))
    stop = one["stop_time" if run.spec.flows else "stop_step"]
    return bool(run.path.clock[-1] == stop) and np.array_equal(run.path.loss[-1], one["final_loss"], equal_nan=True)
