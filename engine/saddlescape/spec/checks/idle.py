"""Checks of axes and overrides that change nothing."""

from collections.abc import Callable, Iterator

from saddlescape.errors import Fault
from saddlescape.spec.checks.check import NOTHING, Check, Chosen
from saddlescape.spec.model import Spec


def axis(key: str, reason: str, is_idle: Callable[[Spec], bool], also_set: bool = True) -> Check:
    """Whether an axis or, if `also_set`, an override changes nothing; a fault only if that is so at every point."""

    def check(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
        if (chosen.get(key) or (also_set and key in chosen)) and is_idle(spec):
            path, words, remedy = ("axes", f"{key} ", "this axis") if chosen[key] else (key, "", "the --set")
            yield Fault(path, f"{words}{NOTHING} {reason}; remove {remedy}")

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
