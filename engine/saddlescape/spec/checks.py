"""Every fault of a spec at once: of single keys, and of keys that do not fit each other."""

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ValidationError

from saddlescape.errors import Fault
from saddlescape.problems import DRAWN
from saddlescape.spec.files import DataFiles
from saddlescape.spec.model import ELEMENTS, NUMERIC, Section, Side, Spec, is_number

Tree = dict[str, Any]
Chosen = Mapping[str, Sequence[Any]]
"""The keys that an axis sets, with its values (of numbers the extreme ones), and those of overrides, with none."""

Check = Callable[[Spec, Chosen], Iterator[Fault]]

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


def is_key(path: str) -> bool:
    """Whether it is a key, or an element of a list of `ELEMENTS`: ``network.hidden.0``."""
    whole, _, place = path.rpartition(".")
    return path in KEYS or (whole in ELEMENTS and re.fullmatch(r"0|[1-9]\d{0,4}", place, re.ASCII) is not None)


MAX_RECORDS = 10**7
LARGEST = {"float64": 1e300, "float32": 1e30}
"""Numbers that can be multiplied a few times before they overflow."""

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


def validate(tree: Tree, files: DataFiles, chosen: Chosen, unsound: Collection[str]) -> tuple[Spec, list[Fault]]:
    """The spec of `tree`, with defaults in place of keys at fault, and everything wrong with it.

    Parameters
    ----------
    files : where data files are read.
    chosen : keys that go with another choice of these are no fault.
    unsound : keys known to be at fault already; nothing more is said of what hangs on them.
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
        spec = Spec.model_validate(_without(tree, {each["loc"][:2] for each in error.errors()}))
    faults += found
    spec._files = files
    bad = [*unsound, *(fault.path for fault in faults)]
    for needs, check in _CHECKS:
        if not any(path.startswith(need) or need.startswith(f"{path}.") for need in needs for path in bad):
            faults += [fault for fault in check(spec, chosen) if not any(p.startswith(fault.path) for p in bad)]
    return spec, faults


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
        return f"is missing; add {error['loc'][-1]} = ..."
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
        few = "most" if kind == "too_long" else "least"
        return f"must have at {few} {bound} values; got {context['actual_length']}"
    return f"{context.get('error', error['msg'])}"


def _siblings(loc: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    inner = Side if len(loc) == 2 else SECTIONS[str(loc[0])] if loc else model
    return [field.alias or name for name, field in inner.model_fields.items()]


def _without(tree: Tree, bad: Collection[tuple[int | str, ...]]) -> Tree:
    """`tree` without the keys at fault; what remains is checked further."""
    kept = {name: value for name, value in tree.items() if (name,) not in bad}
    return {
        name: {k: v for k, v in value.items() if (name, k) not in bad} if name in SECTIONS else value
        for name, value in kept.items()
    }


_PROBLEMS = {
    "bits": ("parity",),
    "size": ("encoder",),
    "hidden": ("teacher",),
    **dict.fromkeys(("samples", "inputs", "outputs", "seed", "input_scale", "target_scale"), DRAWN),
}
"""The problems that a key of `problem` belongs to."""


def _problem_choice(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    keys = spec.problem
    if keys.name is None and keys.file is None:
        yield Fault("problem.name", 'is missing; give a name, for example "xor", or a file')
    if keys.name is not None and keys.file is not None:
        yield Fault("problem.file", f"must stand alone; leave out name = {keys.name!r} or the file")
    if keys.coding != "01" and (keys.file or keys.name in ("encoder", *DRAWN)):
        yield Fault("problem.coding", f"belongs to the logic problems; got {keys.coding!r}; leave it out")
    for key, owners in _PROBLEMS.items():
        if key in keys.model_fields_set and keys.name not in owners and "problem.name" not in chosen:
            who = " or ".join(f'"{owner}"' for owner in owners)
            yield Fault(f"problem.{key}", f"belongs to name = {who}; leave it out")
        if keys.name in owners and getattr(keys, key) is None:
            yield Fault(f"problem.{key}", f'is missing; name = "{keys.name}" needs it, for example {key} = 3')


def _data(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    if not list(_problem_choice(spec, chosen)):
        try:
            problem = spec.loaded
        except ValueError as error:
            yield Fault("problem.file", str(error))
        else:
            yield from _magnitude(spec, "problem.file", np.concatenate([problem.X.ravel(), problem.T.ravel()]))


def _activations(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    names, layers = spec.network.activation, len(spec.network.hidden)
    if not isinstance(names, str) and len(names) != layers:
        message = f"must have {layers} names, one for each layer in network.hidden; got {len(names)}"
        yield Fault("network.activation", f"{message}; one name in quotes is for all")


_OUTPUT = {"bce": "logistic", "bce_logits": "linear", "softmax_ce": "linear"}


def _loss(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    loss, output = spec.training.loss, spec.network.output
    if loss not in _OUTPUT:
        return
    if output != _OUTPUT[loss]:
        yield Fault("training.loss", f'"{loss}" needs output = "{_OUTPUT[loss]}"; got {output!r}')
    if _sound(spec):
        yield from _probabilities(loss, spec.loaded.T)


def _probabilities(loss: str, T: npt.NDArray[np.float64]) -> Iterator[Fault]:
    outside, totals = T[(T < 0) | (T > 1)], T.sum(axis=1)
    off = np.flatnonzero(abs(totals - 1) > 1e-9)
    if len(outside):
        yield Fault("training.loss", f'"{loss}" needs targets from 0 to 1; got {outside[0]:g}; use "mse"')
    elif loss == "softmax_ce" and len(off):
        message = f"needs targets that add up to 1 in each sample; got {totals[off[0]]:g} in sample {off[0]}"
        yield Fault("training.loss", f'"softmax_ce" {message}; use "bce_logits"')


_STEPPERS = {
    "momentum": ("momentum", "nesterov"),
    "epsilon": ("adagrad", "rmsprop", "adam", "adamw"),
    "smoothing": ("rmsprop",),
    "beta1": ("adam", "adamw"),
    "beta2": ("adam", "adamw"),
    **dict.fromkeys(("eta_plus", "eta_minus", "step_max", "step_min"), ("rprop",)),
    "weight_decay": ("gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"),
    **dict.fromkeys(("time", "rtol", "atol"), ("flow",)),
    "noise": ("gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "rprop", "sign", "multiplicative"),
}
"""The steppers that a number of `training` belongs to."""


def _stepper(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    keys = spec.training
    for key, owners in _STEPPERS.items():
        if keys.stepper not in owners and key in keys.model_fields_set and "training.stepper" not in chosen:
            who = " or ".join(f'"{owner}"' for owner in owners)
            yield Fault(f"training.{key}", f"belongs to stepper = {who}; leave it out or change the stepper")
    if keys.step_min > keys.step_max:
        yield Fault("training.step_min", f"must be at most step_max = {keys.step_max:g}; got {keys.step_min:g}")


_FLOW = {"schedule": "constant", "layer_rates": None, "batch": "full", "epochs": None}
"""Keys of `training` that the flow leaves no choice."""


def _flow(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    keys = spec.training
    if not spec.flows:
        if "times" in spec.record.model_fields_set and "training.stepper" not in chosen:
            yield Fault("record.times", 'belongs to stepper = "flow"; write record.steps or change the stepper')
        return
    reason = 'does not go with stepper = "flow", which follows the gradient in time; leave it out'
    for key in (key for key, only in _FLOW.items() if getattr(keys, key) != only):
        yield Fault(f"training.{key}", reason)
    for section, key in (("training", "learning_rate"), ("record", "steps")):
        if key in getattr(spec, section).model_fields_set and "training.stepper" not in chosen:
            yield Fault(f"{section}.{key}", reason)
    if spec.network.dtype != "float64":
        yield Fault("network.dtype", f'must be "float64" with stepper = "flow"; got "{spec.network.dtype}"')


def _rate_schedule(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    keys = spec.training
    without = keys.schedule in ("constant", "cosine")
    if without and "schedule_decay" in keys.model_fields_set and "training.schedule" not in chosen:
        yield Fault("training.schedule_decay", 'belongs to schedule = "exponential" or "inverse_time"; leave it out')
    bad = [d for d in (chosen.get("training.schedule_decay") or [keys.schedule_decay]) if not 0 < d <= 1]
    if keys.schedule == "exponential" and bad:
        yield Fault("training.schedule_decay", f"must be greater than 0 and at most 1; got {bad[0]:g}; 1 is constant")


def _batches(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    keys = spec.training
    if keys.epochs is not None and "steps" in keys.model_fields_set:
        yield Fault("training.epochs", f"stands in place of steps; got both, steps = {keys.steps}; leave one out")
    if not _sound(spec):
        return
    samples = len(spec.loaded.X)
    if spec.batch > samples:
        yield Fault("training.batch", f'must be at most {samples}, the samples; got {spec.batch}; or write "full"')
    elif spec.steps % spec.epoch:
        epochs = -(-spec.steps // spec.epoch)
        message = f"must be a multiple of {spec.epoch}, the steps of an epoch; got {spec.steps}"
        yield Fault("training.steps", f"{message}; or write epochs = {epochs}")
    if spec.batch and max((spec.stop.gradient, *chosen.get("stop.gradient", ()))) > 0:
        yield Fault("stop.gradient", 'needs batch = "full": in batches the gradient over all samples is not known')


def _layer_rates(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    rates, layers = spec.training.layer_rates, len(spec.network.hidden) + 1
    if rates is not None and len(rates) != layers:
        message = f"must have {layers} values, one for each layer of weights; got {len(rates)}"
        yield Fault("training.layer_rates", message)


def _schedule(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    if spec.training.epochs is not None and not _sound(spec):
        return
    name = "times" if spec.flows else "steps"
    schedule, last = getattr(spec.record, name), spec.training.time if spec.flows else spec.steps
    if isinstance(schedule, tuple):
        if schedule[-1] > last:
            yield Fault(f"record.{name}", f"must end by the last {name[:-1]}, {last}; got {schedule[-1]}")
        return
    kind, number = schedule.split(":")
    records = last // int(number) if kind == "every" else int(number)
    if records > MAX_RECORDS:
        yield Fault(f"record.{name}", f"must be at most {MAX_RECORDS} records; got {records}, from {schedule!r}")


_OWN = {"file": "file", "direction": "ray", "base": "slice", "x": "slice", "y": "slice"}


def _starts_choice(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    keys = spec.starts
    for key, owner in _OWN.items():
        given = getattr(keys, key) is not None
        if given and keys.kind != owner and "starts.kind" not in chosen:
            yield Fault(
                f"starts.{key}", f'belongs to kind = "{owner}"; got kind = {keys.kind!r}; leave it out'
            )
        if not given and keys.kind == owner and key != "direction":
            yield Fault(f"starts.{key}", f'is missing; kind = "{owner}" needs it')


def _starts_shape(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    if not _sound(spec):
        return
    keys, n = spec.starts, spec.n_params
    for key, values in (("base", keys.base), ("direction", keys.direction)):
        if keys.kind != _OWN[key] or values is None:
            continue
        if len(values) != n:
            yield Fault(
                f"starts.{key}",
                f"must have {n} values, one for each parameter of the network; got {len(values)}",
            )
        yield from _magnitude(spec, f"starts.{key}", np.array(values))
    if keys.kind == "slice":
        for name, side in (("x", keys.x), ("y", keys.y)):
            if side is not None and side.index >= n:
                yield Fault(
                    f"starts.{name}.index", f"must be less than {n}, the parameters; got {side.index}"
                )
            if side is not None:
                yield from _magnitude(spec, f"starts.{name}", np.array([side.from_, side.to]))
                yield from _side(name, side)
        if keys.x and keys.y and keys.x.index == keys.y.index:
            yield Fault("starts.y.index", f"must differ from x.index; got {keys.y.index} twice")
    if keys.kind == "file" and keys.file is not None:
        yield from _starts_file(spec)


def _side(name: str, side: Side) -> Iterator[Fault]:
    if side.n == 1 and side.to != side.from_:
        yield Fault(f"starts.{name}.to", f"must be from = {side.from_:g} where n = 1; got {side.to:g}")
    if side.n > 1 and side.to == side.from_:
        yield Fault(f"starts.{name}.to", f"must differ from from; got {side.to:g} for both; or set n = 1")


def _magnitude(spec: Spec, path: str, values: npt.NDArray[np.float64]) -> Iterator[Fault]:
    """What the network's arithmetic would take for infinite."""
    dtype = spec.network.dtype
    large = values[np.abs(values) > LARGEST[dtype]]
    if len(large):
        yield Fault(path, f'must be at most {LARGEST[dtype]:g} in size with dtype = "{dtype}"; got {large[0]:g}')


