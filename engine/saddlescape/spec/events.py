"""Events of a spec that does not say when a run is solved."""

from collections.abc import Sequence
from typing import Any

from saddlescape.network.classes import coding
from saddlescape.spec.axes import Axis
from saddlescape.spec.spec import Spec
from saddlescape.spec.tree import Tree, put_default
from saddlescape.words.problems import TABLES

ACCURACY = 0.99
"""The default of `events.accuracy`, where it has one."""


def imply_tolerance(tree: Tree, axes: Sequence[Axis]) -> None:
    """Set the tolerance of outputs to 0 if runs are solved by accuracy or loss, unless it is set, too."""
    table = tree.get("events")
    values: list[Any] = [table.get(name) for name in ("accuracy", "loss")] if isinstance(table, dict) else []
    values += [value for axis in axes if axis.key in ("events.accuracy", "events.loss") for value in axis.values]
    if any(type(value) in (int, float) and value > 0 for value in values):
        put_default(tree, "stop.solved", 0.0)


def with_accuracy(spec: Spec) -> Spec:
    """The spec, with the default accuracy if its problem has classes and it does not say when a run is solved.

    Truth tables, whose samples are few and exact, do not have this default.
    """
    is_set = spec.events.model_fields_set or "solved" in spec.stop.model_fields_set
    if is_set or spec.problem.name in TABLES or not coding(spec.loaded.T):
        return spec
    return spec.changed("events", accuracy=ACCURACY).changed("stop", solved=0.0)
