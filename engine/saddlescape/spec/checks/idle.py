"""Checks of keys that change nothing."""

from collections.abc import Callable, Iterator

from saddlescape.spec.checks.check import Chosen, Idle, SpecCheck, nothing
from saddlescape.spec.model import Spec
from saddlescape.words.starts import STARTS


def key(path: str, reason: str, is_idle: Callable[[Spec], bool], *choices: str) -> tuple[tuple[str, ...], SpecCheck]:
    """The check that the values of `choices` do not leave a key idle, with these; a file may contain its default."""
    section, name = path.split(".")

    def check(spec: Spec, chosen: Chosen) -> Iterator[Idle]:
        keys = getattr(spec, section)
        is_set = path in chosen or getattr(keys, name) != type(keys).model_fields[name].default
        if is_set and is_idle(spec):
            yield nothing(path, reason, {*choices}, chosen)

    return choices, check


def grid(spec: Spec) -> bool:
    """Whether the starts are a grid, whose size is that of its sides."""
    return spec.starts.kind == "slice"


def unscaled(spec: Spec) -> bool:
    """Whether nothing scales the starts."""
    return not STARTS[spec.starts.kind].scaled


def no_biases(spec: Spec) -> bool:
    """Whether no bias is drawn."""
    return unscaled(spec) or not spec.network.bias


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
