"""The sentences of a report; all of them are plain text."""

import math
import os
from collections.abc import Iterable, Iterator

from saddlescape.errors import SaddlescapeError
from saddlescape.explorer.cells import Cells, axes_of, meaning
from saddlescape.explorer.watched import EACH, Watched
from saddlescape.results import Results
from saddlescape.spec import Sweep

LISTED = 3
"""Words that a sentence lists, at most."""


def sweep_of(results: Results) -> Sweep | str:
    """The sweep, or the reason why it cannot be read, on one line."""
    try:
        return results.sweep
    except SaddlescapeError as fault:
        return reason(results, fault)


def reason(results: Results, fault: SaddlescapeError) -> str:
    """A fault on one line, without the folder of the results, which is nobody else's business."""
    folder = results.path if results.path.is_dir() else results.path.parent
    return " ".join(str(fault).splitlines()).replace(f"{folder}{os.sep}", "").replace(str(folder), folder.name)


def what(results: Results, sweep: Sweep | str) -> Iterator[str]:
    """What was run."""
    runs, each = math.prod(results.dims.values()), results.dims.get("run", 1)
    sides = [f"{counted(results.dims[name], 'value')} of {meaning(results, name)}" for name in axes_of(results)]
    if each > 1 and sides:
        sides.append(f"{each:,} starts of each point")
    yield f"{counted(runs, 'run')}{': ' if sides else ''}{', '.join(sides)}."
    if not isinstance(sweep, str):
        yield training(sweep)
    if (whole := math.prod(results.stored("outcome").shape)) != runs:
        yield f"They are a selection of the {whole:,} runs of the result."
    if results.so_far is not None:
        yield "So far {:,} of {:,} runs have finished.".format(*results.so_far)
    if "computed" in results:
        trained = int(results["computed"].sum())
        yield f"The map is refined: {trained:,} runs were trained, and the others have the values of their neighbors."


def training(sweep: Sweep) -> str:
    """The networks and their training."""
    specs = sweep.structures
    sizes = list(dict.fromkeys("-".join(map(str, spec.sizes)) for spec in specs))
    problems = listed(str(spec.problem.name or spec.problem.file) for spec in specs)
    optimizers = listed(spec.training.optimizer for spec in specs)
    least, most = (end(spec.steps for spec in specs) for end in (min, max))
    steps = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    networks = "The network {} is" if len(sizes) == 1 else "The networks {} are"
    return f"{networks.format(listed(sizes))} trained on {problems} by {optimizers}, for at most {steps} steps."


def counted(number: int, noun: str) -> str:
    """A number of things, such as "1 run" and "2 runs"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(words: Iterable[str]) -> str:
    """Different words as a list in a sentence."""
    names = list(dict.fromkeys(words))
    if len(names) > LISTED + 1:
        names = [*names[:LISTED], f"{len(names) - LISTED:,} others"]
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def about(cells: Cells) -> Iterator[str]:
    """What a map shows."""
    across, up = (meaning(cells.shown, name) for name in cells.axes)
    yield f"The map shows {across} across and {up} up. Zoom by the wheel, move by dragging, and point at a cell."
    if cells.where:
        fixed = ", ".join(f"{name} = {value}" for name, value in cells.where.items())
        yield f"Other axes have their first value: {fixed}."
    if cells.step > 1:
        yield f"One of {cells.step} values along both axes is shown."
    if cells.runs > 1:
        yield f"A cell of {cells.runs:,} runs shows their most frequent outcome, and medians over the runs with it."
        yield "The shares below the map are those of cells."


def to_watch(watched: list[Watched]) -> Iterator[str]:
    """Which runs can be watched."""
    if not watched:
        return
    runs = counted(len(watched), "run")
    yield f"{runs} can be watched, at most {EACH} of each outcome; they were trained again, and ended as in the result."
    if thin := sum(len(run.path.clock) < run.records for run in watched):
        yield f"Some recorded steps of {thin} of them are left out."
