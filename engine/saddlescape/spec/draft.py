"""A commented spec for a data file, to begin with."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath

import numpy as np
import numpy.typing as npt

from saddlescape.errors import Fault, SpecError
from saddlescape.network.classes import coding
from saddlescape.network.problems import Problem, read_problem, to_csv
from saddlescape.spec.columns import needs_numbers, read_table
from saddlescape.spec.from_python import toml_of

TEXT = """\
# samples: {samples}, inputs: {inputs}, outputs: {outputs}.  docs/spec.md explains every key;
# saddlescape run {spec} --dry-run checks this file and estimates the cost.{meanings}
schema = 1
title = {title}

[problem]
file = {file}
{standardize} # inputs with mean 0 and standard deviation 1
# test_fraction = 0.2       # hold samples out, for the measures test_loss and test_accuracy

[network]
hidden = [8]                # widths of the hidden layers; [] = none
activation = "tanh"         # or relu, logistic, gelu, ...
output = "{output}"{space}# {why}

[starts]
kind = "glorot_normal"      # or normal, he_normal, orthogonal, zero, ...
count = 1000                # starts at each point of the sweep

[training]
loss = "{loss}"
optimizer = "adam"          # or gd, momentum, rmsprop, ...
learning_rate = 0.01
steps = 5000
{solved}
[[axes]]                    # what varies
key = "starts.scale"        # factor of the start
values = [0, 0.001, 0.01, 0.1, 1, 10]
"""

ACCURACY = """
[events]
accuracy = 0.9              # a run is solved when it classifies this share of the samples right
"""
ERROR = """
[stop]
solved = {solved}{space}# a run is solved when every output is within this of its target
"""
LARGE = """\
diverged = {loss:.0e}            # a loss above this is diverged; better divide the targets to be of about 1
"""

HUGE = 1e4
"""Loss of outputs that are zero from which on a larger loss than by default counts as diverged."""

FAR = 3
"""Mean of an input, or factor of its standard deviation, from which on the draft standardizes the inputs."""


def draft(data: str | Path, spec: str | Path, targets: Sequence[str] = ()) -> dict[Path, bytes]:
    """The files to write for a data file `data`: a spec at the path `spec`, with outputs and loss that fit the targets.

    For a CSV file with words, or columns of other names than x1, x2, ..., t1, ..., also a data file with their numbers,
    beside the spec; `targets` are the names of the targets, by default t1, t2, ..., or else the last column.

    Raises
    ------
    SpecError
        If the file is not valid.
    """
    data, spec = Path(data), Path(spec)
    if needs_numbers(data) or (targets and data.suffix == ".csv"):
        table = read_table(data, targets)
        numbers, content = spec.with_name(f"{spec.stem}-numbers.csv"), to_csv(table.X, table.T)
        problem = _valid(data, lambda: read_problem(numbers.with_name(f"{data.stem}.csv"), lambda *_: content))
        return {numbers: content, spec: _text(problem, numbers, spec, table.meanings).encode()}
    if targets:
        raise SpecError([Fault(str(data), f"must be a CSV file for --target; got {data.name!r}")])
    return {spec: _text(_valid(data, lambda: read_problem(data)), data, spec).encode()}


def _valid(data: Path, read: Callable[[], Problem]) -> Problem:
    try:
        problem = read()
        if (np.ptp(problem.T, axis=0) == 0).all():
            same = ", ".join(f"{value:g}" for value in problem.T[0])
            raise ValueError(f"targets must differ between samples; all are {same}")
    except ValueError as error:
        raise SpecError([Fault(str(data), str(error))]) from None
    return problem


def _text(problem: Problem, data: Path, spec: Path, meanings: Sequence[str] = ()) -> str:
    name = _from(spec.absolute().parent, data.absolute())
    output, loss, why, solved = _fitting(problem)
    standardize = f"{'' if _is_far(problem.X) else '# '}standardize = true"
    return TEXT.format(
        samples=len(problem.X), inputs=problem.X.shape[1], outputs=problem.T.shape[1], spec=spec.name,
        title=toml_of(f"{problem.name} from zero to large weights"), file=toml_of(name),
        standardize=standardize.ljust(27), output=output, space=" " * (17 - len(output)), why=why, loss=loss,
        solved=solved, meanings="".join(f"\n# {_one_line(meaning)}" for meaning in meanings),
    )  # fmt: skip


def _one_line(text: str) -> str:
    """A text for a comment of a TOML file, which has no control characters."""
    return "".join(char if char.isprintable() else " " for char in text)


def _from(folder: PurePath, file: PurePath) -> str:
    """The path of a file from a folder, with slashes; from the root of its drive, if it is on another one (Windows)."""
    same = folder.anchor == file.anchor
    return Path(os.path.relpath(file, folder)).as_posix() if same else file.as_posix()


def _is_far(X: npt.NDArray[np.float64]) -> bool:
    """Whether an input is far from mean 0 and standard deviation 1."""
    spread = X.std(axis=0)
    return bool(((abs(X.mean(axis=0)) > FAR) | (spread > FAR) | (spread < 1 / FAR)).any() and spread.all())


def _fitting(problem: Problem) -> tuple[str, str, str, str]:
    """Activation of the outputs, loss, what the targets are, and the event that makes a run solved."""
    several, classes = problem.T.shape[1] > 1, coding(problem.T)
    if classes == "01" and several:
        return "linear", "softmax_ce", "targets are classes, one column each; the loss takes logits", ACCURACY
    if classes == "01":
        return "logistic", "bce", "targets are the classes 0 and 1", ACCURACY
    if classes:
        return "tanh", "half_sse", "targets are the classes -1 and 1", ACCURACY
    width = max(float(problem.T.max() - problem.T.min()) / 10, 0.01)
    limit = f"{width:.1g}"
    solved, loss = ERROR.format(solved=limit, space=" " * (19 - len(limit))), float(np.mean(problem.T**2))
    return "linear", "mse", "targets are numbers", solved + (LARGE.format(loss=1000 * loss) if loss > HUGE else "")
