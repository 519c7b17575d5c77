"""The variables, dimensions and groups of a result, and of a run in progress."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from saddlescape.words.measures import BASIC, MEASURES
from saddlescape.words.outcomes import CODED, ESCAPE_DROP, Outcome, StopReason

_LATER = {name for name, its in MEASURES.items() if its.later}

GROUPS = ("provenance", "entry")

DIMENSIONS = ("run", "trajectory", "record", "parameter", "layer", "hidden_layer", "sample", "output")
"""Dimensions that results have besides those of the axes, and x and y of a slice."""

RUNS, POINTS, PATHS = ("...", "run"), ("...",), ("...", "trajectory", "record")
"""Dimensions of variables per run, per point and along trajectories; ``...`` stands for the axes, x and y."""


class When(StrEnum):
    """Which results have a variable."""

    ALWAYS = ""
    FLOW = 'with `optimizer = "flow"`'
    REFINED = "of a refined map"
    ENDS = "with `record.final_parameters`"
    EPOCHS = "with `record.epochs` or minibatches"
    FIELD = "with the measure in `record.fields`"
    BY_OUTCOME = "with `record.runs = { per_outcome = N }`"
    PARAMETERS = "with `record.parameters`"


@dataclass(frozen=True)
class Variable:
    """A variable.

    Attributes
    ----------
    dtype : NumPy's name of its type; "" for the type of the parameters.
    dims : names of its dimensions.
    long_name : its attribute `long_name`.
    when : which results have it.
    attrs : its other attributes.
    note : a remark in docs/file-format.md.
    """

    dtype: str
    dims: tuple[str, ...]
    long_name: str
    when: When = When.ALWAYS
    attrs: dict[str, Any] = field(default_factory=dict)
    note: str = ""


def coded(members: Iterable[Outcome | StopReason]) -> dict[str, Any]:
    """Attributes that tell the meanings of codes."""
    members = tuple(members)
    comment = " ".join(f"{member.label}: {member.sentence}" for member in members)
    meanings = " ".join(member.label for member in members)
    return {"flag_values": members, "flag_meanings": meanings, "comment": comment}


def _codes(name: str, long_name: str) -> Variable:
    return Variable("i1", RUNS, long_name, attrs=coded(CODED[name]), note="see below")


_PLAIN = {"units": "1"}
_EVENTS = {
    "stop": "{} at which the run stopped",
    "escape": f"first {{}} with a loss below {1 - ESCAPE_DROP:g} of the plateau loss",
    "solve": "first {} with every output within the tolerance of its target",
}
_MET = "It met events.accuracy, events.loss or the tolerance of outputs."
BY_EVENTS = {
    Outcome.SOLVED.sentence: _MET,
    StopReason.SOLVED.sentence: _MET,
    _EVENTS["solve"].partition("{} ")[2]: "at which the run was solved",
}
"""Sentences of results whose runs are solved by more than the tolerance of outputs."""

LATE = (
    "looked for only after epochs in which the loss or the errors, as the samples went by, were below the limit: "
    "late, and not to be compared with full batches; losses recorded at each epoch tell the first end of one exactly"
)
"""Attribute `comment` of the events in minibatches."""

WITH_DROPOUT = "looked for at the end of each epoch, and not to be compared with full batches"
"""The same of runs with dropout, whose loss over all samples is known at each end of an epoch."""

LATE_IN_BATCHES = ("escape_step", "solve_step")

_LATE_NOTE = "; with minibatches [late](spec.md#minibatches), as its `comment` says"
_NEVER = {**_PLAIN, "comment": "-1: never"}
_STEPS = {
    f"{name}_step": Variable(
        "i8",
        RUNS,
        sentence.format("step"),
        attrs=_NEVER,
        note="-1: never" + _LATE_NOTE * (f"{name}_step" in LATE_IN_BATCHES),
    )
    for name, sentence in _EVENTS.items()
}
_TIMES = {
    f"{name}_time": Variable(
        "f8", RUNS, sentence.format("time"), When.FLOW, {**_PLAIN, "comment": "NaN: never"}, "NaN: never"
    )
    for name, sentence in _EVENTS.items()
}
_ENDS = {
    f"final_{name}": Variable(
        "f8", (*RUNS, *its.dims), f"{its.sentence}, at the end", When.ALWAYS if name in BASIC else When.FIELD
    )
    for name, its in MEASURES.items()
}
_ALONG = {
    name: Variable(
        "f4", (*PATHS, *its.dims), its.sentence, When.FIELD, note="or `record.dtype`; NaN after the run's stop"
    )
    for name, its in MEASURES.items()
}
_TRAJECTORY = "run whose trajectory it is"

VARIABLES = {
    "outcome": _codes("outcome", "outcome of the run"),
    "stop_reason": _codes("stop_reason", "why the run stopped"),
    **_STEPS,
    "solve_epoch": Variable(
        "i8", RUNS, "number of full passes through the samples until solve_step", When.EPOCHS, _NEVER, "-1: never"
    ),
    **{name: row for name, row in _ENDS.items() if row.when is When.ALWAYS},
    **_TIMES,
    "computed": Variable(
        "i1",
        RUNS,
        "whether the start was run",
        When.REFINED,
        {
            "flag_values": (0, 1),
            "flag_meanings": "inferred run",
            "comment": "inferred: everything is that of a start nearby, with which all around agree.",
        },
        "1 if the start was run, 0 if all values are those of a start nearby",
    ),
    "distinct_starts": Variable(
        "i8",
        POINTS,
        "different starts of the point",
        note="1 at exact zero; the table of `info` counts starts that points share only once",
    ),
    "start_theta": Variable("", (*RUNS, "parameter"), "parameters at the start", When.ENDS),
    "final_theta": Variable("", (*RUNS, "parameter"), "parameters where the run stopped", When.ENDS),
    **{name: row for name, row in _ENDS.items() if row.when is When.FIELD},
    "trajectory_run": Variable(
        "i8",
        ("...", "trajectory"),
        f"{_TRAJECTORY}; -1: none",
        When.BY_OUTCOME,
        _PLAIN,
        "N for each outcome, in the order of the codes",
    ),
    **_ALONG,
    "theta": Variable(
        "", (*PATHS, "parameter"), "parameters", When.PARAMETERS, note="or `record.dtype`; NaN after the run's stop"
    ),
}
"""Variables by name, in the order of a result."""

COORDINATES = {
    "record_step": Variable("i8", ("record",), "step of the record", attrs=_PLAIN, note=f"not {When.FLOW}"),
    "record_time": Variable("f8", ("record",), "time of the record", When.FLOW, _PLAIN),
    "trajectory_run": Variable(
        "i8", ("trajectory",), _TRAJECTORY, attrs=_PLAIN, note=f"not {When.BY_OUTCOME}, see above"
    ),
}
"""Coordinates along one dimension, besides those with the name of a dimension."""

RESERVED = frozenset({*GROUPS, *DIMENSIONS, *VARIABLES, *COORDINATES} - _LATER - {f"final_{name}" for name in _LATER})
"""Names that a dimension of an axis cannot have: it has the full key instead, or the prefix ``zip_``."""


def reserved(fields: Iterable[str]) -> frozenset[str]:
    """`RESERVED`, with the names of a result with these measures; so the results of old specs keep their names."""
    later = [name for name in fields if name in _LATER]
    dims = (dim for name in later for dim in MEASURES[name].dims)
    return RESERVED.union(later, dims, (f"final_{name}" for name in later))
