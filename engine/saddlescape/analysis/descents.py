"""Descents from saddles along their directions of negative curvature."""

import numpy as np
import numpy.typing as npt

from saddlescape.analysis.points import Report, derivatives
from saddlescape.runs.from_array import run_starts
from saddlescape.spec import Spec
from saddlescape.spec.sections import Events, Record, Stop, Training
from saddlescape.words.optimizers import OPTIMIZERS, Decay

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.int64]

AWAY = 1e-3
"""Distance from the saddle at which the flow starts."""

REST = 1e-7
"""Largest component of the gradient at which the flow has come to a stationary point; at its start, it is larger."""

TIME, ATTEMPTS = 1e7, 10**6
"""Time and steps of the flow, at most."""


def descents(spec: Spec, of: Report, threads: int | None = None) -> tuple[Integers, Integers, Floats]:
    """Follow the flow from both sides of each saddle along each eigenvector of negative curvature.

    Returns
    -------
    (descents,) the row of the saddle in the report; (descents,) the direction, +-(k + 1) for eigenvalue k;
    (descents, n_params) where the flow has come to.
    """
    _, vectors = np.linalg.eigh(derivatives(spec, of.theta).hessian)
    largest = abs(vectors).argmax(axis=1, keepdims=True)
    vectors = vectors * np.sign(np.take_along_axis(vectors, largest, axis=1))  # signs of LAPACK are arbitrary
    ways = [(row, sign * (k + 1)) for row, n in enumerate(of.index) for k in range(n) for sign in (1, -1)]
    if not ways:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, spec.n_params))
    row, way = np.array(ways, dtype=np.int64).T
    starts = of.theta[row] + AWAY * np.sign(way)[:, None] * vectors[row, :, abs(way) - 1]
    rest = np.minimum(REST, AWAY / 100 * abs(of.spectrum[row, abs(way) - 1]))
    runs = run_starts(flowing(spec), starts, numbers={"stop.gradient": rest}, threads=threads)
    return row, way, runs["final_theta"]


def flowing(spec: Spec) -> Spec:
    """The spec of the gradient flow of its objective, up to the next stationary point."""
    keys = spec.training
    coupled = OPTIMIZERS[keys.optimizer].decay is Decay.COUPLED
    flow = Training(
        optimizer="flow", loss=keys.loss, reduction=keys.reduction, weight_decay=keys.weight_decay * coupled,
        l1=keys.l1, decay=keys.decay, bias_rate=float(keys.bias_rate > 0), time=TIME, steps=ATTEMPTS,
    )  # fmt: skip
    stop = Stop(solved=0.0, gradient=REST, diverged=1e300)
    update = {"training": flow, "events": Events(), "stop": stop, "record": Record(fields=(), runs=0)}
    return spec.model_copy(update=update).changed("network", dtype="float64")
