"""Measures that are computed from recorded parameters after the run: what networks say of training and test samples."""

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from saddlescape.kernels import hidden, outputs
from saddlescape.network import evaluation
from saddlescape.runs.prepare import plain_trainer
from saddlescape.spec import Spec
from saddlescape.spec.classes import classes_of, missing
from saddlescape.words.losses import LOSSES, divisor
from saddlescape.words.measures import FROM_OUTPUTS, MEASURES

Floats = npt.NDArray[np.floating]

CHUNK = 2**18
"""Numbers of outputs that are evaluated at once, at most, or those of one network."""


def evaluate(fields: Collection[str], spec: Spec, theta: Floats) -> Iterator[tuple[str, Floats]]:
    """Yield the measures of `FROM_OUTPUTS` among the fields by name, for parameters (..., n_params)."""
    if {*FROM_OUTPUTS}.isdisjoint(fields):
        return
    trainer, X = plain_trainer(spec), spec.loaded.X
    for name, function in (("outputs", outputs), ("hidden", hidden)):
        if name in fields:
            yield name, function(trainer, X, theta)
    numbers = [name for name in FROM_OUTPUTS if name in fields and not MEASURES[name].dims]
    there = [name for name in numbers if not missing(spec, name)]
    points = theta.reshape(-1, theta.shape[-1])
    values = {name: np.full(len(points), np.nan) for name in numbers}
    step = max(1, CHUNK // (max(spec.samples, spec.test_samples) * spec.sizes[-1])) if there else len(points) or 1
    for first in range(0, len(points) if there else 0, step):
        part = slice(first, first + step)
        for name, number in _numbers(there, spec, points[part]):
            values[name][part] = number
    for name in numbers:
        yield name, values[name].reshape(theta.shape[:-1])


def _numbers(names: Collection[str], spec: Spec, theta: Floats) -> Iterator[tuple[str, npt.NDArray[np.float64]]]:
    """Yield measures that are one number of a network."""
    problem, trainer, coding = spec.loaded, plain_trainer(spec), classes_of(spec) or ""
    if {"accuracy", "rms_error"}.intersection(names):
        y = outputs(trainer, problem.X, theta)
        if "accuracy" in names:
            yield "accuracy", evaluation.accuracy(y, problem.T, coding)
        if "rms_error" in names:
            yield "rms_error", evaluation.rms_error(y, problem.T)
    if problem.X_test is None or problem.T_test is None:
        return
    if "test_accuracy" in names:
        yield "test_accuracy", evaluation.accuracy(outputs(trainer, problem.X_test, theta), problem.T_test, coding)
    if "test_loss" in names:
        entropy = LOSSES[spec.training.loss].entropy
        raw = replace(trainer, loss="half_sse", activations=(*spec.activations[:-1], "linear")) if entropy else trainer
        values = outputs(raw, problem.X_test, theta)
        number = divisor(spec.training.loss, spec.training.reduction, *problem.T_test.shape)
        yield "test_loss", evaluation.loss(spec.training.loss, values, problem.T_test, number)
