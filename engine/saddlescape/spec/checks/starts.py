"""Checks of the starts."""

from collections.abc import Iterator

import numpy as np

from saddlescape.errors import Fault
from saddlescape.spec.checks.check import Chosen, idle, layers, magnitude
from saddlescape.spec.checks.problem import is_valid
from saddlescape.spec.sections import Side
from saddlescape.spec.spec import Spec
from saddlescape.words.starts import STARTS, owner


def choice(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """The kind of start has all keys that it needs and no others."""
    keys = spec.starts
    for name, kind in STARTS.items():
        for key in (*kind.keys, *kind.optional):
            is_set = getattr(keys, key) is not None
            if is_set and keys.kind != name:
                got = "" if chosen.get("starts.kind") else f"; got kind = {keys.kind!r}"
                reason = f'belongs to kind = "{name}"{got}'
                yield from idle(f"starts.{key}", reason, "starts.kind", chosen)
            if not is_set and keys.kind == name and key in kind.keys:
                yield Fault(f"starts.{key}", f'is missing; kind = "{name}" needs it')


def sparse(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """Nothing is added to the weights of sparse starts."""
    if spec.starts.kind == "sparse" and (spec.starts.centre or any(chosen.get("starts.centre", ()))):
        yield Fault("starts.centre", 'does not go with kind = "sparse", whose zeros it would change; leave it out')


def shape(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """Directions, slices and files of starts fit the network."""
    if not is_valid(spec):
        return
    keys, n = spec.starts, spec.n_params
    for key, values in (("base", keys.base), ("direction", keys.direction)):
        if keys.kind != owner(key) or values is None:
            continue
        if len(values) != n:
            yield Fault(
                f"starts.{key}",
                f"must have {n} values, one for each parameter of the network; got {len(values)}",
            )
        yield from magnitude(spec, f"starts.{key}", np.array(values))
    if keys.kind == "slice":
        for name, side in (("x", keys.x), ("y", keys.y)):
            if side is not None and side.index >= n:
                yield Fault(
                    f"starts.{name}.index", f"must be less than {n}, the number of parameters; got {side.index}"
                )
            if side is not None:
                yield from magnitude(spec, f"starts.{name}", np.array([side.from_, side.to]))
                yield from _side(name, side)
        if keys.x and keys.y and keys.x.index == keys.y.index:
            yield Fault("starts.y.index", f"must differ from x.index; got {keys.y.index} twice")
    if keys.kind == "file" and keys.file is not None:
        yield from _starts_file(spec)


def by_layer(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """Factors and constants of layers fit the network, and its floating-point type."""
    for name in ("layer_scales", "bias_constant"):
        values = getattr(spec.starts, name)
        yield from layers(spec, f"starts.{name}", values)
        if isinstance(values, tuple):
            yield from magnitude(spec, f"starts.{name}", np.array(values))


def _side(name: str, side: Side) -> Iterator[Fault]:
    if side.n == 1 and side.to != side.from_:
        yield Fault(f"starts.{name}.to", f"must be from = {side.from_:g} where n = 1; got {side.to:g}")
    if side.n > 1 and side.to == side.from_:
        yield Fault(f"starts.{name}.to", f"must differ from 'from'; got {side.to:g} for both; or set n = 1")


def _starts_file(spec: Spec) -> Iterator[Fault]:
    try:
        rows = len(spec.given_starts)
    except ValueError as error:
        yield Fault("starts.file", str(error))
        return
    yield from magnitude(spec, "starts.file", spec.given_starts)
    if "count" in spec.starts.model_fields_set and spec.starts.count != rows:
        yield Fault(
            "starts.count", f"must equal the number of rows in the file, {rows}; got {spec.starts.count}; leave it out"
        )
