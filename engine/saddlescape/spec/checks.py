"""Every fault of a spec at once: of single keys, and of keys that do not fit each other."""

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from saddlescape.errors import Fault
from saddlescape.spec.files import DataFiles
from saddlescape.spec.model import Section, Spec

Tree = dict[str, Any]

SECTIONS: dict[str, type[Section]] = {
    name: field.annotation
    for name, field in Spec.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
}
KEYS: dict[str, tuple[type[BaseModel], str]] = {
    "schema": (Spec, "schema_version"),
    "title": (Spec, "title"),
    **{f"{name}.{key}": (model, key) for name, model in SECTIONS.items() for key in model.model_fields},
}
"""Every key of a spec by its dotted path: the class it belongs to and its field."""

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


def nearest(word: str, known: Collection[str]) -> str:
    """``; did you mean 'x'?`` for the known word that is nearest, or the words there are."""
    close = difflib.get_close_matches(word, known, 1, 0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"


def validate(tree: Tree, files: DataFiles, chosen: Collection[str] = ()) -> tuple[Spec | None, list[Fault]]:
    """The spec of `tree`, and everything wrong with it.

    Parameters
    ----------
    files : where data files are read.
    chosen : keys that an axis or an override sets; keys that go with another choice of them are no fault.
    """
    faults = [
        Fault(name, f"must be a table; write [{name}]; got {tree[name]!r:.80}")
        for name in SECTIONS
        if not isinstance(tree.get(name, {}), Mapping)
    ]
    try:
        found: list[Fault] = []
        spec = Spec.model_validate(tree)
    except ValidationError as error:
        found = [fault for fault in field_faults(error, Spec) if fault.path not in {f.path for f in faults}]
        spec = Spec.model_validate(_without(tree, {fault.path for fault in faults + found}))
    faults += found
    spec._files = files
    bad = [fault.path for fault in faults]
    for needs, check in _CHECKS:
        if not any(path.startswith(need) or need.startswith(f"{path}.") for need in needs for path in bad):
            faults += check(spec, chosen)
    return (None if faults else spec), faults


def field_faults(error: ValidationError, model: type[BaseModel], prefix: str = "") -> list[Fault]:
    """Pydantic's errors as faults: requirement, value, remedy."""
    return [Fault(prefix + _path(e["loc"]), _message(e, model)) for e in error.errors(include_url=False)]


def _path(loc: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")


def _message(error: Any, model: type[BaseModel]) -> str:
    kind, got, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return f"is not a key{nearest(str(error['loc'][-1]), _siblings(error['loc'][:-1], model))}"
    if kind == "missing":
        return "is missing"
    if kind in _RANGES:
        bound, words = _RANGES[kind]
        return f"must be {words} {context[bound]}; got {got!r}"
    if kind in _TYPES:
        return f"must be {_TYPES[kind]}; got {got!r:.80}"
    if kind == "literal_error":
        hint = nearest(str(got), context["expected"].replace("'", "").replace(" or ", ", ").split(", "))
        close = hint if isinstance(got, str) and "did you mean" in hint else ""
        return f"must be {context['expected']}; got {got!r:.80}{close}"
    if kind in ("too_long", "too_short"):
        bound = context.get("max_length", context.get("min_length"))
        return f"must have at {'most' if kind == 'too_long' else 'least'} {bound} values"
    return f"{context.get('error', error['msg'])}"


def _siblings(loc: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    from saddlescape.spec.model import Side

    inner = Side if len(loc) == 2 else SECTIONS[str(loc[0])] if loc else model
    return [field.alias or name for name, field in inner.model_fields.items()]


def _without(tree: Tree, paths: set[str]) -> Tree:
    """`tree` without the keys at fault; what remains is checked further."""
    roots = {".".join(path.split("[")[0].split(".")[:2]) for path in paths}
    kept = {name: value for name, value in tree.items() if name not in roots}
    return {
        name: {k: v for k, v in value.items() if f"{name}.{k}" not in roots} if name in SECTIONS else value
        for name, value in kept.items()
    }


def _problem_choice(spec: Spec, chosen: Collection[str]) -> Iterator[Fault]:
    keys = spec.problem
    if keys.name is None and keys.file is None:
        yield Fault("problem.name", 'is missing; give a name, for example "xor", or a file')
    if keys.name is not None and keys.file is not None:
        yield Fault("problem.file", f"must stand alone; leave out name = {keys.name!r} or the file")
    if keys.coding != "01" and (keys.file or keys.name == "encoder"):
        yield Fault("problem.coding", f"belongs to the logic problems; got {keys.coding!r}; leave it out")
    for key, owner in (("bits", "parity"), ("size", "encoder")):
        if getattr(keys, key) is not None and keys.name != owner and "problem.name" not in chosen:
            yield Fault(f"problem.{key}", f'belongs to name = "{owner}"; leave it out')
        if keys.name == owner and getattr(keys, key) is None:
            yield Fault(f"problem.{key}", f'is missing; name = "{owner}" needs it, for example {key} = 3')


def _data(spec: Spec, chosen: Collection[str]) -> Iterator[Fault]:
    if not list(_problem_choice(spec, chosen)):
        try:
            spec.load_problem()
        except ValueError as error:
            yield Fault("problem.file", str(error))


def _loss(spec: Spec, chosen: Collection[str]) -> Iterator[Fault]:
    if spec.training.loss != "bce":
        return
    if spec.network.output != "logistic":
        yield Fault("training.loss", f'"bce" needs output = "logistic"; got {spec.network.output!r}')
    if _sound(spec) and not ((spec.loaded.T >= 0) & (spec.loaded.T <= 1)).all():
        yield Fault(
            "training.loss", f'"bce" needs targets from 0 to 1; got {spec.loaded.T.min():g}; use "mse"'
        )


def _momentum(spec: Spec, chosen: Collection[str]) -> Iterator[Fault]:
    given = "momentum" in spec.training.model_fields_set and "training.stepper" not in chosen
    if spec.training.stepper == "gd" and given:
        yield Fault(
            "training.momentum", 'belongs to stepper = "momentum"; leave it out or change the stepper'
        )


def _schedule(spec: Spec, chosen: Collection[str]) -> Iterator[Fault]:
    steps = spec.record.steps
    if isinstance(steps, tuple) and steps[-1] > spec.training.steps:
        yield Fault("record.steps", f"must end by training.steps = {spec.training.steps}; got {steps[-1]}")


_OWN = {"file": "file", "direction": "ray", "base": "slice", "x": "slice", "y": "slice"}


def _starts_choice(spec: Spec, chosen: Collection[str]) -> Iterator[Fault]:
    keys = spec.starts
    for key, owner in _OWN.items():
        given = getattr(keys, key) is not None
        if given and keys.kind != owner and "starts.kind" not in chosen:
            yield Fault(
                f"starts.{key}", f'belongs to kind = "{owner}"; got kind = {keys.kind!r}; leave it out'
            )
        if not given and keys.kind == owner and key != "direction":
            yield Fault(f"starts.{key}", f'is missing; kind = "{owner}" needs it')


def _starts_shape(spec: Spec, chosen: Collection[str]) -> Iterator[Fault]:
    if not _sound(spec):
        return
    keys, n = spec.starts, spec.n_params
    for key, values in (("base", keys.base), ("direction", keys.direction)):
        if keys.kind == _OWN[key] and values is not None and len(values) != n:
            yield Fault(
                f"starts.{key}",
                f"must have {n} values, one for each parameter of the network; got {len(values)}",
            )
    if keys.kind == "slice":
        for name, side in (("x", keys.x), ("y", keys.y)):
            if side is not None and side.index >= n:
                yield Fault(
                    f"starts.{name}.index", f"must be less than {n}, the parameters; got {side.index}"
                )
        if keys.x and keys.y and keys.x.index == keys.y.index:
            yield Fault("starts.y.index", f"must differ from x.index; got {keys.y.index} twice")
    if keys.kind == "file" and keys.file is not None:
        yield from _starts_file(spec)


def _starts_file(spec: Spec) -> Iterator[Fault]:
    try:
        rows = len(spec.given_starts)
    except ValueError as error:
        yield Fault("starts.file", str(error))
        return
    if "count" in spec.starts.model_fields_set and spec.starts.count != rows:
        yield Fault(
            "starts.count", f"must be {rows}, the rows of the file; got {spec.starts.count}; leave it out"
        )


def _sound(spec: Spec) -> bool:
    """Whether the problem can be loaded (its own check says why not)."""
    return not [*_problem_choice(spec, ["problem.name"]), *_data(spec, ["problem.name"])]


_CHECKS: list[tuple[tuple[str, ...], Callable[[Spec, Collection[str]], Iterator[Fault]]]] = [
    (("problem",), _problem_choice),
    (("problem",), _data),
    (("problem", "network.output", "training.loss"), _loss),
    (("training.stepper",), _momentum),
    (("training.steps", "record.steps"), _schedule),
    (("starts.kind",), _starts_choice),
    (("problem", "network.hidden", "network.bias", "starts"), _starts_shape),
]
