"""A single run: its initial parameters, and its trajectory, computed again."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape import spec as specs
from saddlescape.kernels import Trained
from saddlescape.plan import Plan, starts
from saddlescape.runs.compute import measured
from saddlescape.runs.derived import origin
from saddlescape.runs.growth import growth
from saddlescape.runs.prepare import Floats, Prepared, prepare
from saddlescape.spec import Spec, Sweep
from saddlescape.spec.classes import missing
from saddlescape.system.arguments import ArgumentError, point_index, run_number
from saddlescape.system.arithmetic import ieee
from saddlescape.words.measures import MEASURES
from saddlescape.words.suggest import hint


@ieee()
def start(sweep: str | Path | Sweep, point: Sequence[int] | int = (), run: int = 0) -> npt.NDArray[Any]:
    """Initial parameters of one run.

    Parameters
    ----------
    sweep : a TOML file, the name of a bundled sweep, or a loaded sweep.
    point : one index for each axis; a negative one counts from the end.
    run : number of the run, from 0; for a slice, the number of the cell, ``ix * y.n + iy``.

    Returns
    -------
    (n_params,) array, layer by layer, and for each unit its incoming weights, then its bias.

    Raises
    ------
    ArgumentError
        If there is no such point or run.  It is a `ValueError`, too.

    Examples
    --------
    >>> ss.start("xor", (8,), run=3)  # doctest: +SKIP
    """
    spec, numbers, number = _select(Plan(_load(sweep)), point, run, "start")
    drawn = starts.draw(spec, np.array([number]), numbers=numbers)[0]
    return np.asarray(drawn.astype(spec.network.dtype))


@ieee()
def replay(
    sweep: str | Path | Sweep, point: Sequence[int] | int = (), run: int = 0, fields: Sequence[str] | None = None
) -> dict[str, npt.NDArray[Any]]:
    """Compute one run again, bit for bit, and record its parameters, too.

    Parameters
    ----------
    sweep : a TOML file, the name of a bundled sweep, or a loaded sweep.
    point : one index for each axis; a negative one counts from the end.
    run : number of the run, from 0; for a slice, the number of the cell, ``ix * y.n + iy``.
    fields : names of measures (docs/measures.md), such as ``["loss", "separation"]``; by default those of the sweep.

    Returns
    -------
    dict of arrays, one row per record: ``record_step`` (for the gradient flow ``record_time``), the fields (float64)
    and ``theta`` of shape (records, n_params); rows after the stop are NaN.

    Raises
    ------
    ArgumentError
        If there is no such point, run or measure.  It is a `ValueError`, too.

    Examples
    --------
    >>> ss.replay("xor", (8,), run=3)["theta"][-1]  # doctest: +SKIP
    """
    plan = Plan(_load(sweep))
    spec, numbers, number = _select(plan, point, run, "replay")
    spec = recording(spec, fields)
    ready, trained = record(spec, np.array([number]), numbers, plan.record_at)
    own, paths = origin(spec, ready.batch), {"theta": trained.theta_path}
    paths |= dict(measured(spec.record.fields, spec, trained.measures, trained.theta_path, own))
    paths |= {name: values for name, (values, _) in growth(spec.record.fields, ready, trained).items()}
    return {coordinate(spec): plan.record_at, **{name: values[0] for name, values in paths.items()}}


def recording(spec: Spec, fields: Sequence[str] | None) -> Spec:
    """A spec whose runs record their parameters and these measures, by default its own.

    Raises
    ------
    ArgumentError
        If there is no such measure.
    """
    measures = spec.record.fields if fields is None else _measures(fields, spec)
    return spec.changed("record", parameters=True, fields=measures)


def record(
    spec: Spec,
    runs: npt.NDArray[np.int64],
    numbers: Mapping[str, Floats],
    at: npt.NDArray[Any],
    theta: Floats | None = None,
    after_slice: Callable[[int], None] | None = None,
) -> tuple[Prepared, Trained]:
    """Train runs, which record a trajectory each, at these steps or times; `theta` as of `prepare`."""
    ready = prepare(spec, runs, numbers, theta=theta, recorded=np.arange(len(runs)), record_at=at)
    return ready, ready.train(after_slice=after_slice)


def coordinate(spec: Spec) -> str:
    """The name of the steps or times of records."""
    return "record_time" if spec.flows else "record_step"


def _load(sweep: str | Path | Sweep) -> Sweep:
    return sweep if isinstance(sweep, Sweep) else specs.load(sweep)


def _select(
    plan: Plan, point: Sequence[int] | int, run: int, method: str
) -> tuple[Spec, dict[str, Floats], int]:
    """The spec of a point, its numbers, and the number of the run."""
    sweep, axes = plan.sweep, len(plan.sweep.shape)
    names = [dimension.name for dimension in plan.dimensions[:axes]]
    index = point_index(point, dict(zip(names, sweep.shape, strict=True)), method)
    number = run_number(run, range(math.prod(plan.shape[axes:])))
    spec = sweep.structure(index)
    return spec, sweep.numbers([np.array([i]) for i in index], 1, spec), number


def _measures(fields: Sequence[str], spec: Spec) -> tuple[str, ...]:
    if isinstance(fields, str) or not all(isinstance(name, str) for name in fields):
        raise ArgumentError(f'fields must be a list of names, such as ["loss"]; got {fields!r}')
    if unknown := set(fields) - MEASURES.keys():
        got = f"{', '.join(sorted(unknown))}{hint(min(unknown), MEASURES)}"
        raise ArgumentError(f"fields must be chosen from {', '.join(MEASURES)}; got {got}")
    if lacking := [(name, needed) for name in fields if (needed := missing(spec, name))]:
        raise ArgumentError("fields: {!r} needs {}".format(*lacking[0]))
    return tuple(fields)
