"""The steps or times at which a run is recorded."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from saddlescape.spec import Spec
from saddlescape.spec.sections import Record
from saddlescape.system.spacing import geomspace


def record_at(record: Record, specs: Sequence[Spec]) -> npt.NDArray[np.int64] | npt.NDArray[np.float64]:
    """Recorded steps, or times of the flow; with minibatches, only ends of epochs of all networks and of runs."""
    if specs[0].flows:
        ends = [spec.training.time for spec in specs]
        return np.union1d(record_times(record.times, max(ends)), ends)
    if (epochs := record.epochs) is not None:
        recorded = [record_steps(epochs, spec.steps // spec.epoch) * spec.epoch for spec in specs]
        return np.unique(np.concatenate(recorded))
    epoch, last = math.lcm(*(spec.epoch for spec in specs)), max(spec.steps for spec in specs)
    return np.union1d(record_steps(record.steps, last) // epoch * epoch, [spec.steps for spec in specs])


def record_times(schedule: str | tuple[float, ...], end: float) -> npt.NDArray[np.float64]:
    """The recorded times of a run that ends at time `end`, increasing; 0 and `end` are always included.

    ``"log:N"``: N times evenly spaced in the logarithm from `end` / 10^4 to `end`; ``"linear:N"``: N evenly
    spaced times after 0; or a list of times.
    """
    if not isinstance(schedule, str):
        inner = np.asarray(schedule, dtype=np.float64)
    elif schedule.startswith("log:"):
        inner = _log(end / 10**4, end, int(schedule[4:]))
    else:
        inner = np.linspace(0, end, int(schedule.removeprefix("linear:")) + 1)
    return np.unique(np.concatenate([[0.0], inner[inner <= end], [end]]))


def record_steps(schedule: str | tuple[int, ...], steps: int) -> npt.NDArray[np.int64]:
    """The recorded steps of a run of `steps` steps, increasing; 0 and `steps` are always included.

    ``"log:N"``: N steps evenly spaced in the logarithm from 1 to `steps` (fewer if some round to the same
    step); ``"every:N"``: every N-th step; or a list of steps.
    """
    if not isinstance(schedule, str):
        inner = np.asarray(schedule, dtype=np.int64)
    elif schedule.startswith("log:"):
        inner = np.rint(_log(1, steps, int(schedule[4:]))).astype(np.int64)
    else:
        inner = np.arange(0, steps, int(schedule.removeprefix("every:")), dtype=np.int64)
    return np.unique(np.concatenate([[0], inner[inner <= steps], [steps]]).astype(np.int64))


def _log(first: float, last: float, n: int) -> npt.NDArray[np.float64]:
    return geomspace(first, last, n) if n > 1 else np.array([first], dtype=np.float64)
