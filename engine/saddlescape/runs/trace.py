"""Paths of given starts, up to the state in which they stop."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.errors import SpecError, Stopped
from saddlescape.plan.records import record_at
from saddlescape.runs.compute import can_collapse, codes_of, measured
from saddlescape.runs.derived import origin
from saddlescape.runs.from_array import STOPPED, first_run, starts_of
from saddlescape.runs.growth import growth
from saddlescape.runs.prepare import numbers_of
from saddlescape.runs.replay import coordinate, record, recording
from saddlescape.spec import Spec
from saddlescape.spec.axes import check_values
from saddlescape.spec.checks.record import schedule
from saddlescape.spec.numbers import vary
from saddlescape.system.arguments import ArgumentError
from saddlescape.system.arithmetic import ieee
from saddlescape.words.measures import BASIC

STEPS, TIMES = ("escape_step", "solve_step", "stop_step"), ("escape_time", "solve_time", "stop_time")


class RecordError(SpecError, ArgumentError):
    """An error of the argument `record`."""


@ieee()
def trace(
    spec: Spec,
    theta: npt.ArrayLike,
    fields: Sequence[str] | None = None,
    record: str | Sequence[float] | None = None,
    *,
    numbers: Mapping[str, npt.ArrayLike] | None = None,
    first: int = 0,
    should_stop: Callable[[], bool] | None = None,
) -> list[dict[str, Any]]:
    """Train from one or a few starts, and record measures and parameters along their paths, the last state included.

    The runs have the bits of `run_starts`, with the same numbers of runs.

    Parameters
    ----------
    spec : one point of a sweep, such as ``ss.load("xor").spec``; its own starts are ignored.
    theta : (n_runs, n_params), the starts.
    fields : names of measures (docs/measures.md), such as ``["loss", "separation"]``; by default those of the spec.
    record : the recorded steps, as of ``record.steps``: ``"log:64"``, ``"every:10"``, or a list; for the gradient flow
        times, as of ``record.times``.  By default those of the spec.
    numbers, first, should_stop : as for `run_starts`.

    Returns
    -------
    list of a dict for each start : arrays with a row for each record before the stop, and one for the stop:
        ``record_step`` (for the gradient flow ``record_time``), the fields (float64), and ``theta``
        (records, n_params); and numbers of the run: ``outcome`` and ``stop_reason`` (codes), ``escape_step``,
        ``solve_step`` and ``stop_step`` (-1 for never), for the flow also the times.  No run is *fitted*, as a run is
        compared with no others.

    Raises
    ------
    ArgumentError
        As for `run_starts`, or if there is no such measure, or `record` is no valid schedule.  A `ValueError`, too.
    Stopped
        If `should_stop()` returned true.

    Examples
    --------
    >>> (path,) = ss.trace(ss.load("xor").spec, np.full((1, 9), 0.1), ["loss"])  # doctest: +SKIP
    >>> path["loss"][-1], path["theta"][-1]  # doctest: +SKIP
    """
    rows = starts_of(spec, theta)
    spec, varied = vary(spec, numbers, len(rows))
    values, number = numbers_of(spec, len(rows)) | varied, first_run(first, len(rows))
    spec = _scheduled(recording(spec, fields), record)
    return _paths(spec, rows, number + np.arange(len(rows)), values, should_stop)


def _ask(should_stop: Callable[[], bool] | None, steps: int) -> None:
    if should_stop is not None and should_stop():
        raise Stopped(STOPPED)


def _scheduled(spec: Spec, schedule_: str | Sequence[float] | None) -> Spec:
    if schedule_ is None:
        return spec
    key = "times" if spec.flows else "steps"
    given = schedule_ if isinstance(schedule_, str) else np.asarray(schedule_).tolist()
    values, faults = check_values("record", f"record.{key}", [given])
    if not faults:
        spec = spec.changed("record", **{key: values[0], "epochs": None})
        faults = [*schedule(spec, {})]
    if faults:
        raise RecordError(fault._replace(path="record") for fault in faults)
    return spec


def _paths(
    spec: Spec,
    theta: npt.NDArray[np.float64],
    runs: npt.NDArray[np.int64],
    numbers: Mapping[str, npt.NDArray[Any]],
    should_stop: Callable[[], bool] | None,
) -> list[dict[str, Any]]:
    at = record_at(spec.record, [spec])
    ask = partial(_ask, should_stop)
    ready, trained = record(spec, runs, numbers, at, theta, ask)
    fields, path, grown = spec.record.fields, trained.theta_path, growth(spec.record.fields, ready, trained, ask)
    origins = origin(spec, ready.batch)
    along = {**dict(measured(fields, spec, trained.measures, path, origins)), "theta": path}
    ends = {**dict(measured({*BASIC, *fields}, spec, trained.final, trained.theta, origins)), "theta": trained.theta}
    for name, values in grown.items():
        along[name], ends[name] = values
    codes = codes_of(spec, ready.batch, trained, can_collapse(spec, numbers))
    each = {"outcome": codes, **{name: getattr(trained, name) for name in ("stop_reason", *STEPS)}}
    each |= dict(zip(TIMES, trained.times.T, strict=True)) if spec.flows else {}
    stop = each["stop_time" if spec.flows else "stop_step"]

    def of(run: int) -> dict[str, Any]:
        n = int(np.searchsorted(at, stop[run]))  # records before the stop
        rows = {name: np.concatenate([along[name][run, :n], ends[name][run][None]]) for name in along}
        own = {name: values[run] for name, values in each.items()}
        return {coordinate(spec): np.append(at[:n], stop[run]), **rows, **own}

    return [of(run) for run in range(len(runs))]
