"""Checks of the problem."""

from collections.abc import Iterator

import numpy as np

from saddlescape.errors import Fault
from saddlescape.spec.checks.check import Chosen, idle, magnitude
from saddlescape.spec.spec import Spec
from saddlescape.words.problems import PROBLEMS, owners


def choice(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """There is one problem, with all keys that it needs and no others."""
    keys = spec.problem
    if keys.name is None and keys.file is None:
        yield Fault("problem.name", 'is missing; give a name, for example "xor", or a file')
    if keys.name is not None and keys.file is not None:
        yield Fault("problem.file", f"cannot be combined with problem.name; leave out name = {keys.name!r} or the file")
    if keys.coding != "01" and (keys.file or keys.name) and keys.name not in owners("coding"):
        yield Fault("problem.coding", f"belongs to the logic problems; got {keys.coding!r}; leave it out")
    needed = PROBLEMS[keys.name].keys if keys.name else ()
    for key in (key for key in type(keys).model_fields if key not in ("name", "file", "coding")):
        if key in keys.model_fields_set and keys.name not in owners(key):
            who = " or ".join(f'"{owner}"' for owner in owners(key))
            yield from idle(f"problem.{key}", f"belongs to name = {who}", "problem.name", chosen)
        if key in needed and getattr(keys, key) is None:
            yield Fault(f"problem.{key}", f'is missing; name = "{keys.name}" needs it, for example {key} = 3')


def data(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """The data can be read, and fit the floating-point type of the network."""
    if not list(choice(spec, chosen)):
        try:
            problem = spec.loaded
        except ValueError as error:
            yield Fault("problem.file", str(error))
        else:
            yield from magnitude(spec, "problem.file", np.concatenate([problem.X.ravel(), problem.T.ravel()]))


def is_valid(spec: Spec) -> bool:
    """Whether the problem can be loaded; if not, `choice` and `data` give the reason."""
    chosen: Chosen = {"problem.name": (spec.problem.name,)}
    return not [*choice(spec, chosen), *data(spec, chosen)]
