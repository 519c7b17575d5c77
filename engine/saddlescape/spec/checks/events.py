"""Checks of the events that make a run solved."""

from collections.abc import Iterator

from saddlescape.errors import Fault
from saddlescape.network.classes import coding
from saddlescape.spec.checks.check import Chosen, idle
from saddlescape.spec.checks.problem import is_valid
from saddlescape.spec.spec import Spec


def classes(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """Accuracy needs targets that are classes."""
    accuracy = max((spec.events.accuracy, *chosen.get("events.accuracy", ())))
    if accuracy > 0 and is_valid(spec) and not coding(spec.loaded.T):
        message = "needs targets that are classes: one output with 0 and 1 (or -1 and 1), or several of which one is 1"
        yield Fault("events.accuracy", f"{message}; got {accuracy:g}; use events.solved or events.loss")


def going_on(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """Runs go on after they are solved only if that is looked for."""
    keys = {"stop.solved": spec.stop.solved, "events.accuracy": spec.events.accuracy, "events.loss": spec.events.loss}
    never = not any(max((value, *chosen.get(key, ()))) > 0 for key, value in keys.items())
    if not spec.stop.at_solved and never:
        reason = "belongs to runs that can be solved: set events.solved, events.accuracy or events.loss"
        yield from idle("stop.at_solved", reason, "stop.solved", chosen)
