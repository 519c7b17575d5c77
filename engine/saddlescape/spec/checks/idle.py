"""Checks of axes that change nothing."""

from collections.abc import Callable, Iterator

from saddlescape.errors import Fault
from saddlescape.spec.checks.check import Check, Chosen
from saddlescape.spec.model import Spec


def axis(key: str, reason: str, is_idle: Callable[[Spec], bool]) -> Check:
    """Whether an axis changes nothing; a fault only if that is so at every point."""

    def check(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
        if chosen.get(key) and is_idle(spec):
            yield Fault("axes", f"{key} changes nothing, as {reason}; remove this axis")

    return check


def given(spec: Spec) -> bool:
    """Whether nothing scales the starts."""
    return spec.starts.kind in ("zero", "slice", "file")


def no_biases(spec: Spec) -> bool:
    """Whether no bias is drawn."""
    return given(spec) or not spec.network.bias


def undrawn(spec: Spec) -> bool:
    """Whether nothing is drawn at all."""
    if spec.shuffled or "noise" in spec.training.model_fields_set:
        return False
    aimed = spec.starts.kind == "ray" and spec.starts.direction is not None
    return given(spec) or spec.starts.kind == "constant" or aimed


def shallow(spec: Spec) -> bool:
    """Whether there are no hidden units."""
    return not spec.network.hidden
