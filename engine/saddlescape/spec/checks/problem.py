"""Checks of the problem."""

from collections.abc import Iterator

import numpy as np

from saddlescape.errors import Fault
from saddlescape.network.shapes import counts
from saddlescape.spec.checks.check import Chosen, idle, magnitude, nothing
from saddlescape.spec.spec import Spec
from saddlescape.words.problems import PROBLEMS, owners

OF_ALL = ("name", "file", "coding", "test_file", "test_fraction", "test_seed", "standardize")
"""Keys that are not listed for each built-in problem that has them."""

CLASSES = tuple(name for name, its in PROBLEMS.items() if its.classes)
"""Names of the problems whose classes are drawn with noise."""

TO_HOLD_OUT = "; to hold out a part of the samples, set problem.test_fraction"


def choice(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """There is one problem, with all keys that it needs and no others."""
    keys = spec.problem
    if keys.name is None and keys.file is None:
        yield Fault("problem.name", 'is missing; give a name, for example "xor", or a file')
    if keys.name is not None and keys.file is not None:
        yield Fault("problem.file", f"cannot be combined with problem.name; leave out name = {keys.name!r} or the file")
    if keys.coding != "01" and (keys.file or keys.name) and keys.name not in owners("coding"):
        owned = f"belongs to the logic problems and to {', '.join(CLASSES)}"
        yield Fault("problem.coding", f"{owned}; got {keys.coding!r}; leave it out")
    needed = PROBLEMS[keys.name].keys if keys.name else ()
    for key in (key for key in type(keys).model_fields if key not in OF_ALL):
        if key in keys.model_fields_set and keys.name not in owners(key):
            who = " or ".join(f'"{owner}"' for owner in owners(key))
            yield from idle(f"problem.{key}", f"belongs to name = {who}", "problem.name", chosen)
        if key in needed and getattr(keys, key) is None:
            yield Fault(f"problem.{key}", f'is missing; name = "{keys.name}" needs it, for example {key} = 3')


def drawn(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """Each class has samples."""
    keys = spec.problem
    if keys.name in CLASSES and keys.samples and min(counts(keys.name, spec.drawn_shape)) < 1:
        few = "problem.samples" if keys.balance is None else "problem.balance"
        got = f"got {keys.samples} samples of {spec.drawn_shape.classes} classes"
        share = "" if keys.balance is None else f" and balance = {keys.balance:g}"
        yield Fault(few, f"must leave a sample for each class; {got}{share}")


def data(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """The data can be read, and fit the floating-point type of the network."""
    if [*choice(spec, chosen), *drawn(spec, chosen), *test(spec, chosen)]:
        return
    path = "problem.file"
    try:
        arrays = spec.undivided.X, spec.undivided.T
        if large := [*magnitude(spec, path, np.concatenate([array.ravel() for array in arrays]))]:
            yield from large
            return
        path = "problem.test_file" if spec.problem.test_file is not None else "problem.test_fraction"
        loaded = spec.loaded
    except ValueError as error:
        yield Fault(path, str(error))
        return
    tests = [array.ravel() for array in (loaded.X_test, loaded.T_test) if array is not None]
    if tests:
        yield from magnitude(spec, path, np.concatenate(tests))


def test(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """The test data are a file, or a fraction of the samples."""
    keys = spec.problem
    if keys.test_file is not None:
        if keys.test_fraction is not None:
            got = f"got both, test_fraction = {keys.test_fraction:g}"
            yield Fault("problem.test_file", f"cannot be combined with problem.test_fraction; {got}; leave one out")
        if keys.file is None:
            yield from idle("problem.test_file", "belongs to problem.file", "problem.name", chosen, TO_HOLD_OUT)
        if keys.file == keys.test_file:
            yield Fault(
                "problem.test_file", f"must be another file than problem.file; got {keys.test_file!r}{TO_HOLD_OUT}"
            )
    if "test_seed" in keys.model_fields_set and keys.test_fraction is None:
        yield from idle("problem.test_seed", "belongs to problem.test_fraction", "problem.test_fraction", chosen)


def scales(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """Codings and scales change something."""
    keys = spec.problem
    both = keys.input_coding is not None and keys.target_coding is not None
    if keys.coding != "01" and both:
        reason = "input_coding and target_coding are set"
        yield nothing("problem.coding", reason, ("problem.input_coding", "problem.target_coding"), chosen)
    for key in ("input_coding", "input_scale"):
        if keys.standardize and key in keys.model_fields_set:
            yield nothing(f"problem.{key}", "inputs are standardized", ("problem.standardize",), chosen)


def is_valid(spec: Spec) -> bool:
    """Whether the problem can be loaded; if not, `choice` and `data` give the reason."""
    chosen: Chosen = {"problem.name": (spec.problem.name,)}
    return not [*choice(spec, chosen), *drawn(spec, chosen), *test(spec, chosen), *data(spec, chosen)]