def _numbers(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    dtype, least = spec.network.dtype, 1 / LARGEST["float32"]
    for key in (*NUMERIC, *(key for key in chosen if is_number(key) and key not in NUMERIC)):
        values = chosen.get(key) or [spec.number(key)]
        if max(map(abs, values)) > LARGEST[dtype]:
            yield from _magnitude(spec, key, np.array(values))
        lost = [value for value in values if 0 < value < least] if dtype == "float32" else []
        if lost:
            yield Fault(key, f'must be 0 or at least {least:g} with dtype = "float32"; got {lost[0]:g}')


def _idle(key: str, reason: str, is_idle: Callable[[Spec], bool]) -> Check:
    """Whether an axis changes nothing; a fault only if that is so at every point."""

    def check(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
        if chosen.get(key) and is_idle(spec):
            yield Fault("axes", f"{key} changes nothing, as {reason}; remove this axis")

    return check


def _starts_file(spec: Spec) -> Iterator[Fault]:
    try:
        rows = len(spec.given_starts)
    except ValueError as error:
        yield Fault("starts.file", str(error))
        return
    yield from _magnitude(spec, "starts.file", spec.given_starts)
    if "count" in spec.starts.model_fields_set and spec.starts.count != rows:
        yield Fault(
            "starts.count", f"must be {rows}, the rows of the file; got {spec.starts.count}; leave it out"
        )


def _given(spec: Spec) -> bool:
    return spec.starts.kind in ("zero", "slice", "file")


def _no_biases(spec: Spec) -> bool:
    return _given(spec) or not spec.network.bias


def _undrawn(spec: Spec) -> bool:
    if spec.shuffled or "noise" in spec.training.model_fields_set:
        return False
    aimed = spec.starts.kind == "ray" and spec.starts.direction is not None
    return _given(spec) or spec.starts.kind == "constant" or aimed


def _shallow(spec: Spec) -> bool:
    return not spec.network.hidden


def _sound(spec: Spec) -> bool:
    """Whether the problem can be loaded (its own check says why not)."""
    chosen: Chosen = {"problem.name": ()}
    return not [*_problem_choice(spec, chosen), *_data(spec, chosen)]


_LENGTH = ("problem", "training.batch", "training.steps", "training.epochs")
_DRAWS = ("starts.kind", "starts.direction")
_OF_HIDDEN = ("imbalance", "effective_width", "effective_width_tol", "cosine")
"""Measures of hidden layers."""


def _measures(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    keys = spec.record
    idle = [field for field in keys.fields if field in _OF_HIDDEN and not spec.network.hidden]
    if idle and "network.hidden" not in chosen:
        yield Fault("record.fields", f'"{idle[0]}" needs a hidden layer; leave it out, or set network.hidden')
    if "tolerance" in keys.model_fields_set and "effective_width_tol" not in keys.fields:
        yield Fault("record.tolerance", 'belongs to fields with "effective_width_tol"; leave it out')


_CHECKS: list[tuple[tuple[str, ...], Check]] = [
    (("problem",), _problem_choice),
    (("problem",), _data),
    (("network.activation", "network.hidden"), _activations),
    (("problem", "network.output", "training.loss"), _loss),
    (("training.stepper",), _stepper),
    (("training", "network.dtype", "record"), _flow),
    (("training.schedule",), _rate_schedule),
    ((*_LENGTH, "stop.gradient"), _batches),
    (("network.hidden", "training.layer_rates"), _layer_rates),
    ((*_LENGTH, "training.stepper", "training.time", "record.steps", "record.times"), _schedule),
    (("network.hidden", "record.fields"), _measures),
    (("starts.kind",), _starts_choice),
    (("problem", "network.hidden", "network.bias", "network.dtype", "starts"), _starts_shape),
    (("network.dtype",), _numbers),
    (("starts.kind",), _idle("starts.scale", "these starts have no scale", _given)),
    (("training.stepper",), _idle("training.learning_rate", "the flow has none", lambda spec: spec.flows)),
    (("starts.kind", "network.bias"), _idle("starts.biases", "no bias is drawn", _no_biases)),
    ((*_DRAWS, "training.batch", "training.noise"), _idle("starts.seed", "nothing is drawn", _undrawn)),
    (("network.hidden",), _idle("network.activation", "there are no hidden units", _shallow)),
]
