"""Find all faults of a spec at once: in single keys, and between keys."""

import math
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from saddlescape.errors import Fault
from saddlescape.spec.checks import CHECKS, Chosen
from saddlescape.spec.files import DataFiles
from saddlescape.spec.keys import SECTIONS, nearest_key
from saddlescape.spec.sections import Side
from saddlescape.spec.spec import Spec
from saddlescape.spec.tree import Tree
from saddlescape.words.suggest import hint, nearest

_RANGES = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
_TYPES = {
    "int_type": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a string in quotes",
    "tuple_type": "a list",
    "model_type": "a table",
    "finite_number": "a finite number",
}


def validate(tree: Tree, files: DataFiles, chosen: Chosen, faulty: Collection[str]) -> tuple[Spec, list[Fault]]:
    """The spec of `tree`, with defaults in place of faulty keys, and all faults.

    Parameters
    ----------
    files : reads the data files.
    chosen : the keys that axes and overrides set.
    faulty : keys that have faults already; checks that need them are skipped.
    """
    faults = [
        Fault(name, f"must be a table; write [{name}]; got {tree[name]!r:.80}")
        for name in SECTIONS
        if not isinstance(tree.get(name, {}), Mapping)
    ]
    try:
        key_faults: list[Fault] = []
        spec = Spec.model_validate(tree)
    except ValidationError as error:
        key_faults = [fault for fault in field_faults(error, Spec) if fault.path not in {f.path for f in faults}]
        spec = Spec.model_validate(_without(tree, {each["loc"][:2] for each in error.errors()}))
    faults += key_faults
    spec._files = files
    paths = [*faulty, *(fault.path for fault in faults)]
    for needs, check in CHECKS:
        if not any(path.startswith(need) or need.startswith(f"{path}.") for need in needs for path in paths):
            faults += [fault for fault in check(spec, chosen) if not any(p.startswith(fault.path) for p in paths)]
    return spec, faults


def field_faults(error: ValidationError, model: type[BaseModel], prefix: str = "") -> list[Fault]:
    """Pydantic's errors as faults: requirement, value, remedy."""
    return [Fault(prefix + _path(e["loc"]), _message(e, model)) for e in error.errors(include_url=False)]


def _path(loc: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")


def _message(error: Any, model: type[BaseModel]) -> str:
    kind, got, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return f"is not a key{_nearest(error['loc'], model)}"
    if kind == "missing":
        return f"is missing; add {error['loc'][-1]} = ..."
    if kind in _RANGES:
        bound, words = _RANGES[kind]
        return f"must be {words} {context[bound]}; got {got!r:.80}"
    if kind == "tuple_type" and isinstance(got, int | float):
        return f"must be a list; got {got!r:.80}; write [{got!r:.80}]"
    if kind in _TYPES:
        quoted = kind in ("int_type", "float_type") and isinstance(got, str) and _is_number(got)
        return f"must be {_TYPES[kind]}; got {got!r:.80}{'; remove the quotes' if quoted else ''}"
    if kind == "literal_error":
        words = context["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        return f"must be {context['expected']}; got {got!r:.80}{hint(got, words) if isinstance(got, str) else ''}"
    if kind in ("too_long", "too_short"):
        bound = context.get("max_length", context.get("min_length"))
        side = "most" if kind == "too_long" else "least"
        return f"must have at {side} {bound} value{'s' * (bound != 1)}; got {context['actual_length']}"
    return f"{context.get('error', error['msg'])}"


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _nearest(loc: tuple[int | str, ...], model: type[BaseModel]) -> str:
    """The key, of the spec or of a table in it, that an unknown key resembles."""
    inner = Side if len(loc) == 3 else model
    if inner is Spec:
        return nearest_key(_path(loc)).replace(f"'{loc[0]}.", "'")  # without the section, if it is the same
    return nearest(str(loc[-1]), [field.alias or name for name, field in inner.model_fields.items()])


def _without(tree: Tree, faulty: Collection[tuple[int | str, ...]]) -> Tree:
    """`tree` without faulty keys, so that the other keys can be checked."""
    sections = {name: value for name, value in tree.items() if (name,) not in faulty}
    return {
        name: {k: v for k, v in value.items() if (name, k) not in faulty} if name in SECTIONS else value
        for name, value in sections.items()
    }
