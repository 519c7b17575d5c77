"""A single run: its initial parameters, and its trajectory computed again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape import spec as specs
from saddlescape.plan import Plan, starts
from saddlescape.runs.compute import measured
from saddlescape.runs.prepare import prepare
from saddlescape.spec import Sweep
from saddlescape.system.arithmetic import ieee
from saddlescape.words.measures import MEASURES
from saddlescape.words.suggest import hint


@ieee()
def start(sweep: str | Path | Sweep, point: Sequence[int] | int = (), run: int = 0) -> npt.NDArray[Any]:
    """Initial parameters of run `run` at a point.

    Parameters
    ----------
    sweep : a TOML file, the name of a bundled sweep, or a loaded one.
    point : an index along each axis.
    run : number of the run; of a slice the number of the cell, ``ix * y.n + iy``.

    Returns
    -------
    (n_params,) array, layer by layer, per unit its weights, then its bias.

    Examples
    --------
    >>> ss.start("xor", (8,), run=3)  # doctest: +SKIP
    """
    loaded = sweep if isinstance(sweep, Sweep) else specs.load(sweep)
    spec, numbers = _point(loaded, point)
    drawn = starts.draw(spec, np.array([run]), numbers["starts.scale"])[0]
    return np.asarray(drawn.astype(spec.network.dtype))


@ieee()
def replay(
    sweep: str | Path | Sweep, point: Sequence[int] | int = (), run: int = 0, fields: Sequence[str] | None = None
) -> dict[str, npt.NDArray[Any]]:
    """Compute one run again, with its parameters at every record, bit for bit as in the sweep.

    Parameters
    ----------
    sweep : a TOML file, the name of a bundled sweep, or a loaded one.
    point, run : an index along each axis; the number of the run.
    fields : measures (docs/measures.md); by default those of the sweep.

    Returns
    -------
    dict of arrays over records: ``record_step`` (of the flow ``record_time``), the fields (float64) and ``theta``
    (records, n_params); records after the stop are NaN.

    Examples
    --------
    >>> ss.replay("xor", (8,), run=3)["theta"][-1]  # doctest: +SKIP
    """
    loaded = sweep if isinstance(sweep, Sweep) else specs.load(sweep)
    spec, numbers = _point(loaded, point)
    fields = spec.record.fields if fields is None else tuple(fields)
    if unknown := set(fields) - MEASURES.keys():
        got = ", ".join(sorted(unknown))
        raise ValueError(f"fields must be of {', '.join(MEASURES)}; got {got}{hint(min(unknown), MEASURES)}")
    record = spec.record.model_copy(update={"parameters": True, "fields": fields})
    kept = spec.model_copy(update={"record": record})
    row = np.zeros(1, dtype=np.int64)  # of its trajectory
    record_at = Plan(loaded).record_at
    trained = prepare(kept, np.array([run]), numbers, recorded=row, record_at=record_at).train()
    coordinate = "record_time" if spec.flows else "record_step"
    theta = trained.theta_path[0]
    return {coordinate: record_at, **dict(measured(fields, spec, trained.measures[0], theta)), "theta": theta}


def _point(sweep: Sweep, point: Sequence[int] | int) -> tuple[specs.Spec, dict[str, npt.NDArray[np.float64]]]:
    index, shape = np.atleast_1d(point).tolist(), sweep.shape
    if len(index) != len(shape):
        remedy = "" if shape else "; leave it out and name the run: run=0"
        raise ValueError(f"point must have one index for each of the {len(shape)} axes; got {point}{remedy}")
    if off := [(i, n) for i, n in zip(index, shape, strict=True) if not -n <= i < n]:
        raise ValueError(f"point must have an index below {off[0][1]} along an axis of as many values; got {off[0][0]}")
    index = [i % n for i, n in zip(index, shape, strict=True)]
    return sweep.structure(index), sweep.numbers([np.array([i]) for i in index], 1)
