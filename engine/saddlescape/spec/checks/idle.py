"""Checks of axes and overrides that change nothing."""

from collections.abc import Callable, Iterator

from saddlescape.errors import Fault
from saddlescape.spec.checks.check import NOTHING, Chosen, SpecCheck
from saddlescape.spec.model import Spec
from saddlescape.words.starts import STARTS


def axis(key: str, reason: str, is_idle: Callable[[Spec], bool], also_set: bool = True) -> SpecCheck:
    """Whether an axis or, if `also_set`, an override changes nothing; a fault only if that is so at every point."""

    def check(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
        if (chosen.get(key) or (also_set and key in chosen)) and is_idle(spec):
            path, words, remedy = ("axes", f"{key} ", "this axis") if chosen[key] else (key, "", "the --set")
            yield Fault(path, f"{words}{NOTHING} {reason}; remove {remedy}")

    return check


def given(spec: Spec) -> bool:
    """Whether nothing scales the starts."""
    return not STARTS[spec.starts.kind].scaled


def no_biases(spec: Spec) -> bool:
    """Whether no bias is drawn."""
    return given(spec) or not spec.network.bias


def undrawn(spec: Spec) -> bool:
    """Whether nothing is drawn at all."""
    if spec.shuffled or "noise" in spec.training.model_fields_set:
        return False
    kind = STARTS[spec.starts.kind]
    aimed = any(getattr(spec.starts, key) is not None for key in kind.optional)
    return aimed or not kind.seeded


def shallow(spec: Spec) -> bool:
    """Whether there are no hidden units."""
    return not spec.network.hidden
