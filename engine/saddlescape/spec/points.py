"""Check the points of a sweep: one spec for each combination of the axes that change more than a number."""

import contextlib
import itertools
import json
import math
import re
from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import replace

from saddlescape.errors import Fault
from saddlescape.spec.axes import Axis, grid, only_numbers
from saddlescape.spec.checks import Chosen, Idle
from saddlescape.spec.files import DataFiles
from saddlescape.spec.keys import NUMERIC, is_number
from saddlescape.spec.spec import Spec
from saddlescape.spec.tree import Tree, put
from saddlescape.spec.validate import validate
from saddlescape.words.optimizers import OPTIMIZERS
from saddlescape.words.starts import STARTS

MAX_STRUCTURES = 4096

MAX_FILES = 8
"""Number of files that one error names."""

_SHAPING = {
    "starts.kind": tuple(name for name, kind in STARTS.items() if kind.shapes),
    "training.optimizer": tuple(name for name, its in OPTIMIZERS.items() if not its.steps),
}
"""Values of keys that determine the dimensions or variables of the result."""


def shaping(tree: Tree, axes: list[Axis]) -> Iterator[Fault]:
    """Axes with a value that determines the dimensions or variables of the result."""
    for axis in (axis for axis in axes if axis.key in _SHAPING):
        section, key = axis.key.split(".")
        base = tree[section].get(key) if isinstance(tree.get(section), dict) else None
        values = [value for value in (base, *axis.values) if value in _SHAPING[axis.key]]
        if values:
            message = f'cannot be an axis with {key} = "{values[0]}", which shapes the result'
            yield Fault(axis.key, f"{message}; run a sweep for each {key}")


def counts(specs: Collection[Spec]) -> Iterator[Fault]:
    """Files of starts that do not have equally many."""
    rows: dict[str, int] = {}
    for spec in (spec for spec in specs if spec.starts.kind == "file" and spec.starts.file):
        with contextlib.suppress(ValueError):  # a fault of the file itself, which is told by the checks
            rows.setdefault(str(spec.starts.file), len(spec.given_starts))
    if len(set(rows.values())) > 1:
        each = ", ".join(f"{n} in {name!r:.80}" for name, n in list(rows.items())[:MAX_FILES])
        yield Fault("starts.file", f"must have equally many starts in each file; got {each}")


def structures(
    tree: Tree, files: DataFiles, axes: list[Axis], chosen: Chosen, faulty: Set[str]
) -> tuple[dict[tuple[int, ...], Spec], list[Fault]]:
    """The spec of each combination of the axes that change more than a number, by its index, and all their faults.

    Checks of the keys in `faulty`, which have faults already, are skipped.
    """
    sides = grid(axes)
    lengths = [1 if only_numbers(side) else len(side[0].values) for side in sides]
    if (number := math.prod(lengths)) > MAX_STRUCTURES:
        message = f"must have at most {MAX_STRUCTURES} combinations of other keys than {', '.join(NUMERIC)}"
        first = [replace(axis, values=axis.values[:1]) for axis in axes]
        of_first = (fault for fault in structures(tree, files, first, chosen, faulty)[1] if not isinstance(fault, Idle))
        return {}, [Fault("axes", f"{message}; got {number}"), *of_first]
    specs: dict[tuple[int, ...], Spec] = {}
    indices: dict[Fault, list[tuple[int, ...]]] = {}
    for index in itertools.product(*map(range, lengths)):
        point, point_faults = _point(tree, sides, index)
        specs[index], spec_faults = validate(point, files, chosen, {*faulty, *(fault.path for fault in point_faults)})
        for fault in [*point_faults, *spec_faults]:
            indices.setdefault(fault, []).append(index)
    return specs, list(_located(indices, sides, lengths))


def _point(tree: Tree, sides: Sequence[Sequence[Axis]], index: tuple[int, ...]) -> tuple[Tree, list[Fault]]:
    """The tree of one point: whole keys are set first, then elements of lists."""
    point = {name: dict(value) if isinstance(value, dict) else value for name, value in tree.items()}
    pairs = [(axis.key, axis.values[i]) for side, i in zip(sides, index, strict=True) for axis in side]
    faults = [
        fault
        for key, value in sorted(pairs, key=lambda pair: pair[0].count("."))
        if key not in NUMERIC
        for fault in put(point, key, value)
    ]
    return point, faults


def _located(
    indices: dict[Fault, list[tuple[int, ...]]], sides: Sequence[Sequence[Axis]], lengths: list[int]
) -> Iterator[Fault]:
    """Each kind of fault once, with the values of axes that it depends on; idle keys only if they are idle everywhere.

    `indices` has the points where each fault occurs.
    """
    kinds = set()
    for fault, where in indices.items():
        kind = fault.path, re.sub(r"\d+", "", fault.message)
        if kind in kinds or (isinstance(fault, Idle) and len(where) < math.prod(lengths)):
            continue
        kinds.add(kind)
        pairs = [
            f"{axis.key} = {json.dumps(axis.values[i], default=str)}"
            for side, length, i, along in zip(sides, lengths, where[0], zip(*where, strict=True), strict=True)
            for axis in side
            if len(set(along)) < length and not is_number(axis.key)
        ]
        yield fault._replace(message=f"{fault.message} (where {', '.join(pairs)})") if pairs else fault
