"""Checks of what is recorded."""

from collections.abc import Iterator

from saddlescape.errors import Fault
from saddlescape.spec.checks.check import Chosen, Idle, idle
from saddlescape.spec.checks.problem import is_valid
from saddlescape.spec.classes import missing
from saddlescape.spec.spec import Spec
from saddlescape.words.measures import MEASURES

MAX_RECORDS = 10**7


def schedule(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """Recorded steps or times lie within the run, and there are not too many."""
    if spec.training.epochs is not None and not is_valid(spec):
        return
    in_epochs = spec.record.epochs is not None
    if in_epochs and "steps" in spec.record.model_fields_set:
        yield Fault("record.steps", "does not go with record.epochs; leave one of them out")
    if in_epochs and not is_valid(spec):
        return
    name = "times" if spec.flows else "epochs" if in_epochs else "steps"
    steps = spec.steps // spec.epoch if in_epochs else spec.steps
    schedule, last = getattr(spec.record, name), spec.training.time if spec.flows else steps
    if isinstance(schedule, tuple):
        if schedule[-1] > last:
            yield Fault(f"record.{name}", f"must end by the last {name[:-1]}, {last}; got {schedule[-1]}")
        return
    kind, number = schedule.split(":")
    records = last // int(number) if kind == "every" else int(number)
    if records > MAX_RECORDS:
        yield Fault(f"record.{name}", f"must be at most {MAX_RECORDS} records; got {records}, from {schedule!r}")


def measures(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """The measures exist for this network; `record.tolerance` is used."""
    keys = spec.record
    of_hidden = [field for field in keys.fields if {"hidden_layer", "unit"}.intersection(MEASURES[field].dims)]
    if of_hidden and not spec.network.hidden:
        yield Idle("record.fields", f'"{of_hidden[0]}" needs a hidden layer; leave it out, or set network.hidden')
    for field in keys.fields if is_valid(spec) else ():
        if needed := missing(spec, field):
            yield Idle("record.fields", f'"{field}" needs {needed}; or leave it out')
    if "tolerance" in keys.model_fields_set and "effective_width_tol" not in keys.fields:
        yield from idle("record.tolerance", 'belongs to fields with "effective_width_tol"', "record.fields", chosen)
