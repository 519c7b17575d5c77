"""Which measures a spec has: accuracy needs classes, test measures need test data, exponents need steps."""

import numpy as np

from saddlescape.network.classes import coding
from saddlescape.spec.spec import Spec
from saddlescape.words.measures import FROM_STARTS

CLASSES = "targets that are classes: one output with two values, 0 and 1 or -1 and 1, or several of which one is 1"


def classes_of(spec: Spec) -> str | None:
    """The coding of the classes of training and test data, "01" or "pm1"; None if the targets are no classes."""
    T, T_test = spec.loaded.T, spec.loaded.T_test
    return coding(T if T_test is None else np.concatenate([T, T_test]))


def missing(spec: Spec, field: str) -> str:
    """What a measure needs and the spec does not have; "" if nothing is missing."""
    if field in FROM_STARTS and spec.flows:
        return 'steps: set training.optimizer to another than "flow"'
    if field.startswith("test_") and not spec.test_samples:
        return "test data: set problem.test_fraction, or problem.test_file"
    if field == "dead_units" and "relu" not in spec.activations[:-1]:
        return 'a hidden layer of relu units: set network.activation = "relu"'
    if field == "ntk_condition" and (rows := spec.samples * spec.sizes[-1]) > spec.n_params:
        return f"at most {spec.n_params} samples times outputs, the number of parameters; got {rows}"
    return CLASSES if field in ("accuracy", "test_accuracy") and not classes_of(spec) else ""
