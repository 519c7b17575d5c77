"""The variables, dimensions and groups of a result, and of a run in progress."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from saddlescape.words.measures import BASIC, MEASURES
from saddlescape.words.outcomes import CODED, ESCAPE_DROP

GROUPS = ("provenance", "entry")

DIMENSIONS = ("run", "trajectory", "record", "parameter", "layer", "hidden_layer", "sample", "output")
"""Of every result, or of some; beside those of the axes, and x and y of a slice."""

RUNS, POINTS, PATHS = ("...", "run"), ("...",), ("...", "trajectory", "record")
"""Dimensions of what each run, each point and each trajectory has; ``...`` stands for the axes, x and y."""


class When(StrEnum):
    """The results that have a variable."""

    ALWAYS = ""
    FLOW = 'with `optimizer = "flow"`'
    REFINED = "of a refined map"
    ENDS = "with `record.final_parameters`"
    FIELD = "with the measure in `record.fields`"
    BY_OUTCOME = "with `record.runs = { per_outcome = N }`"
    PARAMETERS = "with `record.parameters`"


@dataclass(frozen=True)
class Variable:
    """A variable.

    Attributes
    ----------
    dtype : NumPy's name of its type; "" for that of the parameters.
    dims : names of its dimensions.
    long_name : what it is.
    when : the results that have it.
    attrs : its attributes, beside `long_name`.
    note : what else there is to say of it.
    """

    dtype: str
    dims: tuple[str, ...]
    long_name: str
    when: When = When.ALWAYS
    attrs: dict[str, Any] = field(default_factory=dict)
    note: str = ""


def _codes(name: str, long_name: str) -> Variable:
    kind = CODED[name]
    comment = " ".join(f"{member.label}: {member.sentence}" for member in kind)
    flags = {"flag_values": tuple(kind), "flag_meanings": " ".join(member.label for member in kind)}
    return Variable("i1", RUNS, long_name, attrs={**flags, "comment": comment}, note="see below")


_PLAIN = {"units": "1"}
_EVENTS = {
    "stop": "{} at which the run stopped",
    "escape": f"first {{}} with a loss below {1 - ESCAPE_DROP:g} of the plateau loss",
    "solve": "first {} with every output within the tolerance of its target",
}
LATE = (
    "looked for only after epochs in which the loss or the errors, as the samples went by, were below the limit: "
    "late, and not to be compared with full batches; losses recorded at each epoch tell the first end of one exactly"
)
"""What is said besides of the events in batches."""

LATE_IN_BATCHES = ("escape_step", "solve_step")

_LATE_NOTE = "; in batches [late](spec.md#optimizers), and its `comment` says so"
_STEPS = {
    f"{name}_step": Variable(
        "i8",
        RUNS,
        what.format("step"),
        attrs={**_PLAIN, "comment": "-1: never"},
        note="-1: never" + _LATE_NOTE * (f"{name}_step" in LATE_IN_BATCHES),
    )
    for name, what in _EVENTS.items()
}
_TIMES = {
    f"{name}_time": Variable(
        "f8", RUNS, what.format("time"), When.FLOW, {**_PLAIN, "comment": "NaN: never"}, "NaN: never"
    )
    for name, what in _EVENTS.items()
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
        "1 where the start was run, 0 where all is that of a start nearby",
    ),
    "distinct_starts": Variable(
        "i8",
        POINTS,
        "different starts of the point",
        note="1 at exact zero; the table of `info` counts those that points share once",
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
        "N places for each outcome, in the order of the codes",
    ),
    **_ALONG,
    "theta": Variable(
        "", (*PATHS, "parameter"), "parameters", When.PARAMETERS, note="or `record.dtype`; NaN after the run's stop"
    ),
}
"""By name, in the order of a file."""

COORDINATES = {
    "record_step": Variable("i8", ("record",), "step of the record", attrs=_PLAIN, note=f"not {When.FLOW}"),
    "record_time": Variable("f8", ("record",), "time of the record", When.FLOW, _PLAIN),
    "trajectory_run": Variable(
        "i8", ("trajectory",), _TRAJECTORY, attrs=_PLAIN, note=f"not {When.BY_OUTCOME}, see above"
    ),
}
"""Along one dimension; beside those of the dimensions themselves, which have their names."""

RESERVED = frozenset((*GROUPS, *DIMENSIONS, *VARIABLES, *COORDINATES))
"""Names that an axis of a result cannot have: it keeps its full key, or has ``zip_`` before it."""
