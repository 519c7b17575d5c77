"""Measures of derivatives, computed from recorded parameters after the run: curvature, tangent kernel, dead units."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from saddlescape.kernels import Batch, curvature, jacobian, kernel_change, kernel_condition, slopes
from saddlescape.network import layout
from saddlescape.runs.prepare import plain_trainer
from saddlescape.spec import Spec
from saddlescape.spec.classes import missing
from saddlescape.words.losses import LOSSES
from saddlescape.words.measures import CURVATURE, TANGENT_KERNEL
from saddlescape.words.optimizers import OPTIMIZERS, Decay

Floats = npt.NDArray[np.float64]
Values = npt.NDArray[np.floating]

CHUNK = 2**18
"""Numbers of Jacobians that are in memory at once, at most, or those of one run."""


@dataclass(frozen=True)
class Origin:
    """What these measures need of runs besides parameters: starts (n_runs, n_params), and penalties (n_runs,)."""

    start: Values
    weight_decay: Floats
    l1: Floats

    def of(self, runs: npt.NDArray[np.intp]) -> "Origin":
        """That of some of the runs."""
        return Origin(self.start[runs], self.weight_decay[runs], self.l1[runs])


def origin(spec: Spec, batch: Batch) -> Origin:
    """The origin of the runs of a batch; decoupled weight decay is no part of the objective."""
    coupled = OPTIMIZERS[spec.training.optimizer].decay is Decay.COUPLED
    decay, l1 = (np.asarray(batch.hyperparameters[name]) for name in ("weight_decay", "l1"))
    return Origin(batch.theta, decay if coupled else np.zeros_like(decay), l1)


def derived(fields: Collection[str], spec: Spec, theta: Values, runs: Origin) -> Iterator[tuple[str, Values]]:
    """Yield the measures of `DERIVED` among the fields by name, for parameters (n_runs, ..., n_params).

    Parameters that are not finite, as after the stop, have NaN.
    """
    for names, function in ((CURVATURE, _curvature), (TANGENT_KERNEL, _tangent_kernel)):
        there = [name for name in names if name in fields and not missing(spec, name)]
        found = function(there, spec, theta, runs) if there else {}
        for name in (name for name in names if name in fields):
            yield name, found[name] if name in found else np.full(theta.shape[:-1], np.nan)
    if "dead_units" in fields:
        yield "dead_units", _dead_units(spec, theta)


def _curvature(names: Collection[str], spec: Spec, theta: Values, runs: Origin) -> dict[str, Floats]:
    there = _finite(theta)
    run = np.nonzero(there)[0]
    free = layout.is_bias(*spec.shape) & (spec.training.decay == "weights")
    penalties = runs.weight_decay[run], runs.l1[run], (~free).astype(np.float64)
    found = curvature(plain_trainer(spec), spec.loaded.X, spec.loaded.T, theta[there], *penalties)
    values = {"sharpness": found.sharpness, "hessian_trace": found.trace, "curvature_along_step": found.along_gradient}
    return {name: _placed(there, values[name]) for name in names}


def _finite(theta: Values) -> npt.NDArray[np.bool_]:
    return np.asarray(np.isfinite(theta).all(axis=-1))


def _placed(there: npt.NDArray[np.bool_], values: Floats) -> Floats:
    result = np.full(there.shape, np.nan)
    result[there] = values
    return result


def _tangent_kernel(names: Collection[str], spec: Spec, theta: Values, runs: Origin) -> dict[str, Floats]:
    trainer, X = plain_trainer(spec), spec.loaded.X
    if LOSSES[spec.training.loss].entropy:
        trainer = replace(trainer, loss="half_sse", activations=(*spec.activations[:-1], "linear"))
    n, rows = theta.shape[-1], len(X) * spec.sizes[-1]
    paths = theta.reshape(len(theta), math.prod(theta.shape[1:-1]), n)
    values = {name: np.empty(paths.shape[:-1]) for name in names}
    step = max(1, CHUNK // (max(1, paths.shape[1]) * n * rows))
    for part in (slice(first, first + step) for first in range(0, len(paths), step)):
        path, start = (jacobian(trainer, X, points).reshape(*points.shape[:-1], rows, n)
                       for points in (paths[part], runs.start[part]))  # fmt: skip
        if "ntk_change" in names:
            values["ntk_change"][part] = kernel_change(start, path)
        if "ntk_condition" in names:
            values["ntk_condition"][part] = kernel_condition(path.reshape(-1, rows, n)).reshape(path.shape[:2])
    finite = _finite(theta)
    return {name: np.where(finite, own.reshape(theta.shape[:-1]), np.nan) for name, own in values.items()}


def _dead_units(spec: Spec, theta: Values) -> Floats:
    """Number of dead units (..., hidden layers)."""
    flat = slopes(plain_trainer(spec), spec.loaded.X, theta) == 0
    ends = np.cumsum(spec.network.hidden)[:-1]
    dead = [unit.sum(axis=-1) for unit in np.split(flat.all(axis=-2), ends, axis=-1)]
    finite = _finite(theta)
    relu = [activation == "relu" for activation in spec.activations[:-1]]
    columns = [np.where(finite, own, np.nan) if its else np.full(finite.shape, np.nan)
               for own, its in zip(dead, relu, strict=True)]  # fmt: skip
    return np.stack(columns, axis=-1)
