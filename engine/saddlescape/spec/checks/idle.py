"""Checks of keys that change nothing."""

from collections.abc import Callable, Iterator

from saddlescape.spec.checks.check import Chosen, Idle, SpecCheck, nothing
from saddlescape.spec.spec import Spec
from saddlescape.words.starts import STARTS


def key(path: str, reason: str, is_idle: Callable[[Spec], bool], *choices: str) -> tuple[tuple[str, ...], SpecCheck]:
    """A check that `choices` do not leave a key idle, with these keys; its default in a file is no fault."""
    section, name = path.split(".")

    def check(spec: Spec, chosen: Chosen) -> Iterator[Idle]:
        keys = getattr(spec, section)
        is_set = path in chosen or getattr(keys, name) != type(keys).model_fields[name].default
        if is_set and is_idle(spec):
            yield nothing(path, reason, {*choices}, chosen)

    return choices, check


def grid(spec: Spec) -> bool:
    """Whether the starts are a grid, whose sides determine their number."""
    return spec.starts.kind == "slice"


def unscaled(spec: Spec) -> bool:
    """Whether `starts.scale` is not used."""
    return not STARTS[spec.starts.kind].scaled


def no_biases(spec: Spec) -> bool:
    """Whether no bias has a start that keys can change."""
    return unscaled(spec) or not spec.network.bias


def undrawn_biases(spec: Spec) -> bool:
    """Whether no bias is drawn, so that `starts.biases` is not used."""
    return no_biases(spec) or not STARTS[spec.starts.kind].biases


def zero_biases(spec: Spec) -> bool:
    """Whether `starts.biases` sets the biases to zero."""
    return not spec.starts.biases


def no_drawn_biases(spec: Spec) -> bool:
    """Whether no bias is drawn, so that `starts.bias_scale` is not used."""
    return undrawn_biases(spec) or zero_biases(spec) or spec.starts.bias_constant is not None


def undrawn(spec: Spec) -> bool:
    """Whether nothing is drawn, so that `starts.seed` is not used."""
    if spec.order != "fixed" or {"noise", "dropout"} & spec.training.model_fields_set:
        return False
    has_direction = spec.starts.kind == "ray" and spec.starts.direction is not None
    return has_direction or not STARTS[spec.starts.kind].seeded


def unbiased(spec: Spec) -> bool:
    """Whether there are no biases."""
    return not spec.network.bias


def unpenalized(spec: Spec) -> bool:
    """Whether no parameter decays, or none is a bias, so that `training.decay` is not used."""
    return unbiased(spec) or not {"weight_decay", "l1"} & spec.training.model_fields_set


def shallow(spec: Spec) -> bool:
    """Whether there are no hidden units."""
    return not spec.network.hidden
